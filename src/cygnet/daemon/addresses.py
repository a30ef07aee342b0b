"""The machine's addresses, kept up to date: for statusall, and for the engine (MOBIKE).

The kernel tells over a netlink socket that something changed (rtnetlink(7)); then the list is
read anew, in a thread, once for a burst of changes. A link or a route that is there (again) is
told as well: peers that did not answer may be reached now.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Iterator
from ipaddress import ip_address

from cygnet.values.endpoint import Address

#: linux/rtnetlink.h
RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV4_ROUTE = 0x1, 0x10, 0x40
RTMGRP_IPV6_IFADDR, RTMGRP_IPV6_ROUTE = 0x100, 0x400
RTM_NEWLINK, RTM_NEWROUTE, RTM_DELROUTE, RT_TABLE_MAIN, IFF_RUNNING = 16, 24, 25, 254, 0x40
_GROUPS = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_IFADDR | RTMGRP_IPV6_ROUTE
SETTLE = 0.2  #: seconds of quiet after a change before the list is read


def read_addresses() -> dict[Address, str]:
    """Every usable address with its interface, IPv4 first; without loopback and link-local ones."""
    from pyroute2 import IPRoute  # 0.1 s to import, and not needed before a tunnel can start

    found: dict[Address, str] = {}
    with IPRoute() as ip:
        for entry in ip.get_addr():
            # Of a point-to-point link "address" is the other end; "local" is missing with IPv6.
            address = ip_address(entry.get("local") or entry.get("address"))
            if not address.is_loopback and not address.is_link_local:
                with contextlib.suppress(OSError):  # the interface is gone meanwhile
                    found[address] = socket.if_indextoname(entry["index"])
    return dict(sorted(found.items(), key=lambda item: (item[0].version, int(item[0]))))


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and body of each netlink message (struct nlmsghdr, native byte order)."""
    while len(data) >= 16:
        length, kind = struct.unpack_from("=IH", data)
        if length < 16:
            return
        yield kind, data[16:length]
        data = data[(length + 3) & ~3 :]


def is_path_back(kind: int, body: bytes) -> bool:
    """A route of the main table, or a link that has its carrier."""
    if kind == RTM_NEWROUTE and len(body) >= 12:  # struct rtmsg
        return body[4] == RT_TABLE_MAIN
    if kind == RTM_NEWLINK and len(body) >= 16:  # struct ifinfomsg
        return bool(struct.unpack_from("=I", body, 8)[0] & IFF_RUNNING)
    return False


class AddressWatch:
    def __init__(self, changed: Callable[[tuple[Address, ...]], None]) -> None:
        """``changed`` is called in the event loop, when the list is another than before, or a path may
        be back."""
        self._found: dict[Address, str] = {}
        self._changed = changed
        self._path_back = False  #: seen since the list was told last
        self._socket: socket.socket | None = None
        self._due: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def addresses(self) -> tuple[Address, ...]:
        return tuple(self._found)

    def interface_of(self, address: str) -> str:
        """The interface that has an address; empty where that is not known."""
        return next((name for found, name in self._found.items() if str(found) == address), "")

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to watch. Where netlink cannot be used, there is no list and nothing else is lost."""
        try:
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
            self._socket.bind((0, _GROUPS))
        except OSError:
            self.stop()
            return
        loop.add_reader(self._socket, self._readable, loop)
        self._read(loop, True)

    def stop(self) -> None:
        if self._due is not None:
            self._due.cancel()
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    def _readable(self, loop: asyncio.AbstractEventLoop) -> None:
        assert self._socket is not None
        looked = False
        try:
            while data := self._socket.recv(65536):
                for kind, body in messages(data):
                    self._path_back = self._path_back or is_path_back(kind, body)
                    looked = looked or kind not in (RTM_NEWROUTE, RTM_DELROUTE) or self._path_back
        except BlockingIOError:
            pass
        except OSError:  # more than fitted (ENOBUFS): the list is read anyway
            looked = True
        if not looked:  # routes of other tables, such as those of our tunnels
            return
        if self._due is not None:
            self._due.cancel()
        self._due = loop.call_later(SETTLE, self._read, loop, False)

    def _read(self, loop: asyncio.AbstractEventLoop, first: bool) -> None:
        self._task = loop.create_task(self._refresh(first))

    async def _refresh(self, first: bool) -> None:
        before = self.addresses
        self._found = await asyncio.to_thread(read_addresses)
        back, self._path_back = self._path_back, False
        if not first and (back or self.addresses != before):
            self._changed(self.addresses)
