"""RFC 3706. Dead peer detection: R-U-THERE and its acknowledgement, by sequence number.

A request goes out when the peer has been silent for dpddelay, and again after each further
dpddelay; if nothing authentic (IKE or ESP) comes in for dpdtimeout, the peer is dead. Without a
dpdtimeout it is as long as a request would be retransmitted.
"""

from __future__ import annotations

from cygnet.boundary.effects import Query
from cygnet.boundary.events import Event, Usage
from cygnet.engine.ikev1.ends import peer_is_dead
from cygnet.engine.ikev1.sa import IkeSaV1
from cygnet.engine.ikev1.tasks.informational import cookies_notify, tell
from cygnet.engine.timers import Deadline
from cygnet.model.config import Settings
from cygnet.wire.ikev1.notification import Notification
from cygnet.wire.ikev1.numbers import Notify
from cygnet.wire.ikev1.vendors import Extension


def total_timeout(settings: Settings) -> float:
    """Seconds from a message to giving up on its answer."""
    return sum(
        settings.retransmit_timeout * settings.retransmit_base**n
        for n in range(settings.retransmit_tries + 1)
    )


class Dpd:
    """The state of one IKE_SA's checks."""

    def __init__(self, sa: IkeSaV1) -> None:
        self._sa = sa
        self._sequence = 0
        self._warned = False

    def ask(self) -> None:
        sa = self._sa
        if Extension.DPD not in sa.extensions:
            if not self._warned:
                sa.log("IKE", "DPD not supported by peer, disabled")
                self._warned = True
            return
        if not self._sequence:
            # "The initial value of the sequence number SHOULD be random" with its highest bit clear
            self._sequence = int.from_bytes(sa.services.entropy.bytes(4)) & 0x7FFF_FFFF
        self._sequence = (self._sequence + 1) & 0xFFFF_FFFF
        sa.log("IKE", "sending DPD request")
        tell(sa, [cookies_notify(sa.cookies, Notify.DPD_R_U_THERE, self._sequence.to_bytes(4))])
        if sa.silent_since is None:
            sa.silent_since = sa.services.now
            sa.services.timers.set(sa.uid, Deadline.DPD_TIMEOUT, sa.services.now + self._timeout())

    def _timeout(self) -> float:
        return self._sa.connection.dpd_timeout or total_timeout(self._sa.services.config.settings)

    def alive(self) -> None:
        """Something authentic came in."""
        if self._sa.silent_since is not None:
            self._sa.silent_since = None
            self._sa.services.timers.cancel(self._sa.uid, Deadline.DPD_TIMEOUT)

    def asked(self, notification: Notification) -> None:
        sa = self._sa
        if notification.spi == sa.cookies and len(notification.data) == 4:
            tell(sa, [cookies_notify(sa.cookies, Notify.DPD_R_U_THERE_ACK, notification.data)])

    def acknowledged(self, notification: Notification) -> None:
        """Any authentic message proves life; the number is only checked for the log."""
        number = int.from_bytes(notification.data)
        if number != self._sequence:
            self._sa.log(
                "IKE",
                f"received invalid DPD sequence number {number} (expected {self._sequence}), ignored",
            )

    def timed_out(self) -> None:
        """No IKE message came; ESP may have."""
        sa = self._sa
        inbound = tuple(c.in_id for c in sa.children.values() if c.in_id is not None)
        if inbound:
            sa.services.emit(Query(sa.services.ask(self._usage, sa.uid), inbound))
        else:
            self._dead()

    def _usage(self, event: Event) -> None:
        assert isinstance(event, Usage)
        if self._sa.silent_since is None:
            return
        silent = self._sa.services.now - self._sa.silent_since
        if any(u.idle is not None and u.idle < silent for u in event.usages):
            self.alive()
        else:
            self._dead()

    def _dead(self) -> None:
        self._sa.log("JOB", "DPD check timed out, enforcing DPD action")
        peer_is_dead(self._sa, "the peer did not answer liveness checks")
