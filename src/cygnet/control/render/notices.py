"""Notices as vici events: log, control-log, ike-updown and the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cygnet.boundary.notices import Alert, ChildRekeyed, ChildUpDown, IkeRekeyed, IkeUpDown, Log, Notice
from cygnet.boundary.snapshot import IkeSnapshot, Snapshot
from cygnet.control.render.vici import child_sa, ike_sa
from cygnet.control.vici.codec import Message

EVENT_OF: dict[type, str] = {
    Log: "log",
    IkeUpDown: "ike-updown",
    IkeRekeyed: "ike-rekey",
    ChildUpDown: "child-updown",
    ChildRekeyed: "child-rekey",
    Alert: "alert",
}


def control_log(log: Log) -> Message:
    message: Message = {"group": log.group.upper(), "level": str(log.level)}
    if log.ike_uid is not None:
        message["ikesa-name"], message["ikesa-uniqueid"] = log.ike_name, str(log.ike_uid)
    message["msg"] = log.text
    return message


def as_event(notice: Notice, snapshot: Callable[[], Snapshot] | None) -> Message:
    """The event's message. ``snapshot`` gives the state around it; only log lines need none."""
    if isinstance(notice, Log):
        return {**control_log(notice), "thread": "0"}
    assert snapshot is not None
    return _MESSAGES[type(notice)](notice, snapshot())


def _find(state: Snapshot, uid: int) -> IkeSnapshot | None:
    return next((sa for sa in state.ike_sas if sa.uid == uid), None)


def _ike(state: Snapshot, uid: int) -> Message:
    """The SA without children; of one that is gone only its number is known."""
    sa = _find(state, uid)
    return ike_sa(sa, state.now, {}, children=False) if sa else {"uniqueid": str(uid)}


def _child(state: Snapshot, ike_uid: int, uid: int) -> Message:
    sa = _find(state, ike_uid)
    child = next((c for c in sa.children if c.uid == uid), None) if sa else None
    return child_sa(child, state.now, {}) if child else {"uniqueid": str(uid)}


def _ike_updown(notice: IkeUpDown, state: Snapshot) -> Message:
    up: Message = {"up": "yes"} if notice.up else {}
    return {**up, notice.name: _ike(state, notice.ike_uid)}


def _ike_rekey(notice: IkeRekeyed, state: Snapshot) -> Message:
    return {notice.name: {"old": _ike(state, notice.old_uid), "new": _ike(state, notice.new_uid)}}


def _child_updown(notice: ChildUpDown, state: Snapshot) -> Message:
    up: Message = {"up": "yes"} if notice.up else {}
    sa = _find(state, notice.ike_uid)
    child = _child(state, notice.ike_uid, notice.child_uid)
    section: Message = _ike(state, notice.ike_uid)
    section["child-sas"] = {f"{notice.name}-{notice.child_uid}": child}
    return {**up, sa.name if sa else notice.name: section}


def _child_rekey(notice: ChildRekeyed, state: Snapshot) -> Message:
    sa = _find(state, notice.ike_uid)
    pair: Message = {
        "old": _child(state, notice.ike_uid, notice.old_uid),
        "new": _child(state, notice.ike_uid, notice.new_uid),
    }
    section: Message = _ike(state, notice.ike_uid)
    section["child-sas"] = {notice.name: pair}
    return {sa.name if sa else notice.name: section}


def _alert(notice: Alert, state: Snapshot) -> Message:
    message: Message = {"type": notice.kind, "text": notice.text}
    sa = _find(state, notice.ike_uid) if notice.ike_uid is not None else None
    if sa is not None:
        message["ike-sa"] = {sa.name: ike_sa(sa, state.now, {}, children=False)}
    return message


_MESSAGES: dict[type, Callable[[Any, Snapshot], Message]] = {
    IkeUpDown: _ike_updown,
    IkeRekeyed: _ike_rekey,
    ChildUpDown: _child_updown,
    ChildRekeyed: _child_rekey,
    Alert: _alert,
}
