"""What a handler decided. The daemon carries these out (daemon/vici_server.py)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from cygnet.boundary.events import Event
from cygnet.boundary.specs import SaId
from cygnet.control.vici.codec import Message
from cygnet.control.view import Usages

Streamed = Iterable[tuple[str, Message]]


@dataclass(frozen=True, slots=True)
class Answer:
    """Stream ``events`` (name, message) to this client, then answer with ``message``."""

    message: Message = field(default_factory=dict)
    events: Streamed = ()


@dataclass(frozen=True, slots=True)
class Ask:
    """Put ``event(ref)`` to the engine, and answer when it finishes ``ref``.

    Log lines of that request go to the client as control-log events up to ``level``.
    ``timeout`` is in seconds: None waits without end, 0 answers at once.
    """

    event: Callable[[int], Event]
    level: int = 1
    timeout: float | None = None
    what: str = ""  #: for the message of a timeout, "connection 'oregon' not established after ..."
    done: str = "done"


@dataclass(frozen=True, slots=True)
class Count:
    """Ask the data plane for the counters of ``ids``, then go on with ``then``."""

    ids: tuple[SaId, ...]
    then: Callable[[Usages], Answer]


@dataclass(frozen=True, slots=True)
class Reload:
    """Read configuration files again.

    ``connections`` False: credentials only; of these with ``parts`` only some: "secrets" (with the private
    keys), and directories of ipsec.d (certs, cacerts, crls, ...). ``fresh``: treat every connection as
    new (``reload``).
    ``apply``: close what runs without a configuration afterwards.
    """

    connections: bool = True
    fresh: bool = False
    apply: bool = False
    parts: tuple[str, ...] = ()


Decision = Answer | Ask | Count | Reload


def refused(text: str) -> Answer:
    """The request itself is wrong; vici's shape of a failure."""
    return Answer({"success": "no", "errmsg": text, "outcome": "2"})
