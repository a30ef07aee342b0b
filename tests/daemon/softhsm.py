"""Tokens of SoftHSM2 in a folder of their own, filled through the same library that reads them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

MODULE = next(
    (p for p in ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
                 "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so") if Path(p).exists()), "",
)  # fmt: skip
PIN = "4711 geheim"
needs_softhsm = pytest.mark.skipif(
    not MODULE or not shutil.which("softhsm2-util"), reason="needs SoftHSM2 (Debian: softhsm2)"
)


def token(directory: Path, label: str = "cygnet") -> str:
    """A new token; SOFTHSM2_CONF must say ``configured(directory)``. Its slot."""
    command = ["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "so so"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return said.rsplit(" ", 1)[1].strip()


def configured(directory: Path) -> Path:
    (directory / "tokens").mkdir(parents=True)
    path = directory / "softhsm2.conf"
    path.write_text(f"directories.tokendir = {directory}/tokens\nobjectstore.backend = file\n")
    return path


def store(slot: str, key: Any, key_id: str, directory: Path) -> None:
    """The private key, as softhsm2-util takes it."""
    assert isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey))
    path = directory / "key.p8"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    command = ["softhsm2-util", "--import", str(path), "--slot", slot, "--label", "key", "--id", key_id]
    subprocess.run([*command, "--pin", PIN], check=True, capture_output=True)
    path.unlink()


def store_certificate(slot: str, der: bytes, key_id: str) -> None:
    """In a process of its own: the one that tests has not logged in before."""
    script = """
import sys, pkcs11
from pkcs11 import Attribute, CertificateType, ObjectClass
from pkcs11.util.x509 import decode_x509_certificate
module, slot, pin, der, key_id = sys.argv[1:]
token = next(s for s in pkcs11.lib(module).get_slots() if str(s.slot_id) == slot).get_token()
with token.open(rw=True, user_pin=pin) as session:
    values = decode_x509_certificate(bytes.fromhex(der))
    values |= {Attribute.ID: bytes.fromhex(key_id), Attribute.TOKEN: True, Attribute.LABEL: "key",
               Attribute.PRIVATE: False}
    session.create_object(values)
"""
    import sys

    subprocess.run([sys.executable, "-c", script, MODULE, slot, PIN, der.hex(), key_id], check=True)
