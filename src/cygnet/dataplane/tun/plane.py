"""The userspace data plane as the daemon sees it. Packets are the business of ``worker``.

Calls are checked here and queued; the worker performs them in order. So that a call can raise
as the contract wants, the ids of what is installed are kept here as well.

The daemon keeps the device's descriptor too: if the worker dies, the device and its routes stay,
and traffic is lost rather than sent in the clear. A new worker gets the policies again, but not
the SAs: where their sequence numbers stood is not known, and an AEAD's nonce must never be used
twice. They are reported as due for rekeying, so that the engine negotiates new ones.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from errno import EEXIST, EINVAL, ENOENT
from pathlib import Path
from typing import Any

import cygnet
from cygnet.boundary.events import Expired, Report
from cygnet.boundary.specs import Direction, PolicySpec, SaId, SaSpec
from cygnet.dataplane.esp.sad import check
from cygnet.dataplane.esp.transform import EspTransform
from cygnet.dataplane.tun.channel import Channel
from cygnet.dataplane.tun.device import open_device
from cygnet.dataplane.tun.settings import TunSettings
from cygnet.values.endpoint import Address, Endpoint
from cygnet.values.errors import DataPlaneError

_WORKER = "cygnet.dataplane.tun.worker"
_FAREWELL = 5.0  #: seconds a stopping worker has to take its routes back
_MOST_RESTARTS = 3  #: deaths of the worker after which the plane gives up

StrayIke = Callable[[Endpoint, Endpoint, bytes], None]


class TunPlane:
    """Implements ``dataplane.base.DataPlane``.

    ``esp_sockets`` as ``sockets.open_pair`` gives them; they stay the caller's to close.
    ``stray_ike(local, remote, message)`` takes IKE messages (without marker) that came in the
    middle of a train of ESP. ``log`` takes sentences for the operator.
    """

    name = "tun"

    def __init__(
        self,
        esp_sockets: Sequence[socket.socket],
        settings: TunSettings = TunSettings(),  # noqa: B008 - an immutable value
        stray_ike: StrayIke | None = None,
        log: Callable[[str], None] | None = None,
    ) -> None:
        self._sockets, self._settings = list(esp_sockets), settings
        self._stray, self._log = stray_ike or (lambda *_: None), log or (lambda text: None)
        self._report: Callable[[Report], None] = lambda report: None
        self._poll = select.epoll()
        self._tun = -1
        self._channel: Channel | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._deaths = 0
        self._statistics: dict[str, int] = {}
        self._sas: dict[SaId, SaSpec] = {}
        self._policies: dict[int, PolicySpec] = {}
        self._virtual_ips: set[Address] = set()
        self.ready = False  #: the worker is up, its device and rules are in place

    # life ------------------------------------------------------------------------------

    def start(self, report: Callable[[Report], None]) -> None:
        self._report = report
        self._tun = open_device(self._settings.device)
        self._spawn()

    def stop(self) -> None:
        process, channel = self._process, self._channel
        self._sas.clear()
        self._policies.clear()
        self._virtual_ips.clear()
        if channel is not None:
            channel.send("stop")
            self._drop_channel()
        if process is not None:
            try:
                process.wait(_FAREWELL)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                self._log("the packet worker did not stop and was killed; its routes go with the device")
            self._process = None
        if self._tun >= 0:
            os.close(self._tun)
            self._tun = -1

    def fileno(self) -> int:
        """Readable when ``process_reports`` has something to do. The same for the plane's whole life."""
        return self._poll.fileno()

    def process_reports(self) -> None:
        """Deliver what the worker said. Never waits."""
        channel = self._channel
        if channel is None:
            return
        channel.flush()
        messages, alive = channel.receive()
        self._await(channel)
        for kind, *args in messages:
            self._take(kind, args)
        if not alive and channel is self._channel:
            self._bury()

    @property
    def running(self) -> bool:
        return self._tun >= 0

    @property
    def sas(self) -> tuple[SaId, ...]:
        """The SAs that are installed."""
        return tuple(self._sas)

    @property
    def policies(self) -> tuple[PolicySpec, ...]:
        return tuple(self._policies.values())

    def statistics(self) -> dict[str, int]:
        """Dropped packets by reason, as of the last answered query or at most a second before it."""
        return dict(self._statistics)

    # DataPlane -------------------------------------------------------------------------

    def install_sa(self, spec: SaSpec) -> None:
        check(spec)
        if spec.id in self._sas:
            raise DataPlaneError(f"install SA {spec.spi:08x}", EEXIST, "such an SA is there already")
        try:
            EspTransform(spec)
        except ValueError as error:
            raise DataPlaneError(f"install SA {spec.spi:08x}", EINVAL, str(error)) from error
        self._sas[spec.id] = spec
        self._tell("install_sa", spec)

    def update_sa(self, id: SaId, local: Endpoint, remote: Endpoint, encap: bool) -> None:
        spec = self._sas.pop(id, None)
        if spec is None:
            raise DataPlaneError(f"update SA {id.spi:08x}", ENOENT, "there is no such SA")
        moved = replace(spec, local=local, remote=remote, encap=encap)
        self._sas[moved.id] = moved
        self._tell("update_sa", id, local, remote, encap)

    def remove_sa(self, id: SaId) -> None:
        if self._sas.pop(id, None) is not None:
            self._tell("remove_sa", id)

    def install_policy(self, spec: PolicySpec) -> None:
        if spec.id in self._policies:
            raise DataPlaneError(f"install policy {spec.id}", EEXIST, "its id is in use")
        self._policies[spec.id] = spec
        self._tell("install_policy", spec)

    def remove_policy(self, id: int) -> None:
        if self._policies.pop(id, None) is not None:
            self._tell("remove_policy", id)

    def release_held(self, policy_id: int) -> None:
        self._tell("release_held", policy_id)

    def query(self, ref: int, ids: Sequence[SaId]) -> None:
        self._tell("query", ref, tuple(ids))

    def add_virtual_ip(self, address: Address) -> None:
        self._virtual_ips.add(address)
        self._tell("add_virtual_ip", address)

    def remove_virtual_ip(self, address: Address) -> None:
        self._virtual_ips.discard(address)
        self._tell("remove_virtual_ip", address)

    def stray_esp(self, local: Endpoint, remote: Endpoint, packet: bytes) -> None:
        """An ESP packet that came to the IKE socket in the middle of a train."""
        self._tell("stray_esp", local, remote, packet)

    # the worker ------------------------------------------------------------------------

    def _spawn(self, adopt: bool = False) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        fds = [sock.fileno() for sock in self._sockets]
        source = str(Path(cygnet.__file__).parent.parent)
        known = os.environ.get("PYTHONPATH")
        environment = os.environ | {"PYTHONPATH": f"{source}:{known}" if known else source}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", _WORKER, str(theirs.fileno())],
                pass_fds=[theirs.fileno(), self._tun, *fds],
                stdin=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,
            )
        self._channel = Channel(ours)
        self._poll.register(ours.fileno(), select.EPOLLIN)
        self._tell("setup", self._tun, fds, self._settings, adopt)

    def _tell(self, *message: Any) -> None:
        if self._channel is not None:
            self._channel.send(*message)
            self._await(self._channel)

    def _await(self, channel: Channel) -> None:
        wanted = select.EPOLLIN | (select.EPOLLOUT if channel.backlog else 0)
        self._poll.modify(channel.fileno(), wanted)

    def _take(self, kind: str, args: list[Any]) -> None:
        match kind:
            case "report":
                if isinstance(args[0], Expired) and args[0].hard:
                    self._sas.pop(args[0].sa, None)
                self._report(args[0])
            case "statistics":
                self._statistics = args[0]
            case "stray":
                self._stray(*args)
            case "ready":
                self.ready = True
            case _:
                self._log(f"packet worker: {args[0]}")

    def _drop_channel(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            with contextlib.suppress(OSError):
                self._poll.unregister(channel.fileno())
            channel.close()
        self.ready = False

    def _bury(self) -> None:
        """The worker died: start another, with all that can be given to it."""
        self._drop_channel()
        status = self._process.wait() if self._process else 0
        self._deaths += 1
        lost, self._sas = self._sas, {}
        again = self._deaths <= _MOST_RESTARTS
        self._log(
            f"the packet worker died (status {status}), {len(lost)} SAs are lost; "
            + ("starting it anew" if again else "giving up: restart the daemon")
        )
        if again:
            self._spawn(adopt=True)
            for policy in self._policies.values():
                self._tell("install_policy", policy)
            for address in self._virtual_ips:
                self._tell("add_virtual_ip", address)
            self._tell("sweep")
        # A soft limit: the engine rekeys, and until that is done the policy holds what the host sends.
        # A hard one would close the tunnel, and its traffic would leave in the clear.
        for id in sorted(lost, key=lambda id: id.direction is Direction.OUT):
            self._report(Expired(id, lost[id].reqid, hard=False))
