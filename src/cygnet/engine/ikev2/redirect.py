"""RFC 5685. A gateway sends its clients to another one: with its first answer, with its
authenticated one, or at any time later.

    IKE_SA_INIT    N(REDIRECT) with the client's nonce: nothing is kept of it (``refuse_new``)
    IKE_AUTH       IDr, AUTH, N(REDIRECT) and no CHILD_SA: only proven peers learn where to go
    INFORMATIONAL  N(REDIRECT) to a client that is up: it makes the new IKE_SA before it breaks this one

Only the end that began is ever moved, and only if it said that it can. Wherever it is sent
it says where it came from (REDIRECTED_FROM). More than five redirects of a connection within
five minutes are a loop (§9).
"""

from __future__ import annotations

from collections import deque

from cygnet.boundary.events import Datagram
from cygnet.engine import life
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.ikev2.task import Draft, Reply, Step
from cygnet.engine.ikev2.tasks import reauthenticate
from cygnet.engine.ikev2.tasks.task import SaTask
from cygnet.engine.registry import Registry
from cygnet.engine.sa import IkeSa
from cygnet.engine.services import Services
from cygnet.engine.wants import Start
from cygnet.engine.wish import Wish
from cygnet.values.errors import PeerError, RequestError
from cygnet.values.iana import Protocol
from cygnet.wire.header import ExchangeType
from cygnet.wire.ikev2.delete import DeletePayload
from cygnet.wire.ikev2.gateway import Gateway
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType
from cygnet.wire.ikev2.payload import Payload

MAX_REDIRECTS = 5  #: RFC 5685 §10's default of MAX_REDIRECTS ...
LOOP_PERIOD = 300.0  #: ... within REDIRECT_LOOP_DETECT_PERIOD seconds


class Redirects:
    """What one engine remembers: how often each connection was moved, whom it names next itself."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self._moves: dict[str, deque[float]] = {}
        self._turn = 0

    def permits(self, connection: str) -> bool:
        """Whether one more move is not yet a loop; counts it."""
        moves = self._moves.setdefault(connection, deque(maxlen=MAX_REDIRECTS))
        if len(moves) == MAX_REDIRECTS and self.services.now - moves[0] < LOOP_PERIOD:
            return False
        moves.append(self.services.now)
        return True

    def next_gateway(self, left: str) -> Gateway | None:
        """The configured gateways in turn, but not the one the client has just come from (``left``)."""
        words = (w for w in self.services.config.settings.redirect_to if w != left)
        choices = [g for w in words if (g := _configured(self.services, w)) is not None]
        if not choices:
            return None
        self._turn += 1
        return choices[(self._turn - 1) % len(choices)]


# client -------------------------------------------------------------------------------


def announce(sa: IkeSaV2) -> list[NotifyPayload]:
    """What the IKE_SA_INIT request says: that we follow, or where we come from (which says that too)."""
    if not sa.services.config.settings.follow_redirects:
        return []
    if sa.redirected_from is not None:
        came_from = Gateway.of_address(sa.redirected_from).encode()
        return [NotifyPayload(NotifyType.REDIRECTED_FROM, came_from)]
    return [NotifyPayload(NotifyType.REDIRECT_SUPPORTED)]


def check_genuine(sa: IkeSaV2, message: Message) -> None:
    """An IKE_SA_INIT response is not protected. Raises PeerError(0) on a redirect that does not
    carry our nonce, and on one that we did not offer to follow: neither ends the negotiation."""
    notify = message.notify(NotifyType.REDIRECT)
    if notify is None or sa.handshake is None:
        return
    if not sa.services.config.settings.follow_redirects:
        raise PeerError(0, "redirect, which we have not offered to follow")
    if Gateway.decode(notify.data)[1] != sa.handshake.nonce_i:
        raise PeerError(0, "redirect without our nonce, it may be forged")


def follow(sa: IkeSaV2, notify: NotifyPayload) -> None:
    """The gateway does not want us: negotiate with the other one in place of it."""
    gateway = Gateway.decode(notify.data)[0]
    sa.log("IKE", f"redirected to {gateway}", 0)
    if not sa.services.part(Redirects).permits(sa.name):
        reason = (
            f"redirected more than {MAX_REDIRECTS} times within {LOOP_PERIOD:.0f}s, this looks like a loop"
        )
        sa.log("IKE", reason)
        life.negotiation_failed(sa, reason, retry=False)
        return
    new = _bound_for(sa, gateway)
    new.tries, new.reauthenticates = sa.tries, sa.reauthenticates
    wishes, sa.wishes = sa.wishes, []
    for wish in wishes:
        new.wish(wish)
    life.destroy(sa)
    new.do(Start())


def follow_authenticated(sa: IkeSaV2, message: Message) -> bool:
    """The response of IKE_AUTH proves the gateway and says to go elsewhere: say good-bye, and go."""
    notify = message.notify(NotifyType.REDIRECT)
    if notify is None or not sa.services.config.settings.follow_redirects:
        return False
    Gateway.decode(notify.data)  # refused as a whole before anything is done
    sa.exchanges.send_once(Draft(ExchangeType.INFORMATIONAL, [DeletePayload(Protocol.IKE)]))
    follow(sa, notify)
    return True


def asked_to_move(sa: IkeSaV2, notify: NotifyPayload) -> Reply:
    """INFORMATIONAL request with REDIRECT, to an IKE_SA that is up."""
    gateway = Gateway.decode(notify.data)[0]
    if not sa.is_client or not sa.services.config.settings.follow_redirects:
        sa.log("IKE", f"ignoring redirect to {gateway}: only a client that offered it is moved")
        return Reply()
    return Reply([], lambda: _move(sa, gateway))


def _move(old: IkeSaV2, gateway: Gateway) -> None:
    """Make before break: the IKE_SA with the other gateway replaces the old one once it stands."""
    if not old.is_established or reauthenticate.successor_of(old) is not None:
        return
    old.log("IKE", f"redirected to {gateway}", 0)
    if not old.services.part(Redirects).permits(old.name):
        old.log("IKE", f"not following more than {MAX_REDIRECTS} redirects within {LOOP_PERIOD:.0f}s")
        return
    new = _bound_for(old, gateway)
    new.reauthenticates = old.uid
    wishes = [Wish(child.config, child.reqid) for child in old.current_children()]
    waiting, old.wishes = old.wishes, []
    for wish in [*wishes, *waiting]:
        new.wish(wish)
    new.do(Start())


def _bound_for(sa: IkeSaV2, gateway: Gateway) -> IkeSaV2:
    new = sa.anew()
    new.gateway, new.redirected_from = str(gateway), sa.remote.address
    return new


# gateway ------------------------------------------------------------------------------


def refuse_new(registry: Registry[IkeSa], event: Datagram, message: Message, nonce: bytes) -> None:
    """Raises PeerError(REDIRECT) where new clients are sent elsewhere; nothing is kept of them."""
    services = registry.services
    settings = services.config.settings
    busy = 0 < settings.cookie_threshold <= registry.half_open.total
    if settings.redirect == "no" or (settings.redirect == "auto" and not busy):
        return
    came_from = message.notify(NotifyType.REDIRECTED_FROM)
    if came_from is None and message.notify(NotifyType.REDIRECT_SUPPORTED) is None:
        return
    left = str(Gateway.decode(came_from.data)[0]) if came_from is not None else ""
    gateway = services.part(Redirects).next_gateway(left)
    if gateway is None:
        return
    text = f"redirecting {event.remote} to {gateway}"
    raise PeerError(NotifyType.REDIRECT, text, gateway.encode(nonce))


def instead_of_child(sa: IkeSaV2) -> Payload | None:
    """What the IKE_AUTH response carries in place of a CHILD_SA where the connection says so."""
    if not sa.connection.redirect_to or not sa.peer.redirect:
        return None
    gateway = _configured(sa.services, sa.connection.redirect_to)
    if gateway is None:
        return None
    sa.log("IKE", f"redirecting '{sa.remote_id}' to {gateway}", 0)
    return NotifyPayload(NotifyType.REDIRECT, gateway.encode())


def _configured(services: Services, word: str) -> Gateway | None:
    """A gateway of the configuration; None and a log line for what is none."""
    try:
        return Gateway.parse(word)
    except ValueError as error:
        services.log("CFG", f"not redirecting: {error}")
        return None


class RedirectPeer(SaTask):
    """Tell a client that is up. It makes the new IKE_SA first and then deletes this one (§5)."""

    NAME = "IKE_REDIRECT"

    def __init__(self, sa: IkeSaV2, gateway: Gateway) -> None:
        super().__init__(sa)
        self.gateway = gateway

    def build(self) -> Draft | None:
        self.sa.log("IKE", f"redirecting '{self.sa.remote_id}' to {self.gateway}", 0)
        notify = NotifyPayload(NotifyType.REDIRECT, self.gateway.encode())
        return Draft(ExchangeType.INFORMATIONAL, [notify])

    def process(self, message: Message) -> Step:
        return Step.DONE


def redirect(sa: IkeSaV2, gateway: str) -> None:
    """Raises RequestError where this peer cannot be sent elsewhere."""
    try:
        target = Gateway.parse(gateway)
    except ValueError as error:
        raise RequestError(str(error)) from error
    if sa.is_client or not sa.peer.redirect:
        raise RequestError(f"{sa.remote.address} has not said that it follows redirects")
    sa.exchanges.add(RedirectPeer(sa, target))
