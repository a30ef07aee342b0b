"""Sums in columns against sums word by word."""

from __future__ import annotations

import random

import numpy as np
import pytest

from cygnet.dataplane.tun.fast.checksum import complete, row_sums, word_sum
from tests.dataplane.tun.fast import reference


@pytest.mark.parametrize("seed", range(20))
def test_a_word_sum_is_the_sum_of_rfc_1071_modulo_65535(seed: int) -> None:
    data = random.Random(seed).randbytes(random.Random(seed).randrange(1, 200))
    assert word_sum(data) == reference.internet_sum(data) % 0xFFFF


def test_the_example_of_rfc_1071() -> None:
    # RFC 1071 §3: 0001 f203 f4f5 f6f7 sum up to ddf2
    assert word_sum(bytes.fromhex("0001f203f4f5f6f7")) == 0xDDF2


@pytest.mark.parametrize("length", [2, 3, 20, 21, 1347, 1348, 65534, 65535])
@pytest.mark.parametrize("fill", ["random", "ones"])
def test_row_sums_are_the_word_sums_of_the_rows(length: int, fill: str) -> None:
    rows = 3
    data = random.Random(length).randbytes(rows * length) if fill == "random" else b"\xff" * rows * length
    array = np.frombuffer(data, np.uint8).reshape(rows, length)
    wanted = [word_sum(data[n * length : (n + 1) * length]) for n in range(rows)]
    assert [int(value) % 0xFFFF for value in row_sums(array)] == wanted


@pytest.mark.parametrize("ipv6", [False, True])
@pytest.mark.parametrize("make", [reference.udp, reference.tcp], ids=["udp", "tcp"])
def test_completing_gives_the_packet_with_its_checksum(ipv6: bool, make: object) -> None:
    rng = random.Random(5)
    for size in (0, 1, 17, 700):
        packet = make(rng.randbytes(size), ipv6=ipv6)  # type: ignore[operator]
        pending = bytearray(reference.offloaded(packet))
        offset = 6 if make is reference.udp else 16
        assert complete(memoryview(pending), reference.l4_offset(packet), offset)
        assert bytes(pending) == packet


def test_a_udp_checksum_of_zero_is_sent_as_all_ones() -> None:
    for number in range(0x10000):  # find data whose checksum comes out as zero
        packet = reference.udp(number.to_bytes(2, "big"))
        if packet[26:28] == b"\xff\xff":
            break
    else:
        pytest.fail("no such data")
    pending = bytearray(reference.offloaded(packet))
    assert complete(memoryview(pending), 20, 6)
    assert bytes(pending) == packet


def test_a_checksum_field_outside_of_the_packet_changes_nothing() -> None:
    packet = bytearray(range(40))
    assert not complete(memoryview(packet), 30, 9)
    assert packet == bytearray(range(40))
