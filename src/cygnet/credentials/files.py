"""Certificates and keys from strongSwan's directories, below ipsec.d or beside swanctl.conf.

A file that nothing names and that cannot be read is a warning; one that a conn names is that conn's
error. Private keys are read where ipsec.secrets names them, beside swanctl.conf all there are.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from posixpath import basename, join
from typing import Protocol

from cygnet.credentials import match
from cygnet.credentials.belonging import missing_issuer, missing_key
from cygnet.crypto.crl import Crl
from cygnet.crypto.issuing.containers import load_pkcs12
from cygnet.crypto.issuing.keys import load_privates, load_public, rsa_of_dns, spki
from cygnet.crypto.pem import certificates_in
from cygnet.crypto.sign import SigningKey
from cygnet.crypto.x509 import Certificate
from cygnet.model.config import (
    CertificateFile,
    CertificateUse,
    KeyFile,
    OwnKey,
    SecretKind,
    SharedSecret,
    TokenKey,
)
from cygnet.values.errors import ConfigError, CygnetError, Place
from cygnet.values.identity import Identity
from cygnet.values.secret import Secret

SMARTCARD = "%smartcard"  #: what names a key or certificate on a token begins so


@dataclass(frozen=True, slots=True)
class Layout:
    """Which directories there are. ``keys``: those of which every file is read, and what is in them;
    without any, private keys are read from ``private`` where a secret names them."""

    certificates: Mapping[CertificateUse, str]
    public: str
    crls: str
    keys: Mapping[str, SecretKind]


IPSEC_D = Layout({use: use.value for use in CertificateUse}, "certs", "crls", {})
SWANCTL = Layout(
    {
        CertificateUse.END: "x509",
        CertificateUse.CA: "x509ca",
        CertificateUse.AA: "x509aa",
        CertificateUse.OCSP: "x509ocsp",
    },
    "pubkey",
    "x509crl",
    {
        "private": SecretKind.PKCS8,
        "rsa": SecretKind.RSA,
        "ecdsa": SecretKind.ECDSA,
        "pkcs8": SecretKind.PKCS8,
        "pkcs12": SecretKind.P12,
    },
)
_KEY_KINDS = (SecretKind.RSA, SecretKind.ECDSA, SecretKind.PKCS8)


class Files(Protocol):
    def read_bytes(self, path: str) -> bytes: ...

    def glob(self, pattern: str) -> list[str]: ...


class Tokens(Protocol):
    """What ``%smartcard[slot][@module]:keyid`` names. CygnetError says why it cannot be had."""

    def certificate(self, written: str) -> bytes: ...

    def public(self, written: str, pin: Secret) -> bytes: ...


class CredentialFiles:
    """``directory``: ipsec.d, or that of swanctl.conf. Every file is read once."""

    def __init__(
        self,
        files: Files,
        directory: str,
        secrets: Sequence[SharedSecret] = (),
        tokens: Tokens | None = None,
        layout: Layout = IPSEC_D,
    ) -> None:
        self._files, self._directory, self._tokens, self._layout = files, directory, tokens, layout
        self.problems: list[ConfigError] = []
        self._certificates: dict[CertificateFile, Certificate | None] = {}
        self._found: dict[str, tuple[Certificate, ...]] = {}  #: what is in the files, by path
        self._keys: dict[bytes, KeyFile | TokenKey] = {}  #: by SubjectPublicKeyInfo
        self._crls: list[bytes] = []
        self._named: dict[str, bytes] = {}  #: SubjectPublicKeyInfo of what a conn names
        self._cas: dict[Certificate, None] = {}
        self._leaves: dict[str, Certificate] = {}  #: what a conn names
        self._beside: dict[str, tuple[Certificate, ...]] = {}  #: what stands in the file of such a one
        if layout.keys:
            self._every_key(secrets)
            for secret in secrets:
                if secret.kind is SecretKind.PIN:
                    self._on_token(secret)
        else:
            for secret in secrets:
                self._private(secret)
        for use in CertificateUse:
            self._directory_of(use)
        for path, data in self._contents(layout.crls):
            self._crl(path, data)

    # what conns name ---------------------------------------------------------------------

    def certificate(self, written: str) -> Identity:
        if written in self._leaves:
            return match.default_identity(self._leaves[written])
        path = self._path(self._layout.certificates[CertificateUse.END], written)
        if written.startswith(SMARTCARD):
            found: tuple[Certificate, ...] = (Certificate.parse(self._token.certificate(written)),)
        else:
            found = self._in_file(path)
        # a file with a chain: the certificate is the one whose key is here, else the first that is no CA
        leaf = next((c for c in found if c.key.spki in self._keys), None)
        leaf = leaf or next((c for c in found if not c.is_ca), found[0])
        self._put(CertificateFile(leaf.der, written), leaf)
        for other in found:
            if other.is_ca and other is not leaf and not other.self_issued:
                self._put(CertificateFile(other.der, path, CertificateUse.CA), other)
        self._named[written] = leaf.key.spki
        self._leaves[written], self._beside[written] = leaf, found
        return match.default_identity(leaf)

    def _in_file(self, path: str) -> tuple[Certificate, ...]:
        if path not in self._found:
            self._found[path] = certificates_in(self._files.read_bytes(path))
        if not self._found[path]:
            raise ValueError(f"there is no certificate in {path}")
        return self._found[path]

    @property
    def _token(self) -> Tokens:
        if self._tokens is None:
            raise ValueError("tokens are not looked at here")
        return self._tokens

    def public_key(self, written: str) -> None:
        data = self._written_key(written)
        if data is None:
            path = self._path(self._layout.public, written)
            data = self._files.read_bytes(path)
        info = spki(load_public(data, written))
        self._certificates[CertificateFile(info, written, bare=True)] = None
        self._named[written] = info

    @staticmethod
    def _written_key(written: str) -> bytes | None:
        """A key in the configuration itself (``dns:0s...``, ``0s...``, ``ssh:...``) as the file it could
        stand in; None: the name of one."""
        kind, colon, value = written.partition(":")
        if colon and kind == "ssh":
            return value.encode()
        kind, value = (kind, value) if colon and kind == "dns" else ("", written)
        if value[:2] not in ("0x", "0s"):
            return None
        try:
            data = (
                bytes.fromhex(value[2:]) if value[:2] == "0x" else base64.b64decode(value[2:], validate=True)
            )
        except (ValueError, binascii.Error):
            raise ValueError(f"'{written[:20]}...' is not hexadecimal or base64") from None
        return spki(rsa_of_dns(data)) if kind == "dns" else data

    def authority(self, written: str) -> None:
        path = self._path(self._layout.certificates[CertificateUse.CA], written)
        for one in self._in_file(path):
            self._put(CertificateFile(one.der, written, CertificateUse.CA), one)

    def has_key(self, written: str) -> bool:
        return self._named.get(written, b"") in self._keys

    def missing_key(self, written: str) -> str:
        named = {file.source for file in self._keys.values()}
        return missing_key(
            written,
            self._named.get(written, b""),
            self._keys,
            self._parsed,
            (
                (path, data)
                for directory in self._layout.keys or ("private",)
                for path, data in self._contents(directory)
                if path not in named
            ),
        )

    def missing_issuer(self, written: str) -> str:
        directory = join(self._directory, self._layout.certificates[CertificateUse.CA], "")
        return missing_issuer(self._leaves[written], tuple(self._cas), self._beside[written], directory)

    def names(self, written: str) -> tuple[Identity, ...]:
        return self._leaves[written].identities

    def _put(self, file: CertificateFile, certificate: Certificate) -> None:
        self._certificates[file] = certificate
        if certificate.is_ca or certificate.self_issued:
            self._cas[certificate] = None

    @property
    def _parsed(self) -> list[Certificate]:
        return [c for c in self._certificates.values() if c is not None]

    def fits(self, written: str, identity: Identity) -> bool:
        leaf = self._leaves.get(written)
        return leaf is not None and bool(match.fits(leaf, identity))

    def subject(self, written: str) -> Identity:
        return next(c.subject for file, c in self._certificates.items() if c and file.source == written)

    def issuer(self, written: str) -> Identity:
        return self._leaves[written].issuer

    def has_certificate_of(self, identity: Identity) -> bool:
        return any(
            file.use is CertificateUse.END and c and c.key.spki in self._keys and match.fits(c, identity)
            for file, c in self._certificates.items()
        )

    def has_authorities(self) -> bool:
        return any(file.use is CertificateUse.CA for file in self._certificates)

    def contents(self) -> tuple[tuple[CertificateFile, ...], tuple[OwnKey, ...], tuple[bytes, ...]]:
        keys = tuple(OwnKey(key.spki, key.source) for key in self._keys.values())
        return tuple(self._certificates), keys, tuple(self._crls)

    def private(self) -> tuple[KeyFile | TokenKey, ...]:
        return tuple(self._keys.values())

    def _path(self, directory: str, written: str) -> str:
        return written if written.startswith("/") else join(self._directory, directory, written)

    # what lies in the directories -----------------------------------------------------------

    def _contents(self, name: str) -> Iterator[tuple[str, bytes]]:
        for path in self._files.glob(join(self._directory, name, "*")):
            try:
                yield path, self._files.read_bytes(path)
            except IsADirectoryError:
                continue
            except OSError as problem:
                self._problem(path, f"cannot be read: {problem.strerror or problem}")

    def _directory_of(self, use: CertificateUse) -> None:
        for path, data in self._contents(self._layout.certificates[use]):
            try:
                found = self._found[path] = certificates_in(data)
            except CygnetError as problem:
                self._problem(path, f"no certificate that can be used: {problem}")
                continue
            if not found:
                self._problem(path, "there is no certificate in it")
            for one in found:
                if use is CertificateUse.CA and not one.is_ca and not one.self_issued:
                    self._problem(path, f"{one.name} is no CA: it is not trusted as one")
                    continue
                self._put(CertificateFile(one.der, path, use), one)

    def _crl(self, path: str, data: bytes) -> None:
        try:
            Crl.parse(data)
        except CygnetError as problem:
            self._problem(path, f"no revocation list: {problem}")
        else:
            self._crls.append(data)

    def _on_token(self, secret: SharedSecret) -> None:
        if not len(secret.secret) or self._tokens is None:
            return
        try:
            spki = self._tokens.public(secret.file, secret.secret)
        except CygnetError as problem:
            self._problem(secret.file, f"the private key cannot be used: {problem}")
        else:
            self._keys[spki] = TokenKey(secret.secret, spki, secret.file)

    def _private(self, secret: SharedSecret) -> None:
        if secret.kind is SecretKind.PIN:
            self._on_token(secret)
        if secret.kind not in _KEY_KINDS and secret.kind is not SecretKind.P12:
            return
        self._private_file(secret, self._path("private", secret.file))

    def _every_key(self, secrets: Sequence[SharedSecret]) -> None:
        """All of the directories; a secret whose section is named after one has a file's passphrase."""
        named = {
            (directory, secret.file): secret
            for secret in secrets
            for directory in self._layout.keys
            if secret.kind is not SecretKind.PIN and secret.name.startswith(directory)
        }
        for directory, kind in self._layout.keys.items():
            for path in self._files.glob(join(self._directory, directory, "*")):
                secret = named.pop((directory, basename(path)), SharedSecret(kind, (), Secret(b"")))
                self._private_file(secret, path)
        for (directory, file), secret in named.items():
            self._private_file(secret, self._path(directory, file))

    def _private_file(self, secret: SharedSecret, path: str) -> None:
        passphrase = secret.secret if len(secret.secret) else None
        try:
            data = self._files.read_bytes(path)
            if secret.kind is SecretKind.P12:
                self._pkcs12(path, data, passphrase)
            else:
                for key in load_privates(data, passphrase, path):
                    self._key(SigningKey(key), path)
        except OSError as problem:
            self._problem(path, f"the private key cannot be read: {problem.strerror or problem}")
        except CygnetError as problem:
            self._problem(path, f"{problem}")

    def _key(self, key: SigningKey, path: str) -> None:
        self._keys[key.public.spki] = KeyFile(key.plain(), key.public.spki, path)

    def _pkcs12(self, path: str, data: bytes, passphrase: Secret | None) -> None:
        container = load_pkcs12(data, passphrase, path)
        for key in container.keys:
            self._key(SigningKey(key), path)
        for one in container.certificates:
            use = CertificateUse.CA if one.is_ca else CertificateUse.END
            self._put(CertificateFile(one.der, path, use), one)

    def _problem(self, path: str, text: str) -> None:
        self.problems.append(ConfigError(Place(path, 1), "", text))
