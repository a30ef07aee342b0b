"""RFC 9593 §3.2. What the data of SUPPORTED_AUTH_METHODS lists: how a peer may authenticate.

    2 octets       length, method                                 (methods without certificates)
    3 octets       length, certificate link, method
    4 and more     length, certificate link, method, AlgorithmIdentifier   (digital signatures)

The link is the number of the CERTREQ authority that it goes with, from 1; 0 means any.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cygnet.wire.ikev2.numbers import AuthMethodId
from cygnet.wire.reader import Reader


@dataclass(frozen=True, slots=True)
class Announcement:
    """``algorithm``: DER, only with a digital signature; ``link`` None: the form of 2 octets."""

    method: AuthMethodId
    link: int | None = None
    algorithm: bytes = b""

    def encode(self) -> bytes:
        link = b"" if self.link is None else bytes((self.link,))
        body = link + bytes((self.method,)) + self.algorithm
        return bytes((1 + len(body),)) + body


def decode_announcements(data: bytes) -> tuple[Announcement, ...]:
    """Raises PeerError where a length leaves no room for a method, or goes beyond the end."""
    reader = Reader(data, "announcement")
    found = []
    while reader.left:
        length = reader.u8()
        if length < 2:
            raise reader.error(f"an announcement of {length} bytes")
        body = reader.take(length - 1)
        if length == 2:
            found.append(Announcement(AuthMethodId(body[0])))
        else:
            found.append(Announcement(AuthMethodId(body[1]), body[0], body[2:]))
    return tuple(found)


def encode_announcements(announcements: Iterable[Announcement]) -> bytes:
    return b"".join(a.encode() for a in announcements)
