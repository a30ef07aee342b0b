"""RFC 9593 §3.2: the announcements of SUPPORTED_AUTH_METHODS, in their three forms."""

from __future__ import annotations

import pytest

from cygnet.values.errors import PeerError
from cygnet.wire.ikev2.announcement import Announcement, decode_announcements, encode_announcements
from cygnet.wire.ikev2.numbers import AuthMethodId

ED25519 = bytes.fromhex("300506032b6570")  # RFC 8420: AlgorithmIdentifier of Ed25519
LISTED = (
    Announcement(AuthMethodId.SHARED_KEY),
    Announcement(AuthMethodId.RSA_SIGNATURE, 1),
    Announcement(AuthMethodId.DIGITAL_SIGNATURE, 0, ED25519),
)
BYTES = bytes.fromhex("0202 030101 0a000e300506032b6570")


def test_known_bytes_become_announcements_and_the_same_bytes_again() -> None:
    assert decode_announcements(BYTES) == LISTED
    assert encode_announcements(LISTED) == BYTES
    assert decode_announcements(b"") == ()


def test_a_truncation_within_an_announcement_is_refused() -> None:
    for length in range(len(BYTES)):
        if length in (0, 2, 5):
            assert len(decode_announcements(BYTES[:length])) == (0, 0, 1, 0, 0, 2)[length]
            continue
        with pytest.raises(PeerError):
            decode_announcements(BYTES[:length])


@pytest.mark.parametrize("data", [b"\x00", b"\x01", b"\x02\x02\x00", b"\xff\x00\x0e"])
def test_a_length_without_room_for_a_method_is_refused(data: bytes) -> None:
    with pytest.raises(PeerError):
        decode_announcements(data)
