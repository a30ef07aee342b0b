"""Everything that runs while the daemon does, put together and taken apart again."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable

from cygnet.boundary.events import AddressesChanged, ClockSet, Configure, Datagram, Event, Report, Shutdown
from cygnet.boundary.notices import Notice
from cygnet.boundary.snapshot import Snapshot
from cygnet.config.load import Loaded
from cygnet.control.outcomes import Reload
from cygnet.control.vici.codec import Message
from cygnet.control.view import Facts
from cygnet.credentials.held import Held
from cygnet.daemon import clock, facts, notify
from cygnet.daemon.addresses import AddressWatch
from cygnet.daemon.entropy import SystemEntropy
from cygnet.daemon.keys import KeyTables
from cygnet.daemon.lasting import Unusable, lasting_secret
from cygnet.daemon.log import Journal, sinks
from cygnet.daemon.options import Options
from cygnet.daemon.perform import Hands
from cygnet.daemon.planes import PLANES, Parts, Watched, tun_settings
from cygnet.daemon.reloading import Reloader
from cygnet.daemon.requests import Requests
from cygnet.daemon.runner import Runner
from cygnet.daemon.udp import UdpTransport, open_sockets
from cygnet.daemon.updown import Updown
from cygnet.daemon.vici_server import ViciServer
from cygnet.values.endpoint import Endpoint
from cygnet.values.errors import DataPlaneError
from cygnet.values.secret import Secret

UPDOWN_PATIENCE = 5.0  #: seconds that a stop waits for updown scripts

#: what a signal does; USR1 as strongSwan's starter
UPDATE, RELOAD = Reload(), Reload(fresh=True)


class StartFailed(Exception):
    """A socket, a device or a file could not be had; the text is for the terminal."""


class Service:
    """One daemon's life. ``ready`` is called when it answers and its connections are loaded."""

    def __init__(self, options: Options, loaded: Loaded, ready: Callable[[], None]) -> None:
        self._options, self._loaded, self._ready = options, loaded, ready
        self._started, self._since = time.monotonic(), time.time()
        self._stop = asyncio.Event()
        self._addresses = AddressWatch(lambda found: self._feed(AddressesChanged(found)))
        self._clock: clock.ClockWatch | None = None
        self.journal = Journal()

    async def run(self) -> None:
        """Until somebody stops it. Raises StartFailed."""
        try:
            self._build(asyncio.get_running_loop())
        except (DataPlaneError, OSError, ValueError) as error:
            raise StartFailed(str(error)) from error
        try:
            await self._serve(asyncio.get_running_loop())
        finally:
            await self._take_down(asyncio.get_running_loop())

    # what the vici server's handlers see (control.view.View)

    def snapshot(self) -> Snapshot:
        return self.runner.snapshot()

    def held(self) -> Held:
        return self.runner.held()

    def facts(self) -> Facts:
        return facts.gather(
            started=self._started,
            since=self._since,
            addresses=tuple(map(str, self._addresses.addresses)),
            ports=self._transport.ports,
            plane=self._plane.name,
            scheduled=self.runner.scheduled,
        )

    def _lasting_secret(self) -> Secret | None:
        try:
            return lasting_secret(self._options.secret)
        except Unusable as error:
            self._complain(f"no crash tokens and no session tickets: {error}")
            return None

    def _build(self, loop: asyncio.AbstractEventLoop) -> None:
        options, settings = self._options, self._loaded.config.settings
        self.journal.use(sinks(settings, options.log, options.log_json, self._complain))
        row, tun = PLANES[options.plane], tun_settings(settings, options.device)
        mark = row.mark(tun)
        sockets = open_sockets(settings.port, settings.port_nat_t, mark, self.journal)
        self._plane = row.make(Parts(tun, sockets, self._stray_ike, self._plane_says))
        try:
            self._plane.start(self._on_report)
            # After that, because a plane with a process of its own starts that meanwhile: a tunnel
            # is up a tenth of a second earlier.
            from cygnet.engine.engine import Engine

            self._transport = UdpTransport(sockets, self.journal)
            hands = Hands(
                plane=self._plane,
                transport=self._transport,
                journal=self.journal,
                requests=Requests(),
                updown=Updown(self.journal, self._addresses.interface_of),
                loop=loop,
                feed=self._feed,
                announce=self._announce,
                mark=mark,
                crls=options.credentials / "crls",
                keys=KeyTables(options.export_keys) if options.export_keys else None,
            )
            exports = options.export_keys is not None
            secret = self._lasting_secret()
            engine = Engine(self._loaded.config, SystemEntropy(), exports, secret, clock.unix_offset())
            self.runner = Runner(engine, self._plane, hands, self.journal, loop)
            if isinstance(self._plane, Watched):
                loop.add_reader(self._plane.fileno(), self._plane.process_reports)
        except BaseException:
            self._plane.stop()
            sockets.close()
            raise
        hands.signers.use(self._loaded.private)
        self._hands = hands
        self._reloader = Reloader(options, self.runner, self._loaded, self._use_settings, hands.signers, loop)
        self._vici = ViciServer(
            options.socket, self.runner, hands.requests, self, self._on_reload, self.journal
        )

    async def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        self.journal.say("dmn", facts.greeting(self._plane.name, self._transport.ports))
        if isinstance(self._plane, Watched):
            self._transport.start(loop, self._feed, self._plane.stray_esp)
        else:
            self._transport.start(loop, self._feed)
        try:
            await self._vici.start()
        except OSError as error:
            raise StartFailed(f"control socket {self._options.socket}: {error.strerror or error}") from error
        self._handle_signals(loop)
        self.runner.feed(Configure(self._loaded.config))
        self._addresses.start(loop)
        self._clock = clock.ClockWatch(loop, lambda offset: self._feed(ClockSet(offset)))
        # Ready is said when the traps of auto=route are in force, not only asked for: the first
        # packet after `cygnet start` must not leave in the clear.
        self.runner.barrier(self._ready)
        await self._stop.wait()

    def _handle_signals(self, loop: asyncio.AbstractEventLoop) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        for number, kind in ((signal.SIGHUP, UPDATE), (signal.SIGUSR1, RELOAD)):
            loop.add_signal_handler(number, self._on_reload, kind, self._log_reload)

    async def _take_down(self, loop: asyncio.AbstractEventLoop) -> None:
        """Tell the peers, remove everything from the data plane, and go."""
        notify.stopping()
        self.journal.say("dmn", "stopping")
        self._addresses.stop()
        if self._clock is not None:
            self._clock.stop()
        self.runner.feed(Shutdown())
        await self._hands.updown.drain(UPDOWN_PATIENCE)
        await self._hands.drop()
        self.runner.stop()
        self._vici.stop()
        if isinstance(self._plane, Watched):
            loop.remove_reader(self._plane.fileno())
        with contextlib.suppress(DataPlaneError):
            self._plane.stop()
        self._transport.stop(loop)
        self.journal.use([])

    # small things that the parts call

    def _feed(self, event: Event) -> None:
        self.runner.feed(event)

    def _on_report(self, report: Report) -> None:
        self.runner.report(report)

    def _announce(self, notice: Notice) -> None:
        self._vici.announce(notice)

    def _stray_ike(self, local: Endpoint, remote: Endpoint, message: bytes) -> None:
        self._feed(Datagram(local, remote, message))

    def _plane_says(self, text: str) -> None:
        self.journal.say("knl", text)

    def _complain(self, text: str) -> None:
        """Before there is a log: to the terminal of who starts us, else into the log."""
        self.journal.say("dmn", text)

    def _use_settings(self, loaded: Loaded) -> None:
        """Log levels and files change with the configuration; ports and device do not."""
        found = sinks(loaded.config.settings, self._options.log, self._options.log_json, self._complain)
        if found:
            self.journal.use(found)

    def _on_reload(self, kind: Reload, done: Callable[[Message], None]) -> None:
        notify.reloading()

        def finished(message: Message) -> None:
            notify.ready("configuration loaded")
            done(message)

        self._reloader.reload(kind, finished)

    def _log_reload(self, message: Message) -> None:
        """The outcome of a reload that a signal asked for has no terminal to go to."""
        for line in str(message.get("text", "")).splitlines():
            self.journal.say("cfg", line)
