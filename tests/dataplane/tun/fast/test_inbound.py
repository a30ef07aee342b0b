"""Opening: the host gets what the slow way would have given it, joined or not."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from cygnet.dataplane.drops import Drop
from cygnet.dataplane.esp.sa import InboundSa, OutboundSa
from cygnet.dataplane.ip.header import flow_key
from cygnet.dataplane.tun.fast.inbound import FEW, Opener
from tests.dataplane import packets
from tests.dataplane.tun.fast import reference
from tests.dataplane.tun.fast.test_outbound import ends


def opener_of(*sas: InboundSa, **more: Any) -> Opener:
    return Opener({sa.spi: sa for sa in sas}.get, **more)


def receive(opener: Opener, datagrams: list[bytes], tos: int = 0) -> None:
    """Equal datagrams (the last maybe shorter) as UDP_GRO hands them over."""
    data = b"".join(datagrams)
    opener.room()[: len(data)] = data
    opener.receive(len(data), len(datagrams[0]) if len(datagrams) > 1 else 0, tos)


def written(opener: Opener) -> list[bytes]:
    """What went to the TUN, copied."""
    return [bytes(write) for write in opener.flush()]


def packets_of(writes: Iterable[bytes]) -> list[bytes]:
    return [packet for write in writes for packet in reference.uncut(write)]


def without_ids(packet: bytes) -> bytes:
    """The packet but for the identification of an IPv4 packet with DF, which means nothing (RFC 6864)."""
    if packet[0] >> 4 == 4 and packet[6] & 0x40:
        return packet[:4] + b"\0\0" + packet[6:10] + b"\0\0" + packet[12:]
    return packet


def by_flow(found: Iterable[bytes]) -> dict[bytes, list[bytes]]:
    flows: dict[bytes, list[bytes]] = defaultdict(list)
    for packet in found:
        flows[flow_key(packet)].append(without_ids(packet))
    return flows


def groups(rng: random.Random, datagrams: list[bytes], most: int = 60) -> list[list[bytes]]:
    """Cut a sequence of datagrams as GRO may: equal sizes, a shorter one ends the group."""
    found: list[list[bytes]] = []
    limit = 0
    for datagram in datagrams:
        group = found[-1] if found else []
        size = len(group[0]) if group else 0
        if group and len(group) < limit and len(datagram) <= size == len(group[-1]):
            group.append(datagram)
        else:
            found.append([datagram])
            limit = rng.randrange(1, most)
    return found


def traffic(rng: random.Random, count: int) -> list[bytes]:
    """Inner packets of a few flows: bulk TCP with interruptions, UDP, things that cannot be joined."""
    found: list[bytes] = []
    sequences = Counter[int]()
    while len(found) < count:
        port = rng.randrange(3)
        ipv6 = port == 2
        common: dict[str, Any] = {"ipv6": ipv6, "df": rng.random() < 0.7, "ident": rng.randrange(1 << 16)}
        match rng.randrange(8):
            case 0:
                size = rng.choice((0, 20, 300))
                found += [reference.udp(rng.randbytes(size), **common)] * rng.choice((1, 2, 30))
            case 1:
                found.append(reference.tcp(ports=(port, 80), sequence=sequences[port], **common))
            case 2:
                flags = rng.choice((0x02, 0x04, 0x11, 0x30, 0x90))
                data = rng.randbytes(rng.choice((0, 100)))
                found.append(
                    reference.tcp(data, ports=(port, 80), flags=flags, sequence=sequences[port], **common)
                )
            case 3:
                found.append(
                    packets.ping("fd01::1" if ipv6 else "10.1.0.9", "fd02::1" if ipv6 else "10.2.0.1")
                )
            case _:
                size = rng.choice((100, 1000, 1300, 1301))
                data = rng.randbytes(rng.choice((1, size // 2, size, 3 * size, 40 * size + 7)))
                data = data[:60000]
                big = reference.tcp(
                    data,
                    ports=(port, 80),
                    flags=rng.choice((0x10, 0x18, 0x19)),
                    sequence=sequences[port],
                    ack=rng.choice((2, 3)),
                    options=rng.choice((b"", bytes.fromhex("0101080a0000000100000002"))),
                    **common,
                )
                found += reference.cut(big, size)
                sequences[port] += len(data) if rng.random() < 0.9 else 0
    return found[:count]


@pytest.mark.parametrize("seed", range(40))
def test_random_traffic_comes_out_as_it_went_in(seed: int) -> None:
    print(f"seed {seed}")
    rng = random.Random(seed)
    out, into = ends(rng.choice((packets.GCM, packets.CHACHA)), esn=rng.random() < 0.4)
    if out.esn:
        out.sequence = into.replay.highest = rng.choice((0, (1 << 32) - 70, 3 << 32))
    wanted = traffic(rng, 400)
    opener = opener_of(into, udp=rng.random() < 0.7)
    found: list[bytes] = []
    count = 0
    for group in groups(rng, [reference.seal(out, packet) for packet in wanted]):
        receive(opener, group)
        if not opener.ready() or rng.random() < 0.2:
            writes = written(opener)
            count += len(writes)
            found += packets_of(writes)
    writes = written(opener)
    found += packets_of(writes)
    assert by_flow(found) == by_flow(wanted)
    assert (into.packets, into.bytes) == (len(wanted), sum(map(len, wanted)))
    assert into.failed == into.replayed == into.malformed == into.outside == 0
    assert count + len(writes) < len(wanted)


@pytest.mark.parametrize("seed", range(40))
def test_over_a_bad_network_every_datagram_has_the_fate_that_the_slow_way_gives_it(seed: int) -> None:
    print(f"seed {seed}")
    rng = random.Random(500 + seed)
    out, into = ends(esn=rng.random() < 0.4, replay_window=rng.choice((0, 32, 64, 1024)))
    slow = InboundSa(into.spec)
    if out.esn:
        start = rng.choice((0, (1 << 32) - 70))
        out.sequence = into.replay.highest = slow.replay.highest = start
    outsider = reference.udp(b"to somebody else", ends=(5, 1 << 17))
    inner = [packet if rng.random() < 0.97 else outsider for packet in traffic(rng, 300)]
    sent = [reference.seal(out, packet) for packet in inner]
    network: list[bytes] = []
    for datagram in sent:
        chance = rng.random()
        if chance < 0.02:
            continue
        if chance < 0.04:
            damaged = bytearray(datagram)
            damaged[rng.randrange(8, len(damaged))] ^= 1 << rng.randrange(8)
            datagram = bytes(damaged)
        elif chance < 0.06 and network:
            network.insert(max(0, len(network) - rng.randrange(1, 50)), datagram)
            continue
        network += [datagram] * (1 if chance < 0.97 else 2)
    opener = opener_of(into, udp=rng.random() < 0.7)
    wanted: list[bytes] = []
    fates: Counter[Drop] = Counter()
    found: list[bytes] = []
    for group in groups(rng, network):
        receive(opener, group)
        if not opener.ready():
            found += packets_of(written(opener))
        for datagram in group:
            result = reference.open_one(slow, datagram)
            if isinstance(result, Drop):
                fates[result] += 1
            else:
                wanted.append(result)
    found += packets_of(written(opener))
    assert by_flow(found) == by_flow(wanted)
    assert into.replayed == fates[Drop.REPLAYED]
    assert into.failed == fates[Drop.FORGED]
    assert into.outside == fates[Drop.OUTSIDE] + slow.outside
    assert into.packets == len(wanted)
    assert into.replay.highest == slow.replay.highest
    near = range(max(1, out.sequence - 1100), out.sequence + 2)
    assert [into.replay.check(n) for n in near] == [slow.replay.check(n) for n in near]


def test_a_bulk_transfer_becomes_one_packet_per_64_kilobytes() -> None:
    out, into = ends()
    big = reference.tcp(random.Random(1).randbytes(45 * 1348), flags=0x18)
    datagrams = [reference.seal(out, segment) for segment in reference.cut(big, 1348)]
    opener = opener_of(into)
    receive(opener, datagrams[:20])
    receive(opener, datagrams[20:])
    [write] = written(opener)
    assert write[10:30] == big[:20]
    assert write[10 + 40 :] == big[40:]
    assert packets_of([write]) == reference.cut(big, 1348)


@pytest.mark.parametrize("seed", range(20))
def test_held_datagrams_come_out_as_those_received_one_by_one(seed: int) -> None:
    """As they come from a raw socket: each with its IP header, damaged and doubled ones among them."""
    print(f"seed {seed}")
    rng = random.Random(900 + seed)
    out, into = ends(esn=rng.random() < 0.4)
    slow = InboundSa(into.spec)
    network = [reference.seal(out, packet) for packet in traffic(rng, 200)]
    for _ in range(10):
        at = rng.randrange(len(network))
        network.insert(at, network[rng.randrange(at + 1)])
        damaged = bytearray(network[at // 2])
        damaged[-1] ^= 1
        network[at // 2] = bytes(damaged)
    opener = opener_of(into, udp=True)
    found: list[bytes] = []
    wanted: list[bytes] = []
    skip = rng.choice((0, 20, 24))
    for datagram in network:
        data = bytes(skip) + datagram
        opener.room()[: len(data)] = data
        opener.hold(len(data), skip, 0)
        if not opener.ready() or rng.random() < 0.02:
            opener.settle()
            found += packets_of(written(opener))
        result = reference.open_one(slow, datagram)
        if isinstance(result, bytes):
            wanted.append(result)
    opener.settle()
    found += packets_of(written(opener))
    assert by_flow(found) == by_flow(wanted)
    assert into.packets == len(wanted)
    assert into.failed > 0 and into.replayed > 0


def test_held_datagrams_of_a_transfer_are_joined() -> None:
    out, into = ends()
    big = reference.tcp(random.Random(1).randbytes(40 * 1000), flags=0x18)
    opener = opener_of(into)
    for segment in reference.cut(big, 1000):
        data = bytes(20) + reference.seal(out, segment)
        opener.room()[: len(data)] = data
        opener.hold(len(data), 20, 0)
    opener.settle()
    [write] = written(opener)
    assert packets_of([write]) == reference.cut(big, 1000)


def test_single_receives_are_joined_too() -> None:
    out, into = ends()
    big = reference.tcp(random.Random(1).randbytes(10000))
    opener = opener_of(into)
    for segment in reference.cut(big, 1000):
        receive(opener, [reference.seal(out, segment)])
    [write] = written(opener)
    assert packets_of([write]) == reference.cut(big, 1000)


@pytest.mark.parametrize("ipv6", [False, True])
def test_datagrams_of_one_size_become_one_packet_where_the_kernel_takes_it(ipv6: bool) -> None:
    out, into = ends()
    big = reference.udp(random.Random(1).randbytes(100 * 200), ipv6=ipv6)
    datagrams = [reference.seal(out, packet) for packet in reference.cut(big, 200)]
    opener = opener_of(into, udp=True)
    for start in range(0, 100, 50):
        receive(opener, datagrams[start : start + 50])
    writes = written(opener)
    assert packets_of(writes) == reference.cut(big, 200)
    assert len(writes) == 2, "50 and 50, as 64 is the most"
    without = opener_of(InboundSa(into.spec))
    receive(without, datagrams[:50])
    assert len(written(without)) == 50


def test_a_lone_datagram_is_not_passed_by_later_ones_of_its_flow() -> None:
    out, into = ends()
    one = [reference.udp(bytes([n]) * 200) for n in range(20)]
    short = reference.udp(b"short")
    two = [reference.udp(bytes([n + 20]) * 200) for n in range(20)]
    opener = opener_of(into, udp=True)
    for group in (one, [short], two):
        receive(opener, [reference.seal(out, packet) for packet in group])
    found = packets_of(written(opener))
    assert [without_ids(p) for p in found] == [without_ids(p) for p in [*one, short, *two]]


@pytest.mark.parametrize("fault", ["wrong", "none"])
def test_datagrams_without_a_right_checksum_stay_single(fault: str) -> None:
    out, into = ends()
    whole = [bytearray(reference.udp(bytes([n]) * 200)) for n in range(20)]
    whole[7][26:28] = b"\0\0" if fault == "none" else bytes((whole[7][26] ^ 1, whole[7][27]))
    opener = opener_of(into, udp=True)
    receive(opener, [reference.seal(out, bytes(packet)) for packet in whole])
    found = packets_of(written(opener))
    assert [without_ids(packet) for packet in found] == [without_ids(bytes(packet)) for packet in whole]


@pytest.mark.parametrize("rows", [1, 2, FEW, 40])
def test_a_wrong_checksum_is_not_washed_white(rows: int) -> None:
    out, into = ends()
    segments = reference.cut(reference.tcp(random.Random(1).randbytes(1000 * (rows + 4))), 1000)
    broken = bytearray(segments[rows])
    broken[500] ^= 1
    segments[rows] = bytes(broken)
    opener = opener_of(into)
    receive(opener, [reference.seal(out, segment) for segment in segments])
    found = packets_of(written(opener))
    assert found == segments
    assert not reference.has_right_checksums(found[rows])


def test_a_run_that_begins_behind_the_window_of_extended_numbers_and_ends_in_it() -> None:
    """A number behind the window is taken for one 2**32 ahead; that must not go for the whole run."""
    out, into = ends(esn=True, replay_window=32)
    datagrams = [reference.seal(out, reference.udp(bytes([n]) * 50)) for n in range(100)]
    opener = opener_of(into)
    receive(opener, datagrams[95:])
    receive(opener, datagrams[60:80])
    assert len(packets_of(written(opener))) == 5 + 12
    assert (into.failed, into.replayed, into.replay.highest) == (8, 0, 100)


def test_what_is_not_for_an_sa_is_handed_back() -> None:
    out, into = ends()
    opener = opener_of(into)
    good = reference.seal(out, reference.udp(b"good"))
    ike = bytes(4) + b"an IKE message"
    unknown = b"\1\2\3\4" + bytes(60)
    for datagram in (ike, b"\xff", unknown, good, good[:20]):
        receive(opener, [datagram])
    receive(opener, [unknown] * 20)
    assert [bytes(stranger) for stranger in opener.strangers] == [ike, b"\xff", unknown, good[:20]] + [
        unknown
    ] * 20
    assert opener.authentic == {into}
    assert packets_of(written(opener)) == [reference.udp(b"good")]
    receive(opener, [ike])
    assert [bytes(stranger) for stranger in opener.strangers] == [ike]
    assert opener.authentic == set()


def test_a_datagram_of_another_sa_in_the_middle_of_a_train_finds_its_own() -> None:
    out, into = ends()
    other_out, other_into = ends(spi=0x7000)
    payload = [reference.udp(bytes([n]) * 100) for n in range(30)]
    datagrams = [reference.seal(other_out if n == 13 else out, packet) for n, packet in enumerate(payload)]
    opener = opener_of(into, other_into)
    receive(opener, datagrams)
    assert packets_of(written(opener)) == payload
    assert (into.packets, other_into.packets) == (29, 1)
    assert opener.authentic == {into, other_into}


@pytest.mark.parametrize("count", [1, FEW, 30])
def test_tfc_padding_behind_the_packet_is_taken_off(count: int) -> None:
    out, into = ends()
    padded = OutboundSa(replace(out.spec, tfc_padding=900))
    payload = [reference.udp(bytes([n]) * 100) for n in range(count)]
    opener = opener_of(into)
    receive(opener, [reference.seal(padded, packet) for packet in payload])
    assert packets_of(written(opener)) == payload


def test_dummy_packets_vanish() -> None:
    """RFC 4303 §2.6: next header 59."""
    from cygnet.dataplane.esp import packet as esp

    out, into = ends()
    datagrams = [esp.seal(out, bytes(100), 59) or b"" for _ in range(10)]
    opener = opener_of(into)
    receive(opener, datagrams)
    receive(opener, [esp.seal(out, bytes(100), 59) or b""])
    assert written(opener) == []
    assert into.dummies == 11 and into.malformed == 0
    assert opener.authentic == {into}


@pytest.mark.parametrize("count", [1, 10])
@pytest.mark.parametrize(
    "payload,next_header",
    [
        (b"\x55" + bytes(60), 4),
        (reference.udp(bytes(30)), 41),
        (reference.udp(bytes(30), ipv6=True), 4),
        (reference.udp(bytes(30))[:30], 4),
        (reference.udp(bytes(30), ipv6=True)[:60], 41),
        (b"", 4),
        (b"\x45", 4),
        (bytes(60), 17),
    ],
)
def test_an_authentic_packet_that_is_no_ip_packet_is_dropped(
    payload: bytes, next_header: int, count: int
) -> None:
    from cygnet.dataplane.esp import packet as esp

    out, into = ends()
    opener = opener_of(into)
    receive(opener, [esp.seal(out, payload, next_header) or b"" for _ in range(count)])
    assert written(opener) == []
    assert into.malformed == count and into.packets == 0


@pytest.mark.parametrize("count", [1, 10])
def test_wrong_padding_is_refused(count: int) -> None:
    out, into = ends()
    raw = out.transform.aead
    assert raw is not None
    datagrams = []
    for number in range(1, count + 1):
        head = out.spi.to_bytes(4, "big") + number.to_bytes(4, "big")
        iv = number.to_bytes(8, "big")
        body = reference.udp(bytes(32)) + b"\7\7" + b"\2\4"
        datagrams.append(head + iv + raw.cipher.encrypt(raw.salt + iv, body, head))
    opener = opener_of(into)
    receive(opener, datagrams)
    assert written(opener) == []
    assert into.malformed == count


@pytest.mark.parametrize("count", [1, 10])
@pytest.mark.parametrize("ipv6", [False, True])
def test_congestion_marked_outside_is_told_inside(count: int, ipv6: bool) -> None:
    """RFC 6040 §4.2."""
    out, into = ends()
    able = [reference.tcp(bytes(100), tos=2, sequence=100 * n, ipv6=ipv6) for n in range(count)]
    unable = [reference.udp(bytes(200), tos=0, ipv6=ipv6) for _ in range(count)]
    opener = opener_of(into)
    receive(opener, [reference.seal(out, packet) for packet in able], tos=3)
    receive(opener, [reference.seal(out, packet) for packet in unable], tos=3)
    marked = [reference.tcp(bytes(100), tos=3, sequence=100 * n, ipv6=ipv6) for n in range(count)]
    found = packets_of(written(opener))
    assert [without_ids(packet) for packet in found] == [without_ids(packet) for packet in marked]
    assert opener.congested == count


def test_a_syn_is_shown_to_the_worker() -> None:
    out, into = ends()
    shown = []

    def on_syn(sa: InboundSa, packet: memoryview) -> None:
        shown.append((sa, bytes(packet)))
        packet[34] = 0x77

    opener = opener_of(into, on_syn=on_syn)
    syn = reference.tcp(flags=reference.SYN)
    receive(opener, [reference.seal(out, packet) for packet in (syn, reference.tcp())])
    [first, second] = packets_of(written(opener))
    assert shown == [(into, syn)]
    assert first[34] == 0x77 and second == reference.tcp()


def test_selectors_are_asked_once_for_a_flow_and_outsiders_are_counted() -> None:
    out, into = ends()
    inside = reference.cut(reference.tcp(random.Random(1).randbytes(20000)), 1000)
    outside = reference.cut(reference.tcp(random.Random(1).randbytes(20000), ends=(5, 1 << 17)), 1000)
    opener = opener_of(into)
    receive(opener, [reference.seal(out, packet) for packet in inside + outside])
    assert packets_of(written(opener)) == inside
    assert into.outside == 20 and into.packets == 20


@pytest.mark.parametrize("seed", range(10))
def test_random_datagrams_never_raise(seed: int) -> None:
    print(f"seed {seed}")
    rng = random.Random(seed)
    out, into = ends()
    opener = opener_of(into)
    spi = out.spi.to_bytes(4, "big")
    for _ in range(300):
        size = rng.choice((1, 4, 8, 20, 35, 36, 37, 40, 100, 1436))
        count = rng.choice((1, 2, 5, 40))
        train = [rng.choice((b"", spi)) + rng.randbytes(size) for _ in range(count)]
        data = b"".join(train)[:65535]
        opener.room()[: len(data)] = data
        opener.receive(len(data), rng.choice((0, 1, size, size + 4, 70000)))
        if not opener.ready():
            written(opener)
    assert written(opener) == [] and into.packets == 0


@pytest.mark.parametrize("seed", range(20))
def test_random_packets_from_an_authentic_peer_never_raise(seed: int) -> None:
    """The peer has the keys, but may send anything inside."""
    print(f"seed {seed}")
    rng = random.Random(seed)
    out, into = ends()
    opener = opener_of(into, udp=True)
    for group in groups(rng, [reference.seal(out, garbled(rng, packet)) for packet in traffic(rng, 400)]):
        receive(opener, group)
        if not opener.ready():
            written(opener)
    for write in written(opener):
        assert 30 <= len(write) <= 65545
    assert into.packets + into.malformed + into.outside == 400


def garbled(rng: random.Random, packet: bytes) -> bytes:
    """The packet with a few header bytes changed, rarely cut off."""
    changed = bytearray(packet)
    for _ in range(rng.choice((0, 0, 1, 3))):
        changed[rng.randrange(min(len(changed), 60))] = rng.randrange(256)
    return bytes(changed[: rng.randrange(1, len(changed))] if rng.random() < 0.05 else changed)
