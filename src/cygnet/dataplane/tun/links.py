"""What the plane changes in the system, and takes back: the device, rules, routes, virtual addresses."""

from __future__ import annotations

from cygnet.boundary.specs import PolicySpec
from cygnet.dataplane.tun.netlink import Netlink
from cygnet.dataplane.tun.routes import Route, RoutePlan
from cygnet.dataplane.tun.settings import TunSettings
from cygnet.values.endpoint import Address

_Changes = list[tuple[Route | None, Route | None]]


class Links:
    """Raises DataPlaneError where the system refuses."""

    def __init__(self, settings: TunSettings) -> None:
        self._settings = settings
        self._netlink = Netlink(settings)
        self._plan = RoutePlan(self._netlink.addresses)

    def begin(self) -> None:
        self._netlink.clean()
        self._netlink.prepare()

    def end(self) -> None:
        """Take everything back; the device's addresses go with it."""
        self._netlink.clean()
        self._netlink.close()

    def add_policy(self, policy: PolicySpec) -> None:
        if self._settings.set_routes:
            self._apply(self._plan.add(policy))

    def remove_policy(self, id: int) -> None:
        self._apply(self._plan.remove(id))

    def add_address(self, address: Address) -> None:
        if self._settings.set_virtual_ips:
            self._netlink.add_address(address)
            self._apply(self._plan.refresh())

    def remove_address(self, address: Address) -> None:
        if self._settings.set_virtual_ips:
            self._netlink.remove_address(address)
            self._apply(self._plan.refresh())

    def _apply(self, changes: _Changes) -> None:
        for old, new in changes:
            if old is not None and (new is None or old.throw != new.throw):
                self._netlink.change_route(old, None)
            if new is not None:
                self._netlink.change_route(old, new)
