"""CHILD_SAs that are meant to be up, whatever becomes of the SAs that carry them.

One record for each outlives them all: why it is wanted and since when, since when it is down and
for what reason, and when the next try is. Whatever may have changed one (a CHILD_SA came or went,
an attempt failed) touches it here; ``supervision`` looks at those that were touched at the end of
every event, and nothing else restarts anything by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from cygnet.engine.services import Services
from cygnet.engine.timers import Deadline
from cygnet.model.config import Child, CloseAction, Connection, StartAction

ENGINE = 0  #: the owner of deadlines that no IKE_SA has


class Failure(Enum):
    """What kind of failure it was: it says when to try again."""

    REFUSED = auto()  #: by the peer, or it cannot be begun: after a pause
    SILENCE = auto()  #: the peer did not answer for as long as we have asked: ask on
    HOPELESS = auto()  #: as long as everything stays as it is


@dataclass(slots=True)
class Wanted:
    uid: int
    connection: Connection
    child: Child
    why: str  #: the setting or the command that asks for it
    since: float
    up_since: float | None = None
    down_since: float | None = None  #: None: it is up, or was never looked at
    tries: int = 0  #: failed in a row
    failure: str = ""  #: why the last one failed
    failed_by: Failure = Failure.REFUSED
    given_up: str = ""  #: why nothing is tried until something changes


class WantedChildren:
    """By the name of the child."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._named: dict[str, Wanted] = {}
        self._by_uid: dict[int, Wanted] = {}
        self._touched: dict[str, None] = {}

    def want(self, connection: Connection, child: Child, why: str) -> None:
        """From here on, or as before; in any case it is tried at once where it is down."""
        wanted = self._named.get(child.name)
        if wanted is None:
            wanted = Wanted(self._services.new_policy_id(), connection, child, why, self._services.now)
            self._named[child.name] = self._by_uid[wanted.uid] = wanted
        wanted.connection, wanted.child = connection, child
        self.hope(wanted)

    def drop(self, name: str) -> None:
        """The user does not want it any more, or nobody has configured it."""
        wanted = self._named.pop(name, None)
        if wanted is not None:
            del self._by_uid[wanted.uid]
            self._services.timers.cancel(ENGINE, Deadline.WANTED, wanted.uid)

    def hope(self, wanted: Wanted) -> None:
        """Something has changed that may have been the reason: try at once."""
        wanted.tries, wanted.given_up = 0, ""
        self._services.timers.cancel(ENGINE, Deadline.WANTED, wanted.uid)
        self.touch(wanted.child.name)

    def touch(self, name: str) -> None:
        if name in self._named:
            self._touched[name] = None

    def failed(self, name: str, reason: str, kind: Failure) -> None:
        """An attempt came to nothing."""
        wanted = self._named.get(name)
        if wanted is None:
            return
        wanted.tries += 1
        wanted.failure, wanted.failed_by = reason, kind
        if kind is Failure.HOPELESS:
            wanted.given_up = "nothing but a changed configuration can help"
        elif wanted.connection.keyingtries and wanted.connection.keyingtries_written:
            wanted.given_up = f"keyingtries={wanted.connection.keyingtries}"
        self.touch(name)

    def closed_by_peer(self, child: Child) -> None:
        """On purpose. What has to be up by configuration comes back, after a pause; else that is that."""
        if child.close_action is CloseAction.START:
            return
        if child.start_action in (StartAction.START, StartAction.TRAP_START):
            self.failed(child.name, "the peer has closed it", Failure.REFUSED)
        else:
            self.drop(child.name)

    def take_touched(self) -> list[Wanted]:
        touched, self._touched = self._touched, {}
        return [self._named[name] for name in touched if name in self._named]

    def get(self, name: str) -> Wanted | None:
        return self._named.get(name)

    def by_uid(self, uid: int) -> Wanted | None:
        return self._by_uid.get(uid)

    def all(self) -> list[Wanted]:
        return list(self._named.values())


def reason_to_want(child: Child) -> str:
    """The setting that keeps a CHILD_SA up once it was; empty where none does."""
    if child.start_action in (StartAction.START, StartAction.TRAP_START):
        return "auto=start"
    if child.dpd_action is CloseAction.START:
        return "dpdaction=restart"
    return "closeaction=restart" if child.close_action is CloseAction.START else ""
