"""Links, addresses, routes and rules, by pyroute2. Only the worker imports this: it is slow to load."""

from __future__ import annotations

import contextlib
import errno
import socket
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from cygnet.dataplane.tun.fast.layout import sealed_size
from cygnet.dataplane.tun.fast.rows import MAX_TRAIN
from cygnet.dataplane.tun.route_socket import RouteSocket
from cygnet.dataplane.tun.routes import Route
from cygnet.dataplane.tun.settings import TunSettings
from cygnet.values.endpoint import Address
from cygnet.values.errors import DataPlaneError

FAMILIES = (socket.AF_INET, socket.AF_INET6)
#: who made a route or rule (rtm_protocol): what bears this number is ours, and only that is removed
_PROTOCOL = 220
_THROW = 9  #: RTN_THROW
_INVERT = 0x2  #: FIB_RULE_INVERT: the rule holds for packets *without* the mark


class Netlink:
    """Raises DataPlaneError, but for what is not there when it is to be removed."""

    def __init__(self, settings: TunSettings) -> None:
        self._settings = settings
        self._ip: Any = IPRoute()
        self._routes = RouteSocket(settings.routing_table, _PROTOCOL)
        self._index = 0

    def clean(self) -> None:
        """Remove the rules and routes that we, or a predecessor that crashed, ever made.

        Routes through the device are left to the kernel, which removes them with it.
        """
        for family in FAMILIES:
            for rule in self._quietly(self._ip.get_rules, family):
                if rule.get_attr("FRA_PROTOCOL") == _PROTOCOL:
                    self._without(self._ip.rule, "del", family=family, **self._rule())
        self.sweep(lambda destination, throw: not throw)

    def sweep(self, keep: Callable[[str, bool], bool]) -> None:
        """Remove those routes of ours for which ``keep(destination, whether it is thrown)`` is false."""
        for family in FAMILIES:
            for route in self._quietly(self._ip.get_routes, family, table=self._settings.routing_table):
                key = _key(route)
                if route["proto"] == _PROTOCOL and not keep(key["dst"], route["type"] == _THROW):
                    self._without(self._ip.route, "del", **key)

    def prepare(self) -> None:
        """Bring the device up and install the rules that lead to its table."""
        settings = self._settings
        found = self._ip.link_lookup(ifname=settings.device)
        if not found:
            raise DataPlaneError(f"find {settings.device}", errno.ENODEV, "the device is gone")
        self._index = found[0]
        _set_sysctl(f"ipv6/conf/{settings.device}/addr_gen_mode", "1")  # no link-local address to announce
        _set_sysctl(f"ipv6/conf/{settings.device}/accept_ra", "0")
        # What comes out of the tunnel was checked against its SA's selectors, which says more.
        _set_sysctl(f"ipv4/conf/{settings.device}/rp_filter", "0")
        self._do("bring the device up", self._ip.link, "set", index=self._index, mtu=settings.mtu, state="up")
        # A large packet that makes one full train: what is left over would cost a second one.
        segments = MAX_TRAIN // sealed_size(settings.mtu)
        with contextlib.suppress(NetlinkError):  # kernels before 4.16 do not take it
            self._ip.link("set", index=self._index, gso_max_segs=segments)
        if settings.set_routes:
            for family in FAMILIES:
                with self._unless(family):
                    self._do("add rule", self._ip.rule, "add", family=family, **self._rule())

    def change_route(self, old: Route | None, new: Route | None) -> None:
        if new is not None:
            self._routes.replace(new, self._index)
        elif old is not None:
            self._routes.remove(old, self._index)

    def addresses(self) -> list[Address]:
        """This machine's own addresses, those of the tunnel device first, loopback's last."""
        found = []
        for message in self._ip.get_addr():
            text = message.get_attr("IFA_LOCAL") or message.get_attr("IFA_ADDRESS")
            address = ip_address(text)
            rank = 0 if message["index"] == self._index else 2 if address.is_loopback else 1
            if not address.is_link_local:
                found.append((rank, address))
        return [address for _, address in sorted(found, key=lambda item: item[0])]

    def add_address(self, address: Address) -> None:
        self._do(
            f"add address {address}", self._ip.addr, "replace", index=self._index,
            address=str(address), prefixlen=address.max_prefixlen,
        )  # fmt: skip

    def remove_address(self, address: Address) -> None:
        self._without(
            self._ip.addr, "del", index=self._index, address=str(address), prefixlen=address.max_prefixlen
        )

    def close(self) -> None:
        self._ip.close()
        self._routes.close()

    def _rule(self) -> dict[str, Any]:
        settings = self._settings
        return {
            "priority": settings.routing_table_prio,
            "table": settings.routing_table,
            "fwmark": settings.mark,
            "flags": _INVERT,
            "protocol": _PROTOCOL,
        }

    @staticmethod
    def _do(what: str, call: Any, *args: Any, **kwargs: Any) -> None:
        try:
            call(*args, **kwargs)
        except NetlinkError as error:
            raise DataPlaneError(what, error.code, str(error.args[-1])) from error

    @staticmethod
    def _without(call: Any, *args: Any, **kwargs: Any) -> None:
        """Removing: what is not there is gone."""
        with contextlib.suppress(NetlinkError):
            call(*args, **kwargs)

    @staticmethod
    def _quietly(call: Any, *args: Any, **kwargs: Any) -> list[Any]:
        """A dump; empty where the kernel has no such table or family."""
        try:
            return list(call(*args, **kwargs))
        except NetlinkError:
            return []

    @staticmethod
    @contextlib.contextmanager
    def _unless(family: int) -> Iterator[None]:
        """Go on where the rule is there already, and where the kernel has no IPv6."""
        try:
            yield
        except DataPlaneError as error:
            missing = family != socket.AF_INET and error.errno in (errno.EAFNOSUPPORT, errno.EOPNOTSUPP)
            if not missing and error.errno != errno.EEXIST:
                raise


def _key(route: Any) -> dict[str, Any]:
    """What names a dumped route when it is to be removed."""
    length = route["dst_len"]
    default = "0.0.0.0" if route["family"] == socket.AF_INET else "::"
    return {
        "family": route["family"],
        "dst": f"{route.get_attr('RTA_DST') or default}/{length}",
        "table": route.get_attr("RTA_TABLE") or route["table"],
        "type": route["type"],
        "proto": _PROTOCOL,
    }


def _set_sysctl(name: str, value: str) -> None:
    """Of our own device only; where /proc/sys is read-only (containers) its default must do."""
    with contextlib.suppress(OSError):
        Path("/proc/sys/net", name).write_text(value)
