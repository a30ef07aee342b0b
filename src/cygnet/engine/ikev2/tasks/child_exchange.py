"""What a new and a rekeyed CHILD_SA have in common as CREATE_CHILD_SA exchanges (RFC 7296 §1.3).

    request   [N(REKEY_SA)], SA, Ni, [KEi], TSi, TSr, ...
    response  SA, Nr, [KEr], TSi, TSr, ... | error

The key exchange payload is for the first method of our first proposal that has one; the peer
asks for another with INVALID_KE_PAYLOAD.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable

from cygnet.crypto import ke
from cygnet.crypto.names import ke_text
from cygnet.engine.child import ChildSa
from cygnet.engine.ikev2 import child_terms
from cygnet.engine.ikev2.keys import Nonces
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.ikev2.suite import additional_kes, main_ke
from cygnet.engine.ikev2.task import Draft, Reply, Step
from cygnet.engine.ikev2.tasks.followup import Complete, Followups, Rounds, finish_ke, respond_one
from cygnet.engine.ikev2.tasks.task import SaTask
from cygnet.engine.wants import DeleteChild
from cygnet.values.errors import PeerError
from cygnet.values.iana import KeId, TransformType
from cygnet.values.proposal import Proposal
from cygnet.values.secret import Secret
from cygnet.wire.header import ExchangeType
from cygnet.wire.ikev2.ke import KePayload
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.nonce import NoncePayload
from cygnet.wire.ikev2.notify_types import NotifyType
from cygnet.wire.ikev2.payload import Payload

NONCE_LENGTH = 32  #: bytes


class KeOffer:
    """Our half of a CREATE_CHILD_SA exchange's key exchange; none where no proposal has one."""

    def __init__(self, sa: IkeSaV2, proposals: tuple[Proposal, ...]) -> None:
        self.sa = sa
        self.methods = [KeId(t.id) for p in proposals for t in p.of_type(TransformType.KE) if t.id]
        self.method = self.methods[0] if self.methods else KeId.NONE
        self._private: ke.PrivateKe | None = None

    def payloads(self) -> list[Payload]:
        if self.method == KeId.NONE:
            return []
        if self._private is None or self._private.method != self.method:
            self._private = ke.initiate(self.method, self.sa.services.entropy.bytes)
        return [KePayload(self.method, self._private.public)]

    def retry(self, data: bytes) -> None:
        """INVALID_KE_PAYLOAD named another method. Raises PeerError where it is not one to try."""
        wanted = KeId(int.from_bytes(data[:2]))
        if len(data) != 2 or wanted not in self.methods or wanted == self.method:
            raise PeerError(0, f"peer asks for key exchange method {ke_text(wanted)}, which was not offered")
        mine = ke_text(self.method)
        self.sa.log("IKE", f"peer didn't accept key exchange method {mine}, it requested {ke_text(wanted)}")
        self.methods.remove(self.method)
        self.method = wanted

    def finish(self, selected: KeId, message: Message) -> list[Secret]:
        """The shared secret; none where the chosen proposal has no key exchange."""
        if selected == KeId.NONE:
            return []
        theirs = message.need(KePayload)
        if theirs.method != selected or self._private is None or theirs.method != self._private.method:
            raise PeerError(
                0, f"peer sent a key exchange of {ke_text(theirs.method)} for {ke_text(selected)}"
            )
        return [finish_ke(self._private, theirs.data)]


class ChildExchange(SaTask):
    """Ends in one of ``made``, ``not_made``, ``later``."""

    def __init__(self, sa: IkeSaV2) -> None:
        super().__init__(sa)
        self.new: ChildSa | None = None
        self.nonce = b""
        self.offer: KeOffer | None = None
        self.answer: Message | None = None  #: the response, while additional key exchanges go on
        self.rounds: Rounds | None = None

    @abstractmethod
    def begin(self) -> ChildSa | None:
        """The CHILD_SA to negotiate; None where there is no need any more."""

    @abstractmethod
    def ahead(self) -> list[Payload]:
        """Payloads in front of SA."""

    @abstractmethod
    def made(self, child: ChildSa, nonces: Nonces) -> None:
        """Agreed, not yet installed."""

    @abstractmethod
    def not_made(self, error: PeerError) -> None:
        """Refused for good; ``new`` is gone already."""

    @abstractmethod
    def later(self) -> None:
        """TEMPORARY_FAILURE; ``new`` is gone already."""

    def build(self) -> Draft | None:
        sa = self.sa
        if not sa.is_established:
            return None
        if self.rounds is not None:
            return self.rounds.draft()
        if self.new is None:
            self.new = self.begin()
            if self.new is None:
                return None
            self.nonce = sa.services.entropy.bytes(NONCE_LENGTH)
            self.offer = KeOffer(sa, child_terms.child_proposals(self.new.config, with_ke=True))
        assert self.offer is not None
        ahead, behind = child_terms.offer(sa, self.new, with_ke=True)
        payloads = [*self.ahead(), *ahead, NoncePayload(self.nonce), *self.offer.payloads(), *behind]
        return Draft(ExchangeType.CREATE_CHILD_SA, payloads)

    def process(self, message: Message) -> Step:
        sa, child, offer = self.sa, self.new, self.offer
        assert child is not None and offer is not None
        if self.rounds is not None:
            return self._next_round(message, child)
        error = message.error()
        if error is not None and error.kind == NotifyType.INVALID_KE_PAYLOAD:
            offer.retry(error.data)
            return Step.MORE
        if error is not None and error.kind == NotifyType.TEMPORARY_FAILURE:
            sa.log("IKE", f"received {error.kind} notify error, will retry later")
            self._discard()
            self.later()
            return Step.DONE
        refusal = child_terms.refusal(sa, child, message)
        if refusal is not None:
            self._discard()
            self.not_made(refusal)
            return Step.DONE
        selected = child_terms.accepted_proposal(sa, child, message, with_ke=True)
        secrets, more = offer.finish(main_ke(selected), message), additional_kes(selected)
        if more:
            self.answer, self.rounds = message, Rounds(sa, more, secrets, message)
            return Step.MORE
        return self._conclude(child, message, secrets)

    def _next_round(self, message: Message, child: ChildSa) -> Step:
        assert self.rounds is not None and self.answer is not None
        if not self.rounds.take(message):
            return Step.MORE
        return self._conclude(child, self.answer, self.rounds.secrets)

    def _conclude(self, child: ChildSa, answer: Message, secrets: list[Secret]) -> Step:
        nonces = Nonces(self.nonce, answer.need(NoncePayload).data)
        child_terms.take_answer(self.sa, child, answer, nonces, secrets, with_ke=True)
        self.new = None
        self.made(child, nonces)
        return Step.DONE

    def refused(self, error: PeerError) -> None:
        """The peer has made a CHILD_SA of its answer and we cannot: it is to be deleted there."""
        sa, child = self.sa, self.new
        sa.log("IKE", error.detail)
        self._discard(tell=True)
        if child is not None:
            self.not_made(error)

    def _discard(self, tell: bool = False) -> None:
        child, self.new = self.new, None
        if child is None:
            return
        if tell:
            self.sa.do(DeleteChild(child))
        else:
            child.remove()

    def dropped(self) -> None:
        self._discard()


def respond_ke(sa: IkeSaV2, selected: Proposal, message: Message) -> tuple[list[Payload], list[Secret]]:
    """The responder's half: KE payload and shared secret, none where no key exchange was chosen.

    Raises PeerError(INVALID_KE_PAYLOAD) with the method that is wanted (§1.3).
    """
    method = main_ke(selected)
    if method == KeId.NONE:
        return [], []
    theirs = message.first(KePayload)
    if theirs is None or theirs.method != method:
        got = ke_text(theirs.method) if theirs else "none"
        raise PeerError(
            NotifyType.INVALID_KE_PAYLOAD,
            f"key exchange method {ke_text(method)} required, got {got}",
            method.to_bytes(2),
        )
    payload, secret = respond_one(sa, theirs)
    return [payload], [secret]


def reply_with_ke(
    sa: IkeSaV2,
    message: Message,
    selected: Proposal,
    nonce: bytes,
    payloads: list[Payload],
    complete: Complete,
    abandon: Callable[[], object],
) -> Reply:
    """The response: SA, Nr, [KEr], the rest. ``complete`` makes the SA, now or behind the last
    additional key exchange; ``abandon`` forgets it when there is an error in between."""
    try:
        ke_payloads, secrets = respond_ke(sa, selected, message)
        first, *behind = payloads
        answer = [first, NoncePayload(nonce), *ke_payloads, *behind]
        more = additional_kes(selected)
        if more:
            return Reply([*answer, sa.part(Followups).begin(sa, more, secrets, complete, abandon)])
        return Reply(answer, complete(secrets))
    except PeerError:
        abandon()
        raise
