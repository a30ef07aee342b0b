"""The machine's addresses: read from the kernel, and read again when they change."""

from __future__ import annotations

import asyncio
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
        watch._readable(loop)  # something happened, but not to the addresses
        await until(lambda: len(answers) == 1)
        watch._readable(loop)
        await until(lambda: told)
        assert watch.interface_of("2001:db8::1") == "eth1" and watch.interface_of("10.0.0.1") == ""
        watch.stop()

    asyncio.run(story())
    assert told == [(A, B)]
