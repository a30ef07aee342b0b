"""Whole negotiations in memory: engines, virtual time, and a network that loses things on purpose.

from cygnet.testing import Pair, oregon
pair = Pair(*oregon())
pair.left.up("oregon")
pair.run(5.0)
assert pair.left.established("oregon")
"""

from cygnet.testing.builders import connection, oregon, psk
from cygnet.testing.entropy import SeededEntropy
from cygnet.testing.network import Faults, Network
from cygnet.testing.pair import Host, Page, Pair
from cygnet.testing.recorder import Recorder

__all__ = [
    "Faults",
    "Host",
    "Network",
    "Page",
    "Pair",
    "Recorder",
    "SeededEntropy",
    "connection",
    "oregon",
    "psk",
]
