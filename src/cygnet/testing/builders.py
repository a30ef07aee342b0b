"""Configurations to test with: the oregon tunnel, and parts to vary it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cygnet.crypto.keywords import parse_proposal
from cygnet.model.config import (
    AuthMethod,
    AuthRound,
    Child,
    Config,
    Connection,
    IkeVersion,
    SecretKind,
    SharedSecret,
)
from cygnet.values.endpoint import Endpoint
from cygnet.values.iana import Protocol
from cygnet.values.identity import Identity
from cygnet.values.secret import Secret
from cygnet.values.selector import TrafficSelector

#: inside and public addresses of the two gateways (documentation ranges for the public ones)
OREGON, FAR = "10.31.1.185", "10.77.1.210"
OREGON_PUBLIC, FAR_PUBLIC = "198.51.100.31", "203.0.113.77"
NAT = {
    Endpoint.of(OREGON).address: Endpoint.of(OREGON_PUBLIC).address,
    Endpoint.of(FAR).address: Endpoint.of(FAR_PUBLIC).address,
}


def psk(secret: str = "a secret for tests", *owners: str) -> SharedSecret:
    return SharedSecret(SecretKind.PSK, tuple(Identity.parse(o) for o in owners), Secret(secret.encode()))


def connection(
    name: str = "oregon",
    local: str = OREGON,
    remote: str = FAR_PUBLIC,
    local_ts: str = "10.31.0.0/16",
    remote_ts: str = "10.77.0.0/16",
    remote_id: str = FAR,
    version: IkeVersion = IkeVersion.V1,
    ike: str = "aes128-sha256-modp2048",
    esp: str = "aes128-sha256",
    child: dict[str, Any] | None = None,
    **changes: Any,
) -> Connection:
    """One PSK connection with one child; ``child`` and ``changes`` are fields to set."""
    one = Child(
        name,
        proposals=(parse_proposal(esp, Protocol.ESP),),
        local_ts=(TrafficSelector.of(local_ts),),
        remote_ts=(TrafficSelector.of(remote_ts),),
    )
    base = Connection(
        name,
        version=version,
        local_addrs=(local,),
        remote_addrs=(remote,),
        proposals=(parse_proposal(ike, Protocol.IKE),),
        local=(AuthRound(AuthMethod.PSK),),
        remote=(AuthRound(AuthMethod.PSK, Identity.parse(remote_id)),),
        keyingtries=3,
        children=(replace(one, **(child or {})),),
    )
    return replace(base, **changes)


def oregon(version: IkeVersion = IkeVersion.V1, **changes: Any) -> tuple[Config, Config]:
    """Both ends of oregon's tunnel, each behind its NAT."""
    left = connection(version=version, **changes)
    right = connection(
        local=FAR,
        remote=OREGON_PUBLIC,
        local_ts="10.77.0.0/16",
        remote_ts="10.31.0.0/16",
        remote_id=OREGON,
        version=version,
        **changes,
    )
    return Config((left,), (psk(),)), Config((right,), (psk(),))
