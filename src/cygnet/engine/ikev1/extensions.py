"""Vendor IDs in use: which we send, and what the peer's say that it can do.

FRAGMENTATION is announced where it can matter: with ``fragmentation=force`` or ``accept``, to a
peer that announced it first, and where our own messages may be large. A tunnel with a
pre-shared key has no large message, so that its first message has the four vendor IDs that
strongSwan's has.
"""

from __future__ import annotations

from collections.abc import Sequence

from cygnet.engine.sa import IkeSa
from cygnet.model.config import AuthMethod, Connection, Fragmentation
from cygnet.wire.ikev1.payload import Payload
from cygnet.wire.ikev1.vendor_id import VendorId
from cygnet.wire.ikev1.vendors import DPD, FRAGMENTATION_SENT, NAT_T, NAT_T_02N, XAUTH, Extension, identify

#: a phase 2 proposal list from this many transforms on makes messages that may need fragments
MANY_TRANSFORMS = 100


def announced(connection: Connection) -> list[Payload]:
    """The vendor IDs of a first message, in charon's order."""
    ids = [XAUTH.id, DPD.id]
    if announces_fragmentation(connection):
        ids.append(FRAGMENTATION_SENT)
    ids += [NAT_T.id, NAT_T_02N.id]
    return [VendorId(id) for id in ids]


def answered(connection: Connection, peer: frozenset[Extension]) -> list[Payload]:
    """The vendor IDs of the answer to a first message."""
    ids = [XAUTH.id, DPD.id]
    wanted = Extension.FRAGMENTATION in peer and connection.fragmentation is not Fragmentation.NO
    if wanted or announces_fragmentation(connection):
        ids.append(FRAGMENTATION_SENT)
    if Extension.NAT_T in peer:
        ids.append(NAT_T.id)
    elif Extension.NAT_T_DRAFT in peer:
        ids.append(NAT_T_02N.id)
    return [VendorId(id) for id in ids]


def announces_fragmentation(connection: Connection) -> bool:
    if connection.fragmentation is Fragmentation.NO:
        return False
    if connection.fragmentation in (Fragmentation.FORCE, Fragmentation.ACCEPT):
        return True
    rounds = (*connection.local, *connection.remote)
    certificates = any(r.method is not AuthMethod.PSK for r in rounds)
    transforms = sum(len(p.transforms) for child in connection.children for p in child.proposals)
    return certificates or transforms > MANY_TRANSFORMS


def received(sa: IkeSa, vendor_ids: Sequence[VendorId]) -> frozenset[Extension]:
    """What the peer can do; each vendor ID is logged."""
    found: set[Extension] = set()
    for vendor_id in vendor_ids:
        vendor = identify(vendor_id.data)
        if vendor is None:
            sa.log("ENC", f"received unknown vendor ID: {vendor_id.data.hex(':')}")
            continue
        sa.log("IKE", f"received {vendor.name} vendor ID")
        if vendor.extension is not None:
            found.add(vendor.extension)
    return frozenset(found)
