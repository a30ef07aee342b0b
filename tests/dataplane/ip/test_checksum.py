"""Checksums, against scapy's."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from scapy.utils import checksum as scapy_checksum

from cygnet.dataplane.ip import checksum
from tests.dataplane.packets import tcp, udp

V6 = ("fd01::5", "fd02::9")


@given(st.binary(min_size=1, max_size=200))
def test_the_checksum_is_rfc_1071s(data: bytes) -> None:
    if any(data):
        assert checksum.checksum(data) == scapy_checksum(data)


@given(st.binary(min_size=20, max_size=20), st.integers(0, 9), st.integers(0, 0xFFFF))
def test_an_updated_checksum_is_that_of_the_changed_data(data: bytes, word: int, new: int) -> None:
    at = word * 2
    changed = data[:at] + new.to_bytes(2, "big") + data[at + 2 :]
    if not any(changed) or not any(data):
        return
    old = int.from_bytes(data[at : at + 2], "big")
    updated = checksum.update(checksum.checksum(data), old, new)
    assert updated % 0xFFFF == checksum.checksum(changed) % 0xFFFF


def test_a_checksum_left_to_the_device_is_completed() -> None:
    for whole in (udp(b"odd"), tcp(data=b"even"), udp(b"odd", *V6), tcp(*V6, data=b"x")):
        start = 40 if whole[0] >> 4 == 6 else 20
        protocol = whole[6] if start == 40 else whole[9]
        offset = 6 if protocol == 17 else 16
        partial = bytearray(whole)
        pseudo = checksum.pseudo_header(whole, protocol, len(whole) - start) % 0xFFFF
        partial[start + offset : start + offset + 2] = pseudo.to_bytes(2, "big")
        checksum.complete(partial, start, offset)
        assert bytes(partial) == whole
