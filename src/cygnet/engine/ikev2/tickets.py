"""RFC 5723 §6. Tickets by value: all that resuming an IKE_SA takes, sealed by us, kept by the client.

    ticket = version (1) | id (16) | AES-256-GCM(key of this id, session)
    key    = prf+(secret, label | id)

The secret is the one that outlives us, so that tickets do too; without one they last as long as
the process. Nothing is kept per ticket but the ids of those that were used: each resumes one
IKE_SA, as "the ticket [...] SHOULD only be used once". A ticket ends early when its PSK is
changed or removed, or its connection no longer admits what was agreed.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace

from cygnet.crypto.ciphers import BoundCipher
from cygnet.crypto.encr import cipher
from cygnet.crypto.errors import IntegrityError
from cygnet.crypto.prf import prf, prf_plus
from cygnet.engine.services import Services
from cygnet.values.errors import PeerError
from cygnet.values.iana import EncrId, IdType, PrfId, TransformType
from cygnet.values.identity import Identity
from cygnet.values.proposal import Proposal, Transform
from cygnet.values.secret import Secret
from cygnet.wire.ikev2.sa import SaPayload
from cygnet.wire.reader import Reader
from cygnet.wire.writer import Writer

VERSION = 1  #: of the session's form; a ticket of another one is no longer good
LABEL = b"session ticket"  #: keeps the secret's uses apart
ID_LENGTH = 16
MAX_TICKET = 4096  #: bytes; ours have some 300
MAX_SPENT = 10_000  #: ids of used tickets that are remembered; the oldest are forgotten first
_PRF = PrfId.HMAC_SHA2_256
_CIPHER = Transform(TransformType.ENCR, EncrId.AES_GCM_16, 256)


@dataclass(frozen=True, slots=True)
class Session:
    """What stays of an authenticated IKE_SA. Times are Unix seconds, 0: never."""

    connection: str
    d: Secret  #: SK_d
    proposal: Proposal  #: as selected
    initiator: Identity
    responder: Identity
    psk_mark: bytes = b""  #: of the PSK that proved both, see ``Tickets.mark``
    reauth_by: int = 0
    expires: int = 0

    def encode(self) -> bytes:
        writer = Writer().u64(self.expires).u64(self.reauth_by)
        identities = (bytes((i.type,)) + i.data for i in (self.initiator, self.responder))
        sa = SaPayload((replace(self.proposal, spi=b"", number=1),)).encode()
        for part in (self.connection.encode(), self.d.reveal(), sa, *identities, self.psk_mark):
            writer.u16(len(part)).put(part)
        return writer.bytes()

    @classmethod
    def decode(cls, data: bytes) -> Session:
        """Raises PeerError on bytes that ``encode`` has not made."""
        reader = Reader(data, "session")
        expires, reauth_by = reader.u64(), reader.u64()
        name, d, sa, initiator, responder, mark = (reader.take(reader.u16()) for _ in range(6))
        if reader.left or not initiator or not responder:
            raise reader.error("not a session")
        try:
            return cls(
                name.decode(),
                Secret(d),
                SaPayload.decode(Reader(sa, "session")).proposals[0],
                Identity(IdType(initiator[0]), initiator[1:]),
                Identity(IdType(responder[0]), responder[1:]),
                mark,
                reauth_by,
                expires,
            )
        except ValueError as error:
            raise reader.error("not a session") from error


@dataclass(frozen=True, slots=True)
class Held:
    """A ticket and the session it stands for; ``reauth_at`` and ``until`` by the engine's clock."""

    ticket: bytes
    session: Session
    until: float
    reauth_at: float | None = None


class Tickets:
    """The tickets that one engine gives out."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self._secret = (
            services.lasting.reveal() if services.lasting is not None else services.entropy.bytes(32)
        )
        self._spent: OrderedDict[bytes, int] = OrderedDict()  # id -> when it would have expired

    def _bound(self, id: bytes) -> BoundCipher:
        """A key for one ticket alone, so that no IV is ever used twice with it."""
        bulk = cipher(_CIPHER)
        return bulk.bind(Secret(prf_plus(prf(_PRF), self._secret, LABEL + id, bulk.key_length)))

    def mark(self, psk: Secret) -> bytes:
        """Tells whether a PSK is still the same, and nothing else about it."""
        return prf(_PRF).compute(self._secret, LABEL + b" psk " + psk.reveal())

    def seal(self, session: Session) -> bytes:
        head = bytes((VERSION,)) + self.services.entropy.bytes(ID_LENGTH)
        return head + self._bound(head[1:]).encrypt(bytes(8), session.encode(), head)

    def open(self, ticket: bytes) -> Session:
        """Raises PeerError(0): it is not of ours, altered, over, or used already."""
        head, sealed = ticket[: 1 + ID_LENGTH], ticket[1 + ID_LENGTH :]
        if len(ticket) > MAX_TICKET or len(sealed) < 16 or head[0] != VERSION:
            raise PeerError(0, f"ticket of {len(ticket)} bytes is none of ours")
        if head[1:] in self._spent:
            raise PeerError(0, "ticket has been used already")
        try:
            plain = self._bound(head[1:]).decrypt(bytes(8), sealed, head)
        except (IntegrityError, ValueError) as error:
            raise PeerError(0, "ticket is not authentic") from error
        session = Session.decode(plain)
        if session.expires <= self.services.unix_now:
            raise PeerError(0, "ticket has expired")
        return session

    def spend(self, ticket: bytes, session: Session) -> None:
        """An IKE_SA was resumed with it: once is enough."""
        while self._spent:
            id, expires = next(iter(self._spent.items()))
            if expires > self.services.unix_now and len(self._spent) < MAX_SPENT:
                break
            del self._spent[id]
        self._spent[ticket[1 : 1 + ID_LENGTH]] = session.expires
