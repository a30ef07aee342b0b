"""The oregon tunnel with certificates at both ends, for tests of either IKE version."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cygnet.model.config import (
    AuthMethod,
    AuthRound,
    CertificateFile,
    CertificateUse,
    Config,
    IkeVersion,
    OwnKey,
)
from cygnet.testing.builders import oregon
from cygnet.testing.keys import held
from cygnet.testing.pair import Pair
from cygnet.values.identity import Identity
from cygnet.values.secret import Secret
from tests.certs import NOW, Holder, authority

FAST = {"ike": "aes128-sha256-x25519"}


def key_file(holder: Holder) -> OwnKey:
    data = holder.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return held(Secret(data))


def ca_files(*holders: Holder) -> tuple[CertificateFile, ...]:
    return tuple(CertificateFile(h.certificate.der, "cacert", CertificateUse.CA) for h in holders)


@dataclass
class World:
    """A root, and what each end has: its certificate, CAs that it knows, and further round settings."""

    left: Holder
    right: Holder
    left_cas: tuple[Holder, ...]
    right_cas: tuple[Holder, ...]
    left_local: dict[str, Any]
    left_remote: dict[str, Any]
    right_local: dict[str, Any]
    right_remote: dict[str, Any]

    def configs(self, version: IkeVersion = IkeVersion.V2, **changes: Any) -> tuple[Config, Config]:
        ours, theirs = oregon(version, **{**FAST, **changes})
        return (
            _with(ours, self.left, self.left_cas, self.left_local, self.left_remote),
            _with(theirs, self.right, self.right_cas, self.right_local, self.right_remote),
        )

    def pair(self, version: IkeVersion = IkeVersion.V2, **changes: Any) -> Pair:
        return Pair(*self.configs(version, **changes), unix=NOW)


def world(key: str = "p256", root: Holder | None = None, **options: Any) -> World:
    root = root or authority("Root")
    left = root.issues("oregon", key=key, names=["DNS:oregon.example.org"], **options)
    right = root.issues("far", key=key, names=["DNS:far.example.org"], **options)
    return World(left, right, (root,), (root,), {}, {"id": DN_FAR}, {}, {"id": DN_OREGON})


DN_FAR, DN_OREGON = Identity.parse("CN=far"), Identity.parse("CN=oregon")


def _with(
    config: Config, own: Holder, cas: tuple[Holder, ...], local: dict[str, Any], remote: dict[str, Any]
) -> Config:
    local = {"id": own.certificate.subject, "certs": ("own",), **local}
    (connection,) = config.connections
    connection = replace(
        connection,
        local=(replace(AuthRound(AuthMethod.PUBKEY), **local),),
        remote=(replace(AuthRound(AuthMethod.PUBKEY), **remote),),
    )
    own_file = CertificateFile(own.certificate.der, "own")
    return replace(
        config,
        connections=(connection,),
        secrets=(),
        certificates=(own_file, *ca_files(*cas)),
        keys=(key_file(own),),
    )
