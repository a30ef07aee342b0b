"""Cisco's fragmentation of IKEv1 messages: cutting ours, putting the peer's together.

The peer's fragments are not authenticated, so what is kept is bounded: one message at a time
for each IKE_SA, ``max_packet`` bytes, 255 pieces; a fragment of another message replaces it.
"""

from __future__ import annotations

from cygnet.values.errors import PeerError
from cygnet.wire.header import HEADER_LENGTH, Header
from cygnet.wire.ikev1.fragment import OVERHEAD, Fragment
from cygnet.wire.ikev1.message import assemble, decode_chain, encode_chain
from cygnet.wire.ikev1.numbers import Notify, PayloadType

MOST_FRAGMENTS = 255  #: the number has one byte
IP_UDP_OVERHEAD = {4: 20 + 8, 6: 40 + 8}  #: bytes, by IP version
NON_ESP_MARKER = 4
SMALLEST_PIECE = 64


def room(fragment_size: int, ip_version: int, marker: bool) -> int:
    """Bytes of IKE message that fit an IP packet of ``fragment_size`` (0: 576 or 1280 by family)."""
    size = fragment_size or (1280 if ip_version == 6 else 576)
    return size - IP_UDP_OVERHEAD[ip_version] - (NON_ESP_MARKER if marker else 0)


def split(datagram: bytes, room: int, id: int) -> list[bytes]:
    """The message as it is if it fits, else its fragments in order."""
    if len(datagram) <= room:
        return [datagram]
    header = Header.decode(datagram)
    size = max(SMALLEST_PIECE, room - HEADER_LENGTH - OVERHEAD)
    pieces = [datagram[at : at + size] for at in range(0, len(datagram), size)]
    if len(pieces) > MOST_FRAGMENTS:
        return [datagram]
    return [
        assemble(
            header,
            PayloadType.FRAGMENT,
            encode_chain([Fragment(id, number, number == len(pieces), piece)]),
        )
        for number, piece in enumerate(pieces, 1)
    ]


class Reassembly:
    """Fragments of the one message that is being received."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._id: int | None = None
        self._pieces: dict[int, bytes] = {}
        self._last = 0
        self.note = ""  #: what became of the last fragment, for the log

    def add(self, header: Header, body: bytes) -> bytes | None:
        """Take a fragment's body; the whole message once it is complete. Raises PeerError."""
        chain = decode_chain(header.next_payload, body)
        fragment = chain.need(Fragment)
        if fragment.id != self._id:
            self._forget()
            self._id = fragment.id
        if fragment.number in self._pieces:
            self.note = f"received duplicate fragment #{fragment.number}"
            return None
        self._pieces[fragment.number] = fragment.data
        if fragment.last:
            self._last = fragment.number
        if sum(map(len, self._pieces.values())) > self._most:
            self._forget()
            raise PeerError(Notify.PAYLOAD_MALFORMED, "fragmented IKE message is too large")
        if not self._last or any(n not in self._pieces for n in range(1, self._last + 1)):
            self.note = f"received fragment #{fragment.number}, waiting for complete IKE message"
            return None
        whole = b"".join(self._pieces[n] for n in range(1, self._last + 1))
        self._forget()
        self.note = (
            f"received fragment #{fragment.number}, reassembled fragmented IKE message ({len(whole)} bytes)"
        )
        return whole

    def _forget(self) -> None:
        self._id, self._last = None, 0
        self._pieces.clear()
