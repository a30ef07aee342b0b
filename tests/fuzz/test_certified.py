"""Whole handshakes with certificates in which a peer that has the keys of the IKE_SA changes what it shows:
certificates, requests, identities and proofs. And the files that somebody may be given: PKCS#12, keys, PEM.

Invariant: nothing raises, each handshake and each file takes less than a second, and the next honest
handshake works.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.serialization import pkcs12

from cygnet.crypto.issuing.containers import load_pkcs12
from cygnet.crypto.issuing.keys import load_private, load_public
from cygnet.crypto.pem import certificates_in
from cygnet.engine.ikev1.exchange import Exchange, Exchanges
from cygnet.engine.ikev1.task import Outgoing
from cygnet.model.config import IkeVersion, SendCert, Settings
from cygnet.testing.network import Faults
from cygnet.testing.pair import Pair
from cygnet.values import dn, dn_text
from cygnet.values.der import DerError
from cygnet.values.errors import CygnetError
from cygnet.values.iana import IdType
from cygnet.values.identity import Identity
from cygnet.values.secret import Secret
from cygnet.wire.ikev1 import numbers as v1
from cygnet.wire.ikev1.certificate import Cert
from cygnet.wire.ikev1.message import body_of
from cygnet.wire.ikev1.payload import Unknown
from cygnet.wire.ikev2 import sealing
from cygnet.wire.ikev2.cert import CertPayload
from cygnet.wire.ikev2.chain import encode_chain
from cygnet.wire.ikev2.numbers import CertEncoding, PayloadType
from cygnet.wire.ikev2.payload import Payload
from cygnet.wire.ikev2.unknown import UnknownPayload
from tests.certs import NOW, Holder, authority
from tests.exchange.certified import World, world
from tests.fuzz.hostile import TIMES, calm_afterwards, noisy
from tests.fuzz.tally import Tally
from tests.fuzz.test_certificates import changed as changed_der

ROOT = authority("C=CH, O=Cygnet, CN=Root")
SUB = ROOT.issues("C=CH, O=Cygnet, CN=Sub", ca=True)
CRL, ANSWER = SUB.crl(), SUB.answers(SUB.certificate, SUB)
FAST = {"ike": "aes128-sha256-x25519"}
QUIET = Settings(block_threshold=0, cookie_threshold=0, fragment_size=0)


def of_kind(key: str) -> World:
    of = world(key, SUB)
    of.left_cas = of.right_cas = (ROOT, SUB)
    for local in (of.left_local, of.right_local):
        local["send_cert"] = SendCert.ALWAYS
    return of


WORLDS = {key: of_kind(key) for key in ("p256", "rsa-2048")}


def new_pair(version: IkeVersion, key: str, seed: str, **changes: Any) -> Pair:
    ours, theirs = WORLDS[key].configs(version, **changes)
    return Pair(*(replace(c, settings=QUIET) for c in (ours, theirs)), seed=seed, unix=NOW)


# what is changed ------------------------------------------------------------------------

OF_V2 = (PayloadType.CERT, PayloadType.CERTREQ, PayloadType.AUTH, PayloadType.ID_I, PayloadType.ID_R)
OF_V1 = (v1.PayloadType.CERT, v1.PayloadType.CERTREQ, v1.PayloadType.SIG, v1.PayloadType.ID)


def changed_body(rng: random.Random, body: bytes) -> bytes:
    """One byte of a kind and DER behind it, or whatever it is."""
    if rng.random() < 0.6 and body[1:2] == b"\x30":
        return body[:1] + changed_der(rng, body[1:])
    return noisy(rng, body)


def tampered_v2(rng: random.Random, payloads: Sequence[Payload]) -> list[Payload]:
    found = list(payloads)
    places = [at for at, one in enumerate(found) if one.type in OF_V2]
    if not places:
        return found
    at = rng.choice(places)
    how = rng.randrange(6)
    if how == 0:
        del found[at]
    elif how == 1:
        found.insert(at, found[rng.choice(places)])
    elif how == 2:
        kind = CertEncoding(
            rng.choice([CertEncoding.CRL, CertEncoding.OCSP, CertEncoding.RAW_PUBLIC_KEY, 12])
        )
        data = rng.choice([CRL.der, ANSWER.der, SUB.certificate.key.spki])
        found.insert(at, CertPayload(kind, changed_der(rng, data) if rng.random() < 0.7 else data))
    else:
        found[at] = UnknownPayload(found[at].type, changed_body(rng, found[at].encode()))
    return found


def tampered_v1(rng: random.Random, payloads: Sequence[Any]) -> list[Any]:
    found = list(payloads)
    places = [at for at, one in enumerate(found) if one.type in OF_V1]
    if not places:
        return found
    at = rng.choice(places)
    how = rng.randrange(6)
    if how == 0 and len(found) > 1:
        del found[at]
    elif how == 1:
        found.insert(at, found[rng.choice(places)])
    elif how == 2:
        found.insert(at, Cert(rng.choice([1, 4, 7, 10]), changed_der(rng, SUB.certificate.der)))
    else:
        found[at] = Unknown(found[at].type, changed_body(rng, body_of(found[at])))
    return found


@pytest.fixture
def evil(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[random.Random | None], None]]:
    """With a source of chance: both ends tamper. With None: both are honest."""
    honest = Exchanges._transmit

    def turn(rng: random.Random | None) -> None:
        if rng is None:
            monkeypatch.setattr(sealing, "encode_chain", encode_chain)
            monkeypatch.setattr(Exchanges, "_transmit", honest)
            return

        def transmit(self: Exchanges, exchange: Exchange, outgoing: Outgoing, expect: bool) -> None:
            if rng.random() < 0.6:
                outgoing = replace(outgoing, payloads=tampered_v1(rng, outgoing.payloads))
            honest(self, exchange, outgoing, expect)

        def encode(payloads: Sequence[Payload]) -> bytes:
            return encode_chain(tampered_v2(rng, payloads) if rng.random() < 0.6 else payloads)

        monkeypatch.setattr(sealing, "encode_chain", encode)
        monkeypatch.setattr(Exchanges, "_transmit", transmit)

    yield turn
    turn(None)


@pytest.mark.parametrize("mode", ["ikev2", "main", "aggressive"])
@pytest.mark.parametrize("first", range(0, 40 * TIMES, 20))
def test_a_peer_that_changes_what_it_shows_breaks_nothing_but_its_own_handshake(
    mode: str, first: int, evil: Callable[[random.Random | None], None], tally: Tally
) -> None:
    version = IkeVersion.V2 if mode == "ikev2" else IkeVersion.V1
    for seed in range(first, first + 20):
        tally["handshakes with changed certificates, identities and proofs"] += 1
        rng = random.Random(f"{mode} {seed}")
        changes = {"aggressive": True} if mode == "aggressive" else {}
        pair = new_pair(version, rng.choice(list(WORLDS)), f"{mode} {seed}", **changes)
        pair.network.faults = Faults(delay=0.05)
        evil(rng)
        before = time.process_time()
        for _ in range(3):
            pair.left.up("oregon")
            pair.run(4)
        assert time.process_time() - before < 3, f"{mode} {seed}"
        evil(None)
        calm_afterwards(pair, seed)
        pair.left.up("oregon")
        pair.run(400)  # an IKE_SA of IKEv1 that only one end has is given up first
        assert pair.left.established() and pair.right.established(), f"{mode} {seed}"


# files ----------------------------------------------------------------------------------

LEAF = SUB.issues("C=CH, O=Cygnet, CN=leaf", names=["DNS:leaf.example.org"])
RSA = SUB.issues("C=CH, O=Cygnet, CN=rsa", key="rsa-2048")
PASSWORD = Secret(b"secret")


def private(one: Holder, encoding: ser.Encoding, format: ser.PrivateFormat) -> bytes:
    data: bytes = one.key.private_bytes(encoding, format, ser.NoEncryption())
    return data


def container(one: Holder, encrypted: bool) -> bytes:
    protection: ser.KeySerializationEncryption = ser.NoEncryption()
    if encrypted:
        protection = (
            ser.PrivateFormat.PKCS12.encryption_builder()
            .kdf_rounds(50)
            .key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
            .build(b"secret")
        )
    return pkcs12.serialize_key_and_certificates(b"x", one.key, one.read, [SUB.read, ROOT.read], protection)


def bundle() -> bytes:
    pems = [h.read.public_bytes(ser.Encoding.PEM) for h in (LEAF, SUB, ROOT)]
    key = private(RSA, ser.Encoding.PEM, ser.PrivateFormat.TraditionalOpenSSL)
    return b"\xef\xbb\xbftext\r\n" + b"\r\n".join([*pems, key]).replace(b"\n", b"\r\n")


def public(one: Holder) -> bytes:
    data: bytes = one.key.public_key().public_bytes(ser.Encoding.DER, ser.PublicFormat.SubjectPublicKeyInfo)
    return data


P8, SEC1, DER, PEM = (
    ser.PrivateFormat.PKCS8, ser.PrivateFormat.TraditionalOpenSSL, ser.Encoding.DER, ser.Encoding.PEM,
)  # fmt: skip
FILES: dict[str, tuple[Callable[[bytes], object], list[bytes]]] = {
    "encrypted PKCS#12": (lambda data: load_pkcs12(data, PASSWORD, "x.p12"), [container(RSA, True)]),
    "plain PKCS#12": (lambda data: load_pkcs12(data, None, "x.p12"), [container(LEAF, False)]),
    "private keys": (
        lambda data: load_private(data, None, "x"),
        [private(h, e, f) for h in (LEAF, RSA) for e in (DER, PEM) for f in (P8, SEC1)],
    ),
    "public keys": (lambda data: load_public(data, "x"), [public(LEAF), public(RSA)]),
    "bundles": (certificates_in, [bundle()]),
    "PKCS#7": (certificates_in, [ser.pkcs7.serialize_certificates([LEAF.read, SUB.read], DER)]),
}


@pytest.mark.parametrize("what", FILES)
def test_a_file_is_read_or_refused(what: str, tally: Tally) -> None:
    read, seeds = FILES[what]
    rng = random.Random(what)
    for data in seeds:
        assert read(data)
    for _ in range(600 * min(TIMES, 30)):
        seed = rng.choice(seeds)
        der_like = seed.startswith(b"\x30")
        data = changed_der(rng, seed) if der_like and rng.random() < 0.5 else noisy(rng, seed)
        before = time.process_time()
        try:
            read(data)
            tally[f"{what} read"] += 1
        except CygnetError as refusal:
            assert len(str(refusal)) < 400 and len(str(refusal).splitlines()) == 1, refusal
            tally[f"{what} refused"] += 1
        assert time.process_time() - before < 1, data.hex()


LETTERS = 'CNOUEDS=,/+*\\"# \0\n\x1b0.5aé😀;:@'


def test_the_text_of_a_name_is_read_or_refused(tally: Tally) -> None:
    rng = random.Random("names")
    for _ in range(5000 * min(TIMES, 30)):
        start = rng.choice(["", "C=CH, O=Cygnet, CN=x", "/C=CH/CN=x", "asn1dn:#", "2.5.4.3="])
        text = start + "".join(rng.choice(LETTERS) for _ in range(rng.randrange(30)))
        try:
            name = dn_text.parse(text)
        except ValueError:
            tally["texts of names refused"] += 1
        else:
            assert dn.text(name).isprintable()
            tally["texts of names read"] += 1
        try:
            tally[f"identities of type {Identity.parse(text).type.name}"] += 1
        except ValueError:
            tally["identities refused"] += 1


def test_names_as_they_are_signed_are_read_or_refused(tally: Tally) -> None:
    rng = random.Random("signed names")
    seed = LEAF.certificate.subject.data
    for _ in range(5000 * min(TIMES, 30)):
        data = changed_der(rng, seed)
        try:
            dn.canonical(data)
            tally["names read"] += 1
        except DerError:
            tally["names refused"] += 1
        odd = Identity(IdType.DER_ASN1_DN, data)
        assert str(odd).isprintable() and odd.spelling
        assert odd.matches(LEAF.certificate.subject) in (0, 3)
