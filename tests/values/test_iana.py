"""Open enums: every number has a value, known ones have names."""

from __future__ import annotations

import pytest

from cygnet.values.iana import EncrId, KeId, TransformType


def test_an_unknown_number_is_a_value_of_its_type() -> None:
    odd = EncrId(9999)
    assert isinstance(odd, EncrId)
    assert (odd, odd.name, str(odd), odd.known) == (9999, "UNKNOWN_9999", "UNKNOWN_9999", False)


def test_unknown_numbers_are_not_kept() -> None:
    before = len(KeId._value2member_map_)
    assert [KeId(n).known for n in range(5000, 5100)] == [False] * 100
    assert len(KeId._value2member_map_) == before


def test_a_negative_number_is_refused() -> None:
    with pytest.raises(ValueError, match="-1 is not a valid TransformType"):
        TransformType(-1)
