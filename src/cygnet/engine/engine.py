"""The engine: one event in, an ordered list of effects out.

It routes: a datagram to the IKE_SA its SPIs name (or to the version that answers first
messages), a deadline to its owner, a request of the user or a report of the data plane to the
function that its row names. It never raises for what a peer sent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cygnet.boundary.effects import Effect
from cygnet.boundary.events import (
    Acquire,
    AddressesChanged,
    ClockSet,
    Configure,
    Datagram,
    Event,
    Expired,
    Fetched,
    Initiate,
    InstallFailed,
    MappingChanged,
    Purge,
    PurgeIke,
    Redirect,
    Rekey,
    Resolved,
    Route,
    Shutdown,
    Signed,
    SourceAddress,
    Terminate,
    Tick,
    Unanswered,
    UnknownSpi,
    Unroute,
    Usage,
)
from cygnet.boundary.snapshot import Snapshot
from cygnet.credentials.held import Held
from cygnet.engine import expiry, requests, revocation, signing, supervision, traps, vigil
from cygnet.engine.children import expired, installed_as
from cygnet.engine.configure import configure
from cygnet.engine.entropy import Entropy
from cygnet.engine.initiate import acquire
from cygnet.engine.life import destroy
from cygnet.engine.pacing import Pacing
from cygnet.engine.pools import Pools
from cygnet.engine.registry import Registry
from cygnet.engine.sa import IkeSa
from cygnet.engine.services import Services
from cygnet.engine.timers import Deadline
from cygnet.engine.versions import (
    DEADLINES,
    OPERATIONS,
    RECEIVERS,
    REFUSE_VERSION,
    RESPONDERS,
    STRANGERS,
    TELL_SPI,
)
from cygnet.engine.wanted import ENGINE, WantedChildren
from cygnet.engine.wants import AbandonChild, Delete, FollowAddresses, RekeyChild
from cygnet.model.config import Config
from cygnet.values.errors import PeerError
from cygnet.values.secret import Secret
from cygnet.wire.header import NO_SPI, Header


class Engine:
    """One IKE daemon's protocol state. ``config`` is loaded by event Configure; the one given
    here only sets what holds before (settings). ``lasting``: 32 bytes that the next engine of this
    host is given too; without them there are no crash tokens and no tickets to resume with."""

    def __init__(
        self,
        config: Config,
        entropy: Entropy,
        export_keys: bool = False,
        lasting: Secret | None = None,
        unix_offset: float = 0.0,
    ) -> None:
        """``export_keys``: emit the keys of IKE_SAs as effects, for whoever reads captures.
        ``unix_offset``: the Unix time at ``now`` 0, in seconds (tickets expire by it)."""
        self._services = Services(Config(settings=config.settings), entropy, lasting)
        self._services.export_keys = export_keys
        self._services.unix_offset = unix_offset
        self._registry: Registry[IkeSa] = Registry(self._services, OPERATIONS, TELL_SPI)

    def handle(self, event: Event, now: float) -> list[Effect]:
        """Act on one event at ``now`` (monotonic seconds). Effects are to be performed in order."""
        self._services.now = now
        try:
            _HANDLERS[type(event)](self._registry, event)
            supervision.look_after(self._registry)
        finally:  # were it to raise, half an event's effects must not come out with the next one's
            effects = self._services.take_effects()
        return effects

    def next_deadline(self) -> float | None:
        """When to send Tick next; None: nothing to wait for."""
        return self._services.timers.next()

    def held(self, now: float) -> Held:
        """Certificates, keys and revocation data, for those who list them."""
        services, cache = self._services, self._services.part(revocation.Library).cache
        unix = int(now + services.unix_offset)
        return services.store.everything(unix, cache.every_crl, cache.every_answer)

    def snapshot(self, now: float) -> Snapshot:
        services, registry = self._services, self._registry
        return Snapshot(
            now=now,
            connections=services.config.connections,
            ike_sas=tuple(sa.snapshot() for sa in registry.ike_sas.values()),
            routed=tuple(r.snapshot() for r in services.part(traps.Traps).by_uid.values()),
            pools=services.part(Pools).snapshots(),
            half_open=registry.half_open.total,
            wanted=supervision.snapshots(registry),
            expiring=services.part(expiry.Expiry).snapshots(int(now + services.unix_offset)),
        )


# datagrams --------------------------------------------------------------------------


def _datagram(registry: Registry[IkeSa], event: Datagram) -> None:
    try:
        header = Header.decode(event.data)
    except PeerError as error:
        registry.services.log(
            "NET",
            f"received unusable packet from {event.remote} ({len(event.data)} bytes): {error.detail}",
            1,
        )
        return
    sa = _owner(registry, event, header)
    if sa is None and header.spi_r == NO_SPI and header.major in RESPONDERS:
        sa = _respond(registry, event, header)
    if sa is None:
        if header.spi_r != NO_SPI or header.major not in RESPONDERS:
            _unknown(registry, event, header)
        return
    registry.services.part(Pacing).heard(sa.uid, event.remote.address)
    RECEIVERS[sa.version](sa, event, header)


def _owner(registry: Registry[IkeSa], event: Datagram, header: Header) -> IkeSa | None:
    """The IKE_SA a message belongs to: the one whose own SPI it carries in the right place."""
    sa = registry.by_spi.get(header.spi_i)
    if sa is not None and sa.initiator and sa.version == header.major:
        return sa
    sa = registry.by_spi.get(header.spi_r)
    if sa is not None and not sa.initiator and sa.version == header.major and sa.spi_i == header.spi_i:
        registry.half_open.prove(sa.uid)  # it has had our answer
        return sa
    if header.spi_r == NO_SPI:
        return registry.initial.get((header.major, header.spi_i, event.remote.address))
    return None


def _respond(registry: Registry[IkeSa], event: Datagram, header: Header) -> IkeSa | None:
    """A first message: limits first (charon's block_threshold, and our own), then the version."""
    settings, half_open = registry.services.config.settings, registry.half_open
    source = event.remote.address
    limit = settings.block_threshold if settings.dos_protection else 0
    if half_open.is_full(source) or (limit and half_open.of(source) >= limit):
        registry.services.log("NET", f"ignoring IKE_SA setup from {source}, peer too aggressive")
        return None
    if settings.init_limit_half_open and half_open.total >= settings.init_limit_half_open:
        registry.services.log(
            "NET",
            f"ignoring IKE_SA setup from {source}, half open IKE_SA count of {half_open.total} exceeds limit",
        )
        return None
    sa = RESPONDERS[header.major](registry, event, header)
    goes = half_open.to_go(registry.services.entropy)
    if goes is not None:
        destroy(registry.ike_sas[goes])
    return sa


def _unknown(registry: Registry[IkeSa], event: Datagram, header: Header) -> None:
    if header.major not in RESPONDERS:
        registry.services.log(
            "NET", f"received unsupported IKE version {header.major}.{header.minor} from {event.remote}"
        )
        REFUSE_VERSION(registry, event, header)
        return
    registry.services.log("MGR", f"received packet from {event.remote} for an unknown IKE_SA "
            f"{header.spi_i.hex()}_i {header.spi_r.hex()}_r", 2)  # fmt: skip
    if header.major in STRANGERS:
        STRANGERS[header.major](registry, event, header)


# time -------------------------------------------------------------------------------


#: those that no IKE_SA has
_OWN_DEADLINES: dict[Deadline, Callable[[Registry[IkeSa], int], None]] = {
    Deadline.WANTED: supervision.due,
    Deadline.EXPIRY: expiry.due,
}


def _tick(registry: Registry[IkeSa], event: Tick) -> None:
    while (due := registry.services.timers.pop_due(registry.services.now)) is not None:
        owner, kind, subject = due
        sa = registry.ike_sas.get(owner)
        if owner == ENGINE:
            _OWN_DEADLINES[kind](registry, subject)
        elif sa is not None:
            DEADLINES[sa.version][kind](sa, subject)


# the data plane ---------------------------------------------------------------------


def _expired(registry: Registry[IkeSa], event: Expired) -> None:
    found = installed_as(registry, event.sa)
    if found is None:
        return
    sa, child = found
    if event.hard:
        expired(sa, child)
    elif child.is_up:
        sa.do(RekeyChild(child))


def _mapping_changed(registry: Registry[IkeSa], event: MappingChanged) -> None:
    found = installed_as(registry, event.sa)
    if found is not None:
        found[0].mapping_changed(event.remote)


def _install_failed(registry: Registry[IkeSa], event: InstallFailed) -> None:
    if event.sa is not None:
        found = installed_as(registry, event.sa)
        if found is not None:
            sa, child = found
            text = f"unable to install {event.sa.direction.value}bound IPsec SA of {child}: {event.error}"
            sa.log("KNL", text)
            sa.do(AbandonChild(child, event.error))
        return
    services = registry.services
    routed = services.part(traps.Traps).by_policy.get(event.policy_id or 0)
    services.log("KNL", f"unable to install policy {event.policy_id}: {event.error}")
    if routed is not None:
        traps.uninstall(services, routed)


def _addresses_changed(registry: Registry[IkeSa], event: AddressesChanged) -> None:
    registry.services.addresses = event.addresses
    for sa in list(registry.ike_sas.values()):
        sa.do(FollowAddresses())
    registry.services.part(Pacing).hope()
    supervision.hope_again(registry.services)


def _clock_set(registry: Registry[IkeSa], event: ClockSet) -> None:
    registry.services.unix_offset = event.unix_offset
    registry.services.part(expiry.Expiry).look()


def _answer(registry: Registry[IkeSa], event: Usage | Resolved | SourceAddress | Fetched) -> None:
    registry.services.answer(event.ref, event)


def _signed(registry: Registry[IkeSa], event: Signed) -> None:
    signing.signed(registry.services, event)


def _shutdown(registry: Registry[IkeSa], event: Shutdown) -> None:
    wanted = registry.services.part(WantedChildren)
    for one in wanted.all():
        wanted.drop(one.child.name)
    for routed in list(registry.services.part(traps.Traps).by_uid.values()):
        traps.uninstall(registry.services, routed)
    for sa in list(registry.ike_sas.values()):
        sa.failure = "the daemon is stopping"
        sa.do(Delete())
    for sa in list(registry.ike_sas.values()):
        destroy(sa)
    registry.services.timers.cancel_owner(ENGINE)


_HANDLERS: dict[type, Callable[[Registry[IkeSa], Any], None]] = {
    Datagram: _datagram,
    Tick: _tick,
    Configure: configure,
    Initiate: requests.initiate,
    Terminate: requests.terminate,
    Route: requests.route,
    Unroute: requests.unroute,
    Rekey: requests.rekey,
    Redirect: requests.redirect,
    Shutdown: _shutdown,
    Acquire: acquire,
    Expired: _expired,
    Usage: _answer,
    Resolved: _answer,
    SourceAddress: _answer,
    Fetched: _answer,
    Signed: _signed,
    Purge: revocation.purge,
    PurgeIke: requests.purge,
    MappingChanged: _mapping_changed,
    InstallFailed: _install_failed,
    Unanswered: vigil.unanswered,
    UnknownSpi: vigil.unknown_spi,
    AddressesChanged: _addresses_changed,
    ClockSet: _clock_set,
}
