"""ldap:// and ldaps:// URIs (RFC 4516): one attribute of one entry, asked for without a name.

Needs the package ``ldap3``. Its search blocks until ``timeout``, so it runs in a thread of its own; and it
takes what the server sends, however much, so it is given a socket that does not.
"""

from __future__ import annotations

import contextlib
from typing import Any
from urllib.parse import SplitResult, unquote

from cygnet.values.endpoint import Address
from cygnet.values.errors import CygnetError

PORTS = {"ldap": 389, "ldaps": 636}
SCOPES = {"": "BASE", "base": "BASE", "one": "LEVEL", "sub": "SUBTREE"}


class LdapError(CygnetError):
    """The directory does not have it, or there is no way to ask."""


class _Bounded:
    """A socket from which no more than ``most`` bytes come; all else is the socket's."""

    def __init__(self, within: Any, most: int) -> None:
        self._within, self._left = within, most

    def recv(self, size: int, *flags: int) -> bytes:
        data: bytes = self._within.recv(size, *flags)
        self._left -= len(data)
        if self._left < 0:
            raise LdapError("the directory sends more than it was to")
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._within, name)


def search(where: SplitResult, addresses: list[Address], timeout: float, most: int) -> bytes:
    """The first value of the first attribute that the URI names; of at most ``most`` bytes."""
    try:
        import ldap3
        from ldap3.core.exceptions import LDAPException
    except ImportError:
        raise LdapError(f"fetching {where.scheme} needs the Python package ldap3") from None
    attribute, scope, condition = (*where.query.split("?"), "", "", "")[:3]
    if not attribute or scope.lower() not in SCOPES:
        raise LdapError("the URI names no attribute, or an unknown scope")
    name = unquote(attribute)
    seconds = max(1, int(timeout))
    try:
        server = ldap3.Server(
            str(addresses[0]),
            port=where.port or PORTS[where.scheme],
            use_ssl=where.scheme == "ldaps",
            get_info=ldap3.NONE,
            connect_timeout=min(3, seconds),
        )
        connection = ldap3.Connection(
            server, read_only=True, auto_referrals=False, receive_timeout=seconds, raise_exceptions=True
        )
        try:
            connection.open()
            connection.socket = _Bounded(connection.socket, most)
            connection.bind()
            connection.search(
                unquote(where.path[1:]),
                unquote(condition) or "(objectClass=*)",
                SCOPES[scope.lower()],
                attributes=[name],
                size_limit=1,
                time_limit=seconds,
            )
            return _value(connection.response or [], name)
        finally:
            with contextlib.suppress(LDAPException):
                connection.unbind()
    except LDAPException as problem:
        raise LdapError(f"the directory says {problem}") from None


def _value(response: list[dict[str, Any]], name: str) -> bytes:
    for entry in response:
        for found, values in entry.get("raw_attributes", {}).items():
            if found.partition(";")[0].lower() == name.partition(";")[0].lower() and values:
                return bytes(values[0])
    raise LdapError(f"the directory has no {name} there")
