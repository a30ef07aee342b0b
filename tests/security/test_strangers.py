"""What somebody without credentials can make us do with certificates and names: little, and soon."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cygnet.credentials.judgement import Evidence, Why
from cygnet.credentials.path import judge
from cygnet.credentials.store import Store
from cygnet.crypto.crl import Crl
from cygnet.crypto.pem import certificates_in, pem_blocks
from cygnet.crypto.publickey import PublicKey, SignatureAlgorithm, SignatureError, public_key
from cygnet.crypto.publickey import signature_algorithm as algorithm_of
from cygnet.crypto.sign import rsa_pkcs1
from cygnet.crypto.x509 import CertificateError
from cygnet.engine import revocation
from cygnet.engine.certificates import MOST
from cygnet.engine.ikev1 import signatures
from cygnet.engine.services import LONGEST_LINE, one_line
from cygnet.model.config import IkeVersion
from cygnet.testing.pair import Pair
from cygnet.values import der, dn
from cygnet.values.der import DerError
from cygnet.values.identity import Identity
from cygnet.wire.ikev1.certificate import X509_SIGNATURE, Cert
from cygnet.wire.ikev2 import sealing
from cygnet.wire.ikev2.cert import CertPayload
from cygnet.wire.ikev2.chain import encode_chain
from cygnet.wire.ikev2.numbers import CertEncoding
from cygnet.wire.ikev2.payload import Payload
from tests.certs import NOW, Holder, authority, make, new_key
from tests.exchange.certified import world


def up(pair: Pair) -> str:
    ref = pair.left.up("oregon")
    assert pair.run(60, lambda: ref in pair.left.finished)
    pair.run(1)
    return pair.left.finished[ref].reason


def name_of(count: int, value: bytes = b"x") -> bytes:
    pair = der.encode(der.SEQUENCE, der.encode_oid("2.5.4.3"), der.encode(dn.UTF8, value))
    return der.encode(der.SEQUENCE, *[der.encode(der.SET, pair)] * count)


# names ----------------------------------------------------------------------------------


def test_a_name_of_thousands_of_attributes_or_of_64_kb_is_none() -> None:
    assert len(dn.rdns(name_of(dn.MOST_ATTRIBUTES))) == dn.MOST_ATTRIBUTES
    for huge in (name_of(dn.MOST_ATTRIBUTES + 1), name_of(1, bytes(dn.LONGEST))):
        with pytest.raises(DerError):
            dn.rdns(huge)


def test_names_of_strangers_do_not_pile_up_in_memory() -> None:
    """Thousands of short names are remembered, but of long ones only a few."""
    for number in range(500):
        dn.canonical(name_of(1, b"%d" % number + b"x" * 4000))
    assert dn._long_rdns.cache_info().currsize <= 64 and dn._long_canonical.cache_info().currsize <= 64
    before = dn._rdns.cache_info().currsize
    dn.rdns(name_of(1, b"y" * 4000))
    assert dn._rdns.cache_info().currsize == before


def test_a_line_of_the_log_is_one_line_and_not_long() -> None:
    assert one_line("CN=moon") == "CN=moon"
    assert (
        one_line("fetching 'http://x/\x1b[2J\r\nforged line\u202e'")
        == "fetching 'http://x/?[2J??forged line?'"
    )
    assert len(one_line("x" * 100_000)) < LONGEST_LINE + 50


def test_terminal_escapes_in_a_subject_and_in_a_uri_do_not_reach_the_log() -> None:
    root = authority("Root")
    of = world(root=root)
    of.left = root.issues("ore\x1b[31mgon\nroot", names=["DNS:oregon.example.org"])
    pair = of.pair()
    assert up(pair) != ""
    assert all(line.isprintable() for host in pair.hosts for line in host.lines(4))


# files ----------------------------------------------------------------------------------


def test_many_pem_beginnings_without_an_end_cost_little() -> None:
    data = b"-----BEGIN CERTIFICATE-----\n" * 200_000
    odd = b"".join(b"-----BEGIN A%d-----\n" % n for n in range(100_000))
    before = time.process_time()
    assert pem_blocks(data) == pem_blocks(odd) == []
    for read in (certificates_in, Crl.parse):
        with pytest.raises(CertificateError):
            read(data)
    assert time.process_time() - before < 2, "looking for each one's end would take an hour"


def test_a_block_without_its_end_does_not_hide_the_next() -> None:
    one = make("one").certificate
    whole = x509.load_der_x509_certificate(one.der).public_bytes(Encoding.PEM)
    assert certificates_in(b"-----BEGIN X509 CRL-----\nAAAA\n" + whole) == (one,)


# keys -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bits", "exponent"), [(3072, (1 << 3071) + 1), (2048, (1 << 64) + 1), (20_000, 65537)]
)
def test_an_rsa_key_that_would_keep_us_busy_is_not_used(bits: int, exponent: int) -> None:
    """CVE-2017-9022 and its kin: keys that no honest CA makes."""
    numbers = rsa.RSAPublicNumbers(exponent, (1 << bits) - 159)
    key = public_key(numbers.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    before = time.process_time()
    for _ in range(100):
        with pytest.raises(SignatureError, match="none that can be used"):
            key.verify(algorithm_of(rsa_pkcs1("sha256")), bytes(bits // 8), b"x")
    assert time.process_time() - before < 0.1


@pytest.mark.parametrize("modulus", [0, 1, 2, 1 << 2047])
@pytest.mark.parametrize("exponent", [0, 1, 2, 65536])
def test_an_rsa_key_of_no_value_verifies_nothing(modulus: int, exponent: int) -> None:
    """CVE-2017-9022: a modulus of zero, an even exponent."""

    def number(value: int) -> bytes:
        return der.encode(der.INTEGER, value.to_bytes(value.bit_length() // 8 + 1))

    inner = der.encode(der.SEQUENCE, number(modulus), number(exponent))
    algorithm = der.encode(der.SEQUENCE, der.encode_oid("1.2.840.113549.1.1.1"), b"\x05\x00")
    key = public_key(der.encode(der.SEQUENCE, algorithm, der.encode(der.BIT_STRING, b"\0", inner)))
    for signature in (b"", b"\0", bytes(256), b"\1" * 256):
        with pytest.raises(SignatureError):
            key.verify(algorithm_of(rsa_pkcs1("sha256")), signature, b"x")


@pytest.mark.parametrize("pss", [False, True])
def test_an_rsa_signature_of_zero_or_of_any_length_is_wrong(pss: bool) -> None:
    """CVE-2017-11185: the number 0 as a signature."""
    holder = authority("R", key="rsa-2048")
    made = padding.PSS(padding.MGF1(hashes.SHA256()), 32) if pss else None
    algorithm = holder.issues("leaf", padding=made).certificate.algorithm
    assert bool(algorithm.pss) is pss
    for signature in (b"", b"\0", bytes(255), bytes(256), bytes(257), b"\xff" * 256, b"\1" * 60_000):
        with pytest.raises(SignatureError):
            holder.certificate.key.verify(algorithm, signature, b"x")


def test_a_serial_number_of_a_hundred_bytes_is_refused() -> None:
    assert make("x", serial=(1 << 159) - 1)
    with pytest.raises((CertificateError, ValueError)):
        make("x", serial=1 << 800)


# paths ----------------------------------------------------------------------------------


def mesh(root: Holder, size: int) -> tuple[Holder, list[Holder]]:
    """A stranger's CAs that all sign each other and call the root their issuer, and a leaf of theirs."""
    keys = [new_key() for _ in range(size)]
    own = [make(f"CA {n}", key=keys[n], ca=True, key_ids=False) for n in range(size)]
    crossed = [
        own[a].issues(f"CA {b}", key=keys[b], ca=True, key_ids=False)
        for a in range(size)
        for b in range(size)
        if a != b
    ]
    claims = [make(f"CA {n}", key=keys[n], ca=True, issuer_name="Root", key_ids=False) for n in range(size)]
    return own[0].issues("CN=oregon", key_ids=False), [*claims, *crossed]


def test_no_signature_is_checked_with_a_key_that_a_stranger_brings(monkeypatch: pytest.MonkeyPatch) -> None:
    root = authority("Root")
    leaf, offered = mesh(root, 5)
    used: list[PublicKey] = []
    verify = PublicKey.verify

    def watched(key: PublicKey, algorithm: SignatureAlgorithm, signature: bytes, data: bytes) -> None:
        used.append(key)
        verify(key, algorithm, signature, data)

    monkeypatch.setattr(PublicKey, "verify", watched)
    evidence = Evidence(anchors=(root.certificate,), offered=tuple(one.certificate for one in offered[:MOST]))
    before = time.process_time()
    found = judge(leaf.certificate, evidence, NOW)
    assert found.path is None and time.process_time() - before < 1
    assert set(used) <= {root.certificate.key} and len(used) <= MOST
    sub = root.issues("Sub", ca=True)
    last = sub.issues("leaf")
    given = Evidence((root.certificate,), (sub.certificate, *evidence.offered))
    assert judge(last.certificate, given, NOW).path is not None


def test_a_mesh_of_many_names_ends_soon() -> None:
    leaf, offered = mesh(authority("Root"), 7)
    evidence = Evidence(anchors=(), offered=tuple(one.certificate for one in offered))
    before = time.process_time()
    found = judge(leaf.certificate, evidence, NOW)
    assert found.path is None and time.process_time() - before < 1
    assert Why.GAVE_UP in {r.why for a in found.attempts for r in a.reasons}


def test_a_root_that_a_stranger_brings_along_is_no_anchor_whatever_it_is_called() -> None:
    """CVE-2004-0590: a self-signed certificate with the CA's name comes with the peer's."""
    root = authority("C=CH, O=Cygnet, CN=Root")
    false = authority("C=CH, O=Cygnet, CN=Root")
    for key_ids in (True, False):
        leaf = false.issues("CN=oregon", key_ids=key_ids)
        evidence = Evidence((root.certificate,), (false.certificate,))
        assert judge(leaf.certificate, evidence, NOW).path is None


# handshakes -----------------------------------------------------------------------------


def test_of_hundreds_of_cert_payloads_only_a_few_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def many(payloads: Sequence[Payload]) -> bytes:
        junk = [CertPayload(CertEncoding.X509_SIGNATURE, b"junk %d" % n) for n in range(25)]
        return encode_chain([*payloads[:1], *junk, *payloads[1:]] if len(payloads) > 3 else payloads)

    pair = world().pair()
    monkeypatch.setattr(sealing, "encode_chain", many)
    assert up(pair) != ""
    said = [line for line in pair.right.lines() if "that cannot be read" in line]
    assert len(said) <= MOST
    assert any(f"more than {MOST} certificates" in line for line in pair.right.lines())


def test_a_peer_that_fits_a_thousand_connections_is_judged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    of = world()
    of.left = authority("Other").issues("oregon")
    ours, theirs = of.configs()
    (one,) = theirs.connections
    many = tuple(replace(one, name=f"c{n}") for n in range(1000))
    pair = Pair(ours, replace(theirs, connections=many), unix=NOW)
    judged: list[object] = []
    checked: list[object] = []
    judge_, verify = revocation.judge, PublicKey.verify

    def counted(*args: object) -> object:
        judged.append(args[0])
        return judge_(*args)  # type: ignore[arg-type]

    def watched(key: PublicKey, *args: object) -> None:
        checked.append(key)
        verify(key, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(revocation, "judge", counted)
    monkeypatch.setattr(PublicKey, "verify", watched)
    before = time.process_time()
    assert up(pair) != ""
    assert len(judged) == 1 and len(checked) <= 2
    assert time.process_time() - before < 3


def test_certificates_in_the_clear_are_not_read_in_ikev1(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is on the way could push his own in front of the peer's."""
    stranger = make("stranger").certificate
    requests = signatures.requests

    def more(*args: Any) -> list[Any]:
        return [*requests(*args), Cert(X509_SIGNATURE, stranger.der)]

    monkeypatch.setattr(signatures, "requests", more)
    pair = world().pair(IkeVersion.V1)
    pair.left.up("oregon")
    pair.run(10)
    assert "payload type CERT was not encrypted, message ignored" in pair.left.lines()
    assert not any("stranger" in line for line in pair.left.lines())
    pair = world().pair(IkeVersion.V1, aggressive=True)
    assert up(pair) == ""
    assert not any("stranger" in line for line in pair.right.lines())


def test_which_cas_are_asked_for_is_known_soon_with_a_thousand_conns() -> None:
    """The answer to anybody's first message names them."""
    roots = [authority(f"CA {n}") for n in range(100)]
    of = world()
    of.right_cas = (*of.right_cas, *roots)
    _, theirs = of.configs()
    store = Store(theirs)
    remote = theirs.connections[0].remote[0]
    rounds = [
        replace(remote, authorities=(Identity.parse(f"CN=ca {n % 100}"), Identity.parse("O=None, CN=*")))
        for n in range(1000)
    ]
    before = time.process_time()
    for _ in range(10):
        assert set(store.authorities(rounds)) == {one.certificate for one in roots}
    assert time.process_time() - before < 0.5
    wild = replace(remote, authorities=(Identity.parse("CN=*"),))
    assert len(store.authorities([wild])) == 101
