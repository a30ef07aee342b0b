"""What all parts of one engine share: configuration, time, chance, registries, and the effects so far.

``Engine.handle`` sets ``now``, lets one part act, and takes what was emitted. Nothing here
knows a protocol version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, TypeVar, cast

from cygnet.boundary.effects import Attach, Effect, Finish, Outcome, ReleaseHeld
from cygnet.boundary.events import Event
from cygnet.boundary.notices import Alert, Log
from cygnet.boundary.specs import SaId
from cygnet.engine.entropy import Entropy
from cygnet.engine.half_open import HalfOpen
from cygnet.engine.index import Connections, Index
from cygnet.engine.timers import Deadline, Timers
from cygnet.model.config import Child, Config, Connection
from cygnet.values.endpoint import Address
from cygnet.values.identity import Identity
from cygnet.values.secret import Secret
from cygnet.values.selector import TrafficSelector

if TYPE_CHECKING:
    from cygnet.engine.child import ChildSa
    from cygnet.engine.sa import IkeSa
    from cygnet.engine.traps import Routed

P = TypeVar("P")
Selectors = tuple[TrafficSelector, ...]
IdentityPair = tuple[int, Identity, Identity]  # IKE version, ours, the peer's

#: seconds an IKEv1 IKE_SA that was reauthenticated is left for the peer to delete (as charon)
RETIRE_DELAY = 10.0


@dataclass(slots=True, eq=False)
class Wish:
    """A CHILD_SA that somebody waits for: the user (``refs``), a trap (``policy_id``) or nobody.

    ``reqid`` 0: not yet given. ``tries`` counts failed IKE negotiations (keyingtries).
    ``selectors`` narrows what a trap's packet asked for (its protocol and ports), if known.
    """

    child: Child
    reqid: int = 0
    refs: list[int] = field(default_factory=list)
    policy_id: int | None = None
    packet: tuple[TrafficSelector, TrafficSelector] | None = None

    def merge(self, other: Wish) -> None:
        """Take over who waits for ``other``, the same child asked for twice."""
        self.refs += [r for r in other.refs if r not in self.refs]
        self.policy_id = self.policy_id if self.policy_id is not None else other.policy_id
        self.reqid = self.reqid or other.reqid


class Reqids:
    """One reqid per pair of selector sets for as long as anything uses it, as charon gives them."""

    def __init__(self) -> None:
        self._next = count(1)
        self._in_use: dict[tuple[Selectors, Selectors], list[int]] = {}  # -> [reqid, uses]
        self._key_of: dict[int, tuple[Selectors, Selectors]] = {}

    def take(self, local: Selectors, remote: Selectors, wanted: int = 0) -> int:
        """``wanted`` (a configured or an inherited reqid) is used as it is."""
        if wanted:
            if wanted in self._key_of:
                self._in_use[self._key_of[wanted]][1] += 1
            return wanted
        entry = self._in_use.get((local, remote))
        if entry is None:
            entry = self._in_use[local, remote] = [next(self._next), 0]
            self._key_of[entry[0]] = (local, remote)
        entry[1] += 1
        return entry[0]

    def release(self, reqid: int) -> None:
        key = self._key_of.get(reqid)
        if key is None:
            return
        self._in_use[key][1] -= 1
        if self._in_use[key][1] <= 0:
            del self._in_use[key], self._key_of[reqid]


def _not_yet(connection: Connection, child: Child) -> None:
    raise AssertionError("the engine has not tied its parts together yet")


class Context:
    """Registries and services of one engine."""

    def __init__(self, config: Config, entropy: Entropy, lasting: Secret | None = None) -> None:
        self.load(config)
        self.entropy = entropy
        self.export_keys = False  #: tell the keys of IKE_SAs (keylog.py)
        self.lasting = lasting  #: a secret that outlives this engine (crash tokens, tickets)
        self.now = 0.0
        self.unix_offset = 0.0  #: Unix time at ``now`` 0
        self.effects: list[Effect] = []
        self.timers = Timers()
        self.reqids = Reqids()
        self.ike_sas: dict[int, IkeSa] = {}  #: by uid, in order of creation
        self.named: Index[str, IkeSa] = Index()  #: by the name of its connection
        self.between: Index[IdentityPair, IkeSa] = Index()  #: established ones by who speaks with whom
        self.by_spi: dict[bytes, IkeSa] = {}  #: by our own SPI (8 bytes)
        self.initial: dict[
            tuple[int, bytes, Address], IkeSa
        ] = {}  #: (version, spi_i, peer): responder, half open
        self.children: dict[SaId, ChildSa] = {}  #: by either direction's id
        self.spis: set[int] = set()  #: our inbound ESP SPIs, given out and not yet released
        self.routed: dict[int, Routed] = {}  #: traps and shunts by uid
        self.routed_by_name: dict[str, Routed] = {}  #: ... by the name of the child
        self.routed_by_policy: dict[int, Routed] = {}  #: ... by policy id
        self.half_open = HalfOpen()
        self.install_trap: Callable[[Connection, Child], None] = _not_yet  #: set by the engine (traps.py)
        self.addresses: tuple[Address, ...] = ()  #: the machine's own, as far as told
        self.resolved: dict[str, tuple[Address, ...]] = {}  #: last known addresses of host names
        self._questions: dict[
            int, tuple[int, Callable[[Event], None]]
        ] = {}  # ref -> (owner, who takes the answer)
        self._outstanding: dict[int, list[Finish]] = {}  # requests for several children: answers so far
        self._parts: dict[int, int] = {}  # ... and how many more are to come
        self._closing: dict[tuple[str, int], list[int]] = {}  # ("ike"|"child", uid) -> requests that wait
        self._parts_kept: dict[object, object] = {}
        self._uids = count(1)
        self._child_uids = count(1)
        self._policy_ids = count(1)
        self._refs = count(1_000_000)

    def load(self, config: Config) -> None:
        """Use this configuration from here on."""
        self.config = config
        self.connections = Connections(config)

    # effects ------------------------------------------------------------------------

    @property
    def unix_now(self) -> float:
        """Seconds since 1970, for what is to be understood after a restart."""
        return self.now + self.unix_offset

    def emit(self, effect: Effect) -> None:
        self.effects.append(effect)

    def take_effects(self) -> list[Effect]:
        effects, self.effects = self.effects, []
        return effects

    def log(self, group: str, text: str, level: int = 1, sa: IkeSa | None = None) -> None:
        uid, name = (sa.uid, sa.name) if sa is not None else (None, "")
        self.emit(Log(group, level, text, uid, name))

    def alert(self, kind: str, text: str, sa: IkeSa | None = None) -> None:
        self.emit(Alert(kind, text, sa.uid if sa is not None else None))

    def finish(self, wish: Wish, outcome: Outcome, text: str, reason: str = "") -> None:
        """Tell everybody who waits for this wish how it ended."""
        for ref in wish.refs:
            self.finish_part(Finish(ref, outcome, text, reason))
        wish.refs.clear()
        if outcome is not Outcome.OK and wish.policy_id is not None:
            self.emit(ReleaseHeld(wish.policy_id))

    def expect_parts(self, ref: int, parts: int) -> None:
        """Request ``ref`` is done when this many Finish have been given for it; the worst one counts."""
        self._parts[ref] = parts

    def finish_part(self, part: Finish) -> None:
        answers = self._outstanding.setdefault(part.ref, [])
        answers.append(part)
        if len(answers) < self._parts.get(part.ref, 1):
            return
        del self._outstanding[part.ref]
        self._parts.pop(part.ref, None)
        worst = max(answers, key=lambda a: a.outcome.value)
        text = "\n".join(dict.fromkeys(a.text for a in answers))
        self.emit(Finish(part.ref, worst.outcome, text, worst.reason))

    def when_closed(self, kind: str, uid: int, ref: int) -> None:
        """Finish (a part of) request ``ref`` when this "ike" or "child" is gone."""
        self._closing.setdefault((kind, uid), []).append(ref)

    def closed(self, kind: str, uid: int) -> None:
        text = f"IKE_SA [{uid}]" if kind == "ike" else f"CHILD_SA {{{uid}}}"
        for ref in self._closing.pop((kind, uid), ()):
            self.finish_part(Finish(ref, Outcome.OK, f"{text} closed successfully"))

    # questions to the daemon ----------------------------------------------------------

    def ask(self, taker: Callable[[Event], None], owner: int = 0) -> int:
        """A ref for a question; its answer goes to ``taker`` unless ``owner`` (an IKE_SA) is gone."""
        ref = next(self._refs)
        self._questions[ref] = (owner, taker)
        return ref

    def answer(self, ref: int, event: Event) -> None:
        question = self._questions.pop(ref, None)
        if question is not None and (not question[0] or question[0] in self.ike_sas):
            question[1](event)

    def retire(self, sa: IkeSa) -> None:
        """An IKE_SA that another one replaced: give the peer time to delete it, then do it ourselves."""
        self.timers.cancel_owner(sa.uid)
        self.timers.set(sa.uid, Deadline.RETIRE, self.now + RETIRE_DELAY)

    def attach(self, wish: Wish, sa: IkeSa) -> None:
        """From here on the log lines of ``sa`` are shown to whoever waits for this wish."""
        for ref in wish.refs:
            self.emit(Attach(ref, sa.uid))

    def part(self, kind: Callable[[Context], P]) -> P:
        """What one protocol keeps for the whole engine (IKEv2's cookies, ...): made when first asked for."""
        if kind not in self._parts_kept:
            self._parts_kept[kind] = kind(self)
        return cast(P, self._parts_kept[kind])

    # numbers ------------------------------------------------------------------------

    def new_uid(self) -> int:
        return next(self._uids)

    def new_child_uid(self) -> int:
        return next(self._child_uids)

    def new_policy_id(self) -> int:
        return next(self._policy_ids)

    def new_ike_spi(self) -> bytes:
        """A non-zero IKE SPI (cookie) of 8 bytes that is not in use."""
        while True:
            spi = self.entropy.bytes(8)
            if spi not in self.by_spi and any(spi):
                return spi

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

    # look-ups -----------------------------------------------------------------------

    def sas_of(self, connection_name: str) -> Iterator[IkeSa]:
        return iter(self.named.of(connection_name))

    def all_children(self) -> Iterator[tuple[IkeSa, ChildSa]]:
        return ((sa, child) for sa in list(self.ike_sas.values()) for child in list(sa.children.values()))
