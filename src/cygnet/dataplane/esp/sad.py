"""The security association database (RFC 4301 §4.4.2): inbound by SPI, outbound by reqid."""

from __future__ import annotations

from dataclasses import replace
from errno import EEXIST, EINVAL, ENOENT

from cygnet.boundary.specs import Direction, SaId, SaMode, SaSpec
from cygnet.dataplane.esp.sa import InboundSa, OutboundSa
from cygnet.dataplane.ip.header import Buffer
from cygnet.values.endpoint import Address, Endpoint
from cygnet.values.errors import DataPlaneError
from cygnet.values.iana import Protocol


class SaDatabase:
    """``inbound`` is looked up by SPI alone, as RFC 4301 §4.1 allows for unicast."""

    def __init__(self) -> None:
        self.inbound: dict[int, InboundSa] = {}
        self._outbound: dict[int, list[OutboundSa]] = {}
        self._by_id: dict[SaId, InboundSa | OutboundSa] = {}
        self._by_peer: dict[Address, dict[SaId, OutboundSa]] = {}

    def __contains__(self, id: SaId) -> bool:
        return id in self._by_id

    @property
    def ids(self) -> tuple[SaId, ...]:
        """The ids the SAs were installed with."""
        return tuple(id for id, sa in self._by_id.items() if id == sa.spec.id)

    def get(self, id: SaId) -> InboundSa | OutboundSa | None:
        return self._by_id.get(id)

    def add(self, spec: SaSpec, mtu: int = 1500) -> InboundSa | OutboundSa:
        """Raises DataPlaneError: EEXIST, EINVAL."""
        check(spec)
        if spec.id in self._by_id or (spec.direction is Direction.IN and spec.spi in self.inbound):
            raise DataPlaneError(f"install SA {spec.spi:08x}", EEXIST, "such an SA is there already")
        try:
            sa = InboundSa(spec) if spec.direction is Direction.IN else OutboundSa(spec, mtu)
        except ValueError as error:
            raise DataPlaneError(f"install SA {spec.spi:08x}", EINVAL, str(error)) from error
        self._by_id[spec.id] = sa
        if isinstance(sa, InboundSa):
            self.inbound[spec.spi] = sa
        else:
            self._outbound.setdefault(spec.reqid, []).append(sa)
            self._by_peer.setdefault(sa.remote.address, {})[spec.id] = sa
        return sa

    def remove(self, id: SaId) -> InboundSa | OutboundSa | None:
        sa = self._by_id.get(id)
        if sa is not None:
            for known in {sa.spec.id, sa.moved_id or sa.spec.id}:
                del self._by_id[known]
        if isinstance(sa, InboundSa):
            del self.inbound[sa.spi]
        elif sa is not None:
            siblings = self._outbound[sa.spec.reqid]
            siblings.remove(sa)
            if not siblings:
                del self._outbound[sa.spec.reqid]
            self._leave_peer(sa)
        return sa

    def move(self, id: SaId, local: Endpoint, remote: Endpoint, encap: bool) -> None:
        """Raises DataPlaneError ENOENT. A moved SA goes by the id it was installed with and its new one."""
        sa = self._by_id.get(id)
        if sa is None:
            raise DataPlaneError(f"update SA {id.spi:08x}", ENOENT, "there is no such SA")
        end = local if sa.spec.direction is Direction.IN else remote
        moved = replace(sa.spec.id, destination=end)
        if self._by_id.get(moved, sa) is not sa:
            raise DataPlaneError(f"update SA {id.spi:08x}", EEXIST, f"another SA is at {end} already")
        if sa.moved_id not in (None, sa.spec.id):
            del self._by_id[sa.moved_id]
        self._by_id[moved] = sa
        if isinstance(sa, OutboundSa):
            self._leave_peer(sa)
            self._by_peer.setdefault(remote.address, {})[sa.spec.id] = sa
        sa.moved_id = moved
        sa.move(local, remote, encap)

    def packets(self) -> dict[int, tuple[int, int]]:
        """Packets out and in so far, by reqid, of the SAs that are there."""
        found: dict[int, tuple[int, int]] = {
            reqid: (sum(sa.packets for sa in sas), 0) for reqid, sas in self._outbound.items()
        }
        for inbound in self.inbound.values():
            sent, heard = found.get(inbound.spec.reqid, (0, 0))
            found[inbound.spec.reqid] = (sent, heard + inbound.packets)
        return found

    def outbound(self, reqid: int) -> list[OutboundSa]:
        """The SAs of a reqid, the newest last."""
        return self._outbound.get(reqid, [])

    def newest(self, reqid: int, packet: Buffer) -> OutboundSa | None:
        """The newest outbound SA of a reqid whose selectors cover the packet."""
        return next((sa for sa in reversed(self.outbound(reqid)) if sa.admits(packet)), None)

    def towards(self, peer: Address) -> list[OutboundSa]:
        return list(self._by_peer.get(peer, {}).values())

    def _leave_peer(self, sa: OutboundSa) -> None:
        siblings = self._by_peer[sa.remote.address]
        del siblings[sa.spec.id]
        if not siblings:
            del self._by_peer[sa.remote.address]


def check(spec: SaSpec) -> None:
    """What a userspace plane can carry. Raises DataPlaneError EINVAL."""
    name = f"install SA {spec.spi:08x}"
    if spec.protocol != Protocol.ESP:
        raise DataPlaneError(name, EINVAL, f"{spec.protocol} is not supported by the userspace data plane")
    if spec.mode is SaMode.BEET:
        raise DataPlaneError(name, EINVAL, "mode BEET is not supported by the userspace data plane")
    if not 0 < spec.spi < 1 << 32:
        raise DataPlaneError(name, EINVAL, "an SPI is 1..2**32-1")
