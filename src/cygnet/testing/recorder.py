"""The cheapest data plane: it remembers what is installed and carries nothing."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from dataclasses import replace

from cygnet.boundary.events import Report, Usage
from cygnet.boundary.specs import Direction, PolicySpec, SaId, SaSpec, SaUsage
from cygnet.values.endpoint import Address, Endpoint
from cygnet.values.errors import DataPlaneError


class Recorder:
    """Implements ``dataplane.base.DataPlane``. ``idle`` is what queries answer per SA."""

    name = "recorder"

    def __init__(self) -> None:
        self.sas: dict[SaId, SaSpec] = {}
        self.policies: dict[int, PolicySpec] = {}
        self.held_released: list[int] = []
        self.virtual_ips: list[Address] = []
        self.idle: dict[SaId, float] = {}
        self._report: Callable[[Report], None] = lambda report: None

    def start(self, report: Callable[[Report], None]) -> None:
        self._report = report

    def stop(self) -> None:
        self.sas.clear()
        self.policies.clear()

    def install_sa(self, spec: SaSpec) -> None:
        if spec.id in self.sas:
            raise DataPlaneError("install_sa", errno.EEXIST, f"SA {spec.spi:08x} is there")
        self.sas[spec.id] = spec

    def update_sa(self, id: SaId, local: Endpoint, remote: Endpoint, encap: bool) -> None:
        spec = self.sas.pop(id, None)
        if spec is None:
            raise DataPlaneError("update_sa", errno.ENOENT, f"no SA {id.spi:08x}")
        moved = replace(spec, local=local, remote=remote, encap=encap)
        self.sas[moved.id] = moved

    def remove_sa(self, id: SaId) -> None:
        self.sas.pop(id, None)

    def install_policy(self, spec: PolicySpec) -> None:
        if spec.id in self.policies:
            raise DataPlaneError("install_policy", errno.EEXIST, f"policy {spec.id} is there")
        self.policies[spec.id] = spec

    def remove_policy(self, id: int) -> None:
        self.policies.pop(id, None)

    def release_held(self, policy_id: int) -> None:
        self.held_released.append(policy_id)

    def query(self, ref: int, ids: Sequence[SaId]) -> None:
        found = tuple(SaUsage(i, 0, 0, self.idle.get(i)) for i in ids if i in self.sas)
        self._report(Usage(ref, found))

    def add_virtual_ip(self, address: Address) -> None:
        self.virtual_ips.append(address)

    def remove_virtual_ip(self, address: Address) -> None:
        if address in self.virtual_ips:
            self.virtual_ips.remove(address)

    def pairs(self) -> set[tuple[int, int]]:
        """(inbound SPI, outbound SPI) of every complete CHILD_SA, by reqid and order of installation."""
        inbound = [s for s in self.sas.values() if s.direction is Direction.IN]
        outbound = [s for s in self.sas.values() if s.direction is Direction.OUT]
        return {(i.spi, o.spi) for i in inbound for o in outbound if i.reqid == o.reqid}
