"""vici messages: the README's own example, round trips, and every kind of broken input."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.control.vici.codec import MAX_DEPTH, Message, ViciError, blob, decode, encode, text

# strongSwan's vici README, "Encoding example".
EXAMPLE: Message = {
    "key1": "value1",
    "section1": {"sub-section": {"key2": "value2"}, "list1": ["item1", "item2"]},
}
EXAMPLE_BYTES = (
    b"\x03\x04key1\x00\x06value1"
    b"\x01\x08section1"
    b"\x01\x0bsub-section\x03\x04key2\x00\x06value2\x02"
    b"\x04\x05list1\x05\x00\x05item1\x05\x00\x05item2\x06"
    b"\x02"
)


def test_the_example_of_the_readme_encodes_to_its_bytes_and_back() -> None:
    assert encode(EXAMPLE) == EXAMPLE_BYTES
    assert decode(EXAMPLE_BYTES) == EXAMPLE


def test_every_truncation_of_the_example_is_refused_or_a_shorter_whole_message() -> None:
    for length in range(len(EXAMPLE_BYTES)):
        try:
            message = decode(EXAMPLE_BYTES[:length])
        except ViciError:
            continue
        assert encode(message) == EXAMPLE_BYTES[:length]


def test_any_bytes_survive_as_a_value() -> None:
    value = bytes(range(256))
    assert blob(text(value)) == value
    assert decode(encode({"data": text(value)})) == {"data": text(value)}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\x02", "never began"),
        (b"\x01\x01a", "inside a section"),
        (b"\x04\x01a", "inside a section or list"),
        (b"\x05\x00\x01a", "outside a list"),
        (b"\x04\x01a\x04\x01b\x06", "inside a list"),
        (b"\x04\x01a\x03\x01b\x00\x00\x06", "inside a list"),
        (b"\x06", "outside a list"),
        (b"\x00", "unknown element"),
        (b"\x07", "unknown element"),
        (b"\x03\x01a\x00\x00\x03\x01a\x00\x00", "twice"),
        (b"\x01\x01a" * (MAX_DEPTH + 1), "deeper"),
    ],
)
def test_a_broken_message_says_what_is_wrong(data: bytes, why: str) -> None:
    with pytest.raises(ViciError, match=why):
        decode(data)


def test_what_the_format_cannot_hold_is_refused_when_encoding() -> None:
    with pytest.raises(ViciError, match="65536 bytes"):
        encode({"key": "x" * 65536})
    with pytest.raises(ViciError, match="256 bytes"):
        encode({"k" * 256: ""})


@given(st.binary(max_size=300))
def test_random_bytes_are_a_message_or_a_vici_error(data: bytes) -> None:
    try:
        message = decode(data)
    except ViciError:
        return
    assert decode(encode(message)) == message


_names = st.text(min_size=1, max_size=20)
_values = st.text(max_size=50)
_messages = st.recursive(
    st.dictionaries(_names, _values | st.lists(_values, max_size=4), max_size=4),
    lambda inner: st.dictionaries(_names, _values | inner, max_size=3),
    max_leaves=10,
)


@given(_messages)
def test_every_message_comes_back_as_it_was(message: Message) -> None:
    assert decode(encode(message)) == message
