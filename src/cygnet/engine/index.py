"""What keeps look-ups flat when there are ten thousand of everything.

``Index`` finds living things by a key that several may share. ``Connections`` finds loaded
connections by name, by the name of a child, by the peer address they are fixed to, and by the
identity that they want of the peer.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

from cygnet.engine.addresses import concrete
from cygnet.model.config import Child, Config, Connection
from cygnet.values.endpoint import Address
from cygnet.values.iana import IdType
from cygnet.values.identity import ANY, Identity

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Index(Generic[K, V]):
    """Values by key, several to a key, each under its uid; in order of being added."""

    def __init__(self) -> None:
        self._of: dict[K, dict[int, V]] = {}

    def add(self, key: K, uid: int, value: V) -> None:
        self._of.setdefault(key, {})[uid] = value

    def discard(self, key: K, uid: int) -> None:
        values = self._of.get(key)
        if values is not None:
            values.pop(uid, None)
            if not values:
                del self._of[key]

    def of(self, key: K) -> list[V]:
        """A list of its own: what is found may be discarded while it is walked."""
        return list(self._of.get(key, {}).values())


class Connections:
    """The connections of one configuration, indexed once."""

    def __init__(self, config: Config) -> None:
        self._named = {c.name: c for c in config.connections}
        self._with_child: dict[str, tuple[Connection, Child]] = {}
        self._fixed: dict[Address, list[tuple[int, Connection]]] = {}
        self._open: list[tuple[int, Connection]] = []
        self._called: dict[tuple[IdType, bytes], list[Connection]] = {}
        self._any: list[Connection] = []  #: those that take more identities than one
        #: what was found lately for two addresses and a version (``lookup``)
        self.between: dict[tuple[Address, Address, int], list[Connection]] = {}
        for order, connection in enumerate(config.connections):
            for child in connection.children:
                self._with_child.setdefault(child.name, (connection, child))
            wanted = connection.remote[0].id if connection.remote else ANY
            if wanted.is_pattern or (connection.remote and connection.remote[0].loose_id):
                self._any.append(connection)
            else:
                self._called.setdefault(wanted.spelling, []).append(connection)
            addresses = [concrete(word) for word in connection.remote_addrs]
            if connection.allow_any or None in addresses:
                self._open.append((order, connection))
                continue
            for address in addresses:
                if address is not None:
                    self._fixed.setdefault(address, []).append((order, connection))

    def named(self, name: str) -> Connection | None:
        return self._named.get(name)

    def with_child(self, name: str) -> tuple[Connection, Child] | None:
        """The first connection that has a child of that name."""
        return self._with_child.get(name)

    def perhaps_with(self, remote: Address) -> list[Connection]:
        """In file order, those that a peer at ``remote`` may belong to: no other one can."""
        found = self._fixed.get(remote, []) + self._open
        return [connection for _, connection in sorted(found, key=lambda pair: pair[0])]

    def perhaps_called(self, remote: Identity) -> list[Connection]:
        """Those whose peer may have that identity: no other one's can."""
        return [*self._called.get(remote.spelling, []), *self._any]
