"""IKE_AUTH, RFC 7296 §1.2, §2.15: who both ends are, and the first CHILD_SA. The initiator's side.

    request   IDi, [N(INITIAL_CONTACT)], [IDr], AUTH, [CP], SA, TSi, TSr, ...
    response  IDr, AUTH, [CP], SA, TSi, TSr, ... | error for the CHILD_SA alone | error

Without SA and TS payloads it makes no CHILD_SA (RFC 6023). A CHILD_SA that cannot be made
does not harm the IKE_SA: its error stands beside IDr and AUTH (§1.2). With several rounds of
authentication (RFC 4739) there are as many exchanges; the CHILD_SA is offered in the first and
answered in the last. The responder's side is ``ike_auth_answer``.
"""

from __future__ import annotations

from cygnet.engine import life
from cygnet.engine.child import ChildSa
from cygnet.engine.ikev2 import (
    authentication,
    certificates,
    child_terms,
    children,
    crash,
    extensions,
    ppk,
    redirect,
    sessions,
    virtual_ips,
)
from cygnet.engine.ikev2.handshake import Progress
from cygnet.engine.ikev2.keys import IkeKeys, Nonces, with_ppk
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.ikev2.task import Draft, Step
from cygnet.engine.ikev2.tasks import child_delete
from cygnet.engine.ikev2.tasks.task import SaTask
from cygnet.engine.lookup import expected_identity
from cygnet.engine.unique import FirstContact, enforce
from cygnet.engine.waiting import Missing
from cygnet.engine.wants import CreateChild, DeleteChild
from cygnet.model.config import Connection, Unique
from cygnet.values.errors import PeerError
from cygnet.values.iana import Protocol
from cygnet.wire.header import ExchangeType
from cygnet.wire.ikev2.auth import AuthPayload
from cygnet.wire.ikev2.delete import DeletePayload
from cygnet.wire.ikev2.identification import IdIPayload, IdRPayload
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType
from cygnet.wire.ikev2.payload import Payload


class IkeAuth(SaTask):
    NAME = "IKE_AUTH"

    def __init__(self, sa: IkeSaV2) -> None:
        super().__init__(sa)
        self.child: ChildSa | None = None
        self.plain: IkeKeys | None = None  #: the keys without a PPK, while it is open whether it is used
        self.without: authentication.Proof | None = None  #: our first proof, without a PPK
        self.chosen: ppk.Ppk | None = None
        self.progress = Progress()
        self.waits = False  #: for revocation data, with the response in hand

    def build(self) -> Draft | None:
        try:
            payloads = self._first() if not self.progress.own else self._next_round()
        except PeerError as error:
            self.sa.log("IKE", error.detail, 0)
            life.negotiation_failed(self.sa, error.detail, retry=False)
            return None
        return None if self.sa.is_gone else Draft(ExchangeType.IKE_AUTH, payloads)

    def _first(self) -> list[Payload]:
        sa = self.sa
        sa.local_id = authentication.first_own_identity(sa)
        sa.remote_id = expected_identity(sa.connection, sa.remote.address)
        sa.shaking.close_intermediate(sa.exchanges.window.own_next)
        proof, auth = self._auth()
        authentication.log_proof(sa, proof)
        payloads: list[Payload] = [IdIPayload(sa.local_id), *proof.certificates]
        if sa.connection.unique is not Unique.NEVER and sa.services.part(FirstContact).is_for(sa):
            payloads.append(NotifyPayload(NotifyType.INITIAL_CONTACT))
        payloads += certificates.requests(sa, [sa.connection])
        if not _any_remote(sa.connection):
            payloads.append(IdRPayload(sa.remote_id))
        payloads += auth
        payloads += virtual_ips.request(sa)
        payloads += self._offer()
        self.progress.own = 1
        more = len(authentication.own_rounds(sa)) > 1
        if more and not sa.peer.multiple_auth:
            raise PeerError(0, "peer does not support multiple authentication rounds")
        return [*payloads, *extensions.of_auth_request(sa), *authentication.follows(more)]

    def _next_round(self) -> list[Payload]:
        """Our next identity; nothing when only the peer has more to prove."""
        sa, number = self.sa, self.progress.own
        rounds = len(authentication.own_rounds(sa))
        if number >= rounds:
            return []
        proof = authentication.prove(sa, number)
        authentication.log_proof(sa, proof)
        self.progress.own += 1
        more = authentication.follows(self.progress.own < rounds)
        return [IdIPayload(proof.identity), *proof.certificates, proof.auth, *more]

    def _auth(self) -> tuple[authentication.Proof, list[Payload]]:
        """Our proof; AUTH, and what belongs to it when a PPK is used."""
        sa, plain = self.sa, self.sa.secrets
        if self.without is None:
            self.without = authentication.prove(sa, 0)
            self.chosen = ppk.chosen(sa)
        without, chosen = self.without, self.chosen
        if chosen is None:
            return without, [without.auth]
        keys = with_ppk(plain, chosen.secret)
        proof = authentication.prove(sa, 0, keys)
        self.plain, sa.keys = plain, keys
        payloads: list[Payload] = [proof.auth, ppk.identity_notify(chosen)]
        if not sa.connection.ppk_required:
            payloads.append(NotifyPayload(NotifyType.NO_PPK_AUTH, without.auth.data))
        return proof, payloads

    def _offer(self) -> list[Payload]:
        """The first CHILD_SA, if there is to be one in this exchange."""
        sa = self.sa
        if sa.peer.childless and (sa.connection.childless in ("force", "prefer") or not sa.wishes):
            return []
        if sa.connection.childless == "force" or not sa.wishes:  # nobody asks for one: none is made up
            raise PeerError(0, f"{sa.remote.address} does not support childless IKE_SA initiation")
        wish = sa.wishes[0]
        self.child = sa.new_child(wish.child, wish.reqid)
        self.child.begun_here, self.child.packet = True, wish.packet
        sa.log("CHD", f"establishing CHILD_SA {self.child}", 0)
        ahead, behind = child_terms.offer(sa, self.child, with_ke=False)
        return ahead + behind

    def process(self, message: Message) -> Step:
        sa, progress = self.sa, self.progress
        auth, error = message.first(AuthPayload), message.error()
        rejected = error is not None and error.kind == NotifyType.AUTHENTICATION_FAILED
        if auth is None and (rejected or not progress.theirs):
            self._refused(message)
            return Step.DONE
        if auth is not None:
            certificates.learn(sa, message)
            if self.plain is not None and not progress.theirs:
                ppk.confirmed(sa, message, self.plain)
        return self._judge(message, auth)

    def _judge(self, message: Message, auth: AuthPayload | None) -> Step:
        sa, progress = self.sa, self.progress
        if auth is not None:
            try:
                self._verify(message, auth)
            except Missing as missing:
                self.waits = True
                missing.wait(sa, lambda: self._resume(message, auth))
                return Step.WAIT
        if redirect.follow_authenticated(sa, message):
            return Step.DONE
        sa.peer.learn(message)
        crash.learn(sa, message)
        theirs_follow = message.notify(NotifyType.ANOTHER_AUTH_FOLLOWS) is not None
        if theirs_follow or progress.own < len(authentication.own_rounds(sa)):
            return Step.MORE
        authentication.all_done(sa, progress)
        self._establish(message)
        return Step.DONE

    def _establish(self, message: Message) -> None:
        sa = self.sa
        nonces = sa.shaking.nonces
        enforce(sa, initial_contact=False)
        authentication.established(sa)
        if sa.peer.mobike and sa.connection.mobike:
            sa.log("IKE", "peer supports MOBIKE")
        extensions.after_auth(sa, message)
        virtual_ips.take_reply(sa, message)
        if self.child is not None:
            self._finish_child(self.child, message, nonces)
        if sa.is_gone:
            return
        for wish in list(sa.wishes):
            if self.child is None or wish.child.name != self.child.name:
                sa.do(CreateChild(wish))
        sa.finish_reauthentication()  # there may be no CHILD_SA to wait for

    def _refused(self, message: Message) -> None:
        sa, error = self.sa, message.error()
        if error is None:
            raise PeerError(0, "peer did not authenticate itself")
        sa.log("IKE", f"received {error.kind} notify error", 0)
        if sessions.fall_back(sa):
            return
        reason = f"{sa.remote.address} refused with {error.kind}"
        if error.kind == NotifyType.AUTHENTICATION_FAILED:
            reason = (
                f"{sa.remote.address} does not accept our authentication as '{sa.local_id}': "
                f"{authentication.likely(sa)}"
            )
            sa.services.alert("peer-auth-failed", reason, sa)
        life.negotiation_failed(sa, reason, retry=False)

    def _resume(self, message: Message, auth: AuthPayload) -> None:
        """What was waited for is here, or will not come."""
        self.waits = False
        exchanges = self.sa.exchanges
        exchanges.resume(self, lambda: self._judge(message, auth))
        if exchanges.active is None:
            child_delete.delete_overtaken(self.sa)
        exchanges.go_on()

    def _verify(self, message: Message, auth: AuthPayload) -> None:
        sa, number = self.sa, self.progress.theirs
        identity = message.need(IdRPayload).identity
        authentication.check(sa, number, identity, auth)
        if not number:
            sa.remote_id = identity
        self.progress.theirs += 1

    def _finish_child(self, child: ChildSa, message: Message, nonces: Nonces) -> None:
        sa = self.sa
        refusal = child_terms.refusal(sa, child, message)
        if refusal is not None:
            child.remove()
            children.child_error(sa, child.name, refusal)
            children.keep_without_child(sa)
            return
        try:
            virtual_ips.need(sa)
            child_terms.take_answer(sa, child, message, nonces)
        except PeerError as error:
            sa.log("IKE", error.detail)
            children.child_failed(sa, child.name, error.detail)
            sa.do(DeleteChild(child))
            return
        child.install_inbound()
        child.install_outbound()
        children.child_up(sa, child)

    def refused(self, error: PeerError) -> None:
        """The peer did not prove who it is: tell it (§2.21.2) and forget the IKE_SA."""
        sa = self.sa
        sa.log("IKE", error.detail, 0)
        if error.notify:
            sa.exchanges.send_once(
                Draft(ExchangeType.INFORMATIONAL, [NotifyPayload(NotifyType(error.notify), error.data)])
            )
            sa.services.alert("peer-auth-failed", error.detail, sa)
        if not sessions.fall_back(sa):
            life.negotiation_failed(sa, error.detail, retry=False)

    def parting_word(self) -> Draft | None:
        """The peer believes that it is up, where we have its response and are not through with it."""
        return Draft(ExchangeType.INFORMATIONAL, [DeletePayload(Protocol.IKE)]) if self.waits else None

    def dropped(self) -> None:
        if self.child is not None and self.child.in_id is None:
            self.child.remove()


def _any_remote(connection: Connection) -> bool:
    """Whether the peer may call itself as it likes, so that there is no identity to ask for."""
    expected = connection.remote[0]
    return expected.loose_id or expected.id.is_any or expected.id.is_pattern
