"""Joining and cutting again gives the same bytes, whatever a flow looks like."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cygnet.dataplane.esp.sa import InboundSa
from cygnet.dataplane.tun.fast.arena import Arena
from cygnet.dataplane.tun.fast.joiner import Joiner
from tests.dataplane.tun.fast import reference
from tests.dataplane.tun.fast.test_inbound import by_flow, packets_of
from tests.dataplane.tun.fast.test_outbound import ends

OPTIONS = (b"", bytes(4), bytes.fromhex("0101080a0000000100000002"))

#: segments are few kinds, so that neighbours often belong together
segment = st.fixed_dictionaries(
    {
        "size": st.sampled_from((0, 1, 7, 8, 100, 101)),
        "step": st.sampled_from((None, None, None, None, 0, -100, 100, 1 << 31)),
        "flags": st.sampled_from((0x10,) * 6 + (0x18, 0x11, 0x19, 0x50, 0x90, 0x02, 0x04, 0x30, 0x00)),
        "ack": st.sampled_from((2, 2, 2, 2, 3)),
        "window": st.sampled_from((512, 512, 512, 513)),
        "options": st.sampled_from(range(3)),
        "ident": st.sampled_from((None, None, None, 0, 0xFFFF)),
        "df": st.sampled_from((True, True, False)),
        "ttl": st.sampled_from((64, 64, 64, 63)),
        "tos": st.sampled_from((0, 0, 0, 2)),
        "damage": st.sampled_from((False,) * 9 + (True,)),
        "times": st.sampled_from((1, 1, 2, 9, 30)),
        "udp": st.sampled_from((False, False, False, True)),
    }
)


def flow_of(kinds: list[dict[str, Any]], ipv6: bool, sequence: int) -> list[bytes]:
    """Packets of a TCP and a UDP flow, the values of each kind told relative to the packet before."""
    packets: list[bytes] = []
    ident = 0xFFF8
    for kind in kinds:
        for _ in range(kind["times"]):
            ident = ident + 1 & 0xFFFF if kind["ident"] is None else kind["ident"]
            common = {"ipv6": ipv6, "ident": ident, "df": kind["df"], "ttl": kind["ttl"], "tos": kind["tos"]}
            data = bytes((len(packets) + n) % 251 for n in range(kind["size"]))
            if kind["udp"]:
                packet = reference.udp(data, **common)
            else:
                sequence += kind["step"] or 0
                packet = reference.tcp(
                    data,
                    sequence=sequence,
                    options=OPTIONS[kind["options"]],
                    **{name: kind[name] for name in ("flags", "ack", "window")},
                    **common,
                )
                sequence += len(data)
            if kind["damage"]:
                packet = packet[:-1] + bytes((packet[-1] ^ 1,))
            packets.append(packet)
    return packets


def joined(packets: list[bytes], into: InboundSa, udp: bool) -> list[bytes]:
    """What a joiner makes of packets that came in rows wherever neighbours have one length."""
    arena = Arena(1 << 21)
    joiner = Joiner(arena.array, arena.view, udp=udp)
    at = 64
    start = 0
    while start < len(packets):
        end = start + 1
        while end < len(packets) and len(packets[end]) == len(packets[start]) and end - start < 64:
            end += 1
        inner = len(packets[start])
        stride = inner + 36 + -inner % 4
        for number, packet in enumerate(packets[start:end]):
            arena.view[at + number * stride : at + number * stride + inner] = packet
        joiner.rows(into, at, stride, inner, end - start, 41 if packets[start][0] >> 4 == 6 else 4)
        at += (end - start) * stride
        start = end
    return [bytes(write) for write in joiner.flush()]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(segment, min_size=1, max_size=8),
    st.booleans(),
    st.sampled_from((1, (1 << 32) - 150)),
    st.booleans(),
)
def test_whatever_was_joined_is_cut_into_the_same_packets(
    kinds: list[dict[str, Any]], ipv6: bool, sequence: int, udp: bool
) -> None:
    _, into = ends()
    packets = flow_of(kinds, ipv6, sequence)
    writes = joined(packets, into, udp)
    assert by_flow(packets_of(writes)) == by_flow(packets)
    assert into.packets == len(packets)


def test_most_of_a_clean_flow_is_joined() -> None:
    """So that the property above is not met by joining nothing."""
    _, into = ends()
    kind = {
        "size": 100, "step": None, "flags": 0x10, "ack": 2, "window": 512, "options": 2, "ident": None,
        "df": False, "ttl": 64, "tos": 0, "damage": False, "times": 30, "udp": False,
    }  # fmt: skip
    clean = flow_of([kind, kind, kind | {"udp": True}], False, 1)
    assert len(joined(clean, into, udp=True)) == 2
    assert len(joined(clean, into, udp=False)) == 31


def test_no_joined_packet_is_longer_than_ip_allows() -> None:
    _, into = ends()
    for ipv6 in (False, True):
        big = [
            reference.tcp(bytes(1348), sequence=1 + 1348 * n, ipv6=ipv6, options=OPTIONS[2])
            for n in range(100)
        ]
        writes = joined(big, into, udp=False)
        assert sum(len(reference.uncut(write)) for write in writes) == 100
        assert len(writes) <= 4 and max(map(len, writes)) > 60000
