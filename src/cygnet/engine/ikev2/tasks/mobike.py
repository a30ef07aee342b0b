"""MOBIKE, RFC 4555: an IKE_SA and its CHILD_SAs go on when an end gets another address.

    request   INFORMATIONAL {N(UPDATE_SA_ADDRESSES), N(NAT_DETECTION_*), N(COOKIE2)}
    response  {N(NAT_DETECTION_*), N(COOKIE2)} | N(UNACCEPTABLE_ADDRESSES)

Only the end that initiated the first IKE_SA (``is_client``) decides which addresses are used; the
other one tells it its own further addresses and follows. What makes the leading end move:

- its own address is gone or another one is to be used (``addresses_changed``),
- the NAT in front of it gives it another address: a liveness check carries the NAT detection
  hashes, and the peer sees us under another one than the last time (§3.8),
- no answer on this path: requests are sent again over every other path as well, and where an
  answer comes from, there it goes (§3.10 and §3.12, path testing),
- a message of the peer, with its addresses, comes from another one of them.

The end that follows answers, moves at once, and then tests the new path with a cookie that
only somebody at that address can see (§3.7, return routability).
"""

from __future__ import annotations

import hmac
from ipaddress import ip_address

from cygnet.boundary.effects import FindSource
from cygnet.boundary.events import Event, SourceAddress
from cygnet.engine import upkeep
from cygnet.engine.ikev2.nat import detect, nat_notifies
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.ikev2.task import Draft, Step
from cygnet.engine.ikev2.tasks.task import SaTask
from cygnet.values.endpoint import NATT_PORT, Address, Endpoint
from cygnet.values.errors import PeerError
from cygnet.wire.header import ExchangeType
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType as N
from cygnet.wire.ikev2.payload import Payload

COOKIE_LENGTH = 16  #: bytes; §4.2.5: 8 to 64
MAX_ADDRESSES = 16  #: of a peer's list that we keep
_KINDS = {4: N.ADDITIONAL_IP4_ADDRESS, 6: N.ADDITIONAL_IP6_ADDRESS}
_LENGTHS = {N.ADDITIONAL_IP4_ADDRESS: 4, N.ADDITIONAL_IP6_ADDRESS: 16}
_ABOUT_ADDRESSES = (*_LENGTHS, N.NO_ADDITIONAL_ADDRESSES)


class Mobility:
    """What an IKE_SA knows of the peer's addresses, and the peer of ours."""

    def __init__(self, sa: IkeSaV2) -> None:
        self.addresses: list[Address] = []  #: of the peer, beside the one in use
        self.told: tuple[Address, ...] = ()  #: our own, of which the peer has been told
        self.mapping = b""  #: hash of how the peer last saw our address

    @classmethod
    def inherit(cls, new: IkeSaV2, old: IkeSaV2) -> None:
        new.part(cls).addresses = old.part(cls).addresses
        new.part(cls).told = old.part(cls).told


def is_used(sa: IkeSaV2) -> bool:
    """Whether both ends have said that they support it."""
    return sa.peer.mobike and sa.connection.mobike


# addresses --------------------------------------------------------------------------


def own_list(sa: IkeSaV2) -> list[NotifyPayload]:
    """Our addresses beside the one in use (§3.6); nothing where they are not known."""
    sa.part(Mobility).told = sa.services.addresses
    if not sa.services.addresses:
        return []
    others = [a for a in sa.services.addresses if a != sa.local.address][:MAX_ADDRESSES]
    found = [NotifyPayload(_KINDS[a.version], a.packed) for a in others]
    return found or [NotifyPayload(N.NO_ADDITIONAL_ADDRESSES)]


def learn_list(sa: IkeSaV2, message: Message) -> bool:
    """Take over the peer's list, if the message has one; "the list replaces" any before (§3.6)."""
    notifies = [n for n in message.all(NotifyPayload) if n.kind in _ABOUT_ADDRESSES]
    if not notifies:
        return False
    good = [n for n in notifies if len(n.data) == _LENGTHS.get(n.kind)]
    sa.part(Mobility).addresses = [ip_address(n.data) for n in good[:MAX_ADDRESSES]]
    return True


def other_paths(sa: IkeSaV2) -> list[tuple[Endpoint, Endpoint]]:
    """Where else the peer may be reached, for requests that nobody answers."""
    if not (sa.is_client and sa.is_established and is_used(sa)):
        return []
    return [
        (sa.local, Endpoint(a, NATT_PORT))
        for a in sa.part(Mobility).addresses
        if a.version == sa.local.address.version and a != sa.remote.address
    ]


def addresses_changed(sa: IkeSaV2) -> None:
    """Our own addresses are others now: move, or (on the following end) tell the list."""
    if not (sa.is_established and is_used(sa)):
        return
    if not sa.is_client:
        _follow_own(sa)
        return
    targets = [sa.remote.address, *(a for a in sa.part(Mobility).addresses if a != sa.remote.address)]
    _find_path(sa, targets)


def _follow_own(sa: IkeSaV2) -> None:
    """The following end: send from an address that is still ours, and tell the list from there."""
    if sa.local.address in sa.services.addresses:
        if sa.part(Mobility).told != sa.services.addresses:
            sa.exchanges.add(TellAddresses(sa))
        return

    def answered(event: Event) -> None:
        assert isinstance(event, SourceAddress)
        if sa.is_established and event.address is not None:
            sa.set_endpoints(Endpoint(event.address, sa.local.port), sa.remote)
            sa.exchanges.add(TellAddresses(sa))
            sa.exchanges.send_again()

    sa.services.emit(FindSource(sa.services.ask(answered, sa.uid), sa.remote.address))


def _find_path(sa: IkeSaV2, targets: list[Address]) -> None:
    """The first of the peer's addresses that something of ours reaches."""
    if not targets:
        sa.waiting = "a path to the peer"
        sa.log("KNL", f"no path to {sa.remote.address}, waiting for another address")
        return
    target, *others = targets

    def answered(event: Event) -> None:
        assert isinstance(event, SourceAddress)
        if not sa.is_established:
            return
        if event.address is None or event.address.version != target.version:
            _find_path(sa, others)
            return
        sa.waiting = ""
        local = Endpoint(event.address, sa.local.port)
        remote = sa.remote if target == sa.remote.address else Endpoint(target, NATT_PORT)
        if (local, remote) != (sa.local, sa.remote):
            move(sa, local, remote)
        elif sa.part(Mobility).told != sa.services.addresses:
            sa.exchanges.add(TellAddresses(sa))

    sa.services.emit(FindSource(sa.services.ask(answered, sa.uid), target))


def move(sa: IkeSaV2, local: Endpoint, remote: Endpoint) -> None:
    """§3.5: use these endpoints from now on, for the CHILD_SAs too, and tell the peer."""
    old = f"{sa.local.address}...{sa.remote.address}"
    sa.log("IKE", f"old path is not available anymore, try to find another: {old}", 2)
    sa.log("IKE", f"requesting address change using MOBIKE to {local.address}...{remote.address}")
    sa.set_endpoints(local, remote)
    sa.part(Mobility).mapping = b""
    pending = sa.exchanges.unsent(UpdateAddresses)
    if pending is None:
        sa.exchanges.add(UpdateAddresses(sa), first=True)
    sa.exchanges.send_again()


def answered_from(sa: IkeSaV2, local: Endpoint, remote: Endpoint) -> None:
    """A request of ours was answered from there: the path that answers is the one to use, if it is one
    that the request was sent over (``other_paths``). The one before stays known, as a way back."""
    before = sa.remote.address
    if remote.address == before or remote.address not in sa.part(Mobility).addresses:
        return
    if before not in sa.part(Mobility).addresses:
        sa.part(Mobility).addresses.append(before)
    move(sa, local, remote)


# the leading end ----------------------------------------------------------------------


class UpdateAddresses(SaTask):
    NAME = "IKE_MOBIKE"

    def __init__(self, sa: IkeSaV2) -> None:
        super().__init__(sa)
        self.cookie = sa.services.entropy.bytes(COOKIE_LENGTH)

    def build(self) -> Draft | None:
        sa = self.sa
        if not sa.is_established:
            return None
        payloads: list[Payload] = [NotifyPayload(N.UPDATE_SA_ADDRESSES)]
        payloads += nat_notifies(sa.spi_i, sa.spi_r, sa.local, sa.remote, sa.connection.force_encap)
        payloads.append(NotifyPayload(N.COOKIE2, self.cookie))
        payloads += own_list(sa)
        self.path = (sa.local, sa.remote)
        return Draft(ExchangeType.INFORMATIONAL, payloads)

    def process(self, message: Message) -> Step:
        sa = self.sa
        error = message.error()
        if error is not None:
            raise PeerError(0, f"peer refuses our addresses with {error.kind}")
        _check_cookie(message, self.cookie)
        if self.path != (sa.local, sa.remote):
            return Step.MORE  # moved once more while this was under way
        assert sa.arrived is not None
        learn_nat(sa, message, sa.arrived.event.local, sa.arrived.event.remote)
        note_mapping(sa, message)
        return Step.DONE


def _check_cookie(message: Message, cookie: bytes) -> None:
    """§3.7: a response with another COOKIE2 than was sent: the IKE_SA is to be closed."""
    notify = message.notify(N.COOKIE2)
    if notify is None or not hmac.compare_digest(notify.data, cookie):
        raise PeerError(0, "peer answered with another COOKIE2 than was sent")


def learn_nat(sa: IkeSaV2, message: Message, local: Endpoint, remote: Endpoint) -> None:
    """NATs on the new path; the CHILD_SAs change their encapsulation with them."""
    found = detect(message, local, remote)
    if found is None:
        return
    before = sa.encap
    sa.local_behind_nat, sa.remote_behind_nat = found
    if sa.encap != before:
        for child in list(sa.children.values()):
            if child.in_id is not None:
                child.update_endpoints()
    upkeep.schedule_keepalive(sa)


def mapping_notifies(sa: IkeSaV2) -> list[NotifyPayload]:
    """For a liveness check of the leading end behind a NAT: so that it sees another mapping."""
    if not (sa.is_client and is_used(sa) and sa.local_behind_nat):
        return []
    return nat_notifies(sa.spi_i, sa.spi_r, sa.local, sa.remote, sa.connection.force_encap)


def note_mapping(sa: IkeSaV2, message: Message) -> bool:
    """Whether the peer sees us under another address than the last time it told us. What it says first
    (the hash is over this IKE_SA's SPIs) may be another one than that which it sends to."""
    notify = message.notify(N.NAT_DETECTION_DESTINATION_IP)
    if notify is None:
        return False
    before, sa.part(Mobility).mapping = sa.part(Mobility).mapping, notify.data
    return before != notify.data


# the following end --------------------------------------------------------------------


def update_requested(sa: IkeSaV2, message: Message) -> list[Payload]:
    """The peer moves: take the addresses of its request (§3.5)."""
    if sa.is_client or not is_used(sa):
        raise PeerError(N.INVALID_SYNTAX, "UPDATE_SA_ADDRESSES from the end that does not decide")
    assert sa.arrived is not None
    event = sa.arrived.event
    if (event.local, event.remote) != (sa.local, sa.remote):
        sa.log("IKE", f"peer moved from {sa.remote} to {event.remote}")
    sa.set_endpoints(event.local, event.remote)
    learn_nat(sa, message, event.local, event.remote)
    if sa.exchanges.unsent(TestPath) is None:  # it will test the path that is in use then
        sa.exchanges.add(TestPath(sa))
    if message.notify(N.NAT_DETECTION_SOURCE_IP) is None:
        return []
    return [*nat_notifies(sa.spi_i, sa.spi_r, sa.local, sa.remote, sa.connection.force_encap)]


class TestPath(SaTask):
    """Return routability (§3.7): only who receives at the new address can send the cookie back."""

    NAME = "IKE_MOBIKE"
    __test__ = False  # not a test of pytest's

    def __init__(self, sa: IkeSaV2) -> None:
        super().__init__(sa)
        self.cookie = sa.services.entropy.bytes(COOKIE_LENGTH)

    def build(self) -> Draft | None:
        if not self.sa.is_established:
            return None
        return Draft(ExchangeType.INFORMATIONAL, [NotifyPayload(N.COOKIE2, self.cookie)])

    def process(self, message: Message) -> Step:
        _check_cookie(message, self.cookie)
        return Step.DONE


class TellAddresses(SaTask):
    """Our list of addresses (§3.6), for the peer to choose from or to fall back to."""

    NAME = "IKE_MOBIKE"

    def build(self) -> Draft | None:
        sa = self.sa
        if not sa.is_established:
            return None
        sa.log("IKE", "sending address list update using MOBIKE")
        return Draft(ExchangeType.INFORMATIONAL, [*own_list(sa)])

    def process(self, message: Message) -> Step:
        return Step.DONE


def answer(sa: IkeSaV2, message: Message) -> list[Payload]:
    """What any INFORMATIONAL request of the peer's says about addresses, and our answer to it."""
    payloads: list[Payload] = []
    listed = learn_list(sa, message)
    if message.notify(N.UPDATE_SA_ADDRESSES) is not None:
        payloads += update_requested(sa, message)
    elif message.notify(N.NAT_DETECTION_SOURCE_IP) is not None and is_used(sa):
        assert sa.arrived is not None
        seen = sa.arrived.event
        payloads += nat_notifies(sa.spi_i, sa.spi_r, seen.local, seen.remote, sa.connection.force_encap)
    payloads += [NotifyPayload(N.COOKIE2, n.data) for n in message.notifies(N.COOKIE2)]
    if listed and sa.is_client and is_used(sa):
        assert sa.arrived is not None
        came = sa.arrived.event.remote
        if came.address != sa.remote.address and came.address.version == sa.local.address.version:
            move(sa, sa.local, came)
    return payloads
