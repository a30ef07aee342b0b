"""Certificates and keys as files below /etc of a lab's hosts, for cygnet and for charon alike."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from cygnet.lab.host import Host
from cygnet.values.secret import Secret
from tests.certs import Holder, make

DAY = 86400


def valid(subject: str, **options: Any) -> Holder:
    """A certificate for real daemons, valid now unless told otherwise."""
    now = int(time.time())
    return make(subject, **{"since": now - DAY, "until": now + 30 * DAY, **options})


def root(subject: str = "C=CH, O=cygnet, CN=Root", **options: Any) -> Holder:
    return valid(subject, ca=True, **options)


def pem(holder: Holder) -> str:
    return holder.read.public_bytes(Encoding.PEM).decode()


def public_text(holder: Holder) -> str:
    how = Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    data: bytes = holder.key.public_key().public_bytes(*how)
    return data.decode()


def key_text(holder: Holder, passphrase: Secret | None = None) -> str:
    how = BestAvailableEncryption(passphrase.reveal()) if passphrase else NoEncryption()
    form = PrivateFormat.PKCS8 if passphrase else PrivateFormat.TraditionalOpenSSL
    try:
        data: bytes = holder.key.private_bytes(Encoding.PEM, form, how)
    except ValueError:  # EdDSA has only PKCS#8
        data = holder.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)
    return data.decode()


def place(
    host: Host,
    own: Holder,
    cas: Sequence[Holder],
    chain: Sequence[Holder] = (),
    certs: Sequence[tuple[str, Holder]] = (),
) -> None:
    """``own`` as own.pem with its key, ``chain`` behind it in the same file; CAs; others as NAME.pem."""
    host.write("/etc/ipsec.d/certs/own.pem", "".join(pem(h) for h in (own, *chain)))
    host.write("/etc/ipsec.d/private/own.pem", key_text(own), mode=0o600)
    for number, ca in enumerate(cas):
        host.write(f"/etc/ipsec.d/cacerts/ca{number}.pem", pem(ca))
    for name, holder in certs:
        host.write(f"/etc/ipsec.d/certs/{name}.pem", pem(holder))


def secrets(holder: Holder, file: str = "own.pem") -> str:
    kind = type(holder.key).__name__
    word = "RSA" if kind.startswith("RSA") else "PKCS8" if "Ed" in kind else "ECDSA"
    return f": {word} {file}\n"
