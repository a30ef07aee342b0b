"""Host names to addresses, in a thread so that a slow DNS server delays nothing else."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from ipaddress import ip_address

from cygnet.boundary.effects import Resolve
from cygnet.boundary.events import Event, Resolved

FAMILIES = {0: socket.AF_UNSPEC, 4: socket.AF_INET, 6: socket.AF_INET6}
PATIENCE = 30.0  #: seconds; resolv.conf's own time-outs are usually shorter


async def resolve(
    question: Resolve, loop: asyncio.AbstractEventLoop, answer: Callable[[Event], None]
) -> None:
    """Look ``question.host`` up and answer with Resolved: the system's order, without repeats."""
    try:
        family = FAMILIES[question.version]
        look_up = loop.getaddrinfo(question.host, None, family=family, type=socket.SOCK_DGRAM)
        found = await asyncio.wait_for(look_up, PATIENCE)
    except TimeoutError:
        answer(Resolved(question.ref, (), f"no answer within {PATIENCE:.0f}s"))
    except (OSError, UnicodeError) as error:
        text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        answer(Resolved(question.ref, (), text))
    else:
        hosts = (str(info[4][0]).partition("%")[0] for info in found)
        answer(Resolved(question.ref, tuple(dict.fromkeys(ip_address(host) for host in hosts))))
