"""Sealing: what leaves as a train is what the slow way would have sent, packet for packet."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from cygnet.dataplane.esp.sa import InboundSa, OutboundSa
from cygnet.dataplane.tun.fast.outbound import FEW, Sealer
from cygnet.values.proposal import Transform
from tests.dataplane import packets
from tests.dataplane.tun.fast import reference

ANY_TS: dict[str, Any] = {
    "local_ts": packets.NEAR_TS + packets.NEAR_TS6,
    "remote_ts": packets.FAR_TS + packets.FAR_TS6,
}


def ends(encr: Transform = packets.GCM, **more: Any) -> tuple[OutboundSa, InboundSa]:
    spec = packets.pair(encr, **(ANY_TS | {"replay_window": 4096} | more)).out
    return OutboundSa(spec), InboundSa(packets.mirror(spec))


class Train(NamedTuple):
    """What ``Sealer`` calls with."""

    sa: OutboundSa
    datagrams: memoryview
    size: int
    packets: int
    tos: int
    tag: object


class Sealing:
    """A sealer whose trains are copied at once, as a socket would, because their memory is used again."""

    def __init__(self) -> None:
        self.sealer = Sealer(self._take)
        self.trains: list[Train] = []

    def _take(self, sa: OutboundSa, datagrams: memoryview, *rest: Any) -> None:
        self.trains.append(Train(sa, memoryview(bytes(datagrams)), *rest))

    def burst(self, sa: OutboundSa, reads: Sequence[bytearray], tag: object = None) -> list[Train]:
        """All trains of some reads."""
        self.trains = []
        for read in reads:
            self.sealer.push(sa, memoryview(read), tag)
        self.sealer.finish()
        return self.trains


def sealed(sa: OutboundSa, reads: Sequence[bytearray]) -> list[Train]:
    return Sealing().burst(sa, reads)


def opened(sa: InboundSa, trains: list[Train]) -> list[Any]:
    """The inner packets, by the slow way; checks what UDP_SEGMENT asks of a train."""
    found = []
    for train in trains:
        datagrams = list(reference.datagrams(train.datagrams, train.size))
        assert len(datagrams) == train.packets <= 64
        assert len(train.datagrams) <= 65507
        assert train.packets == 1 or train.size <= 1472
        found += [reference.open_one(sa, datagram) for datagram in datagrams]
    return found


def random_gso(rng: random.Random) -> tuple[bytes, int]:
    """A big packet and its segment size, with every field at times at its limits."""
    ipv6 = rng.random() < 0.4
    common = {
        "ipv6": ipv6,
        "tos": rng.choice((0, 2, 0xB8)),
        "ident": rng.choice((0, 7, 0xFFF0, rng.randrange(1 << 16))),
        "df": rng.random() < 0.5,
        "ends": (rng.randrange(200), rng.randrange(200)),
    }
    size = rng.choice((1, 2, 535, 1000, 1300, 1327, rng.randrange(1, 1320)))
    data = rng.randbytes(rng.randrange(0, min(65000, size * rng.choice((1, 3, 70)) + 3)))
    if rng.random() < 0.25:
        return reference.udp(data, **common), min(size, 1300)
    options = rng.choice((b"", bytes.fromhex("0101080a0000000100000002")))
    packet = reference.tcp(
        data,
        sequence=rng.choice((0, 0xFFFFFF00, rng.randrange(1 << 32))),
        flags=reference.ACK
        | rng.choice((0, reference.PSH, reference.FIN | reference.PSH, reference.CWR, 0xC8)),
        options=options,
        **common,
    )
    return packet, size


@pytest.mark.parametrize("seed", range(60))
def test_random_gso_packets_leave_as_the_segments_that_the_kernel_would_have_cut(seed: int) -> None:
    print(f"seed {seed}")
    rng = random.Random(seed)
    out, into = ends(rng.choice((packets.GCM, packets.CHACHA)), esn=rng.random() < 0.4)
    if out.esn:
        out.sequence = into.replay.highest = rng.choice((0, (1 << 32) - 3, 7 << 32))
    sealing = Sealing()
    wanted, before = [], out.sequence
    reads = []
    for _ in range(4):
        packet, size = random_gso(rng)
        reads.append(reference.gso(packet, size))
        wanted += reference.cut(packet, size)
    assert opened(into, sealing.burst(out, reads)) == wanted
    assert out.sequence - before == out.packets == len(wanted)
    assert out.bytes == sum(len(packet) for packet in wanted)
    assert sealing.sealer.malformed == 0


def test_what_is_left_of_a_read_leaves_with_the_next() -> None:
    out, into = ends()
    reads, wanted = [], []
    for number in range(4):  # 48 segments each, as Linux sends them; 45 fit into a datagram's 64 KB
        packet = reference.tcp(bytes(48 * 1348), sequence=number * 48 * 1348, options=bytes(12))
        reads.append(reference.gso(packet, 1348))
        wanted += reference.cut(packet, 1348)
    trains = sealed(out, reads)
    assert [train.packets for train in trains] == [45, 45, 45, 45, 12]
    assert opened(into, trains) == wanted


@pytest.mark.parametrize("seed", range(30))
def test_packets_of_many_sas_tags_and_classes_never_share_a_train(seed: int) -> None:
    print(f"seed {seed}")
    rng = random.Random(seed)
    pairs = {spi: ends(spi=spi) for spi in (0x100, 0x200)}
    sealing = Sealing()
    wanted: dict[int, list[bytes]] = {spi: [] for spi in pairs}
    told: dict[int, list[object]] = {spi: [] for spi in pairs}
    for _ in range(60):
        spi, tag, tos = rng.choice(list(pairs)), rng.choice((True, False)), rng.choice((0, 0xB8))
        if rng.random() < 0.6:
            packet = reference.tcp(rng.randbytes(rng.choice((1500, 2000, 2500, 60000))), tos=tos)
            size = rng.choice((500, 1000))
            sealing.sealer.push(pairs[spi][0], memoryview(reference.gso(packet, size)), tag)
            packets_ = reference.cut(packet, size)
        else:
            packets_ = [reference.udp(bytes(100), tos=tos)] * rng.choice((1, 3, 30))
            for each in packets_:
                sealing.sealer.push(pairs[spi][0], memoryview(reference.single(each)), tag)
        wanted[spi] += packets_
        told[spi] += [(tag, tos)] * len(packets_)
    sealing.sealer.finish()
    for spi, (out, into) in pairs.items():
        trains = [train for train in sealing.trains if train.sa is out]
        assert opened(into, trains) == wanted[spi]
        assert [(t.tag, t.tos) for t in trains for _ in range(t.packets)] == told[spi]
    assert len(sealing.trains) < sum(map(len, wanted.values())) / 4


@pytest.mark.parametrize("seed", range(30))
def test_random_single_packets_leave_as_they_are(seed: int) -> None:
    print(f"seed {seed}")
    rng = random.Random(1000 + seed)
    out, into = ends(rng.choice((packets.GCM, packets.CHACHA)), esn=rng.random() < 0.4)
    wanted, reads = [], []
    while len(wanted) < 200:
        make = rng.choice((reference.udp, reference.tcp))
        ipv6, tos, needs = rng.random() < 0.3, rng.choice((0, 0, 0xB8)), rng.random() < 0.5
        size = rng.choice((0, 1, 18, 64, 1200))
        for _ in range(rng.choice((1, 2, FEW - 1, FEW, 40, 70))):
            packet = make(rng.randbytes(size), ipv6=ipv6, tos=tos)
            wanted.append(packet)
            reads.append(reference.single(packet, needs))
    trains = sealed(out, reads)
    assert opened(into, trains) == wanted
    assert len(trains) < len(wanted) / 2
    assert out.packets == out.sequence == len(wanted)


def test_the_traffic_class_of_a_train_is_that_of_all_its_packets() -> None:
    out, _ = ends()
    reads = []
    for tos, ipv6 in ((0xB8, False), (0, False), (0x2E, True), (2, True)):
        reads += [reference.single(reference.udp(b"x" * 20, tos=tos, ipv6=ipv6)) for _ in range(8)]
    reads.append(reference.gso(reference.tcp(bytes(5000), tos=0x12), 1000))
    trains = sealed(out, reads)
    assert [(train.tos, train.packets) for train in trains] == [
        (0xB8, 8),
        (0, 8),
        (0x2E, 8),
        (2, 8),
        (0x12, 5),
    ]


def test_tcp_that_does_not_fit_the_path_is_cut_smaller() -> None:
    out, into = ends()
    out.set_mtu(1280)
    packet = reference.tcp(random.Random(1).randbytes(20000))
    trains = sealed(out, [reference.gso(packet, 1360)])
    limit = out.inner_limit - 40
    assert opened(into, trains) == reference.cut(packet, limit)
    assert max(train.size for train in trains) <= out.size_limit


def test_datagrams_that_do_not_fit_the_path_stay_whole_and_go_one_by_one() -> None:
    out, into = ends()
    out.set_mtu(1280)
    packet = reference.udp(random.Random(1).randbytes(6000))
    trains = sealed(out, [reference.gso(packet, 1400)])
    assert [train.packets for train in trains] == [1] * 5
    inner = [reference.open_one(into, bytes(train.datagrams)) for train in trains]
    assert inner == reference.cut(packet, 1400)


def test_nothing_is_sealed_when_the_sequence_numbers_are_used_up() -> None:
    out, into = ends()
    out.sequence = into.replay.highest = (1 << 32) - 1 - 5
    packet = reference.tcp(bytes(20000))
    trains = sealed(out, [reference.gso(packet, 1000), reference.single(packet[:20] + bytes(20))])
    assert opened(into, trains) == reference.cut(packet, 1000)[:5]
    assert out.spent
    assert sealed(out, [reference.single(reference.udp(b"late"))]) == []
    assert out.sequence == (1 << 32) - 1


@pytest.mark.parametrize("last", [1, 3])
def test_extended_sequence_numbers_end_too(last: int) -> None:
    out, _ = ends(esn=True)
    out.sequence = (1 << 64) - 1 - last
    reads = [reference.single(reference.udp(b"x" * 20)) for _ in range(10)]
    assert sum(train.packets for train in sealed(out, reads)) == last
    assert out.spent


NO_PACKETS = {
    "empty": b"",
    "only a header": reference.vnet(),
    "version 5": reference.vnet() + b"\x55" + bytes(40),
    "unknown gso type": reference.vnet(1, 3, 40, 1000, 20, 16) + reference.tcp(bytes(3000)),
    "gso of size 0": reference.vnet(1, 1, 40, 0, 20, 16) + reference.tcp(bytes(3000)),
    "tcp4 that is ipv6": reference.vnet(1, 1, 40, 1000, 20, 16) + reference.tcp(bytes(3000), ipv6=True),
    "tcp header beyond the end": reference.vnet(1, 1, 40, 1000, 20, 16) + reference.tcp()[:35],
    "odd start": reference.vnet(1, 1, 40, 1000, 21, 16) + reference.tcp(bytes(3000)),
    "checksum outside": reference.vnet(1, 0, 0, 0, 20, 500) + reference.udp(bytes(20)),
}


@pytest.mark.parametrize("name", NO_PACKETS)
def test_what_is_no_packet_is_counted_and_hurts_no_other(name: str) -> None:
    out, into = ends()
    good = reference.udp(b"good")
    reads = [reference.single(good), bytearray(NO_PACKETS[name]), reference.single(good)]
    sealing = Sealing()
    assert opened(into, sealing.burst(out, reads)) == [good, good]
    assert sealing.sealer.malformed == 1


@pytest.mark.parametrize("seed", range(20))
def test_random_reads_never_raise(seed: int) -> None:
    print(f"seed {seed}")
    rng = random.Random(seed)
    out, _ = ends()
    for _ in range(300):
        packet, size = random_gso(rng)
        read = reference.gso(packet[:3000], size)
        for _ in range(rng.randrange(1, 6)):
            read[rng.randrange(min(len(read), 60))] = rng.randrange(256)
        sealed(out, [read[: rng.randrange(len(read) + 1)]])


def test_scapy_opens_what_was_sealed() -> None:
    scapy = pytest.importorskip("scapy.layers.ipsec")
    inet = pytest.importorskip("scapy.layers.inet")
    out, _ = ends()
    packet = reference.tcp(random.Random(2).randbytes(4000), flags=0x18)
    trains = sealed(out, [reference.gso(packet, 1300)])
    found = []
    for datagram in reference.datagrams(trains[0].datagrams, trains[0].size):
        key = out.spec.encr_key.reveal()
        association = scapy.SecurityAssociation(
            scapy.ESP,
            spi=out.spi,
            crypt_algo="AES-GCM",
            crypt_key=key,
            tunnel_header=inet.IP(src="192.0.2.1", dst="198.51.100.7"),
        )
        outer = inet.IP(src="192.0.2.1", dst="198.51.100.7", proto=50) / scapy.ESP(datagram)
        found.append(bytes(association.decrypt(inet.IP(bytes(outer)))))
    assert found == reference.cut(packet, 1300)


def test_layouts_kept_are_bounded() -> None:
    out, _ = ends()
    sealing = Sealing()
    for size in range(100, 400):
        sealing.burst(out, [reference.gso(reference.tcp(bytes(1000)), size)])
        sealing.burst(out, [reference.single(reference.udp(bytes(size))) for _ in range(FEW)])
    assert len(sealing.sealer._plans) <= 64 and len(sealing.sealer._blocks) <= 64


def test_padding_is_that_of_rfc_4303() -> None:
    out, into = ends()
    for size in range(1, 9):
        [train] = sealed(out, [reference.single(reference.udp(bytes(size)))])
        assert len(train.datagrams) % 4 == 0
        assert reference.open_one(into, bytes(train.datagrams)) == reference.udp(bytes(size))
        spi, low = struct.unpack_from("!II", train.datagrams)
        assert (spi, low) == (out.spi, out.sequence)


def test_an_sa_of_other_keys_between_two_bursts_changes_no_nonce() -> None:
    one, there = ends()
    other_spec = replace(one.spec, spi=77, encr_key=packets.key(77, 20))
    other = OutboundSa(other_spec)
    packet = reference.tcp(bytes(9000))
    sealing = Sealing()
    for sa, into in ((one, there), (other, InboundSa(packets.mirror(other_spec))), (one, there)):
        trains = sealing.burst(sa, [reference.gso(packet, 1000)])
        assert opened(into, trains) == reference.cut(packet, 1000)
