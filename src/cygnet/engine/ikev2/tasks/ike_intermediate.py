"""IKE_INTERMEDIATE, RFC 9242, with the additional key exchanges of RFC 9370 §2.2.2.

    request   KEi(n)
    response  KEr(n)

One exchange for each additional method of the chosen proposal, between IKE_SA_INIT and
IKE_AUTH. Each renews the keys of the IKE_SA; from the next message on they are used. What was
exchanged is authenticated by AUTH, through

    IntAuth_i(n) = prf(SK_pi(n), IntAuth_i(n-1) | A | P)      A: header, P: plaintext inside
    IntAuth = IntAuth_i(N) | IntAuth_r(N) | message ID of IKE_AUTH

with the keys from before the nth exchange (RFC 9242 §3.3.2).
"""

from __future__ import annotations

from cygnet.crypto import ke
from cygnet.crypto.names import ke_text
from cygnet.engine.ikev2.keys import additional_keys
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.ikev2.task import Draft, Reply, Step
from cygnet.engine.ikev2.tasks.followup import finish_ke, respond_one
from cygnet.engine.ikev2.tasks.task import SaTask
from cygnet.values.errors import PeerError
from cygnet.values.iana import KeId
from cygnet.values.secret import Secret
from cygnet.wire.header import ExchangeType
from cygnet.wire.ikev2.ke import KePayload
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.notify_types import NotifyType
from cygnet.wire.ikev2.numbers import PayloadType
from cygnet.wire.ikev2.sealing import adjusted_head


class IkeIntermediate(SaTask):
    NAME = "IKE_INTERMEDIATE"

    def __init__(self, sa: IkeSaV2, method: KeId) -> None:
        super().__init__(sa)
        self.private = ke.initiate(method, sa.services.entropy.bytes)

    def build(self) -> Draft | None:
        payload = KePayload(self.private.method, self.private.public)
        return Draft(ExchangeType.IKE_INTERMEDIATE, [payload])

    def sent(self, message: Message, datagrams: list[bytes], inner: bytes) -> None:
        cover(self.sa, message, PayloadType.KE, inner, by_initiator=True)

    def process(self, message: Message) -> Step:
        sa = self.sa
        error = message.error()
        if error is not None:
            raise PeerError(0, f"peer ended the additional key exchanges with {error.kind}")
        theirs = message.need(KePayload)
        if theirs.method != self.private.method:
            raise PeerError(0, f"peer sent {ke_text(theirs.method)} for {ke_text(self.private.method)}")
        secret = finish_ke(self.private, theirs.data)
        cover_received(sa, message, by_initiator=False)
        renew(sa, secret)
        return Step.DONE


def cover_received(sa: IkeSaV2, message: Message, by_initiator: bool) -> None:
    assert sa.arrived is not None
    cover(sa, message, sa.arrived.first, sa.arrived.plain, by_initiator)


def cover(sa: IkeSaV2, message: Message, first: PayloadType, plain: bytes, by_initiator: bool) -> None:
    """Add a message to what AUTH will cover."""
    shaking, keys = sa.shaking, sa.secrets
    octets = adjusted_head(message, first, len(plain)) + plain
    if by_initiator:
        shaking.int_auth_i = keys.suite.prf.compute(keys.p_i.reveal(), shaking.int_auth_i + octets)
    else:
        shaking.int_auth_r = keys.suite.prf.compute(keys.p_r.reveal(), shaking.int_auth_r + octets)


def renew(sa: IkeSaV2, secret: Secret) -> None:
    sa.set_keys(additional_keys(sa.secrets, sa.shaking.nonces, secret, sa.spi_i, sa.spi_r))


def answer(sa: IkeSaV2, message: Message) -> Reply:
    shaking = sa.handshake
    if shaking is None or sa.established_at is not None or not shaking.additional:
        raise PeerError(NotifyType.INVALID_SYNTAX, f"{message.title} that was not agreed on")
    theirs = message.need(KePayload)
    if theirs.method != shaking.additional[0]:
        text = f"{ke_text(theirs.method)} for {ke_text(shaking.additional[0])}"
        raise PeerError(NotifyType.INVALID_SYNTAX, f"peer sent {text}")
    payload, secret = respond_one(sa, theirs)
    cover_received(sa, message, by_initiator=True)
    del shaking.additional[0]
    return Reply([payload], lambda: renew(sa, secret))
