"""Is the peer still there? Asked because of traffic and of hints, not of the clock (RFC 7296 §2.4).

Where packets leave and none come in, the peer is asked for a tunnel that is meant to stay up,
without any DPD configured. While it does not answer, the tunnel is left as it is, which is best
should only the network be down; but ``KNOCK`` seconds later a new IKE_SA is begun beside it,
which is answered as soon as anybody is there: a peer that was restarted knows nothing of the old
one. Should that turn out to live, the new one is withdrawn, or the two come to one (``twins``).

What nobody can prove (INVALID_SPI in the clear) is only ever a reason to ask.
"""

from __future__ import annotations

from cygnet.boundary.events import Unanswered, UnknownSpi
from cygnet.boundary.specs import Direction, SaId
from cygnet.engine.addresses import can_initiate
from cygnet.engine.child import ChildSa
from cygnet.engine.children import child_down, close_action, installed_as, twins
from cygnet.engine.lookup import by_address
from cygnet.engine.registry import Registry
from cygnet.engine.sa import IkeSa
from cygnet.engine.timers import Deadline
from cygnet.engine.twins import withdraw
from cygnet.engine.wanted import WantedChildren
from cygnet.engine.wants import CheckLiveness, Start, TellUnknownSpi
from cygnet.engine.wish import Wish
from cygnet.values.endpoint import Endpoint
from cygnet.values.iana import Protocol

KNOCK = 4.0  #: seconds without an answer until a new IKE_SA is begun beside the old one
KNOCK_AFTER_HINT = 1.0  #: seconds, where somebody at the peer's address says that it knows nothing of us
HINTS_APART = 2.0  #: seconds between two hints for the same IKE_SA that are followed


def unanswered(registry: Registry[IkeSa], event: Unanswered) -> None:
    """The data plane: packets leave, and none come in."""
    found = installed_as(registry, event.sa)
    if found is not None and is_meant_to_stay(*found):
        doubt(found[0], KNOCK)


def is_meant_to_stay(sa: IkeSa, child: ChildSa) -> bool:
    return sa.services.part(WantedChildren).get(child.name) is not None


def doubt(sa: IkeSa, patience: float) -> None:
    """Ask the peer; look in ``patience`` seconds whether it has answered."""
    if not sa.is_established or sa.retired:
        return
    sa.do(CheckLiveness())
    timers, due = sa.services.timers, sa.services.now + patience
    before = timers.at(sa.uid, Deadline.KNOCK)
    if before is None or due < before:
        timers.set(sa.uid, Deadline.KNOCK, due)


def knock(sa: IkeSa) -> None:
    """The peer has had its time to answer."""
    if not sa.is_established or sa.retired:
        return
    if sa.silent_since is None:
        for child in sa.current_children():
            withdraw(sa, child)
        return
    wanted = sa.services.part(WantedChildren)
    children = [child for child in sa.current_children() if not twins(sa, child)]
    missed = {c.name: Wish(c.config, c.wanted_reqid) for c in children if wanted.get(c.name)}
    missed |= {w.child.name: Wish(w.child, w.reqid) for w in sa.wishes if wanted.get(w.child.name)}
    attempt = any(other.wishes for other in sa.registry.named.of(sa.name) if other is not sa)
    if missed and not attempt and can_initiate(sa.connection):
        new = sa.anew()
        new.log("IKE", f"{sa.remote.address} does not answer, beginning {new} beside {sa}")
        for wish in missed.values():
            new.wish(wish)
        new.do(Start())
    sa.do(CheckLiveness())
    sa.services.timers.set(sa.uid, Deadline.KNOCK, sa.services.now + KNOCK)


# ESP with an SPI that one end has not --------------------------------------------------------


def unknown_spi(registry: Registry[IkeSa], event: UnknownSpi) -> None:
    """Tell the peer (§1.5): under protection where there is an IKE_SA with it, else in the clear, and
    only where there is a connection for it."""
    services = registry.services
    peer = event.remote.address
    for sa in registry.ike_sas.values():
        if sa.is_established and not sa.retired and sa.remote.address == peer:
            sa.do(TellUnknownSpi(event.spi))
            return
    settings = services.config.settings
    port = settings.port_nat_t if event.remote.port else settings.port
    local = Endpoint(event.local, port)
    remote = event.remote if event.remote.port else event.remote.with_port(settings.port)
    for version in (2, 1):
        if by_address(services, event.local, peer, version):
            registry.tell_spi[version](services, local, remote, event.spi)
            return


def hinted(registry: Registry[IkeSa], remote: Endpoint, spi: int) -> None:
    """Somebody at ``remote`` says in the clear that he has no SA with that SPI."""
    for end in (remote, remote.with_port(0)):
        for protocol in (Protocol.ESP, Protocol.AH):
            found = installed_as(registry, SaId(Direction.OUT, protocol, spi, end))
            if found is not None:
                hint(found[0])
                return


class Hints:
    """When the last one for an IKE_SA was followed."""

    def __init__(self, sa: IkeSa) -> None:
        self.followed = float("-inf")


def hint(sa: IkeSa) -> None:
    """It may be that the peer knows nothing of this IKE_SA."""
    if not sa.is_established:  # it is being asked anyway, or has been replaced
        return
    hints, now = sa.part(Hints), sa.services.now
    if now - hints.followed >= HINTS_APART:
        hints.followed = now
        sa.log("IKE", f"{sa.remote.address} may have lost its SAs, checking")
        doubt(sa, KNOCK_AFTER_HINT)


def peer_lacks(sa: IkeSa, spi: int) -> None:
    """The peer says under protection that it has no SA with that SPI: ours is of no use."""
    child = next((c for c in sa.current_children() if c.spi_out == spi), None)
    if child is None:
        return
    sa.log("IKE", f"the peer does not have CHILD_SA {child} any more")
    meant = is_meant_to_stay(sa, child)
    child_down(sa, child)
    if not meant:
        close_action(sa, child)
