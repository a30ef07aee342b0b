"""Two hosts, a network between them, and time: what happens to them is in a plan, what must be true of
them is looked at after every step."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import cast

from cygnet.boundary.events import Configure
from cygnet.boundary.notices import Log
from cygnet.dataplane.memory import MemoryPlane
from cygnet.testing.builders import FAR, NAT, OREGON
from cygnet.testing.network import Faults, Network
from cygnet.testing.pair import Host, Page
from cygnet.values.endpoint import NATT_PORT, Endpoint
from cygnet.values.secret import Secret
from tests.certs import NOW
from tests.dataplane.packets import udp
from tests.soak.credentials import FRESH, SUBJECTS, Credentials, reread
from tests.soak.invariants import Broken, bookkeeping, bounded, few, one_of_each
from tests.soak.plan import LONGEST, SOON, Plan, Trouble, changed, ends, refusing

GOOD = Faults(delay=0.05, jitter=0.01)
PROBE = 5.0  #: seconds between two packets each way
A_ROUND_TRIP = 0.2  #: seconds, with the jitter
SETTLED = 60.0  #: seconds of calm after which there is one of each
INSIDE = {"left": "10.31.5.5", "right": "10.77.5.5"}
AUTHENTICATED = re.compile(r"authentication of '(CN=\w+)' with .* successful")
MOST_STEPS = 100_000  #: between two probes: more is a loop


class World:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.now = 0.0
        self.chance = random.Random(f"world {plan.seed}")
        self.network = Network(plan.seed, GOOD, dict(NAT))
        self.network.filter = lambda source, destination, data: data if self.link else None
        self.link = True
        self.asleep: Host | None = None
        self.gone: Host | None = None
        self.configs = dict(zip(("left", "right"), ends(plan), strict=True))
        self.credentials = Credentials(plan.certificates) if plan.certificates else None
        if self.credentials:
            self.configs = {name: self.credentials.config(name, c) for name, c in self.configs.items()}
        self.told: Callable[[str, Log], None] = lambda name, log: None  #: hears of each log line
        addresses = {"left": OREGON, "right": FAR}
        self.hosts = {name: self._host(name, addresses[name]) for name in ("right", "left")}
        self.calm_since, self.patience = 0.0, SOON
        self.well_from = 0.0  #: from when on the tunnel must carry traffic, unless something happens again
        self.doubled_since: float | None = None
        self.suspects: dict[tuple[str, str], float] = {}  #: what was left over, and since when
        self.story: list[str] = []
        self._next_public = 100
        self.unfit: tuple[str, float] | None = None  #: the end that nobody may authenticate, and since when
        self.down_from: float | None = None  #: from when on nothing may pass
        self.stays = False  #: whether everything must pass although something is going on
        self._web_until = 0.0

    def _host(self, name: str, address: str) -> Host:
        plane = MemoryPlane(lambda: self.now, lambda *packet: self._carry(name, *packet))
        inside = ip_address(address)
        secret = Secret(name.encode().ljust(32))
        host = Host(name, self.configs[name], inside, self.network, self.plan.seed, plane, True, secret, NOW)
        host.heard_log = lambda log: self._heard(name, log)
        return host

    def other(self, name: str) -> Host:
        return self.hosts["right" if name == "left" else "left"]

    def _carry(self, name: str, local: Endpoint, remote: Endpoint, packet: bytes, encap: bool) -> None:
        """An ESP packet to the other end, if it goes to where that is now."""
        here, there = self.hosts[name], self.other(name)
        lost = not self.link or self.chance.random() < self.network.faults.drop
        reachable = remote.address == self.network.public(there.address)
        if lost or not reachable or self._is_away(there) or self._is_away(here):
            return
        source = Endpoint(self.network.public(here.address), local.port)
        cast(MemoryPlane, there.plane).receive(Endpoint(there.address, NATT_PORT), source, packet)

    def _heard(self, name: str, log: Log) -> None:
        self.told(name, log)
        if self.unfit is None or self.unfit[0] == name or self.now <= self.unfit[1]:
            return
        found = AUTHENTICATED.match(log.text)
        if found and found[1] == f"CN={SUBJECTS[self.unfit[0]]}":
            raise Broken(f"{name} takes {found[1]}, whose certificate is unfit since {self.unfit[1]:.0f} s")

    def _is_away(self, host: Host) -> bool:
        return host is self.asleep or host is self.gone

    # time -------------------------------------------------------------------------------

    def live(self, length: float) -> None:
        """Raises ``Broken``."""
        events: list[tuple[float, Iterator[float] | Trouble]] = [(t.at, t) for t in self.plan.troubles]
        probe = PROBE
        running: Iterator[float] | None = None
        resume = 0.0
        while self.now < length:
            until = min(probe, resume if running is not None else (events[0][0] if events else length))
            self._advance(max(until, self.now))
            if running is not None and self.now >= resume:
                seconds = next(running, None)
                running = running if seconds is not None else None
                resume = self.now + (seconds or 0.0)
                self._disturbed()
                if running is None:
                    self.tell("over")
            elif running is None and events and self.now >= events[0][0]:
                trouble = events.pop(0)[1]
                assert isinstance(trouble, Trouble)
                self.patience = trouble.patience
                self.tell(f"{trouble.kind} at {trouble.end}, {trouble.seconds:.0f} s, {trouble.amount or ''}")
                running, resume = getattr(self, f"_{trouble.kind}")(trouble), self.now
                self._disturbed()
            if self.now >= probe:
                self._probe(disturbed=running is not None)
                probe += PROBE

    def _disturbed(self) -> None:
        self.calm_since = self.now
        self.well_from = max(self.well_from, self.now + self.patience)

    def _advance(self, until: float) -> None:
        for _ in range(MOST_STEPS):
            times = [self.network.next_arrival()]
            times += [h.next_fetched() for h in self.hosts.values() if not self._is_away(h)]
            times += [h.engine.next_deadline() for h in self.hosts.values() if not self._is_away(h)]
            at = min((t for t in times if t is not None), default=None)
            if at is None or at > until:
                self._set(until)
                return
            self._set(max(at, self.now))
            self._serve()
            if not self.network.deliver_due(self.now):
                for host in self.hosts.values():
                    if not self._is_away(host):
                        host.take_fetched()
                    due = host.engine.next_deadline()
                    if due is not None and due <= self.now and not self._is_away(host):
                        host.tick()
            few(self)
        raise Broken(f"{MOST_STEPS} steps before {until:.0f}: a loop")

    def _serve(self) -> None:
        """The web server has lists that are good for longer than one renews one's own."""
        if self.credentials is None or not self.credentials.of.fetched or self.now < self._web_until:
            return
        pages = self.credentials.web(self.now)
        for host in self.hosts.values():
            host.web = {uri: Page(data, delay=self.chance.uniform(0, 1)) for uri, data in pages.items()}
        self._web_until = self.now + FRESH / 2

    def _set(self, now: float) -> None:
        self.now = now
        for host in self.hosts.values():
            host.now = now

    # what must be -----------------------------------------------------------------------

    def _probe(self, disturbed: bool) -> None:
        passed = {name: self._passes(name) for name in self.hosts if not self._is_away(self.hosts[name])}
        calm = self.now - self.calm_since
        expected = (self.stays or not disturbed) and self.now > self.well_from
        if self.down_from is not None and self.now > self.down_from and any(passed.values()):
            raise Broken(f"packets pass, and should not since {self.down_from:.0f} s")
        if expected and not all(passed.values()):
            # IKEv1 has no answer to a delete to wait for: what is on its way then finds no SA
            self._advance(self.now + A_ROUND_TRIP)
            passed = {name: self._passes(name) for name in self.hosts}
        if expected and not all(passed.values()):
            silent = [name for name in passed if not passed[name]]
            raise Broken(f"calm for {calm:.0f} s, and nothing passes from {silent}")
        if not disturbed and calm > SETTLED and self.now > self.well_from:
            one_of_each(self)
            bookkeeping(self)
        bounded(self)
        for host in self.hosts.values():
            host.effects.clear()
            host.finished.clear()
            del host.logs[:-2000]
        self.network.log.clear()

    def _passes(self, name: str) -> bool:
        near, far = (cast(MemoryPlane, h.plane) for h in (self.hosts[name], self.other(name)))
        before = len(far.delivered)
        near.send(udp(b"hello", INSIDE[name], INSIDE[self.other(name).name]))
        passed = len(far.delivered) > before
        near.transmitted.clear()
        far.delivered.clear()
        near.delivered.clear()
        return passed

    def tell(self, text: str) -> None:
        self.story.append(f"{self.now:9.1f} {text}")

    # what happens: each yields the seconds until it goes on -------------------------------

    def _loss(self, trouble: Trouble) -> Iterator[float]:
        amount = trouble.amount
        self.network.faults = Faults(
            drop=amount, duplicate=amount / 2, reorder=amount, delay=GOOD.delay, jitter=1.0
        )
        yield trouble.seconds
        self.network.faults = GOOD

    def _outage(self, trouble: Trouble) -> Iterator[float]:
        self.link = False
        yield trouble.seconds
        self.link = True

    def _kill(self, trouble: Trouble) -> Iterator[float]:
        host = self.hosts[trouble.end]
        host.vanish()
        self.gone = host
        yield trouble.seconds
        self.gone = None
        host.restart(start=True)

    def _suspend(self, trouble: Trouble) -> Iterator[float]:
        host = self.hosts[trouble.end]
        self.asleep = host
        self.network.detach(host.address)
        yield trouble.seconds
        self.asleep = None
        self.network.attach(host.address, host.receive)

    def _reconfigure(self, trouble: Trouble) -> Iterator[float]:
        host = self.hosts[trouble.end]
        host.config = self.configs[trouble.end] = changed(self.configs[trouble.end], self.chance)
        host.handle(Configure(host.config, start=True))
        yield 0.0

    def _expire(self, trouble: Trouble) -> Iterator[float]:
        """A certificate is about to expire; it is replaced in time (0 s), or so long after."""
        assert self.credentials is not None
        lead = self.chance.uniform(30, 400)
        expiry = self.now + lead
        self.credentials.renew(trouble.end, until=expiry)
        self._reread(trouble.end)
        self.stays = True
        if not trouble.seconds:
            yield lead / 2
            self.stays = False
            self._replace(trouble.end)
            return
        yield lead + 1
        yield from self._without(trouble, expiry)

    def _revoke(self, trouble: Trouble) -> Iterator[float]:
        """A certificate is revoked; the peer rereads the list, or fetches it when what it has is too old."""
        assert self.credentials is not None
        self.credentials.revoke(trouble.end, self.chance.choice(["keyCompromise", "certificateHold"]))
        other = self.other(trouble.end).name
        if self.credentials.of.fetched:
            self._web_until = self.now
            yield FRESH + 1.0
        else:
            self.configs[other] = reread(self.configs[other], [self.credentials.crl(self.now)])
            self._reread(other)
        yield from self._without(trouble, self.now)

    def _without(self, trouble: Trouble, since: float) -> Iterator[float]:
        """The time in which nobody may authenticate that end: what stands stays until it would have to
        authenticate again (never, with IKEv2 and rekeying); what has to begin anew does not come up."""
        self.unfit = trouble.end, since
        self.stays = not self.plan.reauthentication
        if self.chance.random() < 0.5:
            self.stays, self.down_from = False, self.now
            self.chance.choice(list(self.hosts.values())).restart(start=True)
        elif self.plan.reauthentication:
            self.down_from = since + LONGEST
        yield trouble.seconds
        self.unfit = self.down_from = None
        self.stays = False
        self._replace(trouble.end)

    def _replace(self, end: str) -> None:
        assert self.credentials is not None
        self.credentials.renew(end)
        self._reread(end)

    def _reread(self, end: str) -> None:
        assert self.credentials is not None
        host, config = self.hosts[end], self.configs[end]
        host.config = self.configs[end] = self.credentials.config(end, config)
        host.handle(Configure(host.config, start=True))

    def _refuse(self, trouble: Trouble) -> Iterator[float]:
        """Right takes nothing for a while, and had to forget what it has."""
        host = self.hosts["right"]
        host.config = refusing(self.configs["right"], self.chance)
        host.restart(start=True)
        yield trouble.seconds
        host.config = self.configs["right"]
        host.handle(Configure(host.config, start=True))

    def _move(self, trouble: Trouble) -> Iterator[float]:
        self._next_public = 100 + (self._next_public - 99) % 100
        self.network.move_nat(self.hosts["left"].address, ip_address(f"198.51.100.{self._next_public}"))
        yield 0.0
