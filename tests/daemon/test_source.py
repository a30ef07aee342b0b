"""Source addresses and what is local, by the kernel's own answers."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from cygnet.daemon.source import is_local, source_towards


def test_the_loopback_is_reached_from_the_loopback() -> None:
    assert source_towards(ip_address("127.0.0.5")) in (ip_address("127.0.0.1"), ip_address("127.0.0.5"))


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("127.0.0.1", True),
        ("192.0.2.77", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("%any", False),
        ("gateway.example.org", False),
        ("10.0.0.0/8", False),
    ],
)
def test_only_addresses_of_this_machine_are_local(text: str, local: bool) -> None:
    assert is_local(text) is local
