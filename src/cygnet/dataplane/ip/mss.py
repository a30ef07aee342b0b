"""Clamping the TCP maximum segment size, where path MTU discovery may not reach the sender."""

from __future__ import annotations

from cygnet.dataplane.ip import checksum
from cygnet.dataplane.ip.header import TCP, Buffer

_SYN = 0x02
_END, _NOP, _MSS = 0, 1, 2


def is_syn(packet: Buffer) -> bool:
    """Whether this is a TCP SYN (with an IP header without options): cheap, asked per packet."""
    first = packet[0]
    if first == 0x45:
        return (
            packet[9] == TCP
            and len(packet) > 39
            and bool(packet[33] & _SYN)
            and not packet[7] | packet[6] & 0x1F
        )
    return first >> 4 == 6 and packet[6] == TCP and len(packet) > 59 and bool(packet[53] & _SYN)


def clamp(packet: bytes, mtu: int) -> bytes:
    """A SYN whose MSS option says no more than a packet of ``mtu`` bytes holds."""
    tcp = 20 if packet[0] >> 4 == 4 else 40
    most = mtu - tcp - 20
    at, end = tcp + 20, min(tcp + (packet[tcp + 12] >> 4) * 4, len(packet))
    while at + 1 < end and packet[at] != _END:
        if packet[at] == _NOP:
            at += 1
            continue
        if packet[at] == _MSS and packet[at + 1] == 4 and at + 4 <= end:
            return _lowered(packet, tcp, at, most)
        at += max(packet[at + 1], 2)
    return packet


def _lowered(packet: bytes, tcp: int, option: int, most: int) -> bytes:
    old = int.from_bytes(packet[option + 2 : option + 4], "big")
    if old <= most:
        return packet
    changed = bytearray(packet)
    changed[option + 2 : option + 4] = most.to_bytes(2, "big")
    stored = int.from_bytes(packet[tcp + 16 : tcp + 18], "big")
    # An option at an odd offset lies across two words: there the bytes count the other way round.
    if (option + 2 - tcp) & 1:
        old, most = _swapped(old), _swapped(most)
    changed[tcp + 16 : tcp + 18] = checksum.update(stored, old, most).to_bytes(2, "big")
    return bytes(changed)


def _swapped(word: int) -> int:
    return (word & 0xFF) << 8 | word >> 8
