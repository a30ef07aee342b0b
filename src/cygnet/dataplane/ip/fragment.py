"""Cutting an IPv4 packet into fragments (RFC 791 §3.2)."""

from __future__ import annotations

from cygnet.dataplane.ip.checksum import checksum

_MORE = 0x2000
_SECURITY_OPTIONS_COPIED = 0x80  #: the "copied" flag of an option: it goes into every fragment


def fragment4(packet: bytes, limit: int) -> list[bytes]:
    """The fragments, each at most ``limit`` bytes; the packet itself where it fits.

    The packet may be a fragment already. Empty where ``limit`` leaves no room for data.
    """
    if len(packet) <= limit:
        return [packet]
    head_length = (packet[0] & 15) * 4
    size = (limit - head_length) & ~7
    if size < 8:
        return []
    field = int.from_bytes(packet[6:8], "big")
    offset, flags, more_after = field & 0x1FFF, field & 0xC000, field & _MORE
    first_head, later_head = packet[:head_length], packet[:20] + _copied_options(packet[20:head_length])
    body, made = packet[head_length:], []
    for start in range(0, len(body), size):
        piece = body[start : start + size]
        last = start + size >= len(body)
        flag = more_after if last else _MORE
        made.append(_piece(later_head if start else first_head, piece, flags | flag | offset + start // 8))
    return made


def _piece(head: bytes, data: bytes, field: int) -> bytes:
    start = bytes((0x40 | len(head) // 4, head[1])) + (len(head) + len(data)).to_bytes(2, "big")
    head = start + head[4:6] + field.to_bytes(2, "big") + head[8:10] + b"\0\0" + head[12:]
    return head[:10] + checksum(head).to_bytes(2, "big") + head[12:] + data


def _copied_options(options: bytes) -> bytes:
    """Those options that later fragments carry too, padded to 4 bytes."""
    kept, at = b"", 0
    while at < len(options) and options[at] != 0:
        if options[at] == 1:
            at += 1
            continue
        length = options[at + 1] if at + 1 < len(options) else 0
        if length < 2:
            break
        if options[at] & _SECURITY_OPTIONS_COPIED:
            kept += options[at : at + length]
        at += length
    return kept + bytes(-len(kept) % 4)
