"""IKE_AUTH, RFC 7296 §1.2, §2.15: who both ends are, and the first CHILD_SA.

    request   IDi, [N(INITIAL_CONTACT)], [IDr], AUTH, [CP], SA, TSi, TSr, ...
    response  IDr, AUTH, [CP], SA, TSi, TSr, ... | error for the CHILD_SA alone | error

Without SA and TS payloads it makes no CHILD_SA (RFC 6023). A CHILD_SA that cannot be made
does not harm the IKE_SA: its error stands beside IDr and AUTH (§1.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cygnet.boundary.effects import Effect
from cygnet.credentials.psk import find_psk
from cygnet.engine.child import ChildSa
from cygnet.engine.context import Wish
from cygnet.engine.ikev2 import announced, child_terms, crash, extensions, ppk, redirect, virtual_ips
from cygnet.engine.ikev2.auth import psk_auth, verify_psk
from cygnet.engine.ikev2.keys import IkeKeys, Nonces, with_ppk
from cygnet.engine.ikev2.tasks import mobike, resume
from cygnet.engine.ikev2.tasks.task import Draft, Reply, Step, Task
from cygnet.engine.lookup import by_identity, expected_identity, own_identity
from cygnet.engine.unique import duplicates, enforce
from cygnet.model.config import AuthMethod, Connection, Unique
from cygnet.values.errors import PeerError
from cygnet.values.identity import Identity
from cygnet.values.secret import Secret
from cygnet.wire.header import ExchangeType
from cygnet.wire.ikev2.auth import AuthPayload
from cygnet.wire.ikev2.identification import IdIPayload, IdRPayload
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType
from cygnet.wire.ikev2.numbers import AuthMethodId
from cygnet.wire.ikev2.payload import Payload
from cygnet.wire.ikev2.sa import SaPayload

if TYPE_CHECKING:
    from cygnet.engine.ikev2.sa import IkeSaV2


class IkeAuth(Task):
    NAME = "IKE_AUTH"

    def __init__(self, sa: IkeSaV2) -> None:
        super().__init__(sa)
        self.child: ChildSa | None = None
        self.plain: IkeKeys | None = None  #: the keys without a PPK, while it is open whether it is used

    def build(self) -> Draft | None:
        sa = self.sa
        sa.local_id = own_identity(sa.connection, sa.local.address)
        sa.remote_id = expected_identity(sa.connection, sa.remote.address)
        secret = shared_secret(sa)
        if secret is None:
            reason = f"no shared key found for '{sa.local_id}' - '{sa.remote_id}'"
            sa.log("IKE", reason)
            sa.negotiation_failed(reason, retry=False)
            return None
        sa.shaking.close_intermediate(sa.exchanges.window.own_next)
        try:
            auth = self._auth(secret)
        except PeerError as error:
            sa.log("IKE", error.detail, 0)
            sa.negotiation_failed(error.detail, retry=False)
            return None
        sa.log("IKE", f"authentication of '{sa.local_id}' (myself) with pre-shared key", 0)
        payloads: list[Payload] = [IdIPayload(sa.local_id)]
        if sa.connection.unique is not Unique.NEVER and not any(duplicates(sa)):
            payloads.append(NotifyPayload(NotifyType.INITIAL_CONTACT))
        if not _any_remote(sa.connection):
            payloads.append(IdRPayload(sa.remote_id))
        payloads += auth
        payloads += virtual_ips.request(sa)
        payloads += self._offer()
        if sa.is_gone:
            return None
        return Draft(ExchangeType.IKE_AUTH, [*payloads, *extensions.of_auth_request(sa)])

    def _auth(self, secret: Secret) -> list[Payload]:
        """AUTH, and what belongs to it when a PPK is used."""
        sa, plain = self.sa, self.sa.secrets
        chosen = ppk.chosen(sa)
        if chosen is None:
            return [AuthPayload(AuthMethodId.SHARED_KEY, own_auth(sa, secret))]
        without = own_auth(sa, secret)
        self.plain, sa.keys = plain, with_ppk(plain, chosen.secret)
        payloads: list[Payload] = [AuthPayload(AuthMethodId.SHARED_KEY, own_auth(sa, secret))]
        payloads.append(ppk.identity_notify(chosen))
        if not sa.connection.ppk_required:
            payloads.append(NotifyPayload(NotifyType.NO_PPK_AUTH, without))
        return payloads

    def _offer(self) -> list[Payload]:
        """The first CHILD_SA, if there is to be one in this exchange."""
        sa = self.sa
        if sa.peer.childless and (sa.connection.childless in ("force", "prefer") or not sa.wishes):
            return []
        if sa.connection.childless == "force":
            sa.log("IKE", "peer does not support childless IKE_SA initiation")
            sa.negotiation_failed(
                f"{sa.remote.address} does not support childless IKE_SA initiation", retry=False
            )
            return []
        wish = sa.wishes[0] if sa.wishes else Wish(sa.connection.children[0])
        self.child = sa.new_child(wish.child, wish.reqid)
        sa.log("CHD", f"establishing CHILD_SA {self.child}", 0)
        ahead, behind = child_terms.offer(sa, self.child, with_ke=False)
        return ahead + behind

    def process(self, message: Message) -> Step:
        sa = self.sa
        auth = message.first(AuthPayload)
        if auth is None:
            self._refused(message)
            return Step.DONE
        self._verify(message, auth)
        if redirect.follow_authenticated(sa, message):
            return Step.DONE
        sa.peer.learn(message)
        crash.learn(sa, message)
        nonces = sa.shaking.nonces
        enforce(sa, initial_contact=False)
        sa.established()
        if sa.peer.mobike and sa.connection.mobike:
            sa.log("IKE", "peer supports MOBIKE")
        extensions.after_auth(sa, message)
        virtual_ips.take_reply(sa, message)
        if self.child is not None:
            self._finish_child(self.child, message, nonces)
        if not sa.is_gone:
            for wish in list(sa.wishes):
                if self.child is None or wish.child.name != self.child.name:
                    sa.create_child(wish)
        return Step.DONE

    def _refused(self, message: Message) -> None:
        sa, error = self.sa, message.error()
        if error is None:
            raise PeerError(0, "peer did not authenticate itself")
        sa.log("IKE", f"received {error.kind} notify error", 0)
        if resume.fall_back(sa):
            return
        reason = f"{sa.remote.address} refused with {error.kind}"
        if error.kind == NotifyType.AUTHENTICATION_FAILED:
            reason = (
                f"{sa.remote.address} does not accept our authentication as '{sa.local_id}': "
                "the pre-shared keys or the identities differ"
            )
            sa.ctx.alert("peer-auth-failed", reason, sa)
        sa.negotiation_failed(reason, retry=False)

    def _verify(self, message: Message, auth: AuthPayload) -> None:
        sa = self.sa
        if self.plain is not None:
            ppk.confirmed(sa, message, self.plain)
        keys = sa.secrets
        identity = message.need(IdRPayload).identity
        if not identity.matches(expected_identity(sa.connection, sa.remote.address)):
            wanted = expected_identity(sa.connection, sa.remote.address)
            raise PeerError(
                NotifyType.AUTHENTICATION_FAILED,
                f"peer calls itself '{identity}', but '{sa.name}' expects '{wanted}'",
            )
        sa.remote_id = identity
        octets = sa.shaking.octets_r(keys).of(identity, keys.p_r)
        verify_peer(sa, auth.method, auth.data, octets)

    def _finish_child(self, child: ChildSa, message: Message, nonces: Nonces) -> None:
        sa = self.sa
        refusal = child_terms.refusal(sa, child, message)
        if refusal is not None:
            child.remove()
            sa.child_error(child.name, refusal)
            sa.keep_without_child()
            return
        try:
            virtual_ips.need(sa)
            child_terms.take_answer(sa, child, message, nonces)
        except PeerError as error:
            sa.log("IKE", error.detail)
            sa.child_failed(child.name, error.detail)
            sa.delete_child(child)
            return
        child.install_inbound()
        child.install_outbound()
        sa.child_up(child)

    def refused(self, error: PeerError) -> None:
        """The peer did not prove who it is: tell it (§2.21.2) and forget the IKE_SA."""
        sa = self.sa
        sa.log("IKE", error.detail, 0)
        if error.notify:
            sa.exchanges.send_once(
                Draft(ExchangeType.INFORMATIONAL, [NotifyPayload(NotifyType(error.notify), error.data)])
            )
            sa.ctx.alert("peer-auth-failed", error.detail, sa)
        if not resume.fall_back(sa):
            sa.negotiation_failed(error.detail, retry=False)

    def dropped(self) -> None:
        if self.child is not None and self.child.in_id is None:
            self.child.remove()


def _any_remote(connection: Connection) -> bool:
    """Whether the peer's identity is left open, so that there is none to ask for."""
    identity = connection.remote[0].id
    return identity.is_any or b"*" in identity.data


def shared_secret(sa: IkeSaV2) -> Secret | None:
    local, remote = sa.local_id, sa.remote_id
    return find_psk(sa.ctx.config.secrets, local, remote, sa.local.address, sa.remote.address)


def own_auth(sa: IkeSaV2, secret: Secret) -> bytes:
    """The value of our AUTH payload, with the keys that are set now."""
    keys = sa.secrets
    octets = sa.shaking.octets_i(keys) if sa.initiator else sa.shaking.octets_r(keys)
    sk_p = keys.p_i if sa.initiator else keys.p_r
    signed = octets.of(sa.local_id, sk_p)
    if sa.shaking.resumed is not None:
        return resume.proof(sa, sk_p, signed)
    return psk_auth(keys.suite.prf, secret, signed)


def verify_peer(sa: IkeSaV2, method: AuthMethodId, data: bytes, octets: bytes) -> None:
    """Raises PeerError(AUTHENTICATION_FAILED)."""
    failed = NotifyType.AUTHENTICATION_FAILED
    wanted = sa.connection.remote[0].method
    if method != AuthMethodId.SHARED_KEY or wanted not in (AuthMethod.PSK, AuthMethod.ANY):
        raise PeerError(failed, f"peer authenticates by {method}, '{sa.name}' wants {wanted.value}")
    secret = shared_secret(sa)
    if secret is None:
        raise PeerError(failed, f"no shared key found for '{sa.local_id}' - '{sa.remote_id}'")
    if sa.shaking.resumed is not None:
        resume.verify(sa, sa.shaking.resumed, octets, data)
    else:
        verify_psk(sa.secrets.suite.prf, secret, octets, data)
        sa.log("IKE", f"authentication of '{sa.remote_id}' with pre-shared key successful", 0)


def answer(sa: IkeSaV2, message: Message) -> Reply:
    """The responder's side."""
    if sa.established_at is not None or sa.handshake is None:
        raise PeerError(NotifyType.INVALID_SYNTAX, "IKE_AUTH for an IKE_SA that is authenticated")
    try:
        return _answer(sa, message)
    except PeerError as error:
        sa.log("IKE", error.detail, 0)
        if error.notify == NotifyType.AUTHENTICATION_FAILED:
            sa.ctx.alert("peer-auth-failed", error.detail, sa)
        sa.failure = error.detail
        notify = NotifyPayload(NotifyType(error.notify), error.data)
        return Reply([notify], sa.destroy)


def _answer(sa: IkeSaV2, message: Message) -> Reply:
    shaking = sa.shaking
    if shaking.additional:
        raise PeerError(NotifyType.INVALID_SYNTAX, "IKE_AUTH before all key exchanges are done")
    shaking.close_intermediate(message.message_id)
    sa.remote_id = message.need(IdIPayload).identity
    wanted = message.first(IdRPayload)
    _choose_connection(sa, wanted.identity if wanted else None)
    auth = message.first(AuthPayload)
    if auth is None:
        raise PeerError(NotifyType.AUTHENTICATION_FAILED, "peer wants EAP, which is not configured")
    if message.first(SaPayload) is None and sa.connection.childless == "never":
        raise PeerError(NotifyType.INVALID_SYNTAX, "peer asks for a childless IKE_SA, which is not allowed")
    verdict = ppk.judge(sa, message)
    keys = sa.keys = verdict.keys
    data = auth.data if verdict.auth is None else verdict.auth
    verify_peer(sa, auth.method, data, shaking.octets_i(keys).of(sa.remote_id, keys.p_i))
    secret = shared_secret(sa)
    assert secret is not None  # the peer has just been verified with it
    replaced = _replace_duplicates(sa, message)
    sa.log("IKE", f"authentication of '{sa.local_id}' (myself) with pre-shared key", 0)
    payloads: list[Payload] = [
        IdRPayload(sa.local_id),
        AuthPayload(AuthMethodId.SHARED_KEY, own_auth(sa, secret)),
        *verdict.notifies,
    ]
    elsewhere = redirect.instead_of_child(sa)
    if elsewhere is not None:
        return Reply([*payloads, elsewhere], lambda: sa.ctx.retire(sa))
    nonces = shaking.nonces
    sa.peer.learn(message)
    crash.learn(sa, message)
    announced.compare(sa, message)
    sa.established()
    if sa.peer.mobike and sa.connection.mobike:
        sa.log("IKE", "peer supports MOBIKE")
    if mobike.is_used(sa):
        mobike.learn_list(sa, message)
    child: ChildSa | None = None
    try:
        payloads += virtual_ips.assign(sa, message)
        if message.first(SaPayload) is not None:
            terms = child_terms.agree(sa, message, with_ke=False)
            child = sa.new_child(terms.config)
            child_terms.take_request(sa, child, terms, nonces)
            payloads += child_terms.answer_payloads(child, terms, ())
            child.install_inbound()
    except PeerError as error:
        sa.log("IKE", f"{error.detail}", 1)
        sa.log("IKE", "failed to establish CHILD_SA, keeping IKE_SA")
        payloads.append(NotifyPayload(NotifyType(error.notify), error.data))
    payloads += extensions.of_auth_response(sa)

    def after() -> None:
        if child is not None:
            child.install_outbound()
            sa.child_up(child)
        sa.ctx.effects += replaced

    return Reply(payloads, after)


def _replace_duplicates(sa: IkeSaV2, message: Message) -> list[Effect]:
    """uniqueids. What the older IKE_SAs have to say is returned, to be said behind our answer: a
    peer that reauthenticates must have the new tunnel before the old one is deleted."""
    effects = sa.ctx.effects
    mark = len(effects)
    kept = enforce(sa, message.notify(NotifyType.INITIAL_CONTACT) is not None)
    late = effects[mark:]
    del effects[mark:]
    if not kept:
        raise PeerError(NotifyType.AUTHENTICATION_FAILED, "another IKE_SA with that identity is kept")
    return late


def _choose_connection(sa: IkeSaV2, wanted: Identity | None) -> None:
    """Now that the identities are known: the connection that fits them best."""
    shown = wanted or "%any"
    sa.log("CFG", f"looking for peer configs matching {sa.local.address}[{shown}]"
           f"...{sa.remote.address}[{sa.remote_id}]")  # fmt: skip
    found = by_identity(sa.shaking.candidates, wanted, sa.remote_id)
    fitting = [c for c in found if _admits(sa, c)]
    if not fitting:
        sa.local_id = wanted or own_identity(sa.connection, sa.local.address)
        raise PeerError(
            NotifyType.AUTHENTICATION_FAILED,
            f"no matching peer config found for '{sa.remote_id}' ({sa.remote.address}) asking for '{shown}'",
        )
    sa.connection = fitting[0]
    sa.log("CFG", f"selected peer config '{sa.name}'")
    # whoever has no identity configured is its address, whatever the peer calls it: as charon
    sa.local_id = own_identity(sa.connection, sa.local.address)


def _admits(sa: IkeSaV2, connection: Connection) -> bool:
    """A configured remote identity counts; where there is none, whoever has the key may come."""
    return connection.remote[0].method in (AuthMethod.PSK, AuthMethod.ANY)
