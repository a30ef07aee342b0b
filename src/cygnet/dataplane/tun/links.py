"""What the plane changes in the system, and takes back: the device, rules, routes, virtual addresses."""

from __future__ import annotations

import time

from cygnet.boundary.specs import PolicySpec
from cygnet.dataplane.tun.netlink import Netlink
from cygnet.dataplane.tun.routes import Route, RoutePlan
from cygnet.dataplane.tun.settings import TunSettings
from cygnet.values.endpoint import Address

_FRESH = 1.0  #: seconds that the machine's addresses are taken to be the same

_Changes = list[tuple[Route | None, Route | None]]


class Links:
    """Raises DataPlaneError where the system refuses."""

    def __init__(self, settings: TunSettings) -> None:
        self._settings = settings
        self._netlink = Netlink(settings)
        self._plan = RoutePlan(self._addresses)
        self._known: list[Address] = []
        self._known_until = 0.0

    def begin(self, adopt: bool) -> None:
        """``adopt``: the device is in use, a worker before us died. Its routes must stay meanwhile."""
        if not adopt:
            self._netlink.clean()
        self._netlink.prepare()

    def sweep(self) -> None:
        """Remove the routes of a worker before us that no policy calls for any more."""
        wanted = {(route.destination, route.throw) for route in self._plan.installed.values()}
        self._netlink.sweep(lambda destination, throw: (destination, throw) in wanted)

    def end(self) -> None:
        """Take everything back; the device's addresses go with it."""
        self._netlink.clean()
        self._netlink.close()

    def _addresses(self) -> list[Address]:
        """Asking the kernel costs as much as the route: a burst of tunnels asks once."""
        now = time.monotonic()
        if now >= self._known_until:
            self._known, self._known_until = self._netlink.addresses(), now + _FRESH
        return self._known

    def _refresh(self) -> None:
        self._known_until = 0.0
        self._apply(self._plan.refresh())

    def add_policy(self, policy: PolicySpec) -> None:
        if self._settings.set_routes:
            self._apply(self._plan.add(policy))

    def remove_policy(self, id: int) -> None:
        self._apply(self._plan.remove(id))

    def add_address(self, address: Address) -> None:
        if self._settings.set_virtual_ips:
            self._netlink.add_address(address)
            self._refresh()

    def remove_address(self, address: Address) -> None:
        if self._settings.set_virtual_ips:
            self._netlink.remove_address(address)
            self._refresh()

    def _apply(self, changes: _Changes) -> None:
        for old, new in changes:
            if old is not None and (new is None or old.throw != new.throw):
                self._netlink.change_route(old, None)
            if new is not None:
                self._netlink.change_route(old, new)
