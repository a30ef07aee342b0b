"""Key exchange methods (transform type 4), one row each: DH, ECDH and KEMs behind one face.

    mine = initiate(KeId.CURVE_25519, random)      # send mine.public
    public, secret = respond(method, peer, random)  # send public
    secret = mine.finish(public)

``random`` is the injected entropy: a number of bytes in, that many out. A bad public value of
the peer raises ValueError, whose text is for the log.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric import ec

from cygnet.crypto import dh, mlkem
from cygnet.crypto.ecdh import X448, X25519, EcpGroup
from cygnet.crypto.rows import Random, Use
from cygnet.values.iana import KeId
from cygnet.values.secret import Secret


class Method(Protocol):
    """``length``: bytes of the initiator's public value."""

    @property
    def length(self) -> int: ...

    def start(self, random: Random) -> tuple[bytes, Callable[[bytes], bytes]]:
        """Public value, and what makes the shared secret of the peer's."""

    def answer(self, peer: bytes, random: Random) -> tuple[bytes, bytes]:
        """Public value and shared secret."""


@dataclass(frozen=True, slots=True)
class KeRow:
    """``kem``: answers with a ciphertext of another length than the key it was sent."""

    id: KeId
    method: Method
    keywords: tuple[str, ...]
    use: Use
    kem: bool = False


class PrivateKe:
    """The initiator's half of a key exchange, to be finished once."""

    __slots__ = ("_finish", "method", "public")

    def __init__(self, method: KeId, public: bytes, finish: Callable[[bytes], bytes]) -> None:
        self.method = method
        self.public = public
        self._finish = finish

    def finish(self, peer_public: bytes) -> Secret:
        """The shared secret. Raises ValueError on a bad public value."""
        return Secret(self._finish(peer_public))


_V2 = Use.IKEV2 | Use.ESP | Use.AH


def _modp(id: KeId, group: dh.ModpGroup, keyword: str) -> KeRow:
    return KeRow(id, group, (keyword,), Use.ANY)


def _ecp(id: KeId, curve: ec.EllipticCurve, keyword: str) -> KeRow:
    return KeRow(id, EcpGroup(curve), (keyword,), Use.ANY)


def _kem(id: KeId, kem: mlkem.Kem, keyword: str) -> KeRow:
    return KeRow(id, kem, (keyword,), _V2, kem=True)


ROWS: tuple[KeRow, ...] = (
    KeRow(KeId.CURVE_25519, X25519, ("curve25519", "x25519"), Use.ANY),
    KeRow(KeId.CURVE_448, X448, ("curve448", "x448"), Use.ANY),
    _ecp(KeId.ECP_256, ec.SECP256R1(), "ecp256"),
    _ecp(KeId.ECP_384, ec.SECP384R1(), "ecp384"),
    _ecp(KeId.ECP_521, ec.SECP521R1(), "ecp521"),
    _ecp(KeId.BRAINPOOL_256, ec.BrainpoolP256R1(), "ecp256bp"),
    _ecp(KeId.BRAINPOOL_384, ec.BrainpoolP384R1(), "ecp384bp"),
    _ecp(KeId.BRAINPOOL_512, ec.BrainpoolP512R1(), "ecp512bp"),
    _modp(KeId.MODP_3072, dh.GROUPS[3072], "modp3072"),
    _modp(KeId.MODP_4096, dh.GROUPS[4096], "modp4096"),
    _modp(KeId.MODP_6144, dh.GROUPS[6144], "modp6144"),
    _modp(KeId.MODP_8192, dh.GROUPS[8192], "modp8192"),
    _modp(KeId.MODP_2048, dh.GROUPS[2048], "modp2048"),
    _modp(KeId.MODP_1536, dh.GROUPS[1536], "modp1536"),
    _modp(KeId.MODP_1024, dh.GROUPS[1024], "modp1024"),
    _modp(KeId.MODP_768, dh.GROUPS[768], "modp768"),
    _modp(KeId.MODP_1024_160, dh.MODP_1024_160, "modp1024s160"),
    _modp(KeId.MODP_2048_224, dh.MODP_2048_224, "modp2048s224"),
    _modp(KeId.MODP_2048_256, dh.MODP_2048_256, "modp2048s256"),
    _ecp(KeId.ECP_224, ec.SECP224R1(), "ecp224"),
    _ecp(KeId.ECP_192, ec.SECP192R1(), "ecp192"),
    _kem(KeId.ML_KEM_768, mlkem.ML_KEM_768, "mlkem768"),
    _kem(KeId.ML_KEM_1024, mlkem.ML_KEM_1024, "mlkem1024"),
)

_BY_ID = {row.id: row for row in ROWS}


def row(method: int) -> KeRow:
    """Raises ValueError where cygnet has no such method."""
    try:
        return _BY_ID[KeId(method)]
    except KeyError:
        raise ValueError(f"key exchange method {KeId(method)} is not supported") from None


def public_length(method: int, responder: bool = False) -> int:
    """Bytes of the initiator's (or responder's) public value; they differ for KEMs only."""
    way = row(method).method
    return way.answer_length if responder and isinstance(way, mlkem.Kem) else way.length


def initiate(method: int, random: Random) -> PrivateKe:
    public, finish = row(method).method.start(random)
    return PrivateKe(KeId(method), public, finish)


def respond(method: int, peer_public: bytes, random: Random) -> tuple[bytes, Secret]:
    """Our public value and the shared secret, from the initiator's public value."""
    public, secret = row(method).method.answer(peer_public, random)
    return public, Secret(secret)
