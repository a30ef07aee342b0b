"""RFC 3947 §3.2 and §4. Finding NATs between the two ends.

Each side sends the hash of the address it sends to, then the hash of the one it sends from. A
hash that is not what the receiver sees was changed on the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cygnet.crypto.hash import digest
from cygnet.values.endpoint import Endpoint
from cygnet.values.iana import PrfId
from cygnet.wire.ikev1.nat import NatD
from cygnet.wire.ikev1.numbers import Encapsulation, PayloadType

#: which payloads and mode numbers a NAT traversal speaks: the RFC's, or those of drafts 02 and 03
RFC, DRAFT = PayloadType.NAT_D, PayloadType.NAT_D_DRAFT


@dataclass(frozen=True, slots=True)
class Hasher:
    """``cookies``: both SPIs, 16 bytes; ``hash``: the negotiated one."""

    hash: PrfId
    cookies: bytes

    def of(self, end: Endpoint) -> bytes:
        return digest(self.hash, self.cookies + end.address.packed + end.port.to_bytes(2))


def build(
    hasher: Hasher, kind: PayloadType, local: Endpoint, remote: Endpoint, fake: bytes = b""
) -> list[NatD]:
    """``fake``: random bytes in place of our source, so that the peer sees a NAT (forceencaps)."""
    return [NatD(hasher.of(remote), kind), NatD(fake or hasher.of(local), kind)]


def detect(hasher: Hasher, received: Sequence[NatD], local: Endpoint, remote: Endpoint) -> tuple[bool, bool]:
    """Whether we, and whether the peer, are behind a NAT."""
    first, *sources = received
    return first.hash != hasher.of(local), hasher.of(remote) not in [s.hash for s in sources]


#: (transport mode, draft) -> the encapsulation mode with UDP
_UDP_MODES = {
    (False, False): Encapsulation.UDP_TUNNEL,
    (True, False): Encapsulation.UDP_TRANSPORT,
    (False, True): Encapsulation.UDP_TUNNEL_DRAFT,
    (True, True): Encapsulation.UDP_TRANSPORT_DRAFT,
}


def encapsulation(transport: bool, udp: bool, kind: PayloadType | None) -> Encapsulation:
    """The encapsulation mode to offer in Quick Mode (RFC 3947 §5.1)."""
    if udp:
        return _UDP_MODES[transport, kind == DRAFT]
    return Encapsulation.TRANSPORT if transport else Encapsulation.TUNNEL
