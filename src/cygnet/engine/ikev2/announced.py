"""RFC 9593. Both ends may say how they want the other one to authenticate.

The responder does in its IKE_SA_INIT response, the initiator in IKE_AUTH, each where
``announce_auth_methods`` is set: it helps peers that have several credentials to choose, and
costs those that have one nothing but bytes. Who authenticates by another method than those
announced tries it all the same (§3.1: the list is no more than a hint), and the log says why it
may fail.
"""

from __future__ import annotations

from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.model.config import AuthMethod
from cygnet.values.errors import PeerError
from cygnet.wire.ikev2.announcement import Announcement, decode_announcements, encode_announcements
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType
from cygnet.wire.ikev2.numbers import AuthMethodId

#: what we can verify, by what a connection wants of its peer
_SIGNATURE = Announcement(AuthMethodId.DIGITAL_SIGNATURE)
_SECRET = Announcement(AuthMethodId.SHARED_KEY)
_OF = {
    AuthMethod.PSK: (_SECRET,),
    AuthMethod.PUBKEY: (_SIGNATURE, Announcement(AuthMethodId.RSA_SIGNATURE)),
    AuthMethod.ANY: (_SIGNATURE, Announcement(AuthMethodId.RSA_SIGNATURE), _SECRET),
}


def offer(sa: IkeSaV2) -> list[NotifyPayload]:
    """The methods of every connection that may still turn out to be the one."""
    if not sa.services.config.settings.announce_auth_methods:
        return []
    connections = sa.shaking.candidates or [sa.connection]
    rounds = [r for c in connections for r in c.remote]
    digital = sa.services.config.settings.signature_authentication
    accepted = dict.fromkeys(
        a for r in rounds for a in _OF.get(r.method, ()) if digital or a is not _SIGNATURE
    )
    return [NotifyPayload(NotifyType.SUPPORTED_AUTH_METHODS, encode_announcements(accepted))]


def compare(sa: IkeSaV2, message: Message, own: AuthMethodId = AuthMethodId.SHARED_KEY) -> None:
    """Say so where the peer does not announce the method that we authenticate by."""
    announced: set[AuthMethodId] = set()
    try:
        for notify in message.notifies(NotifyType.SUPPORTED_AUTH_METHODS):
            announced |= {a.method for a in decode_announcements(notify.data)}
    except PeerError as error:
        sa.log("IKE", f"ignoring the peer's list of authentication methods: {error.detail}")
        return
    if announced and own not in announced:
        names = ", ".join(sorted(str(m) for m in announced))
        sa.log("IKE", f"peer announces {names}, and not {own}, by which we authenticate: it may refuse us")
