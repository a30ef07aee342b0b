"""RFC 2408 §3.1 and §3.2. The payloads of a message as a chain, and back.

An encrypted message stays opaque here: ``split`` gives its header and bytes, whoever holds
the keys decrypts them and calls ``decode_chain(..., padded=True)``.

HASH payloads cover the bytes as the peer wrote them, so a decoded chain keeps them: ``bodies``
one for each payload (without the generic header: what RFC 2409 calls SAi_b, IDii_b), and
``after(index)``, everything behind a payload without the padding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple, TypeVar

from cygnet.values.errors import PeerError
from cygnet.wire.header import FLAG_ENCRYPTED, HEADER_LENGTH, Header
from cygnet.wire.ikev1.attributes import Attributes
from cygnet.wire.ikev1.certificate import Cert, CertReq
from cygnet.wire.ikev1.delete import Delete
from cygnet.wire.ikev1.fragment import Fragment
from cygnet.wire.ikev1.hash import Hash
from cygnet.wire.ikev1.identification import Id
from cygnet.wire.ikev1.ke import Ke
from cygnet.wire.ikev1.nat import NatD, NatOa
from cygnet.wire.ikev1.nonce import Nonce
from cygnet.wire.ikev1.notification import Notification
from cygnet.wire.ikev1.numbers import Notify, PayloadType
from cygnet.wire.ikev1.payload import Payload, Unknown, read
from cygnet.wire.ikev1.sa import Sa
from cygnet.wire.ikev1.signature import Signature
from cygnet.wire.ikev1.vendor_id import VendorId
from cygnet.wire.reader import Reader
from cygnet.wire.writer import Writer

PAYLOAD_HEADER = 4
MOST_PAYLOADS = 64  #: ours; no honest message has half as many
P = TypeVar("P", bound=Payload)


class Row(NamedTuple):
    """``short`` is how charon's log lists the payload."""

    short: str
    decode: Callable[[Reader], Payload]


PAYLOADS: dict[PayloadType, Row] = {
    PayloadType.SA: Row("SA", Sa.decode),
    PayloadType.KE: Row("KE", Ke.decode),
    PayloadType.ID: Row("ID", Id.decode),
    PayloadType.CERT: Row("CERT", Cert.decode),
    PayloadType.CERTREQ: Row("CERTREQ", CertReq.decode),
    PayloadType.HASH: Row("HASH", Hash.decode),
    PayloadType.SIG: Row("SIG", Signature.decode),
    PayloadType.NONCE: Row("No", Nonce.decode),
    PayloadType.NOTIFY: Row("N", Notification.decode),
    PayloadType.DELETE: Row("D", Delete.decode),
    PayloadType.VENDOR_ID: Row("V", VendorId.decode),
    PayloadType.ATTRIBUTES: Row("CP", Attributes.decode),
    PayloadType.NAT_D_DRAFT_15: Row("NAT-D", partial(NatD.decode, type=PayloadType.NAT_D_DRAFT_15)),
    PayloadType.NAT_OA_DRAFT_16: Row("NAT-OA", partial(NatOa.decode, type=PayloadType.NAT_OA_DRAFT_16)),
    PayloadType.NAT_D: Row("NAT-D", NatD.decode),
    PayloadType.NAT_OA: Row("NAT-OA", NatOa.decode),
    PayloadType.NAT_D_DRAFT: Row("NAT-D", partial(NatD.decode, type=PayloadType.NAT_D_DRAFT)),
    PayloadType.NAT_OA_DRAFT: Row("NAT-OA", partial(NatOa.decode, type=PayloadType.NAT_OA_DRAFT)),
    PayloadType.FRAGMENT: Row("FRAG", Fragment.decode),
}

#: How charon's log names the notifies in ``N(...)``; others are shown by number.
NOTIFY_SHORT: dict[Notify, str] = {
    Notify.INVALID_IKE_SPI: "INVAL_IKE_SPI",
    Notify.INVALID_MAJOR_VERSION: "INVAL_MAJOR",
    Notify.INVALID_MESSAGE_ID: "INVAL_MID",
    Notify.INVALID_SPI: "INVAL_SPI",
    Notify.ATTRIBUTES_NOT_SUPPORTED: "ATTR_UNSUP",
    Notify.NO_PROPOSAL_CHOSEN: "NO_PROP",
    Notify.PAYLOAD_MALFORMED: "PLD_MAL",
    Notify.INVALID_KE_PAYLOAD: "INVAL_KE",
    Notify.INVALID_ID_INFORMATION: "INVAL_ID",
    Notify.INVALID_CERT_ENCODING: "INVAL_CERTEN",
    Notify.INVALID_CERTIFICATE: "INVAL_CERT",
    Notify.CERT_TYPE_UNSUPPORTED: "CERT_UNSUP",
    Notify.INVALID_CERT_AUTHORITY: "INVAL_CA",
    Notify.INVALID_HASH_INFORMATION: "INVAL_HASH",
    Notify.AUTHENTICATION_FAILED: "AUTH_FAILED",
    Notify.INITIAL_CONTACT: "INITIAL_CONTACT",
    Notify.DPD_R_U_THERE: "DPD",
    Notify.DPD_R_U_THERE_ACK: "DPD_ACK",
    Notify.UNITY_LOAD_BALANCE: "UNITY_LB",
}


@dataclass(frozen=True, slots=True)
class Chain:
    """Payloads in the order of the message; ``data`` is their bytes without padding."""

    payloads: tuple[Payload, ...]
    bodies: tuple[bytes, ...]
    data: bytes

    def all(self, kind: type[P]) -> tuple[P, ...]:
        return tuple(p for p in self.payloads if isinstance(p, kind))

    def first(self, kind: type[P]) -> P | None:
        return next((p for p in self.payloads if isinstance(p, kind)), None)

    def need(self, kind: type[P]) -> P:
        """The first payload of that kind. Raises PeerError (PAYLOAD_MALFORMED) without one."""
        found = self.first(kind)
        if found is None:
            raise PeerError(Notify.PAYLOAD_MALFORMED, f"{kind.__name__} payload missing in message")
        return found

    def body(self, payload: Payload) -> bytes:
        """The bytes of one of these payloads, as they were received."""
        return next(b for p, b in zip(self.payloads, self.bodies, strict=True) if p is payload)

    def after(self, index: int) -> bytes:
        """The bytes behind payload number ``index`` (what HASH covers is ``after(0)``)."""
        skip = sum(PAYLOAD_HEADER + len(body) for body in self.bodies[: index + 1])
        return self.data[skip:]


def decode_chain(first: int, data: bytes, padded: bool = False) -> Chain:
    """The payloads in ``data``. ``padded``: what follows the last one is padding, else refused.

    Raises PeerError only.
    """
    reader = read(data, "message")
    payloads: list[Payload] = []
    bodies: list[bytes] = []
    kind = PayloadType(first)
    while kind:
        if len(payloads) == MOST_PAYLOADS:
            raise reader.error(f"more than {MOST_PAYLOADS} payloads")
        following = PayloadType(reader.u8())
        reader.u8()  # reserved
        length = reader.u16()
        if length < PAYLOAD_HEADER:
            raise reader.error(f"{kind} payload of {length} bytes")
        start = reader.at
        with reader.sub(length - PAYLOAD_HEADER, f"{kind} payload") as body:
            row = PAYLOADS.get(kind)
            payloads.append(row.decode(body) if row else Unknown(kind, body.rest()))
        bodies.append(data[start : reader.at])
        kind = following
    if not padded:
        reader.done()
    return Chain(tuple(payloads), tuple(bodies), data[: reader.at])


def encode_chain(payloads: Sequence[Payload]) -> bytes:
    writer = Writer()
    for at, payload in enumerate(payloads, 1):
        following = payloads[at].type if at < len(payloads) else PayloadType.NONE
        start = len(writer)
        writer.u8(following).u8(0)
        with writer.sized(since=start):
            payload.encode(writer)
    return writer.bytes()


def body_of(payload: Payload) -> bytes:
    """One payload's bytes without the generic header."""
    writer = Writer()
    payload.encode(writer)
    return writer.bytes()


def assemble(header: Header, first: int, body: bytes, encrypted: bool = False) -> bytes:
    """A datagram of ``header`` around ``body``, which begins with a payload of type ``first``."""
    flags = header.flags | FLAG_ENCRYPTED if encrypted else header.flags & ~FLAG_ENCRYPTED
    length = HEADER_LENGTH + len(body)
    return replace(header, next_payload=first, flags=flags, length=length).encode() + body


def split(datagram: bytes) -> tuple[Header, bytes]:
    """The header and the bytes behind it. Raises PeerError(0)."""
    header = Header.decode(datagram)
    return header, datagram[HEADER_LENGTH:]


def describe(payloads: Sequence[Payload]) -> str:
    """As charon's log: ``[ HASH SA No ID ID ]``, ``[ ID HASH N(INITIAL_CONTACT) ]``."""
    return f"[ {' '.join(_short(p) for p in payloads)} ]" if payloads else "[ ]"


def _short(payload: Payload) -> str:
    if isinstance(payload, Notification):
        return f"N({NOTIFY_SHORT.get(payload.notify, f'({int(payload.notify)})')})"
    row = PAYLOADS.get(payload.type)
    return row.short if row else f"({int(payload.type)})"
