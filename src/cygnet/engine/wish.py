"""A CHILD_SA that somebody waits for."""

from __future__ import annotations

from dataclasses import dataclass, field

from cygnet.boundary.effects import Attach, Finish, Outcome, ReleaseHeld
from cygnet.engine.services import Services
from cygnet.engine.wanted import Failure, WantedChildren
from cygnet.model.config import Child
from cygnet.values.selector import Packet


@dataclass(slots=True, eq=False)
class Wish:
    """Waited for by the user (``refs``), a trap (``policy_id``) or nobody in particular.

    ``reqid`` 0: not yet given. ``packet``: source and destination of what fired the trap.
    """

    child: Child
    reqid: int = 0
    refs: list[int] = field(default_factory=list)
    policy_id: int | None = None
    packet: Packet | None = None

    def merge(self, other: Wish) -> None:
        """Take over who waits for ``other``, the same child asked for twice."""
        self.refs += [r for r in other.refs if r not in self.refs]
        self.policy_id = self.policy_id if self.policy_id is not None else other.policy_id
        self.reqid = self.reqid or other.reqid

    def attach(self, services: Services, uid: int) -> None:
        """From here on the log lines of IKE_SA ``uid`` are shown to whoever waits."""
        for ref in self.refs:
            services.emit(Attach(ref, uid))

    def fulfilled(self, services: Services) -> None:
        self._finish(services, Outcome.OK, f"connection '{self.child.name}' established successfully", "")

    def failed(self, services: Services, reason: str, kind: Failure = Failure.REFUSED) -> None:
        services.part(WantedChildren).failed(self.child.name, reason, kind)
        self._finish(services, Outcome.FAILED, f"establishing connection '{self.child.name}' failed", reason)
        if self.policy_id is not None:
            services.emit(ReleaseHeld(self.policy_id))

    def _finish(self, services: Services, outcome: Outcome, text: str, reason: str) -> None:
        """Tell everybody who waits how it ended."""
        for ref in self.refs:
            services.answers.give(Finish(ref, outcome, text, reason))
        self.refs.clear()
