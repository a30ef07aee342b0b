"""Two (or more) engines with virtual time between them.

Everything is deterministic by the seed: run a failing test again and it fails the same way.
A host performs its engine's effects at once and in order, as the daemon does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from cygnet.boundary import effects as fx
from cygnet.boundary.events import (
    Configure,
    Datagram,
    Event,
    Fetched,
    Initiate,
    InstallFailed,
    Resolved,
    Shutdown,
    Signed,
    SourceAddress,
    Terminate,
    Tick,
)
from cygnet.boundary.notices import Log
from cygnet.boundary.snapshot import ChildSnapshot, IkeSnapshot, Snapshot
from cygnet.dataplane.base import DataPlane
from cygnet.engine.engine import Engine
from cygnet.engine.fetched import read
from cygnet.model.config import Config
from cygnet.testing.builders import FAR, NAT, OREGON
from cygnet.testing.entropy import SeededEntropy
from cygnet.testing.keys import signed
from cygnet.testing.network import NO_FAULTS, Faults, Network
from cygnet.testing.recorder import Recorder
from cygnet.values.endpoint import NATT_PORT, Address, Endpoint
from cygnet.values.errors import CygnetError, DataPlaneError
from cygnet.values.secret import Secret


@dataclass(frozen=True, slots=True)
class Page:
    """What is at a URI: ``data``, or a failure of that text, after ``delay`` seconds."""

    data: bytes = b""
    error: str = ""
    delay: float = 0.0


class Host:
    """One engine, its data plane, and what it said."""

    def __init__(
        self,
        name: str,
        config: Config,
        address: Address,
        network: Network,
        seed: int | str,
        plane: DataPlane | None = None,
        start: bool = False,
        lasting: Secret | None = None,
        unix: float = 0.0,
    ) -> None:
        self.unix = unix  #: Unix time at the beginning
        self.lasting = lasting  #: the secret that outlives a restart of this host
        self.name, self.config, self.address, self.network = name, config, address, network
        self.seed = seed
        self.now = 0.0
        self.names: dict[str, tuple[Address, ...]] = {}  #: what Resolve answers
        self.web: dict[str, bytes | Page] = {}  #: what Fetch gets; a URI that is missing fails at once
        self.signing: float | None = 0.0  #: seconds that a signature of ours takes; None: it never comes
        self.unsigned = ""  #: why there is none
        self._arriving: list[tuple[float, Fetched | Signed]] = []
        self.logs: list[Log] = []
        self.heard_log: Callable[[Log], None] = lambda log: None  #: called with each
        self.effects: list[fx.Effect] = []  #: everything since the start, in order
        self.finished: dict[int, fx.Finish] = {}
        self.attached: dict[int, list[int]] = {}
        self._events: list[Event] = []
        self._refs = count(1)
        self._starts = count(1)
        self.plane: DataPlane = plane if plane is not None else Recorder()
        self.plane.start(self.handle)
        self._boot(start)

    def _boot(self, start: bool) -> None:
        entropy = SeededEntropy(f"{self.name} {self.seed} {next(self._starts)}")
        self.engine = Engine(self.config, entropy, lasting=self.lasting, unix_offset=self.unix)
        self.network.attach(self.address, self.receive)
        self.handle(Configure(self.config, start=start))

    # acting -------------------------------------------------------------------------

    def up(self, name: str) -> int:
        """Ask for a tunnel; the ref tells ``finished`` when it is decided."""
        ref = next(self._refs)
        self.handle(Initiate(ref, name))
        return ref

    def down(self, target: str) -> int:
        ref = next(self._refs)
        self.handle(Terminate(ref, target))
        return ref

    def ref(self) -> int:
        return next(self._refs)

    def stop(self) -> None:
        self.handle(Shutdown())

    def vanish(self) -> None:
        """The host is gone without a word."""
        self.network.detach(self.address)

    def restart(self, start: bool = False) -> None:
        """kill -9 and start again: all state is lost."""
        self.plane.stop()
        self._boot(start)

    def receive(self, destination: Endpoint, source: Endpoint, data: bytes) -> None:
        if data != b"\xff":
            self.handle(Datagram(destination, source, data))

    def handle(self, event: Event) -> None:
        """One event; answers that its effects bring at once wait until all of them are performed."""
        self._events.append(event)
        if len(self._events) > 1:
            return
        while self._events:
            for effect in self.engine.handle(self._events[0], self.now):
                self.effects.append(effect)
                self._perform(effect)
            self._events.pop(0)

    def tick(self) -> None:
        self.handle(Tick())

    # effects ------------------------------------------------------------------------

    def _perform(self, effect: fx.Effect) -> None:
        plane = self.plane
        match effect:
            case fx.Send(local, remote, data):
                self.network.send(self.now, local, remote, data)
            case fx.InstallSa(spec):
                self._guarded(lambda: plane.install_sa(spec), lambda e: InstallFailed(spec.id, None, str(e)))
            case fx.UpdateSa(id, local, remote, encap):
                plane.update_sa(id, local, remote, encap)
            case fx.RemoveSa(id):
                plane.remove_sa(id)
            case fx.InstallPolicy(policy):
                self._guarded(
                    lambda: plane.install_policy(policy), lambda e: InstallFailed(None, policy.id, str(e))
                )
            case fx.RemovePolicy(policy_id):
                plane.remove_policy(policy_id)
            case fx.ReleaseHeld(policy_id):
                plane.release_held(policy_id)
            case fx.Query(ref, ids):
                plane.query(ref, ids)
            case fx.Resolve(ref, host):
                addresses = self.names.get(host, ())
                self.handle(Resolved(ref, addresses, "" if addresses else "no such name"))
            case fx.FindSource(ref, _):
                self.handle(SourceAddress(ref, self.address))
            case fx.Fetch():
                self._fetch(effect)
            case fx.Sign():
                self._sign(effect)
            case fx.VirtualIp(address, add):
                (plane.add_virtual_ip if add else plane.remove_virtual_ip)(address)
            case fx.Finish():
                self.finished[effect.ref] = effect
            case fx.Attach(ref, uid):
                self.attached.setdefault(ref, []).append(uid)
            case Log():
                self.logs.append(effect)
                self.heard_log(effect)
            case _:
                pass

    def _guarded(self, act: Callable[[], None], failed: Callable[[DataPlaneError], Event]) -> None:
        try:
            act()
        except DataPlaneError as error:
            self.handle(failed(error))

    def _fetch(self, question: fx.Fetch) -> None:
        page = self.web.get(question.uri, Page(error="no such host"))
        if isinstance(page, bytes):
            page = Page(page)
        error, found = page.error, None
        silent = bool(error) or page.delay >= question.timeout
        if not error and page.delay < question.timeout:
            try:
                found = read(question.kind, page.data)
            except CygnetError as problem:
                error = str(problem)
        elif not error:
            error = f"no answer within {question.timeout:g}s"
        at = self.now + min(page.delay, question.timeout)
        self._arriving.append((at, Fetched(question.ref, found, error, silent)))

    def _sign(self, asked: fx.Sign) -> None:
        answer = Signed(asked.ref, b"", self.unsigned) if self.unsigned else signed(asked)
        if self.signing:
            self._arriving.append((self.now + self.signing, answer))
        elif self.signing is not None:
            self.handle(answer)

    def next_fetched(self) -> float | None:
        return min((at for at, _ in self._arriving), default=None)

    def take_fetched(self) -> int:
        """How much of what was fetched, or is signed, has come."""
        due = [event for at, event in self._arriving if at <= self.now]
        self._arriving = [(at, event) for at, event in self._arriving if at > self.now]
        for event in due:
            self.handle(event)
        return len(due)

    @property
    def fetched(self) -> list[str]:
        """The URIs that were asked so far."""
        return [effect.uri for effect in self.effects if isinstance(effect, fx.Fetch)]

    # looking ------------------------------------------------------------------------

    @property
    def snapshot(self) -> Snapshot:
        return self.engine.snapshot(self.now)

    @property
    def ike_sas(self) -> tuple[IkeSnapshot, ...]:
        return self.snapshot.ike_sas

    def established(self, name: str = "oregon") -> list[IkeSnapshot]:
        return [s for s in self.ike_sas if s.name == name and s.state == "ESTABLISHED"]

    def installed(self, name: str = "oregon") -> list[ChildSnapshot]:
        return [c for s in self.ike_sas for c in s.children if c.name == name and c.state == "INSTALLED"]

    def lines(self, level: int = 1, ref: int | None = None) -> list[str]:
        """Log lines up to a level; with ``ref`` those that ``up`` shows for that request."""
        uids = self.attached.get(ref, []) if ref is not None else None
        return [e.text for e in self.logs if e.level <= level and (uids is None or e.ike_uid in uids)]


class Pair:
    """oregon (``left``) and the far side (``right``) over one network."""

    def __init__(
        self,
        left: Config,
        right: Config,
        seed: int | str = 0,
        faults: Faults = NO_FAULTS,
        nat: bool = True,
        start: bool = False,
        addresses: tuple[str, str] = (OREGON, FAR),
        planes: tuple[DataPlane | None, DataPlane | None] = (None, None),
        lasting: tuple[Secret | None, Secret | None] = (None, None),
        unix: float = 0.0,
    ) -> None:
        self.now = 0.0
        self.network = Network(seed, faults, NAT if nat else {})
        ends = [Endpoint.of(a).address for a in addresses]
        self.right = Host("right", right, ends[1], self.network, seed, planes[1], start, lasting[1], unix)
        self.left = Host("left", left, ends[0], self.network, seed, planes[0], start, lasting[0], unix)
        self.hosts = [self.left, self.right]

    def run(self, seconds: float, until: Callable[[], bool] | None = None, limit: int = 200_000) -> bool:
        """Let virtual time pass; stops early when ``until()``. At most ``limit`` steps.

        Returns whether ``until`` came true (True without one).
        """
        end = self.now + seconds
        for _ in range(limit):
            if until is not None and until():
                return True
            at = self._next()
            if at is None or at > end:
                self._set(end)
                return until is None or until()
            self._set(at)
            if self.network.deliver_due(self.now):
                continue
            if sum(host.take_fetched() for host in self.hosts):
                continue
            for host in self.hosts:
                deadline = host.engine.next_deadline()
                if deadline is not None and deadline <= self.now:
                    host.tick()
        raise AssertionError(f"the engines did {limit} steps in {seconds} s of virtual time: a loop?")

    def _next(self) -> float | None:
        times = [self.network.next_arrival(), *(h.engine.next_deadline() for h in self.hosts)]
        times += [h.next_fetched() for h in self.hosts]
        known = [t for t in times if t is not None]
        return max(self.now, min(known)) if known else None

    def _set(self, now: float) -> None:
        self.now = now
        for host in self.hosts:
            host.now = now

    def datagrams(self) -> list[bytes]:
        return [data for *_, data in self.network.log]


def natt(address: str) -> Endpoint:
    """That address at port 4500."""
    return Endpoint.of(address, NATT_PORT)
