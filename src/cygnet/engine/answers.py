"""Requests of the user that are under way, and their answers (effect Finish)."""

from __future__ import annotations

from collections.abc import Callable

from cygnet.boundary.effects import Effect, Finish, Outcome


class Answers:
    """A request may be for several things: it is answered when each has been, and the worst one counts."""

    def __init__(self, emit: Callable[[Effect], None]) -> None:
        self._emit = emit
        self._parts: dict[int, int] = {}  # ref -> how many answers it takes, where that is not 1
        self._so_far: dict[int, list[Finish]] = {}
        self._closing: dict[tuple[str, int], list[int]] = {}  # ("ike"|"child", uid) -> refs that wait

    def expect(self, ref: int, parts: int) -> None:
        self._parts[ref] = parts

    def give(self, part: Finish) -> None:
        so_far = self._so_far.setdefault(part.ref, [])
        so_far.append(part)
        if len(so_far) < self._parts.get(part.ref, 1):
            return
        del self._so_far[part.ref]
        self._parts.pop(part.ref, None)
        worst = max(so_far, key=lambda a: a.outcome.value)
        text = "\n".join(dict.fromkeys(a.text for a in so_far))
        self._emit(Finish(part.ref, worst.outcome, text, worst.reason))

    def when_closed(self, kind: str, uid: int, ref: int) -> None:
        """Answer (a part of) ``ref`` when this "ike" or "child" is gone."""
        self._closing.setdefault((kind, uid), []).append(ref)

    def closed(self, kind: str, uid: int) -> None:
        text = f"IKE_SA [{uid}]" if kind == "ike" else f"CHILD_SA {{{uid}}}"
        for ref in self._closing.pop((kind, uid), ()):
            self.give(Finish(ref, Outcome.OK, f"{text} closed successfully"))
