"""What the lowering wants to know of certificates and keys; ``credentials.files`` has it from files.

Names of certificates are as written in the configuration (``leftcert=moonCert.pem``): the same text
is the same certificate for all conns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from cygnet.model.config import CertificateFile, KeyFile, OwnKey, Settings, SharedSecret, TokenKey
from cygnet.values.errors import ConfigError, CygnetError
from cygnet.values.identity import Identity

#: makes one for the secrets of ipsec.secrets, the passphrases of key files among them, and the settings
MakeCredentials = Callable[[Sequence[SharedSecret], Settings], "Credentials"]


def refusal(load: Callable[[str], object], name: str) -> str:
    """Have it ready by one of the methods below: why it cannot be had, empty where it can."""
    try:
        load(name)
    except OSError as problem:
        return f"'{name}' cannot be read: {problem.strerror or problem}"
    except (ValueError, CygnetError) as problem:
        return f"'{name}': {problem}"
    return ""


class Credentials(Protocol):
    """All of the configuration's certificates and private keys."""

    problems: list[ConfigError]  #: with files that nothing names

    def certificate(self, written: str) -> Identity:
        """Have a certificate ready, in a file of ipsec.d/certs or on a token; its owner. ValueError or
        OSError."""

    def public_key(self, written: str) -> None:
        """Have a raw public key ready: a file, or ``dns:0s...``. ValueError or OSError."""

    def authority(self, written: str) -> None:
        """Have the certificate of a ``ca`` section ready. ValueError or OSError."""

    def has_key(self, written: str) -> bool:
        """Whether the private key of that certificate or raw public key is here."""

    def missing_key(self, written: str) -> str:
        """Why the private key of that certificate or raw public key is not here, and what to write."""

    def missing_issuer(self, written: str) -> str:
        """Where the chain of that certificate breaks off, and what to do; empty: nowhere."""

    def names(self, written: str) -> tuple[Identity, ...]:
        """The names in that certificate beside its subject."""

    def fits(self, written: str, identity: Identity) -> bool:
        """Whether it is a certificate of that identity."""

    def issuer(self, written: str) -> Identity:
        """Who has issued that certificate, which is ready."""

    def subject(self, written: str) -> Identity:
        """Whose the certificate of a CA is that is ready."""

    def has_certificate_of(self, identity: Identity) -> bool:
        """Whether there is a certificate with a private key for an end that names none."""

    def has_authorities(self) -> bool:
        """Whether any CA is trusted."""

    def contents(self) -> tuple[tuple[CertificateFile, ...], tuple[OwnKey, ...], tuple[bytes, ...]]:
        """Certificates, keys and CRLs for ``Config``."""

    def private(self) -> tuple[KeyFile | TokenKey, ...]:
        """The private parts of those keys."""


class NoCredentials:
    """Of a configuration that is read alone: there are no files beside it."""

    def __init__(self, _secrets: Iterable[SharedSecret] = (), _settings: Settings | None = None) -> None:
        self.problems: list[ConfigError] = []

    def certificate(self, written: str) -> Identity:
        raise FileNotFoundError(2, "No such file or directory", written)

    def public_key(self, written: str) -> None:
        raise FileNotFoundError(2, "No such file or directory", written)

    def authority(self, written: str) -> None:
        raise FileNotFoundError(2, "No such file or directory", written)

    def has_key(self, _written: str) -> bool:
        return False

    def missing_key(self, written: str) -> str:
        return f"no private key for '{written}'"

    def missing_issuer(self, _written: str) -> str:
        return ""

    def names(self, _written: str) -> tuple[Identity, ...]:
        return ()

    def fits(self, _written: str, _identity: Identity) -> bool:
        return False

    def issuer(self, written: str) -> Identity:
        raise FileNotFoundError(2, "No such file or directory", written)

    def subject(self, written: str) -> Identity:
        raise FileNotFoundError(2, "No such file or directory", written)

    def has_certificate_of(self, _identity: Identity) -> bool:
        return False

    def has_authorities(self) -> bool:
        return False

    def contents(self) -> tuple[tuple[CertificateFile, ...], tuple[OwnKey, ...], tuple[bytes, ...]]:
        return (), (), ()

    def private(self) -> tuple[KeyFile | TokenKey, ...]:
        return ()
