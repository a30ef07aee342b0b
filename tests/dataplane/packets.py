"""Specs and packets for data plane tests: one pair of SAs between two ends, and IP packets."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from cygnet.boundary.specs import Direction, PolicyAction, PolicySpec, SaSpec
from cygnet.crypto.encr import cipher
from cygnet.crypto.integ import integrity
from cygnet.dataplane.ip.checksum import checksum, pseudo_header
from cygnet.dataplane.ip.header import ICMP, ICMPV6, TCP, UDP
from cygnet.values.endpoint import Endpoint
from cygnet.values.iana import EncrId, IntegId, TransformType
from cygnet.values.proposal import Transform
from cygnet.values.secret import Secret
from cygnet.values.selector import TrafficSelector

GCM = Transform(TransformType.ENCR, EncrId.AES_GCM_16, 128)
CBC = Transform(TransformType.ENCR, EncrId.AES_CBC, 128)
CTR = Transform(TransformType.ENCR, EncrId.AES_CTR, 128)
CHACHA = Transform(TransformType.ENCR, EncrId.CHACHA20_POLY1305)
NULL = Transform(TransformType.ENCR, EncrId.NULL)
GMAC = Transform(TransformType.ENCR, EncrId.NULL_AUTH_AES_GMAC, 128)
CCM8 = Transform(TransformType.ENCR, EncrId.AES_CCM_8, 128)
TRIPLE_DES = Transform(TransformType.ENCR, EncrId.TRIPLE_DES)
SHA256 = Transform(TransformType.INTEG, IntegId.HMAC_SHA2_256_128)
SHA1 = Transform(TransformType.INTEG, IntegId.HMAC_SHA1_96)
MD5 = Transform(TransformType.INTEG, IntegId.HMAC_MD5_96)

#: every family that the plane must carry
SUITES = [
    (GCM, None), (CBC, SHA256), (CBC, SHA1), (CTR, SHA256), (CHACHA, None), (NULL, SHA256), (GMAC, None),
    (CCM8, None), (TRIPLE_DES, MD5),
]  # fmt: skip


def suite_name(suite: tuple[Transform, Transform | None]) -> str:
    return "-".join(str(t) for t in suite if t)


NEAR, FAR = Endpoint.of("192.0.2.1", 4500), Endpoint.of("198.51.100.7", 4500)
NEAR_TS, FAR_TS = (TrafficSelector.of("10.1.0.0/16"),), (TrafficSelector.of("10.2.0.0/16"),)
NEAR_TS6, FAR_TS6 = (TrafficSelector.of("fd01::/64"),), (TrafficSelector.of("fd02::/64"),)


@dataclass(frozen=True)
class Pair:
    """The two SAs of a tunnel; ``out``/``into`` as ``near`` installs them, mirrored for ``far``."""

    out: SaSpec
    into: SaSpec

    def mirrored(self) -> Pair:
        return Pair(mirror(self.into), mirror(self.out))


def mirror(spec: SaSpec) -> SaSpec:
    from dataclasses import replace

    return replace(
        spec,
        direction=Direction.IN if spec.direction is Direction.OUT else Direction.OUT,
        local=spec.remote,
        remote=spec.local,
        local_ts=spec.remote_ts,
        remote_ts=spec.local_ts,
    )


def pair(
    encr: Transform = GCM,
    integ: Transform | None = None,
    *,
    spi: int = 0xC0FFEE01,
    reqid: int = 1,
    **more: Any,
) -> Pair:
    """Keys are made of the SPI: the same in every run, different for each SA."""

    def one(direction: Direction, spi: int) -> SaSpec:
        fields: dict[str, Any] = {
            "local": NEAR, "remote": FAR, "local_ts": NEAR_TS, "remote_ts": FAR_TS, "encap": True,
        } | more  # fmt: skip
        return SaSpec(
            direction,
            spi,
            reqid,
            encr=encr,
            encr_key=key(spi, cipher(encr).key_length),
            integ=integ,
            integ_key=key(~spi & 0xFFFFFFFF, integrity(integ.id).key_length if integ else 0),
            **fields,
        )

    return Pair(one(Direction.OUT, spi), one(Direction.IN, spi + 1))


def key(seed: int, length: int) -> Secret:
    return Secret((seed.to_bytes(4, "big") * length)[:length])


def policy(id: int = 1, **more: Any) -> PolicySpec:
    fields: dict[str, Any] = {
        "action": PolicyAction.PROTECT, "local_ts": NEAR_TS, "remote_ts": FAR_TS, "priority": 1000,
        "reqid": 1, "local": NEAR, "remote": FAR,
    } | more  # fmt: skip
    return PolicySpec(id, **fields)


def ip(
    source: str, destination: str, protocol: int, payload: bytes, *, df: bool = True, tos: int = 0
) -> bytes:
    """An IPv4 or IPv6 packet."""
    here, there = ip_address(source), ip_address(destination)
    if here.version == 6:
        words = struct.pack("!IHBB", 6 << 28 | tos << 20, len(payload), protocol, 64)
        return words + here.packed + there.packed + payload
    head = struct.pack(
        "!BBHHHBBH4s4s", 0x45, tos, 20 + len(payload), 7, 0x4000 if df else 0, 64, protocol, 0,
        here.packed, there.packed,
    )  # fmt: skip
    return head[:10] + checksum(head).to_bytes(2, "big") + head[12:] + payload


def ping(
    source: str = "10.1.0.5", destination: str = "10.2.0.9", size: int = 56, number: int = 1, **more: Any
) -> bytes:
    """An echo request with ``size`` bytes of data."""
    six = ":" in source
    body = struct.pack("!BBHHH", 128 if six else 8, 0, 0, 7, number) + bytes(size)
    packet = ip(source, destination, ICMPV6 if six else ICMP, body, **more)
    start = pseudo_header(packet, ICMPV6, len(body)) if six else 0
    at = 40 if six else 20
    return packet[: at + 2] + checksum(body, start).to_bytes(2, "big") + packet[at + 4 :]


def udp(
    data: bytes,
    source: str = "10.1.0.5",
    destination: str = "10.2.0.9",
    ports: tuple[int, int] = (4000, 53),
    **more: Any,
) -> bytes:
    body = struct.pack("!HHHH", *ports, 8 + len(data), 0) + data
    packet = ip(source, destination, UDP, body, **more)
    total = checksum(body, pseudo_header(packet, UDP, len(body))) or 0xFFFF
    at = (40 if ":" in source else 20) + 6
    return packet[:at] + total.to_bytes(2, "big") + packet[at + 2 :]


def tcp(
    source: str = "10.1.0.5",
    destination: str = "10.2.0.9",
    ports: tuple[int, int] = (4000, 80),
    flags: int = 0x10,
    options: bytes = b"",
    data: bytes = b"",
    **more: Any,
) -> bytes:
    body = (
        struct.pack("!HHIIBBHHH", *ports, 1, 0, (5 + len(options) // 4) << 4, flags, 512, 0, 0)
        + options
        + data
    )
    packet = ip(source, destination, TCP, body, **more)
    total = checksum(body, pseudo_header(packet, TCP, len(body)))
    at = (40 if ":" in source else 20) + 16
    return packet[:at] + total.to_bytes(2, "big") + packet[at + 2 :]
