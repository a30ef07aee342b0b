"""The TUN plane where it touches the system: routes, crashes, sizes, whole TCP connections.

10.1.0.1 lan -- near 192.0.2.1 eth0 ------- eth0 192.0.2.7 far -- lan 10.2.0.1
"""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from cygnet.boundary.events import Expired
from cygnet.boundary.specs import PolicyAction
from cygnet.dataplane.tun.plane import TunPlane
from cygnet.dataplane.tun.sockets import SOL_UDP, UDP_SEGMENT
from cygnet.values.endpoint import Endpoint
from cygnet.values.selector import TrafficSelector
from tests.contract.ends import NEAR, PATIENCE, Namespaces, Tap, TunEnds, inside, run, sealed
from tests.dataplane.packets import CBC, FAR_TS6, GCM, NEAR_TS6, SHA256, mirror, ping, udp

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0 or not Path("/dev/net/tun").exists(), reason="needs root and TUN"),
]

SIX: dict[str, Any] = {"local_ts": NEAR_TS6, "remote_ts": FAR_TS6}


@pytest.fixture(scope="module")
def spaces() -> Iterator[Namespaces]:
    made = Namespaces()
    yield made
    made.remove()


@pytest.fixture(scope="module")
def shared_ends(spaces: Namespaces) -> Iterator[TunEnds]:
    made = TunEnds(spaces)
    yield made
    made.close()


@pytest.fixture
def ends(shared_ends: TunEnds) -> Iterator[TunEnds]:
    yield shared_ends
    shared_ends.reset()


@pytest.fixture
def crash_spaces() -> Iterator[Namespaces]:
    """Namespaces in which no plane runs yet."""
    made = Namespaces("crash")
    yield made
    made.remove()


def state(space: str) -> str:
    """Rules, routes of all tables and links, as ip prints them."""
    kinds = ("rule", "-6 rule", "route show table all", "-6 route show table all", "link")
    return "\n".join(run(f"ip -n {space} {kind}") for kind in kinds)


def eventually(condition: Callable[[], Any], what: str) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, f"{what} did not happen"
        time.sleep(0.02)


# routes and crashes ---------------------------------------------------------------------------


def test_routes_are_in_their_own_table_and_nothing_is_left_after_stop(ends: TunEnds) -> None:
    main = run(f"ip -n {ends.spaces.near} route show table main")
    ends.up()
    assert run(f"ip -n {ends.spaces.near} route show table main") == main
    mine = run(f"ip -n {ends.spaces.near} route show table 220")
    assert mine.split() == ["10.2.0.0/16", "dev", "cygnet0", "proto", "220", "src", "10.1.0.1"]
    assert "220:\tnot from all fwmark 0xdc lookup 220" in run(f"ip -n {ends.spaces.near} rule")
    ends.near.stop()
    assert "220" not in state(ends.spaces.near)
    assert "cygnet0" not in state(ends.spaces.near)


def test_a_worker_that_dies_is_replaced_and_its_sas_are_to_be_rekeyed(ends: TunEnds) -> None:
    sas = ends.up()
    plane = ends.near
    assert isinstance(plane, TunPlane)
    assert plane._process
    os.kill(plane._process.pid, signal.SIGKILL)
    ends.wait(lambda: len(ends.near_reports) == 2, "the report of both SAs")
    assert ends.near_reports == [
        Expired(sas.into.id, 1, hard=False),
        Expired(sas.out.id, 1, hard=False),
    ]
    # The device never went away: until there are SAs again nothing leaves in the clear.
    assert "10.2.0.0/16 dev cygnet0" in run(f"ip -n {ends.spaces.near} route show table 220")
    ends.near_reports.clear()
    again = ends.pair(spi=0xABCD0001)
    ends.install(again)
    ends.send(ping())
    ends.wait(lambda: ends.arrived == [ping()])
    assert "died" in ends.logs[0]


def test_a_policy_that_goes_while_there_is_no_worker_leaves_no_route(ends: TunEnds) -> None:
    ends.near.install_policy(ends.policy(1))
    ends.near.install_policy(ends.policy(2, remote_ts=(TrafficSelector.of("10.3.0.0/16"),)))
    ends.settle()
    plane = ends.near
    assert isinstance(plane, TunPlane)
    assert plane._process
    os.kill(plane._process.pid, signal.SIGKILL)
    plane._process.wait()
    plane.remove_policy(2)
    ends.wait(lambda: ends.logs, "the worker's death")
    ends.settle()
    routes = run(f"ip -n {ends.spaces.near} route show table 220")
    assert "10.2.0.0/16" in routes
    assert "10.3.0.0/16" not in routes


DAEMON = """
import socket, sys, time
from cygnet.dataplane.tun.plane import TunPlane
from cygnet.dataplane.tun.sockets import open_pair
from tests.dataplane.packets import policy
from cygnet.values.selector import TrafficSelector
ike, esp = open_pair(socket.AF_INET, 4500, mark=220)
plane = TunPlane([esp])
plane.start(print)
everything = (TrafficSelector.of("0.0.0.0/0"),)
plane.install_policy(policy(remote_ts=everything))
plane.query(1, [])
while not plane.statistics():
    plane.process_reports()
    time.sleep(0.01)
print("worker", plane._process.pid, flush=True)
time.sleep(1000)
"""


def start_daemon(space: str) -> tuple[subprocess.Popen[str], int]:
    """A process with a plane, whose policy leads everything into the tunnel; and its worker's pid."""
    with inside(space):
        process = subprocess.Popen(
            [sys.executable, "-c", DAEMON],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        )
    assert process.stdout
    lines = iter(process.stdout.readline, "")
    worker = next(int(line.split()[1]) for line in lines if line.startswith("worker"))
    return process, worker


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    assert process.stdout
    process.stdout.close()


def test_when_the_daemon_is_killed_its_worker_cleans_up(crash_spaces: Namespaces) -> None:
    process, worker = start_daemon(crash_spaces.near)
    assert "default dev cygnet0" in state(crash_spaces.near)
    assert "throw 10.1.0.0/16" in state(crash_spaces.near)
    end(process)
    eventually(lambda: not Path(f"/proc/{worker}").exists(), "the worker's end")
    assert "220" not in state(crash_spaces.near)
    assert "cygnet0" not in state(crash_spaces.near)


def test_what_killed_processes_left_is_removed_at_the_next_start(crash_spaces: Namespaces) -> None:
    process, worker = start_daemon(crash_spaces.near)
    os.kill(worker, signal.SIGSTOP)  # so that it cannot clean up
    end(process)
    os.kill(worker, signal.SIGKILL)
    eventually(lambda: not Path(f"/proc/{worker}").exists(), "the worker's end")
    assert "lookup 220" in state(crash_spaces.near)
    assert "throw 10.1.0.0/16" in state(crash_spaces.near)
    ends = TunEnds(crash_spaces)
    try:
        assert state(crash_spaces.near).count("lookup 220") == 2  # the new one's own rules for IPv4 and IPv6
        assert "throw" not in state(crash_spaces.near)
    finally:
        ends.close()
    assert "220" not in state(crash_spaces.near)


def test_a_daemon_that_starts_at_once_after_a_crash_waits_for_the_device(crash_spaces: Namespaces) -> None:
    process, _ = start_daemon(crash_spaces.near)
    end(process)
    ends = TunEnds(crash_spaces)
    try:
        ends.up()
        ends.send(ping())
        ends.wait(lambda: ends.arrived == [ping()])
    finally:
        ends.close()


def test_a_virtual_ip_is_on_the_device_and_packets_leave_from_it(ends: TunEnds) -> None:
    address = ip_address("10.99.0.7")
    inner = (TrafficSelector.of("10.99.0.7/32"),)
    ends.near.install_policy(ends.policy(local_ts=inner))
    ends.settle()
    assert "src" not in run(f"ip -n {ends.spaces.near} route show table 220")
    ends.near.add_virtual_ip(address)
    ends.settle()
    assert "10.99.0.7/32" in run(f"ip -n {ends.spaces.near} addr show dev cygnet0")
    assert "src 10.99.0.7" in run(f"ip -n {ends.spaces.near} route show table 220")
    ends.near.remove_virtual_ip(address)
    ends.settle()
    assert "10.99.0.7" not in state(ends.spaces.near)


def test_a_tunnel_for_everything_does_not_swallow_its_own_packets(ends: TunEnds) -> None:
    everything = {"remote_ts": (TrafficSelector.of("0.0.0.0/0"),)}
    ends.near.install_policy(ends.policy(**everything))
    ends.far.install_policy(ends.mirrored_policy(**everything, priority=1))
    ends.far.remove_policy(1)
    ends.far.install_policy(ends.mirrored_policy())
    ends.install(ends.pair(**everything))
    ends.send(ping())
    ends.wait(lambda: ends.arrived == [ping()])


def test_ipv6_is_let_by_in_the_clear_too(ends: TunEnds) -> None:
    ends.up(ends.pair(**SIX), **SIX)
    web = (TrafficSelector.of("fd02::/64", 17, 53, 53),)
    spec = ends.policy(2, local_ts=NEAR_TS6, remote_ts=web, action=PolicyAction.PASS, priority=10)
    ends.near.install_policy(spec)
    packet = udp(b"in the clear", "fd01::5", "fd02::9")
    ends.send(packet)
    ends.wait(lambda: ends.passed == [packet])


# what is seen outside -------------------------------------------------------------------------


def test_the_outer_header_has_the_inner_dscp_ecn_and_df(ends: TunEnds) -> None:
    ends.up()
    with inside(ends.spaces.far):
        outside = Tap("eth0", lambda p: p[0] == 0x45 and p[9] == 17 and p[22:24] == (4500).to_bytes(2, "big"))
    try:
        ends.send(udp(b"1", tos=0xBA))
        ends.send(udp(b"2", df=False))
        ends.send(udp(b"3"))
        ends.wait(lambda: outside.turn() or len(outside.packets) == 3)
        assert [(p[1], bool(p[6] & 0x40)) for p in outside.packets] == [(0xBA, True), (0, False), (0, True)]
    finally:
        outside.close()


def test_an_ike_message_in_the_middle_of_a_train_is_handed_on(ends: TunEnds) -> None:
    sas = ends.up()
    strays: list[tuple[Endpoint, Endpoint, bytes]] = []
    assert isinstance(ends.far, TunPlane)
    ends.far._stray = lambda *stray: strays.append(stray)
    esp = sealed(sas, ping())
    message = bytes(4) + b"ike".ljust(len(esp) - 4, b".")
    with inside(ends.spaces.near), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind(("192.0.2.1", 40500))
        sender.setsockopt(SOL_UDP, UDP_SEGMENT, len(esp))
        sender.sendto(esp + message, ("192.0.2.7", 4500))
    ends.wait(lambda: strays and ends.arrived)
    assert strays == [(Endpoint.of("192.0.2.7", 4500), NEAR.with_port(40500), message[4:])]
    assert ends.arrived == [ping()]


# whole connections ----------------------------------------------------------------------------


def transfer(spaces: Namespaces, source: str, destination: str, size: int) -> None:
    """A TCP connection from near to far that carries ``size`` bytes there and back, unchanged."""
    family = socket.AF_INET6 if ":" in destination else socket.AF_INET
    data = hashlib.shake_128(b"seed").digest(65536) * (size // 65536)
    with inside(spaces.far):
        listener = socket.create_server((destination, 0), family=family)
    listener.settimeout(PATIENCE)

    def echo() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(PATIENCE)
            whole = bytearray()
            while len(whole) < len(data):
                whole += connection.recv(1 << 20)
            connection.sendall(whole)

    thread = threading.Thread(target=echo)
    thread.start()
    with inside(spaces.near):
        client = socket.socket(family, socket.SOCK_STREAM)
    with client, listener:
        client.settimeout(PATIENCE)
        client.bind((source, 0))
        client.connect(listener.getsockname()[:2])
        client.sendall(data)
        back = bytearray()
        while len(back) < len(data):
            piece = client.recv(1 << 20)
            assert piece, "the connection broke"
            back += piece
    thread.join()
    assert bytes(back) == data


@pytest.mark.parametrize("six", [False, True], ids=["ipv4", "ipv6"])
@pytest.mark.parametrize("encap", [True, False], ids=["udp", "raw"])
@pytest.mark.parametrize("suite", [(GCM, None), (CBC, SHA256)], ids=["gcm", "cbc"])
def test_a_tcp_connection_carries_everything(ends: TunEnds, suite: Any, encap: bool, six: bool) -> None:
    selectors = SIX if six else {}
    sas = ends.up(ends.pair(*suite, encap=encap, **selectors), **selectors)
    where = ("fd01::1", "fd02::1") if six else ("10.1.0.1", "10.2.0.1")
    transfer(ends.spaces, *where, 4 << 20)
    usage = ends.usage_of(mirror(sas.out).id)
    assert usage.bytes > 4 << 20
    assert (usage.replayed, usage.failed, usage.outside) == (0, 0, 0)


def test_a_connection_goes_on_when_the_path_mtu_shrinks_and_hosts_learn_of_it(ends: TunEnds) -> None:
    ends.up()
    transfer(ends.spaces, "10.1.0.1", "10.2.0.1", 1 << 20)
    run(f"ip -n {ends.spaces.near} route change 192.0.2.0/24 dev eth0 src 192.0.2.1 mtu 1000")
    try:
        transfer(ends.spaces, "10.1.0.1", "10.2.0.1", 1 << 20)
        ends.returned.clear()
        ends.send(ping(size=1100))
        ends.wait(lambda: any(p[20:22] == b"\x03\x04" for p in ends.returned), "fragmentation needed")
        error = next(p for p in ends.returned if p[20:22] == b"\x03\x04")
        assert int.from_bytes(error[26:28], "big") == 938  # 1000 - 62 of ESP in UDP, see test_forwarder
    finally:
        run(f"ip -n {ends.spaces.near} route change 192.0.2.0/24 dev eth0 src 192.0.2.1")


@pytest.fixture
def narrow_spaces(crash_spaces: Namespaces) -> Iterator[Namespaces]:
    """near 192.0.2.1 --- router --- MTU 1200 --- 192.0.2.7 far: only ICMP can tell near."""
    spaces, router = crash_spaces, f"cygnet-router-{os.getpid()}"
    run(f"ip netns add {router}")
    run(f"ip -n {spaces.near} link del eth0")
    for end, port, address, gateway in (
        (spaces.near, "wide", "192.0.2.1", "192.0.2.254"),
        (spaces.far, "narrow", "192.0.2.7", "192.0.2.253"),
    ):
        run(f"ip -n {end} link add eth0 type veth peer name {port} netns {router}")
        run(f"ip -n {end} addr add {address}/32 dev eth0")
        run(f"ip -n {end} link set dev eth0 up")
        run(f"ip -n {router} addr add {gateway}/32 dev {port}")
        run(f"ip -n {router} link set dev {port} up")
        run(f"ip -n {end} route add {gateway} dev eth0")
        run(f"ip -n {end} route add default via {gateway} src {address}")
        run(f"ip -n {router} route add {address} dev {port}")
    run(f"ip netns exec {router} sysctl -qw net.ipv4.ip_forward=1")
    run(f"ip -n {router} link set dev narrow mtu 1200")
    run(f"ip -n {spaces.far} link set dev eth0 mtu 1200")
    yield spaces
    run(f"ip netns del {router}")


def test_a_router_on_the_way_tells_the_path_mtu_by_icmp(narrow_spaces: Namespaces) -> None:
    ends = TunEnds(narrow_spaces)
    try:
        ends.up()
        transfer(narrow_spaces, "10.1.0.1", "10.2.0.1", 1 << 20)

        def told() -> bool:
            ends.send(ping(size=1300))
            ends.turn()
            return any(p[20:22] == b"\x03\x04" for p in ends.returned)

        ends.wait(told, "fragmentation needed")
        error = next(p for p in ends.returned if p[20:22] == b"\x03\x04")
        assert int.from_bytes(error[26:28], "big") == 1138  # 1200 - 62 of ESP in UDP
    finally:
        ends.close()


def test_a_rekeying_in_the_middle_of_a_connection_loses_nothing(ends: TunEnds) -> None:
    old = ends.up()
    done = threading.Event()
    failures: list[BaseException] = []

    def carry() -> None:
        try:
            transfer(ends.spaces, "10.1.0.1", "10.2.0.1", 16 << 20)
        except BaseException as error:
            failures.append(error)
        finally:
            done.set()

    thread = threading.Thread(target=carry)
    thread.start()
    spi = 0x10000
    while not done.is_set():
        new = ends.pair(spi=spi)
        ends.install(new)
        ends.near.remove_sa(old.out.id)
        ends.far.remove_sa(mirror(old.into).id)
        ends.settle()
        ends.near.remove_sa(old.into.id)
        ends.far.remove_sa(mirror(old.out).id)
        old, spi = new, spi + 0x10
    thread.join()
    assert not failures, failures
    assert spi > 0x10000


def test_held_packets_of_a_connection_open_it(ends: TunEnds) -> None:
    """The first SYN triggers the trap, and is not sent a second time."""
    ends.far.install_policy(ends.mirrored_policy())
    ends.near.install_policy(ends.policy(trap=True))
    ends.settle()
    with inside(ends.spaces.far):
        listener = socket.create_server(("10.2.0.1", 0))
    with inside(ends.spaces.near):
        client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    with listener, client:
        client.setblocking(False)
        assert client.connect_ex(listener.getsockname()) != 0
        ends.wait(lambda: ends.near_reports, "an acquire")
        started = time.monotonic()
        ends.install(ends.pair())
        listener.settimeout(PATIENCE)
        listener.accept()[0].close()
        usage = ends.usage_of(ends.pair().out.id)
        if time.monotonic() - started < 0.9:  # a repeated SYN would come a second after the first
            assert usage.packets <= 3


def test_statistics_tell_why_packets_were_dropped(ends: TunEnds) -> None:
    sas = ends.up()
    forged = bytearray(sealed(sas, ping()))
    forged[-1] ^= 1
    assert isinstance(ends.far, TunPlane)
    far = ends.far
    before = far.statistics()
    for _ in range(3):
        ends.inject(bytes(forged))
        ends.inject(b"\x12\x34\x56\x78" + bytes(60))

    def told() -> bool:
        ends.settle()
        now = far.statistics()
        return all(now[why] >= before[why] + 3 for why in ("forged", "unknown_spi"))

    ends.wait(told, "the count of both")


def test_a_failing_route_is_reported_with_its_policy(ends: TunEnds) -> None:
    run(f"ip -n {ends.spaces.near} link set cygnet0 down")
    ends.near.install_policy(ends.policy(9))
    ends.wait(lambda: ends.near_reports, "a report")
    (report,) = ends.near_reports
    assert getattr(report, "policy_id", None) == 9
    assert "10.2.0.0/16" in getattr(report, "error", "")
    ends.near_reports.clear()
