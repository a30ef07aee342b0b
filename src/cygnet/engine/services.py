"""What every part of one engine uses: configuration, time, chance, numbers, and the effects so far.

``Engine.handle`` sets ``now``, lets one part act, and takes what was emitted. Nothing here
knows an IKE_SA: who is registered is in ``registry``.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Protocol, TypeVar, cast

from cygnet.boundary.effects import Effect
from cygnet.boundary.events import Event
from cygnet.boundary.notices import Alert, Log
from cygnet.boundary.specs import SaId
from cygnet.credentials.store import Store, store_for
from cygnet.engine.answers import Answers
from cygnet.engine.entropy import Entropy
from cygnet.engine.index import Connections
from cygnet.engine.reqids import Reqids
from cygnet.engine.timers import Timers
from cygnet.model.config import Config
from cygnet.values.dn import printable
from cygnet.values.endpoint import Address
from cygnet.values.secret import Secret

P = TypeVar("P")

LONGEST_LINE = 1000  #: characters of a line about a stranger's names, which may have 64 KB


def one_line(text: str) -> str:
    """Fit for logs and terminals: names, URIs and servers' words come from strangers."""
    if len(text) > LONGEST_LINE:
        text = f"{text[:LONGEST_LINE]}... ({len(text) - LONGEST_LINE} more)"
    return text if text.isprintable() else printable(text)


class Named(Protocol):
    """Whose log line it is: an IKE_SA."""

    @property
    def uid(self) -> int: ...
    @property
    def name(self) -> str: ...
    @property
    def is_stranger(self) -> bool: ...


class Installed(Protocol):
    """What an SA of the data plane belongs to: a CHILD_SA, and the uid of its IKE_SA."""

    @property
    def uid(self) -> int: ...
    @property
    def owner_uid(self) -> int: ...


class Services:
    """One engine's. ``lasting``: a secret that outlives this engine (crash tokens, tickets)."""

    def __init__(self, config: Config, entropy: Entropy, lasting: Secret | None = None) -> None:
        self.store = Store(Config())
        self.load(config)
        self.entropy = entropy
        self.lasting = lasting
        self.export_keys = False  #: tell the keys of IKE_SAs (keylog.py)
        self.now = 0.0
        self.unix_offset = 0.0  #: Unix time at ``now`` 0
        self.effects: list[Effect] = []
        self.timers = Timers()
        self.answers = Answers(self.emit)
        self.reqids = Reqids()
        self.spis: set[int] = set()  #: our inbound ESP SPIs, given out and not yet released
        self.installed: dict[SaId, Installed] = {}  #: by either direction's id
        self.addresses: tuple[Address, ...] = ()  #: the machine's own, as far as told
        self.resolved: dict[str, tuple[Address, ...]] = {}  #: last known addresses of host names
        self._questions: dict[int, tuple[int, Callable[[Event], None]]] = {}  # ref -> (owner, taker)
        self._asked_by: dict[int, set[int]] = {}  # owner -> refs
        self._parts: dict[object, object] = {}
        self._alerted: dict[tuple[str, str], str] = {}  #: (kind, connection) -> what was told last
        self._uids = count(1)
        self._child_uids = count(1)
        self._policy_ids = count(1)
        self._refs = count(1_000_000)

    def load(self, config: Config) -> None:
        """Use this configuration from here on."""
        self.config = config
        self.store = store_for(config, self.store)
        self.connections = Connections(config)

    def resolve(self, name: str, addresses: tuple[Address, ...]) -> None:
        """A host name has these addresses."""
        self.resolved[name] = addresses
        self.connections.between.clear()

    def part(self, kind: Callable[[Services], P]) -> P:
        """What one protocol keeps for the whole engine (IKEv2's cookies, ...): made when first asked for."""
        if kind not in self._parts:
            self._parts[kind] = kind(self)
        return cast(P, self._parts[kind])

    @property
    def unix_now(self) -> float:
        """Seconds since 1970, for what is to be understood after a restart."""
        return self.now + self.unix_offset

    # effects ------------------------------------------------------------------------

    def emit(self, effect: Effect) -> None:
        self.effects.append(effect)

    def take_effects(self) -> list[Effect]:
        effects, self.effects = self.effects, []
        return effects

    def log(
        self, group: str, text: str, level: int = 1, sa: Named | None = None, stranger: bool = False
    ) -> None:
        """``stranger``: anybody can cause it (so can he, by their nature, most lines without an SA)."""
        text = one_line(text)
        if sa is None:
            self.emit(Log(group, level, text, stranger=stranger))
        else:
            self.emit(Log(group, level, text, sa.uid, sa.name, sa.is_stranger))

    def alert(self, kind: str, text: str, sa: Named | None = None) -> None:
        """Once per change: what is tried again and fails alike is told again only after it was well."""
        key, text = (kind, sa.name if sa is not None else ""), one_line(text)
        if self._alerted.get(key) != text:
            self._alerted[key] = text
            self.emit(Alert(kind, text, sa.uid if sa is not None else None))

    def well_again(self, name: str) -> None:
        """A connection has been established: its next failure is news."""
        for key in [key for key in self._alerted if key[1] == name]:
            del self._alerted[key]

    # questions to the daemon ----------------------------------------------------------

    def ask(self, taker: Callable[[Event], None], owner: int = 0) -> int:
        """A ref for a question; its answer goes to ``taker`` unless its ``owner`` (an IKE_SA) has gone."""
        ref = next(self._refs)
        self._questions[ref] = (owner, taker)
        self._asked_by.setdefault(owner, set()).add(ref)
        return ref

    def answer(self, ref: int, event: Event) -> None:
        question = self._questions.pop(ref, None)
        if question is not None:
            owner, taker = question
            self._asked_by[owner].discard(ref)
            taker(event)

    def forget_questions(self, owner: int) -> None:
        for ref in self._asked_by.pop(owner, ()):
            del self._questions[ref]

    # numbers ------------------------------------------------------------------------

    def new_uid(self) -> int:
        return next(self._uids)

    def new_child_uid(self) -> int:
        return next(self._child_uids)

    def new_policy_id(self) -> int:
        return next(self._policy_ids)

    def new_child_spi(self) -> int:
        """An ESP SPI for our inbound SA. 0..255 are reserved (RFC 4303 §2.1).

        charon draws them from 0xc0000000 on, and so do we: users know the look.
        """
        while True:
            spi = 0xC000_0000 | (int.from_bytes(self.entropy.bytes(4)) & 0x0FFF_FFFF)
            if spi not in self.spis:
                self.spis.add(spi)
                return spi

    def release_child_spi(self, spi: int) -> None:
        self.spis.discard(spi)
