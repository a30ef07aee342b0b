"""What to tell people and programs: log lines and state changes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Log:
    """One log line, worded as strongSwan's. ``group``: dmn mgr ike chd job cfg knl net asn enc esp.

    Levels: 0 audit, 1 control flow (what ``up`` shows), 2 detail, 3 raw data, 4 never used
    (strongSwan prints secrets there; cygnet has no such level).
    """

    group: str
    level: int
    text: str
    ike_uid: int | None = None
    ike_name: str = ""
    stranger: bool = False  #: anybody may have caused it, in anybody's name


@dataclass(frozen=True, slots=True)
class IkeUpDown:
    ike_uid: int
    name: str
    up: bool


@dataclass(frozen=True, slots=True)
class IkeRekeyed:
    old_uid: int
    new_uid: int
    name: str


@dataclass(frozen=True, slots=True)
class ChildUpDown:
    ike_uid: int
    child_uid: int
    name: str
    up: bool


@dataclass(frozen=True, slots=True)
class ChildRekeyed:
    ike_uid: int
    old_uid: int
    new_uid: int
    name: str


@dataclass(frozen=True, slots=True)
class Alert:
    """Something an operator should know: kind is vici's alert name (proposal-mismatch-ike, ...)."""

    kind: str
    text: str
    ike_uid: int | None = None


Notice = Log | IkeUpDown | IkeRekeyed | ChildUpDown | ChildRekeyed | Alert
