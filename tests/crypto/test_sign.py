"""Signatures of every kind of key and scheme, and what must not pass for one."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cygnet.crypto import sign
from cygnet.crypto.publickey import SignatureError
from cygnet.crypto.sign import Scheme, SigningKey, verify
from cygnet.values.errors import CygnetError
from tests.certs import new_key

DATA = b"what is signed"

CASES = [
    ("rsa-2048", Scheme(sign.rsa_pkcs1(h)), f"RSA-{h.upper()}")
    for h in ("sha1", "sha256", "sha384", "sha512")
] + [
    ("rsa-2048", Scheme(sign.rsa_pss("sha256")), "RSA-PSS-SHA256"),
    ("p256", Scheme(sign.ecdsa("sha256")), "ECDSA-SHA256"),
    ("p384", Scheme(sign.ecdsa("sha384"), raw=True), "ECDSA-SHA384"),
    ("p521", Scheme(sign.ecdsa("sha512"), raw=True), "ECDSA-SHA512"),
    ("bp256", Scheme(sign.ecdsa("sha256")), "ECDSA-SHA256"),
    ("ed25519", Scheme(sign.ED25519), "Ed25519"),
    ("ed448", Scheme(sign.ED448), "Ed448"),
]


def key(kind: str) -> SigningKey:
    made = new_key(kind)
    return SigningKey.load(made.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))


@pytest.mark.parametrize(("kind", "scheme", "name"), CASES, ids=[f"{c[0]} {c[2]}" for c in CASES])
def test_a_signature_is_verified_and_any_other_is_not(kind: str, scheme: Scheme, name: str) -> None:
    mine, other = key(kind), key(kind)
    signature = mine.sign(scheme, DATA)
    verify(mine.public, scheme, signature, DATA)
    assert str(scheme) == name
    for bad in (signature[:-1], bytes(len(signature)), signature + b"\0", b"", signature[::-1]):
        with pytest.raises(CygnetError):
            verify(mine.public, scheme, bad, DATA)
    with pytest.raises(SignatureError):
        verify(mine.public, scheme, signature, DATA + b"!")
    with pytest.raises(SignatureError):
        verify(other.public, scheme, signature, DATA)


def test_raw_ecdsa_signatures_are_two_numbers_of_the_curves_length() -> None:
    for kind, length in (("p256", 64), ("p384", 96), ("p521", 132)):
        mine = key(kind)
        assert {len(mine.sign(Scheme(sign.ecdsa("sha256"), raw=True), DATA)) for _ in range(30)} == {length}


def test_identifiers_are_those_of_rfc_7427() -> None:
    """RFC 7427 §A.1, §A.3, §A.4."""
    assert sign.rsa_pkcs1("sha256").hex() == "300d06092a864886f70d01010b0500"
    assert sign.rsa_pkcs1("sha1").hex() == "300d06092a864886f70d0101050500"
    assert sign.ecdsa("sha256").hex() == "300a06082a8648ce3d040302"
    assert sign.ecdsa("sha1").hex() == "300906072a8648ce3d0401"
    assert sign.rsa_pss("sha256").hex() == (
        "304106092a864886f70d01010a3034a00f300d06096086480165030402010500a11c301a06092a864886f70d010108"
        "300d06096086480165030402010500a203020120"
    )


def test_a_key_shows_only_what_everybody_may_know() -> None:
    mine = key("p256")
    secret = mine.plain().reveal()
    assert secret.hex() not in repr(mine) and mine.public.keyid.hex() in repr(mine)
    assert repr(mine.plain()) == f"Secret({len(secret)} bytes)"
