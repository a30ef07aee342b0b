"""Fragments, put together again by scapy."""

from __future__ import annotations

import pytest
from scapy.layers.inet import IP, defragment

from cygnet.dataplane.ip.fragment import fragment4
from tests.dataplane.packets import ip, udp


@pytest.mark.parametrize("limit", [68, 100, 576, 1399, 1400])
@pytest.mark.parametrize("size", [0, 1, 1372, 1373, 2000, 9000])
def test_fragments_fit_and_make_the_packet_again(limit: int, size: int) -> None:
    packet = udp(bytes(range(256)) * 40, df=False)[: 28 + size]
    packet = ip("10.1.0.5", "10.2.0.9", 17, packet[20:], df=False)
    pieces = fragment4(packet, limit)
    assert all(len(piece) <= limit for piece in pieces)
    assert all((len(piece) - 20) % 8 == 0 for piece in pieces[:-1])
    whole = defragment([IP(piece) for piece in pieces])
    assert bytes(whole[0].payload) == packet[20:]


def test_a_fragment_is_cut_again_and_keeps_its_place() -> None:
    first, second = fragment4(ip("10.1.0.5", "10.2.0.9", 17, bytes(range(250)) * 8, df=False), 1400)
    pieces = [*fragment4(first, 600), *fragment4(second, 600)]
    offsets = [(int.from_bytes(p[6:8], "big") & 0x1FFF) * 8 for p in pieces]
    assert [bool(p[6] & 0x20) for p in pieces] == [True] * (len(pieces) - 1) + [False]
    assert b"".join(p[20:] for p in pieces) == bytes(range(250)) * 8
    assert offsets == sorted(set(offsets))


def test_only_options_with_the_copied_flag_go_into_later_fragments() -> None:
    options = bytes((7, 4, 4, 0)) + bytes((0x94, 4, 0, 0))  # record route; router alert (copied)
    plain = ip("10.1.0.5", "10.2.0.9", 17, bytes(100), df=False)
    head = bytes((0x47,)) + plain[1:2] + (28 + 100).to_bytes(2, "big") + plain[4:20] + options
    first, *others = fragment4(head + bytes(100), 68)
    assert first[0] == 0x47
    assert first[20:28] == options
    assert all(piece[0] == 0x46 and piece[20:24] == options[4:] for piece in others)


def test_no_room_for_data_makes_no_fragments() -> None:
    assert fragment4(udp(bytes(100), df=False), 27) == []
