"""Vendor IDs that cygnet knows (RFC 2408 §3.16), with the names charon's log gives them.

Most are the MD5 of a text, which stands in the comment.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


class Extension(Enum):
    """What a vendor ID says the peer can do."""

    XAUTH = auto()
    DPD = auto()
    FRAGMENTATION = auto()
    NAT_T = auto()  #: RFC 3947
    NAT_T_DRAFT = auto()  #: drafts 02 and 03: other payload and mode numbers
    UNITY = auto()


@dataclass(frozen=True, slots=True)
class Vendor:
    """``prefix``: what counts are only these first bytes (versions or flags follow)."""

    name: str
    id: bytes
    extension: Extension | None = None
    prefix: bool = False


XAUTH = Vendor("XAuth", bytes.fromhex("09002689dfd6b712"), Extension.XAUTH)
DPD = Vendor("DPD", bytes.fromhex("afcad71368a1f1c96b8696fc77570100"), Extension.DPD)  # RFC 3706 §5.1
#: MD5("FRAGMENTATION"), then the exchanges in which it is understood
FRAGMENTATION = Vendor(
    "FRAGMENTATION", bytes.fromhex("4048b7d56ebce88525e7de7f00d6c2d3"), Extension.FRAGMENTATION, prefix=True
)
FRAGMENTATION_SENT = FRAGMENTATION.id + bytes.fromhex("80000000")
#: MD5("RFC 3947")
NAT_T = Vendor("NAT-T (RFC 3947)", bytes.fromhex("4a131c81070358455c5728f20e95452f"), Extension.NAT_T)
#: MD5("draft-ietf-ipsec-nat-t-ike-02\n"): the newline is an old mistake that everybody kept
NAT_T_02N = Vendor(
    "draft-ietf-ipsec-nat-t-ike-02\\n",
    bytes.fromhex("90cb80913ebb696e086381b5ec427b1f"),
    Extension.NAT_T_DRAFT,
)
UNITY = Vendor("Cisco Unity", bytes.fromhex("12f5f28c457168a9702d9fe274cc"), Extension.UNITY, prefix=True)

VENDORS: tuple[Vendor, ...] = (
    XAUTH,
    DPD,
    FRAGMENTATION,
    NAT_T,
    NAT_T_02N,
    Vendor(
        "draft-ietf-ipsec-nat-t-ike-03",
        bytes.fromhex("7d9419a65310ca6f2c179d9215529d56"),
        Extension.NAT_T_DRAFT,
    ),
    Vendor(
        "draft-ietf-ipsec-nat-t-ike-02",
        bytes.fromhex("cd60464335df21f87cfdb2fc68b6a448"),
        Extension.NAT_T_DRAFT,
    ),
    Vendor("draft-ietf-ipsec-nat-t-ike-00", bytes.fromhex("4485152d18b6bbcd0be8a8469579ddcc")),
    Vendor("draft-ietf-ipsec-nat-t-ike", bytes.fromhex("4df37928e9fc4fd1b3262170d515c662")),
    UNITY,
    Vendor("strongSwan", bytes.fromhex("882fe56d6fd20dbc2251613b2ebe5beb")),
)


def identify(data: bytes) -> Vendor | None:
    """Whose vendor ID it is; None: nobody we know."""
    for vendor in VENDORS:
        if data == vendor.id or (vendor.prefix and data.startswith(vendor.id)):
            return vendor
    return None
