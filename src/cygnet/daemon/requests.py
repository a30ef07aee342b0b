"""Requests of users that the engine has not finished yet, and whose log lines go to them.

``ref`` numbers are positive and never used twice in a daemon's life.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import count

from cygnet.boundary.effects import Finish
from cygnet.boundary.notices import Log
from cygnet.boundary.snapshot import Snapshot


@dataclass(slots=True)
class Request:
    ref: int
    on_log: Callable[[Log], None]
    on_finish: Callable[[Finish], None]
    ike_uids: set[int] = field(default_factory=set)


def _now(tell: Callable[[], None]) -> None:
    tell()


class Requests:
    def __init__(self) -> None:
        self._refs = count(1)
        self._open: dict[int, Request] = {}
        self._listening: dict[int, set[int]] = {}  # ike_uid -> refs

    def open(self, on_log: Callable[[Log], None], on_finish: Callable[[Finish], None]) -> int:
        ref = next(self._refs)
        self._open[ref] = Request(ref, on_log, on_finish)
        return ref

    def close(self, ref: int) -> None:
        """Forget a request: it finished, or who asked is gone."""
        request = self._open.pop(ref, None)
        for uid in request.ike_uids if request else ():
            refs = self._listening[uid]
            refs.discard(ref)
            if not refs:
                del self._listening[uid]

    def trouble(self, ref: int, snapshot: Snapshot) -> str:
        """Why a request is not done yet: what hinders its IKE_SA, and what that waits for."""
        request = self._open.get(ref)
        uids = request.ike_uids if request else ()
        for sa in snapshot.ike_sas:
            if sa.uid in uids and (sa.trouble or sa.waiting):
                waiting = f"waiting for {sa.waiting}" if sa.waiting else ""
                return "; ".join(text for text in (sa.trouble, waiting) if text)
        return ""

    def attach(self, ref: int, ike_uid: int) -> None:
        request = self._open.get(ref)
        if request is not None:
            request.ike_uids.add(ike_uid)
            self._listening.setdefault(ike_uid, set()).add(ref)

    def log(self, log: Log, current: int) -> None:
        """Give a line to whoever asked for what it is about.

        ``current`` is the request whose event is being handled (0: none): lines of no IKE_SA
        at that moment are about it.
        """
        if not self._open:
            return
        refs = {current} if log.ike_uid is None else self._listening.get(log.ike_uid, set())
        for ref in tuple(refs):
            request = self._open.get(ref)
            if request is not None:
                request.on_log(log)

    def finish(self, finish: Finish, when: Callable[[Callable[[], None]], None] = _now) -> None:
        """No more log lines for it from here on; ``when`` decides when its end is told."""
        request = self._open.get(finish.ref)
        self.close(finish.ref)
        if request is not None:
            when(partial(request.on_finish, finish))
