"""Certificates, CRLs and OCSP messages: what is read from them, and what is refused."""

from __future__ import annotations

import base64
import hashlib
import time
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7

from cygnet.crypto.crl import Crl
from cygnet.crypto.ocsp import CertId, OcspAnswer, OcspRequest, ocsp_request
from cygnet.crypto.pem import certificates_in
from cygnet.crypto.publickey import KeyKind, SignatureError
from cygnet.crypto.x509 import Certificate, CertificateError, KeyUse
from cygnet.values import der
from cygnet.values.iana import IdType
from cygnet.values.identity import Identity
from tests.certs import NOW, YEAR, authority, make, moment, new_key, spki

ROOT = authority("C=CH, O=Cygnet, CN=Root")


def test_everything_that_a_certificate_says_is_read() -> None:
    sub = ROOT.issues(
        "C=CH, CN=Sub",
        ca=True,
        path_length=2,
        policies=["1.2.3", "2.5.29.32.0"],
        mappings=[("1.2.3", "1.2.4")],
        constraints=(1, 2),
        inhibit_any=3,
        permitted=["DNS:example.org", "IP:192.0.2.0/24"],
        excluded=["EMAIL:.example.com", "DN:C=DE"],
        names=[
            "DNS:ca.example.org",
            "EMAIL:a@example.org",
            "IP:192.0.2.1",
            "IP:::1",
            "DN:CN=x",
            "URI:http://u",
        ],
        purposes=["1.3.6.1.5.5.7.3.17"],
        crls=["http://a/crl", "http://b/crl"],
        responders=["http://a/ocsp"],
        raw=[("1.3.6.1.5.5.7.48.1.5", b"\x05\x00", False), ("1.2.3.4", b"x", True), ("1.2.3.5", b"x", False)],
        serial=0xABCDEF,
    )
    read = sub.certificate
    assert read.serial == 0xABCDEF and read.version == 3
    assert (
        read.issuer
        == ROOT.certificate.subject
        == Identity(IdType.DER_ASN1_DN, ROOT.read.subject.public_bytes())
    )
    assert read.name == "C=CH, CN=Sub" and "Sub" in repr(read)
    assert (read.not_before, read.not_after) == (NOW - YEAR, NOW + YEAR)
    assert read.is_ca and read.path_length == 2
    assert read.key_usage == {KeyUse.KEY_CERT_SIGN, KeyUse.CRL_SIGN}
    assert read.extended_key_usage == {"1.3.6.1.5.5.7.3.17"}
    assert read.policies == ("1.2.3", "2.5.29.32.0") and read.policy_mappings == (("1.2.3", "1.2.4"),)
    assert (read.require_explicit_policy, read.inhibit_policy_mapping, read.inhibit_any_policy) == (1, 2, 3)
    assert read.name_constraints is not None
    assert [n.value for n in read.name_constraints.permitted] == [
        b"example.org", bytes([192, 0, 2, 0, 255, 255, 255, 0]),
    ]  # fmt: skip
    assert len(read.name_constraints.excluded) == 2
    assert [str(one) for one in read.names] == [
        "ca.example.org", "a@example.org", "192.0.2.1", "::1", "CN=x", "http://u",
    ]  # fmt: skip
    assert [one.type for one in read.identities] == [
        IdType.FQDN, IdType.USER_FQDN, IdType.IPV4_ADDR, IdType.IPV6_ADDR, IdType.DER_ASN1_DN,
    ]  # fmt: skip
    assert read.crl_uris == ("http://a/crl", "http://b/crl") and read.ocsp_uris == ("http://a/ocsp",)
    assert read.ocsp_no_check and read.unknown_critical == ("1.2.3.4",)
    assert read.authority_key_id == ROOT.certificate.subject_key_id
    read.verify_issued_by(ROOT.certificate)
    with pytest.raises(SignatureError):
        read.verify_issued_by(read)


@pytest.mark.parametrize(
    ("key", "kind", "bits"),
    [
        ("rsa-2048", KeyKind.RSA, 2048),
        ("p384", KeyKind.ECDSA, 384),
        ("bp256", KeyKind.ECDSA, 256),
        ("ed25519", KeyKind.ED25519, 256),
        ("ed448", KeyKind.ED448, 456),
        ("mldsa65", KeyKind.ML_DSA, 65),
    ],
)
def test_keys_and_their_two_key_ids(key: str, kind: KeyKind, bits: int) -> None:
    private = new_key(key)
    read = make("x", key=private).certificate
    assert (read.key.kind, read.key.bits, read.key.spki) == (kind, bits, spki(private))
    assert read.key.spki_keyid == hashlib.sha1(spki(private)).digest()
    assert read.key.keyid == x509.SubjectKeyIdentifier.from_public_key(private.public_key()).digest
    read.verify_issued_by(read)


def test_a_key_that_the_library_does_not_take_is_named_by_its_length() -> None:
    modulus = (1 << 511 | 1).to_bytes(64)
    numbers = der.encode(
        der.SEQUENCE, der.encode(der.INTEGER, b"\0" + modulus), der.encode(der.INTEGER, b"\1\0\1")
    )
    short = der.encode(
        der.SEQUENCE,
        der.encode(der.SEQUENCE, der.encode_oid("1.2.840.113549.1.1.1"), b"\x05\x00"),
        der.encode(der.BIT_STRING, b"\0", numbers),
    )
    read = altered(lambda fields: [*fields[:6], short, *fields[7:]])
    assert str(read.key) == "RSA 512"
    other = der.encode(
        der.SEQUENCE, der.encode(der.SEQUENCE, der.encode_oid("1.2.643.2.2.19")), b"\x03\x02\0\0"
    )
    read = altered(lambda fields: [*fields[:6], other, *fields[7:]])
    assert read.key.kind is KeyKind.UNKNOWN
    with pytest.raises(SignatureError, match="ECDSA-SHA256 signature cannot be of a unknown key"):
        read.verify_issued_by(read)


def altered(change: Any, holder: Any = ROOT) -> Certificate:
    """With other elements in the TBSCertificate; the signature is then wrong."""
    tbs, *rest = der.sequence(holder.certificate.der)
    fields = change([part.whole for part in der.elements(tbs.value)])
    return Certificate.parse(
        der.encode(der.SEQUENCE, der.encode(der.SEQUENCE, *fields), *(part.whole for part in rest))
    )


def with_extension(oid: str, value: bytes) -> Certificate:
    return make("x", raw=[(oid, value, False)]).certificate


@pytest.mark.parametrize(
    ("oid", "value", "said"),
    [
        ("2.5.29.17", b"\x30\x00", "no name at all"),
        ("2.5.29.17", b"\x30\x03\x87\x01\x01", "wrong length"),
        ("2.5.29.17", b"\x30\x03\x82\x01\xe4", "not ASCII"),
        ("2.5.29.17", b"\x30\x02\x8f\x00", "no GeneralName"),
        ("2.5.29.17", b"\x30\x05\x82\x01a\x00\x00", "no GeneralName"),
        ("2.5.29.17", b"\x30\x80\x82\x01a\x00\x00", "length of a length"),
        ("2.5.29.17", b"\x30\x81\x03\x82\x01a", "more bytes than it needs"),
        ("2.5.29.17", b"\x30\x84\xff\xff\xff\xff\x82\x01a", "longer than what holds it"),
        ("2.5.29.19", b"\x30\x03\x01\x01\x01", "boolean"),
        ("2.5.29.19", b"\x30\x06\x01\x01\xff\x02\x01\xff", "out of its range"),
        ("2.5.29.19", b"\x30\x07\x01\x01\xff\x02\x02\x00\x01", "padded"),
        ("2.5.29.15", b"\x03\x02\x07\xff", "unused bits"),
        ("2.5.29.30", b"\x30\x00", "without any"),
        ("2.5.29.30", b"\x30\x0a\xa0\x08\x30\x06\x82\x01a\x80\x01\x01", "minimum"),
        ("2.5.29.36", b"\x30\x00", "without any"),
        ("2.5.29.32", b"\x30\x00", "no policy"),
        ("2.5.29.37", b"\x30\x00", "no purpose"),
        ("2.5.29.54", b"\x02\x01\x80", "out of its range"),
        ("1.3.6.1.5.5.7.1.7", b"\x30\x08\x30\x06\x04\x02\x00\x03\x05\x00", "family 3"),
        (
            "1.3.6.1.5.5.7.1.7",
            b"\x30\x10\x30\x0e\x04\x02\0\1\x30\x08\x03\x06\x00\x0a\0\0\0\0",
            "longer than its addresses",
        ),
    ],
)
def test_an_extension_of_a_wrong_form_is_refused_by_name(oid: str, value: bytes, said: str) -> None:
    with pytest.raises(CertificateError, match=said):
        with_extension(oid, value)


def test_an_extension_twice_is_refused() -> None:
    again = der.encode(
        der.SEQUENCE, der.encode_oid("2.5.29.54"), der.encode(der.OCTET_STRING, b"\x02\x01\x00")
    )

    def twice(fields: list[bytes]) -> list[bytes]:
        held = der.only(der.only(fields[-1]).value).value
        return [*fields[:-1], der.encode(0xA3, der.encode(der.SEQUENCE, held, again, again))]

    with pytest.raises(CertificateError, match="twice"):
        altered(twice)


def test_the_algorithm_inside_has_to_be_the_one_outside() -> None:
    other = der.encode(der.SEQUENCE, der.encode_oid("1.2.840.10045.4.3.3"))
    with pytest.raises(CertificateError, match="inside"):
        altered(lambda fields: [*fields[:2], other, *fields[3:]])


def test_what_is_cut_off_or_too_long_is_no_certificate() -> None:
    data = ROOT.certificate.der
    for length in range(len(data)):
        with pytest.raises(CertificateError):
            Certificate.parse(data[:length])
    with pytest.raises(CertificateError):
        Certificate.parse(data + b"\0")
    with pytest.raises(CertificateError, match="longer than"):
        Certificate.parse(bytes(1 << 20))


def test_an_rsa_signature_with_a_sloppy_padding_is_wrong() -> None:
    """CVE-2006-4339 and its heirs: garbage behind the hash, a missing NULL, a short run of FF."""
    root = authority("R", key="rsa-2048")
    leaf = root.issues("leaf")
    tbs, algorithm, _ = (part.whole for part in der.sequence(leaf.certificate.der))
    digest = hashlib.sha256(tbs).digest()
    info = bytes.fromhex("3031300d060960864801650304020105000420") + digest
    bare = bytes.fromhex("302f300b0609608648016503040201") + b"\x04\x20" + digest
    private = root.key.private_numbers()

    def signed(block: bytes) -> Certificate:
        number = pow(int.from_bytes(block), private.d, private.public_numbers.n)
        value = der.encode(der.BIT_STRING, b"\0", number.to_bytes(256))
        return Certificate.parse(der.encode(der.SEQUENCE, tbs, algorithm, value))

    right = b"\0\1" + b"\xff" * (256 - 3 - len(info)) + b"\0" + info
    signed(right).verify_issued_by(root.certificate)
    for block in (
        b"\0\1" + b"\xff" * 8 + b"\0" + info + bytes(256 - 11 - len(info)),
        b"\0\1" + b"\xff" * (256 - 3 - len(bare)) + b"\0" + bare,
        b"\0\2" + right[2:],
    ):
        with pytest.raises(SignatureError):
            signed(block).verify_issued_by(root.certificate)


# files --------------------------------------------------------------------------------


def pem(data: bytes, label: str = "CERTIFICATE") -> bytes:
    body = base64.encodebytes(data)
    return b"-----BEGIN %s-----\n%s-----END %s-----\n" % (label.encode(), body, label.encode())


def test_certificates_are_found_in_all_kinds_of_files() -> None:
    one, two = ROOT.certificate, ROOT.issues("two").certificate
    assert certificates_in(one.der) == (one,)
    chain = pem(one.der) + b"some text\n" + pem(b"\x30\x00", "PRIVATE KEY") + pem(two.der) + pem(one.der)
    assert certificates_in(chain) == (one, two), "the same one twice is one"
    assert certificates_in(chain.replace(b"\n", b"\r\n")) == (one, two)
    assert certificates_in(b"\xef\xbb\xbf" + chain) == (one, two)
    assert certificates_in(b"subject=/CN=x\n" + chain.rstrip()) == (one, two)
    assert certificates_in(pem(one.der + b"\x30\x00", "TRUSTED CERTIFICATE")) == (one,)
    held = [x509.load_der_x509_certificate(c.der) for c in (one, two)]
    for encoding in (Encoding.DER, Encoding.PEM):
        bundle = pkcs7.serialize_certificates(held, encoding)
        assert set(certificates_in(bundle)) == {one, two}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "neither PEM nor DER"),
        (b"hello", "neither PEM nor DER"),
        (pem(b"\x30\x00", "PRIVATE KEY"), "no certificate in it, only PRIVATE KEY"),
        (pem(ROOT.certificate.der) + pem(b"\x30\x00"), "PEM block 2: no proper certificate"),
        (pem(ROOT.certificate.der).replace(b"MI", b"M!"), "block 1 is no base64"),
        (pem(b"\x30\x00", "PKCS7"), "no PKCS#7"),
    ],
)
def test_a_file_without_a_certificate_says_why(data: bytes, said: str) -> None:
    with pytest.raises(CertificateError, match=said):
        certificates_in(data)


# CRLs ---------------------------------------------------------------------------------


def test_a_crl_says_who_is_revoked_when_and_why() -> None:
    crl = ROOT.crl({5: "keyCompromise", 6: "", 7: "removeFromCRL"}, number=9, base=8)
    assert (crl.number, crl.base, len(crl), crl.is_delta) == (9, 8, 3, True)
    assert crl.issuer == ROOT.certificate.subject and crl.this_update == NOW - 3600
    entry = crl.entry(5)
    assert entry is not None and (entry.reason, entry.at) == ("keyCompromise", NOW - 3660)
    assert (crl.entry(6) or entry).reason == "unspecified" and crl.entry(8) is None
    crl.verify_signed_by(ROOT.certificate.key)
    with pytest.raises(SignatureError):
        crl.verify_signed_by(make("x").certificate.key)
    assert Crl.parse(pem(crl.der, "X509 CRL")) == crl
    for length in range(0, len(crl.der), 7):
        with pytest.raises(CertificateError):
            Crl.parse(crl.der[:length])


def long_crl(entries: int) -> bytes:
    when = moment(NOW - 9999)
    gone = [x509.RevokedCertificateBuilder(2**100 + 7919 * n, when).build() for n in range(entries)]
    builder = x509.CertificateRevocationListBuilder(
        ROOT.read.subject, moment(NOW), moment(NOW + YEAR), [], gone
    )
    return builder.sign(ROOT.key, hashes.SHA256()).public_bytes(Encoding.DER)


def test_a_crl_of_200000_entries_is_loaded_in_a_second_and_looked_up_without_a_scan() -> None:
    data = long_crl(200_000)
    before = time.process_time()
    crl = Crl.parse(data)
    crl.verify_signed_by(ROOT.certificate.key)
    assert len(crl) == 200_000 and time.process_time() - before < 1
    last = 2**100 + 7919 * 199_999
    assert crl.entry(last) is not None
    before = time.process_time()
    for _ in range(2000):
        assert crl.entry(last) is not None and crl.entry(last + 1) is None
    assert time.process_time() - before < 1, "a scan takes 10 ms each time"


# OCSP ---------------------------------------------------------------------------------


def test_an_ocsp_request_names_the_certificate() -> None:
    leaf = ROOT.issues("leaf").certificate
    data = ocsp_request(leaf, ROOT.certificate, b"n" * 16)
    asked = OcspRequest.parse(data)
    assert asked.id == CertId.of(leaf, ROOT.certificate) and asked.nonce == b"n" * 16
    assert OcspRequest.parse(ocsp_request(leaf, ROOT.certificate)).nonce is None
    for length in range(len(data)):
        with pytest.raises(CertificateError):
            OcspRequest.parse(data[:length])


def test_an_ocsp_answer_is_about_one_certificate_of_one_issuer() -> None:
    leaf = ROOT.issues("leaf").certificate
    answer = ROOT.answers(leaf, ROOT, "revoked", reason="superseded", shown=[ROOT])
    status = answer.status(leaf, ROOT.certificate)
    assert status is not None and (status.state, status.reason) == ("revoked", "superseded")
    assert (status.this_update, status.next_update) == (NOW - 60, NOW + 3600)
    other = authority("C=CH, O=Cygnet, CN=Root").certificate
    assert answer.status(leaf, other) is None and answer.status(ROOT.certificate, ROOT.certificate) is None
    assert answer.is_by(ROOT.certificate) and not answer.is_by(leaf)
    assert answer.certificates == (ROOT.certificate,)
    answer.verify_signed_by(ROOT.certificate.key)
    with pytest.raises(SignatureError):
        answer.verify_signed_by(leaf.key)
    for length in range(0, len(answer.der), 5):
        with pytest.raises(CertificateError):
            OcspAnswer.parse(answer.der[:length])


def test_a_responder_that_does_not_answer_says_so() -> None:
    with pytest.raises(CertificateError, match="try_later"):
        OcspAnswer.parse(bytes.fromhex("30030a0103"))
