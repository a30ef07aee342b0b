"""AUTH payloads that are nearly right: each is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils

from cygnet.crypto import sign
from cygnet.crypto.publickey import PublicKey, SignatureError, public_key, signature_algorithm
from cygnet.engine.ikev2 import signatures
from cygnet.values import constraints, der
from cygnet.values.der import DerError
from cygnet.values.errors import PeerError
from cygnet.wire.ikev2.auth import AuthPayload
from cygnet.wire.ikev2.numbers import AuthMethodId
from tests.certs import new_key, spki

OCTETS = b"what is signed"
RSA, P256, ED = new_key("rsa-2048"), new_key("p256"), new_key("ed25519")
M = AuthMethodId


def check(key: Any, method: AuthMethodId, data: bytes, wishes: str = "") -> None:
    signatures.check(public_key(spki(key)), AuthPayload(method, data), OCTETS, constraints.parse(wishes))


def refused(key: Any, method: AuthMethodId, data: bytes, wishes: str = "") -> str:
    with pytest.raises(PeerError) as problem:
        check(key, method, data, wishes)
    return problem.value.detail


def with_identifier(identifier: bytes, signature: bytes) -> bytes:
    return bytes((len(identifier),)) + identifier + signature


def pkcs1(hashed: Any) -> bytes:
    data: bytes = RSA.sign(OCTETS, padding.PKCS1v15(), hashed)
    return data


def oid(dotted: str, *more: bytes) -> bytes:
    return der.encode(der.SEQUENCE, der.encode_oid(dotted), *more)


def test_a_hash_that_was_not_announced_is_not_taken() -> None:
    check(RSA, M.DIGITAL_SIGNATURE, with_identifier(sign.rsa_pkcs1("sha256"), pkcs1(hashes.SHA256())))
    sha224 = oid("1.2.840.113549.1.1.14", b"\x05\x00")
    assert "not announced" in refused(
        RSA, M.DIGITAL_SIGNATURE, with_identifier(sha224, pkcs1(hashes.SHA224()))
    )
    sha3 = oid("2.16.840.1.101.3.4.3.10")
    signed = P256.sign(OCTETS, signatures_ecdsa(hashes.SHA3_256()))
    assert "not announced" in refused(P256, M.DIGITAL_SIGNATURE, with_identifier(sha3, signed))


def signatures_ecdsa(hashed: Any) -> Any:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.ECDSA(hashed)


def test_sha1_and_md5_are_not_taken_in_a_digital_signature() -> None:
    sha1 = with_identifier(sign.rsa_pkcs1("sha1"), pkcs1(hashes.SHA1()))
    assert "too weak" in refused(RSA, M.DIGITAL_SIGNATURE, sha1)
    md5 = with_identifier(oid("1.2.840.113549.1.1.4", b"\x05\x00"), pkcs1(hashes.MD5()))
    refused(RSA, M.DIGITAL_SIGNATURE, md5)


def test_the_older_method_does_not_go_around_a_hash_that_is_asked_for() -> None:
    check(RSA, M.RSA_SIGNATURE, pkcs1(hashes.SHA1()))
    assert "not over sha256" in refused(RSA, M.RSA_SIGNATURE, pkcs1(hashes.SHA1()), "pubkey-sha256")


def test_a_method_belongs_to_its_kind_of_key() -> None:
    for method in (M.RSA_SIGNATURE, M.ECDSA_256, M.ECDSA_384, M.ECDSA_521):
        refused(ED, method, ED.sign(OCTETS))
    refused(P256, M.RSA_SIGNATURE, P256.sign(OCTETS, signatures_ecdsa(hashes.SHA1())))
    refused(RSA, M.ECDSA_256, pkcs1(hashes.SHA256())[:64])
    refused(P256, M.ECDSA_384, bytes(96))
    refused(P256, M.DIGITAL_SIGNATURE, with_identifier(sign.rsa_pkcs1("sha256"), pkcs1(hashes.SHA256())))
    refused(RSA, M.DIGITAL_SIGNATURE, with_identifier(sign.ED25519, pkcs1(hashes.SHA256())))


def pss(salt: int, mask: Any = None) -> bytes:
    mask = mask or hashes.SHA256()
    data: bytes = RSA.sign(OCTETS, padding.PSS(padding.MGF1(mask), salt), hashes.SHA256())
    return data


def test_pss_signatures_have_the_salt_and_the_mask_that_they_say() -> None:
    """CVE-2018-6459, CVE-2021-41990: parameters that are missing, or out of all bounds."""
    right = sign.rsa_pss("sha256")
    check(RSA, M.DIGITAL_SIGNATURE, with_identifier(right, pss(32)))
    refused(RSA, M.DIGITAL_SIGNATURE, with_identifier(right, pss(20)))
    refused(RSA, M.DIGITAL_SIGNATURE, with_identifier(right, pkcs1(hashes.SHA256())))
    refused(RSA, M.DIGITAL_SIGNATURE, with_identifier(sign.rsa_pkcs1("sha256"), pss(32)))
    hash_ = oid("2.16.840.1.101.3.4.2.1", b"\x05\x00")
    sha1 = oid("1.3.14.3.2.26", b"\x05\x00")

    def parameters(mgf: bytes | None, salt: bytes) -> bytes:
        parts = [der.encode(0xA0, hash_)]
        if mgf is not None:
            parts.append(der.encode(0xA1, mgf))
        parts.append(der.encode(0xA2, der.encode(der.INTEGER, salt)))
        return oid("1.2.840.113549.1.1.10", der.encode(der.SEQUENCE, *parts))

    mgf1 = "1.2.840.113549.1.1.8"
    assert "mask over SHA1" in refused(
        RSA,
        M.DIGITAL_SIGNATURE,
        with_identifier(parameters(oid(mgf1, sha1), b"\x20"), pss(32, hashes.SHA1())),
    )
    for odd in (
        parameters(oid(mgf1), b"\x20"),
        parameters(oid("1.2.3", hash_), b"\x20"),
        parameters(oid(mgf1, hash_), b"\x7f\xff\xff\xff"),
        parameters(oid(mgf1, hash_), b"\xff"),
        parameters(oid(mgf1, hash_), b""),
        oid("1.2.840.113549.1.1.10"),
        oid("1.2.840.113549.1.1.10", b"\x05\x00"),
    ):
        with pytest.raises(DerError):
            signature_algorithm(odd)
        refused(RSA, M.DIGITAL_SIGNATURE, with_identifier(odd, pss(32)))
    huge = parameters(oid(mgf1, hash_), b"\x04\x00")  # 1024 bytes of salt in 256
    refused(RSA, M.DIGITAL_SIGNATURE, with_identifier(huge, pss(32)))


@pytest.mark.parametrize(
    "identifier",
    [
        b"\x30\x00",
        oid("1.2.840.113549.1.1.11", b"\x04\x08garbage!"),
        oid("1.2.840.113549.1.1.11", b"\x05\x00", b"\x05\x00"),
        oid("1.2.840.113549.1.1.11") + b"\0",
        b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x00\x00",
        oid("1.2.840.113549.1.1.1", b"\x05\x00"),
        oid("1.2.3.4"),
        b"\x30\x84\xff\xff\xff\xff",
    ],
)
def test_an_algorithm_identifier_has_one_form(identifier: bytes) -> None:
    """CVE-2018-16151, CVE-2018-16152: bytes behind an OID, parameters where there are none."""
    refused(RSA, M.DIGITAL_SIGNATURE, with_identifier(identifier, pkcs1(hashes.SHA256())))


@pytest.mark.parametrize("data", [b"", b"\0", b"\x0f", b"\xff" + bytes(20), bytes(300)])
def test_a_digital_signature_that_is_cut_short_is_refused(data: bytes) -> None:
    assert refused(RSA, M.DIGITAL_SIGNATURE, data)


def test_the_digest_info_of_an_rsa_signature_has_one_form() -> None:
    """CVE-2018-16151, CVE-2018-16152, CVE-2018-15836: garbage in the OID or in its parameters."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(OCTETS)
    value = digest.finalize()
    numbers = RSA.private_numbers()
    prefixes = {
        "right": "3031300d060960864801650304020105000420",
        "no parameters": "302f300b06096086480165030402010420",
        "parameters of two bytes": "3033300f06096086480165030402010402ffff0420",
        "a longer OID": "30333 00f060b6086480165030402 01ffff05000420".replace(" ", ""),
        "a long length": "308131300d060960864801650304020105000420",
    }
    for what, prefix in prefixes.items():
        info = bytes.fromhex(prefix) + value
        block = b"\0\1" + b"\xff" * (256 - 3 - len(info)) + b"\0" + info
        signature = pow(int.from_bytes(block), numbers.d, numbers.public_numbers.n).to_bytes(256)
        data = with_identifier(sign.rsa_pkcs1("sha256"), signature)
        if what == "right":
            check(RSA, M.DIGITAL_SIGNATURE, data)
        else:
            refused(RSA, M.DIGITAL_SIGNATURE, data)


ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@pytest.mark.parametrize("r", [0, 1, ORDER, ORDER + 1, (1 << 256) - 1])
@pytest.mark.parametrize("s", [0, 1, ORDER, (1 << 256) - 1])
def test_ecdsa_numbers_out_of_their_range_are_refused(r: int, s: int) -> None:
    """CVE-2013-2944: an empty, a zero or an impossible signature was a right one."""
    both = sign.ecdsa("sha256")
    refused(P256, M.ECDSA_256, r.to_bytes(32) + s.to_bytes(32))
    refused(P256, M.DIGITAL_SIGNATURE, with_identifier(both, utils.encode_dss_signature(r, s)))
    digest = bytes(32)
    with pytest.raises(SignatureError):
        sign.verify_digest(public_key(spki(P256)), r.to_bytes(32) + s.to_bytes(32), digest)


def test_a_raw_ecdsa_signature_has_one_length() -> None:
    signature = P256.sign(OCTETS, signatures_ecdsa(hashes.SHA256()))
    r, s = utils.decode_dss_signature(signature)
    check(P256, M.ECDSA_256, r.to_bytes(32) + s.to_bytes(32))
    for data in (r.to_bytes(33) + s.to_bytes(33), signature, b"", b"\0", bytes(2), bytes(60_000)):
        refused(P256, M.ECDSA_256, data)
    for data in (b"", b"\0", signature + b"\0", signature[:-1]):
        refused(P256, M.DIGITAL_SIGNATURE, with_identifier(sign.ecdsa("sha256"), data))


@pytest.mark.parametrize("data", [b"", b"\0", bytes(256), b"\xff" * 256, bytes(60_000)])
def test_ikev1_signatures_that_are_none(data: bytes) -> None:
    for key in (RSA, P256, ED):
        with pytest.raises(SignatureError):
            sign.verify_digest(public_key(spki(key)), data, bytes(32))


def test_an_ikev1_signature_over_a_digest_info_or_another_digest_is_none() -> None:
    key: PublicKey = public_key(spki(RSA))
    assert isinstance(RSA, rsa.RSAPrivateKey)
    digest = b"d" * 32
    good = RSA.sign(digest, padding.PKCS1v15(), utils.NoDigestInfo())
    sign.verify_digest(key, good, digest)
    for other in (RSA.sign(digest, padding.PKCS1v15(), utils.Prehashed(hashes.SHA256())), good[:-1] + b"x"):
        with pytest.raises(SignatureError):
            sign.verify_digest(key, other, digest)
    with pytest.raises(SignatureError):
        sign.verify_digest(key, good, digest[:-1])
