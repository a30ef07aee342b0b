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
    Configure,
    Datagram,
    Event,
    Expired,
    Initiate,
    InstallFailed,
    MappingChanged,
    Redirect,
    Rekey,
    Resolved,
    Route,
    Shutdown,
    SourceAddress,
    Terminate,
    Tick,
    Unroute,
    Usage,
)
from cygnet.boundary.snapshot import Snapshot
from cygnet.engine import requests, traps
from cygnet.engine.configure import configure
from cygnet.engine.context import Context
from cygnet.engine.entropy import Entropy
from cygnet.engine.pools import Pools
from cygnet.engine.sa import IkeSa
from cygnet.engine.versions import REFUSE_VERSION, RESPONDERS, STRANGERS
from cygnet.model.config import Config
from cygnet.values.errors import PeerError, RequestError
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
        self._ctx = Context(Config(settings=config.settings), entropy, lasting)
        self._ctx.export_keys = export_keys
        self._ctx.unix_offset = unix_offset
        self._ctx.install_trap = lambda connection, child: _install_trap(self._ctx, connection, child)

    def handle(self, event: Event, now: float) -> list[Effect]:
        """Act on one event at ``now`` (monotonic seconds). Effects are to be performed in order."""
        self._ctx.now = now
        try:
            _HANDLERS[type(event)](self._ctx, event)
        finally:  # were it to raise, half an event's effects must not come out with the next one's
            effects = self._ctx.take_effects()
        return effects

    def next_deadline(self) -> float | None:
        """When to send Tick next; None: nothing to wait for."""
        return self._ctx.timers.next()

    def snapshot(self, now: float) -> Snapshot:
        ctx = self._ctx
        return Snapshot(
            now=now,
            connections=ctx.config.connections,
            ike_sas=tuple(sa.snapshot() for sa in ctx.ike_sas.values()),
            routed=tuple(r.snapshot() for r in ctx.routed.values()),
            pools=ctx.part(Pools).snapshots(),
            half_open=ctx.half_open.total,
        )


def _install_trap(ctx: Context, connection: Any, child: Any) -> None:
    try:
        traps.install(ctx, connection, child)
    except RequestError as error:
        ctx.log("CHD", f"{error}: routing '{child.name}' failed")


# datagrams --------------------------------------------------------------------------


def _datagram(ctx: Context, event: Datagram) -> None:
    try:
        header = Header.decode(event.data)
    except PeerError as error:
        ctx.log(
            "NET",
            f"received unusable packet from {event.remote} ({len(event.data)} bytes): {error.detail}",
            1,
        )
        return
    sa = _owner(ctx, event, header)
    if sa is None and header.spi_r == NO_SPI and header.major in RESPONDERS:
        sa = _respond(ctx, event, header)
    if sa is None:
        if header.spi_r != NO_SPI or header.major not in RESPONDERS:
            _unknown(ctx, event, header)
        return
    sa.receive(event, header)


def _owner(ctx: Context, event: Datagram, header: Header) -> IkeSa | None:
    """The IKE_SA a message belongs to: the one whose own SPI it carries in the right place."""
    sa = ctx.by_spi.get(header.spi_i)
    if sa is not None and sa.initiator and sa.version == header.major:
        return sa
    sa = ctx.by_spi.get(header.spi_r)
    if sa is not None and not sa.initiator and sa.version == header.major and sa.spi_i == header.spi_i:
        return sa
    if header.spi_r == NO_SPI:
        return ctx.initial.get((header.major, header.spi_i, event.remote.address))
    return None


def _respond(ctx: Context, event: Datagram, header: Header) -> IkeSa | None:
    """A first message: limits first (RFC 7296 §2.6, charon's block_threshold), then the version."""
    settings = ctx.config.settings
    source = event.remote.address
    if settings.block_threshold and ctx.half_open.of(source) >= settings.block_threshold:
        ctx.log("NET", f"ignoring IKE_SA setup from {source}, peer too aggressive")
        return None
    if settings.init_limit_half_open and ctx.half_open.total >= settings.init_limit_half_open:
        ctx.log(
            "NET",
            f"ignoring IKE_SA setup from {source}, half open IKE_SA count of {ctx.half_open.total} "
            "exceeds limit",
        )
        return None
    return RESPONDERS[header.major](ctx, event, header)


def _unknown(ctx: Context, event: Datagram, header: Header) -> None:
    if header.major not in RESPONDERS:
        ctx.log("NET", f"received unsupported IKE version {header.major}.{header.minor} from {event.remote}")
        REFUSE_VERSION(ctx, event, header)
        return
    ctx.log("MGR", f"received packet from {event.remote} for an unknown IKE_SA "
            f"{header.spi_i.hex()}_i {header.spi_r.hex()}_r", 2)  # fmt: skip
    if header.major in STRANGERS:
        STRANGERS[header.major](ctx, event, header)


# time -------------------------------------------------------------------------------


def _tick(ctx: Context, event: Tick) -> None:
    while (due := ctx.timers.pop_due(ctx.now)) is not None:
        owner, kind, subject = due
        sa = ctx.ike_sas.get(owner)
        if sa is not None:
            sa.on_deadline(kind, subject)


# the data plane ---------------------------------------------------------------------


def _expired(ctx: Context, event: Expired) -> None:
    child = ctx.children.get(event.sa)
    if child is None:
        return
    if event.hard:
        child.sa.child_expired(child)
    elif child.is_up:
        child.sa.rekey_child(child)


def _mapping_changed(ctx: Context, event: MappingChanged) -> None:
    child = ctx.children.get(event.sa)
    if child is not None:
        child.sa.mapping_changed(event.remote)


def _install_failed(ctx: Context, event: InstallFailed) -> None:
    if event.sa is not None:
        child = ctx.children.get(event.sa)
        if child is None:
            return
        child.sa.log(
            "KNL", f"unable to install {event.sa.direction.value}bound IPsec SA of {child}: {event.error}"
        )
        child.sa.child_failed(child.name, event.error)
        child.sa.delete_child(child)
        return
    routed = ctx.routed_by_policy.get(event.policy_id or 0)
    ctx.log("KNL", f"unable to install policy {event.policy_id}: {event.error}")
    if routed is not None:
        traps.uninstall(ctx, routed)


def _addresses_changed(ctx: Context, event: AddressesChanged) -> None:
    ctx.addresses = event.addresses
    for sa in list(ctx.ike_sas.values()):
        sa.addresses_changed(event.addresses)


def _answer(ctx: Context, event: Usage | Resolved | SourceAddress) -> None:
    ctx.answer(event.ref, event)


def _shutdown(ctx: Context, event: Shutdown) -> None:
    for routed in list(ctx.routed.values()):
        traps.uninstall(ctx, routed)
    for sa in list(ctx.ike_sas.values()):
        sa.failure = "the daemon is stopping"
        sa.delete()
    for sa in list(ctx.ike_sas.values()):
        sa.destroy()


_HANDLERS: dict[type, Callable[[Context, Any], None]] = {
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
    Acquire: traps.acquire,
    Expired: _expired,
    Usage: _answer,
    Resolved: _answer,
    SourceAddress: _answer,
    MappingChanged: _mapping_changed,
    InstallFailed: _install_failed,
    AddressesChanged: _addresses_changed,
}
