"""A conn with errors keeps what was loaded of it before: a typo and `update` close no tunnel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from cygnet.model.config import Child, Config, Connection


def keep_last_good(before: Config, after: Config, broken: Iterable[str]) -> tuple[Config, tuple[str, ...]]:
    """``after`` with the conns named in ``broken`` as they were ``before``, and which those are.

    A conn that was one child among several goes back to its connection, if that is still there
    for the same peer; else it comes back with a connection of its own.
    """
    connections = {c.name: c for c in after.connections}
    kept = []
    for name in broken:
        whole = next((c for c in before.connections if c.name == name), None)
        if whole is not None and not _any_there(whole, connections.values()):
            kept.append(name)
            connections[name] = whole
            continue
        old = next((c for c in before.connections if c.child(name) is not None), None)
        if old is None:
            continue
        kept.append(name)
        restored = tuple(c for c in old.children if c.name == name)
        there = connections.get(old.name)
        if there is not None and there.child(name) is not None:
            continue  # it came back with its connection
        if there is not None and replace(there, children=()) == replace(old, children=()):
            connections[old.name] = replace(there, children=_in_order(old, there.children + restored))
        else:
            own = old.name if there is None else name
            connections[own] = replace(old, name=own, children=restored)
    return replace(after, connections=tuple(connections.values())), tuple(kept)


def _any_there(connection: Connection, now: Iterable[Connection]) -> bool:
    """Whether the connection or one of its children is still configured."""
    names = {c.name for c in connection.children}
    return any(c.name == connection.name or names & {child.name for child in c.children} for c in now)


def _in_order(old: Connection, children: tuple[Child, ...]) -> tuple[Child, ...]:
    """The order of before, where it names them all: an order of its own would look like a change."""
    order = {c.name: n for n, c in enumerate(old.children)}
    return tuple(sorted(children, key=lambda c: order.get(c.name, len(order))))
