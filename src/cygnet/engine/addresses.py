"""The words by which a connection names its ends: addresses, subnets, ranges, host names, %any."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import ip_address, ip_network

from cygnet.model.config import Connection
from cygnet.values.endpoint import Address

ANY_WORDS = frozenset({"%any", "%any4", "%any6", "0.0.0.0", "::", "0.0.0.0/0", "::/0"})


@lru_cache(maxsize=1 << 14)
def concrete(word: str) -> Address | None:
    """The address a configured word stands for; None for %any, names, subnets and ranges."""
    if word in ANY_WORDS:
        return None
    try:
        return ip_address(word)
    except ValueError:
        return None


def is_host_name(word: str) -> bool:
    return (
        word not in ANY_WORDS
        and concrete(word) is None
        and "/" not in word
        and "%" not in word
        and (any(c.isalpha() for c in word) and ":" not in word)
    )


def can_initiate(connection: Connection) -> bool:
    """Whether the connection says where its peer is: a concrete address or a host name."""
    return any(concrete(w) is not None or is_host_name(w) for w in connection.remote_addrs)


def fits(word: str, address: Address, resolved: Sequence[Address] = ()) -> int:
    """How closely a configured word fits an address: 0 not, 1 any, 2 subnet or range, 3 exactly."""
    if word in ANY_WORDS:
        family = {"%any4": 4, "0.0.0.0": 4, "0.0.0.0/0": 4, "%any6": 6, "::": 6, "::/0": 6}.get(word)
        return 1 if family in (None, address.version) else 0
    single = concrete(word)
    if single is not None:
        return 3 if single == address else 0
    try:
        if "/" in word:
            return 2 if address in ip_network(word, strict=False) else 0
        low, dash, high = word.partition("-")
        if dash and not is_host_name(word):
            first, last = ip_address(low), ip_address(high)
            inside = first.version == address.version and int(first) <= int(address) <= int(last)
            return 2 if inside else 0
    except ValueError:
        return 0
    return 3 if address in resolved else 0
