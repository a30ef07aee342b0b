"""The machine's addresses: read from the kernel, and read again when they change."""

from __future__ import annotations

import asyncio
import struct
from ipaddress import ip_address

import pytest

from cygnet.daemon import addresses
from cygnet.daemon.addresses import AddressWatch, read_addresses
from cygnet.values.endpoint import Address
from tests.daemon.fakes import until

A, B = ip_address("192.0.2.1"), ip_address("2001:db8::1")


def test_what_the_kernel_has_is_listed_with_its_interface_and_without_the_loopback() -> None:
    found = read_addresses()
    assert all(name and name != "lo" for name in found.values())
    assert list(found) == sorted(found, key=lambda a: (a.version, int(a)))


def test_a_change_is_told_once_it_has_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[dict[Address, str]] = [{A: "eth0"}, {A: "eth0"}, {A: "eth0", B: "eth1"}]
    monkeypatch.setattr(addresses, "read_addresses", lambda: answers.pop(0))
    monkeypatch.setattr(addresses, "SETTLE", 0.0)
    told: list[tuple[Address, ...]] = []

    async def story() -> None:
        loop = asyncio.get_running_loop()
        watch = AddressWatch(told.append)
        watch.start(loop)
        await until(lambda: watch.addresses == (A,))
        assert not told  # the first reading is no change
        watch._read(loop, False)  # something happened, but not to the addresses
        await until(lambda: len(answers) == 1)
        watch._read(loop, False)
        await until(lambda: told)
        assert watch.interface_of("2001:db8::1") == "eth1" and watch.interface_of("10.0.0.1") == ""
        watch.stop()

    asyncio.run(story())
    assert told == [(A, B)]


def header(kind: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body


def test_a_link_with_its_carrier_and_a_route_of_the_main_table_are_a_path_that_is_back() -> None:
    route = lambda table: bytes((2, 24, 0, 0, table, 0, 0, 1)) + bytes(4)  # noqa: E731 - struct rtmsg
    link = lambda flags: bytes(8) + struct.pack("=II", flags, 0)  # noqa: E731 - struct ifinfomsg
    kinds = [(24, route(254)), (24, route(220)), (25, route(254)), (16, link(0x1043)), (16, link(0x1003))]
    data = b"".join(header(kind, body) for kind, body in kinds)
    assert [(k, b) for k, b in addresses.messages(data)] == kinds
    assert [addresses.is_path_back(*one) for one in kinds] == [True, False, False, True, False]
    assert list(addresses.messages(b"\x03\x00\x00\x00" + bytes(20))) == []


def test_a_path_that_is_back_is_told_though_the_addresses_are_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(addresses, "read_addresses", lambda: {A: "eth0"})
    told: list[tuple[Address, ...]] = []

    async def story() -> None:
        watch = AddressWatch(told.append)
        loop = asyncio.get_running_loop()
        watch.start(loop)
        await until(lambda: watch.addresses == (A,))
        watch._path_back = True
        watch._read(loop, False)
        await until(lambda: told)
        watch.stop()

    asyncio.run(story())
    assert told == [(A,)]
