"""Priorities of policies: the narrower the selectors, the earlier they are looked at.

Lower numbers win. Shunts come before tunnels, tunnels before traps with the same selectors, so
that a pass shunt for the local subnet cuts a hole into a tunnel for everything, and an
established tunnel takes the traffic of the trap that started it.
"""

from __future__ import annotations

from cygnet.model.config import Child, Mode
from cygnet.values.endpoint import Address
from cygnet.values.selector import Selectors, dynamic

BASE_SHUNT = 100_000
BASE_TUNNEL = 200_000
BASE_TRAP = 300_000


def _width(selectors: Selectors) -> int:
    """How much is not fixed, in bits of prefix times 4, plus 2 without a port, plus 1 without a protocol."""
    widest = 0
    for ts in selectors:
        bits = (int(ts.end) - int(ts.start)).bit_length()
        bits += 0 if ts.version == 6 else 96
        any_port = ts.start_port == 0 and ts.end_port == 0xFFFF
        widest = max(widest, bits * 4 + (2 if any_port else 0) + (1 if not ts.protocol else 0))
    return widest


def priority_of(child: Child, local: Selectors, remote: Selectors, trap: bool) -> int:
    """The number for PolicySpec.priority; the configured one, if there is one, as it is."""
    if child.priority:
        return child.priority
    if child.mode in (Mode.PASS, Mode.DROP, Mode.REJECT):
        base = BASE_SHUNT
    else:
        base = BASE_TRAP if trap else BASE_TUNNEL
    return base + _width(local) + _width(remote)


def fill(selectors: Selectors, address: Address) -> Selectors:
    """Selectors with dynamic ones set to ``address``; none at all means "the address itself"."""
    return tuple(ts.set_address(address) for ts in selectors or (dynamic(address.version),))
