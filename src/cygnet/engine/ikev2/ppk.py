"""RFC 8784. A post-quantum preshared key beside the ordinary authentication.

    IKE_SA_INIT  both    N(USE_PPK)
    IKE_AUTH     request N(PPK_IDENTITY), [N(NO_PPK_AUTH)]     AUTH made with the mixed keys
                 response N(PPK_IDENTITY) when the PPK is used

The PPK is mixed into SK_d, SK_pi and SK_pr only (``keys.with_ppk``): SK_e and SK_a are in use
by then. Where it is not required, NO_PPK_AUTH holds what AUTH would be without it, for a
responder that does not have the PPK.
"""

from __future__ import annotations

from dataclasses import dataclass

from cygnet.credentials.psk import find_shared
from cygnet.engine.ikev2.handshake import Verdict
from cygnet.engine.ikev2.keys import IkeKeys, with_ppk
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.services import Services
from cygnet.model.config import Connection, SecretKind
from cygnet.values.errors import PeerError
from cygnet.values.identity import Identity
from cygnet.values.secret import Secret
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType

PPK_ID_FIXED = 2  #: RFC 8784 §5.1: the identity as it is; 1 (opaque) belongs to one-time pads
MAX_ID = 255  #: bytes of a PPK_ID that we look at


@dataclass(frozen=True, slots=True)
class Ppk:
    identity: str
    secret: Secret


def find(services: Services, ppk_id: str) -> Ppk | None:
    try:
        wanted = Identity.parse(ppk_id)
    except ValueError:
        return None
    if wanted.is_any:
        return None
    secret = find_shared(services.config.secrets, SecretKind.PPK, wanted)
    return Ppk(ppk_id, secret) if secret is not None else None


def offered(connection: Connection) -> list[NotifyPayload]:
    """What our IKE_SA_INIT request says."""
    return [NotifyPayload(NotifyType.USE_PPK)] if connection.ppk_id else []


def accepted(sa: IkeSaV2) -> list[NotifyPayload]:
    """What our IKE_SA_INIT response says to a peer that can: whether we have any PPK at all."""
    some = any(s.kind is SecretKind.PPK for s in sa.services.config.secrets)
    return [NotifyPayload(NotifyType.USE_PPK)] if sa.peer.ppk and some else []


# initiator --------------------------------------------------------------------------


def chosen(sa: IkeSaV2) -> Ppk | None:
    """The PPK to use with this peer. Raises PeerError(0) where one is required and cannot be used."""
    connection = sa.connection
    if not connection.ppk_id:
        return None
    ppk = find(sa.services, connection.ppk_id)
    missing = f"no PPK for PPK_ID '{connection.ppk_id}' found" if ppk is None else ""
    if not sa.peer.ppk:
        missing = "peer does not support PPK"
    if not missing:
        sa.log("IKE", f"using PPK for PPK_ID '{connection.ppk_id}'")
        return ppk
    if connection.ppk_required:
        raise PeerError(0, f"PPK required but {missing}")
    sa.log("IKE", f"{missing}, continuing without PPK")
    return None


def identity_notify(ppk: Ppk) -> NotifyPayload:
    data = bytes((PPK_ID_FIXED,)) + ppk.identity.encode()
    return NotifyPayload(NotifyType.PPK_IDENTITY, data)


def confirmed(sa: IkeSaV2, message: Message, plain: IkeKeys) -> None:
    """The response: PPK_IDENTITY says that it was used; without it, ``plain`` are the keys."""
    if message.notify(NotifyType.PPK_IDENTITY) is not None:
        return
    if sa.connection.ppk_required:
        raise PeerError(NotifyType.AUTHENTICATION_FAILED, "PPK required but the peer did not use it")
    sa.log("IKE", "peer didn't use PPK, continuing without")
    sa.keys = plain


# responder --------------------------------------------------------------------------


def judge(sa: IkeSaV2, message: Message) -> Verdict:
    """Which keys an IKE_AUTH request was made with. Raises PeerError(AUTHENTICATION_FAILED)."""
    plain, failed = sa.secrets, NotifyType.AUTHENTICATION_FAILED
    notify = message.notify(NotifyType.PPK_IDENTITY)
    if notify is None:
        if sa.connection.ppk_required:
            raise PeerError(failed, "PPK required but the peer did not use it")
        return Verdict(plain)
    ppk = _named(sa, notify.data)
    if ppk is not None:
        sa.log("IKE", f"using PPK for PPK_ID '{ppk.identity}'")
        return Verdict(with_ppk(plain, ppk.secret), used=True)
    without = message.notify(NotifyType.NO_PPK_AUTH)
    if without is None or sa.connection.ppk_required:
        raise PeerError(failed, "PPK required but no PPK found for the PPK_ID that the peer sent")
    sa.log("IKE", "no PPK found for the PPK_ID that the peer sent, continuing without")
    return Verdict(plain, auth=without.data)


def _named(sa: IkeSaV2, data: bytes) -> Ppk | None:
    if len(data) < 2 or len(data) > MAX_ID or data[0] != PPK_ID_FIXED:
        return None
    try:
        name = data[1:].decode()
    except UnicodeDecodeError:
        return None
    if sa.connection.ppk_id and name != sa.connection.ppk_id:
        return None
    return find(sa.services, name)
