"""RFC 4478. The responder says how long its authentication of the peer lasts; the peer repeats it in time.

Only the initiator can reauthenticate a road warrior (its virtual IP and its credentials are
not symmetric), so the responder's wish goes over the wire: N(AUTH_LIFETIME) in the IKE_AUTH
response or in an INFORMATIONAL request, 4 bytes of seconds.
"""

from __future__ import annotations

from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.timers import Deadline
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType


def offer(sa: IkeSaV2) -> list[NotifyPayload]:
    """In our IKE_AUTH response, when the connection has a reauthentication time: until its hard end."""
    timers = sa.services.timers
    at = timers.at(sa.uid, Deadline.REAUTH)
    if at is None:
        return []
    over = sa.connection.over_time
    if sa.remote_vips:  # the peer has to do it; without it the hard limit ends the IKE_SA
        timers.cancel(sa.uid, Deadline.REAUTH)
    else:  # the peer goes first, so that not both ends make a new IKE_SA at the same moment
        timers.set(sa.uid, Deadline.REAUTH, at + over / 2)
    lifetime = int(at - sa.services.now) + over
    return [NotifyPayload(NotifyType.AUTH_LIFETIME, lifetime.to_bytes(4))]


def learn(sa: IkeSaV2, message: Message) -> None:
    """Reauthenticate before the peer's time is over, unless we do so earlier anyway."""
    notify = message.notify(NotifyType.AUTH_LIFETIME)
    if notify is None or len(notify.data) != 4 or not sa.is_client:
        return
    lifetime = int.from_bytes(notify.data)
    margin = min(sa.connection.over_time or lifetime // 10, lifetime // 2)
    at = sa.services.now + lifetime - margin
    planned = sa.services.timers.at(sa.uid, Deadline.REAUTH)
    if planned is None or at < planned:
        sa.services.timers.set(sa.uid, Deadline.REAUTH, at)
        sa.log(
            "IKE",
            f"received AUTH_LIFETIME of {lifetime}s, scheduling reauthentication in {lifetime - margin}s",
        )
