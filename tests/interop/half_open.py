"""An IKE_SA_INIT of somebody who never comes back: it leaves a half-open IKE_SA behind."""

from __future__ import annotations

import sys

from cygnet.boundary.effects import Send
from cygnet.boundary.events import Configure, Initiate
from cygnet.engine.engine import Engine
from cygnet.lab.host import Host
from cygnet.lab.topology import End
from cygnet.model.config import Config, IkeVersion
from cygnet.testing.builders import connection
from cygnet.testing.entropy import SeededEntropy

_SENDER = """
import socket, sys
address, data = sys.argv[1], bytes.fromhex(sys.stdin.read())
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(data, (address, 500))
"""


def request(own: End, other: End, suite: str) -> bytes:
    """The first message of a negotiation, as cygnet makes it."""
    ghost = connection(local=own.address, remote=other.public, version=IkeVersion.V2, ike=suite)
    config = Config((ghost,))
    engine = Engine(config, SeededEntropy("ghost"))
    effects = engine.handle(Configure(config), 0.0) + engine.handle(Initiate(1, ghost.name), 0.0)
    return next(effect.data for effect in effects if isinstance(effect, Send))


def leave(host: Host, own: End, other: End, suite: str = "aes128-sha256-modp2048") -> None:
    """From ``host``, to the gateway of ``other``."""
    data = request(own, other, suite).hex()
    host.run(sys.executable, "-c", _SENDER, other.public, input=data)
