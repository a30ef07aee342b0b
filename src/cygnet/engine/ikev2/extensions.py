"""Which notifies say what we can do, message by message, in the order strongSwan has them."""

from __future__ import annotations

from collections.abc import Sequence

from cygnet.engine.ikev2 import announced, auth_lifetime, crash, ppk, redirect, sessions, sync
from cygnet.engine.ikev2.features import signature_hash_notify
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.ikev2.suite import ADDITIONAL
from cygnet.engine.ikev2.tasks import mobike
from cygnet.model.config import Fragmentation
from cygnet.values.proposal import Proposal
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType as N


def _fragmentation(sa: IkeSaV2) -> list[NotifyPayload]:
    if sa.connection.fragmentation is Fragmentation.NO:
        return []
    return [NotifyPayload(N.IKEV2_FRAGMENTATION_SUPPORTED)]


def _hashes(sa: IkeSaV2) -> list[NotifyPayload]:
    return [signature_hash_notify()] if sa.services.config.settings.signature_authentication else []


def of_init_request(sa: IkeSaV2, proposals: Sequence[Proposal]) -> list[NotifyPayload]:
    notifies = [*_fragmentation(sa), *_hashes(sa)]
    if any(p.of_type(kind) for p in proposals for kind in ADDITIONAL):
        notifies.append(NotifyPayload(N.INTERMEDIATE_EXCHANGE_SUPPORTED))
    return notifies + ppk.offered(sa.connection) + redirect.announce(sa)


def of_init_response(sa: IkeSaV2) -> list[NotifyPayload]:
    notifies: list[NotifyPayload] = []
    if sa.peer.fragmentation:
        notifies += _fragmentation(sa)
    if sa.peer.signature_hashes:
        notifies += _hashes(sa)
    if sa.connection.childless != "never":
        notifies.append(NotifyPayload(N.CHILDLESS_IKEV2_SUPPORTED))
    if sa.peer.intermediate:
        notifies.append(NotifyPayload(N.INTERMEDIATE_EXCHANGE_SUPPORTED))
    notifies.append(NotifyPayload(N.MULTIPLE_AUTH_SUPPORTED))
    return notifies + ppk.accepted(sa) + announced.offer(sa)


def of_auth_request(sa: IkeSaV2) -> list[NotifyPayload]:
    notifies = []
    if sa.connection.mobike and sa.nat_known:
        notifies += [NotifyPayload(N.MOBIKE_SUPPORTED), *mobike.own_list(sa)]
    return [
        *notifies,
        NotifyPayload(N.MULTIPLE_AUTH_SUPPORTED),
        sync.announce(),
        *announced.offer(sa),
        *crash.offer(sa),
        *sessions.ask(sa),
    ]


def of_auth_response(sa: IkeSaV2) -> list[NotifyPayload]:
    ticket = sessions.grant(sa)  # first: it remembers when reauthentication is due, which the next line moves
    notifies = [*auth_lifetime.offer(sa), *crash.offer(sa), *ticket]
    if sa.connection.mobike and sa.peer.mobike:
        notifies = [NotifyPayload(N.MOBIKE_SUPPORTED), *mobike.own_list(sa), *notifies]
    if sa.peer.message_id_sync:
        notifies.append(sync.announce())
    return notifies


def after_auth(sa: IkeSaV2, message: Message) -> None:
    """What the response of IKE_AUTH says beside identity and CHILD_SA."""
    sessions.learn(sa, message)
    if mobike.is_used(sa):
        mobike.learn_list(sa, message)
    auth_lifetime.learn(sa, message)


def follow_redirect(sa: IkeSaV2, notify: NotifyPayload) -> None:
    redirect.follow(sa, notify)
