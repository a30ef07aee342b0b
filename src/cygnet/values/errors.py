"""The errors of cygnet, by who can act on them (docs/architecture.md, "Errors").

Anything else that escapes from a pure package is a bug of ours.
"""

from __future__ import annotations

from dataclasses import dataclass


class CygnetError(Exception):
    """Base of every error that cygnet raises on purpose."""


class PeerError(CygnetError):
    """The other side broke a rule, or we cannot follow it.

    ``notify`` is the notify message type that tells the peer (an IKEv1 or IKEv2 number,
    by the version of the exchange), or 0 where the message is to be dropped silently.
    """

    def __init__(self, notify: int, detail: str, data: bytes = b"") -> None:
        super().__init__(detail)
        self.notify = notify
        self.detail = detail
        self.data = data  #: notification data to send along (e.g. the KE method wanted)


class RequestError(CygnetError):
    """The user asked for something impossible (no such connection, wrong state)."""


class DataPlaneError(CygnetError):
    """A data plane could not do an operation: which one, errno (0: none) and why."""

    def __init__(self, operation: str, errno: int, text: str) -> None:
        super().__init__(f"{operation}: {text}")
        self.operation, self.errno, self.text = operation, errno, text


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a configuration file something stands; line and column count from 1."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class ConfigError(CygnetError):
    """A setting that cannot be taken: where, which keyword, why, and the source line.

    ``length``: how many characters at the place are wrong, 0 where that is not known.
    """

    def __init__(self, place: Place, keyword: str, reason: str, source: str = "", length: int = 0) -> None:
        super().__init__(f"{place}: {keyword}: {reason}" if keyword else f"{place}: {reason}")
        self.place, self.keyword, self.reason, self.source = place, keyword, reason, source
        self.length = length
