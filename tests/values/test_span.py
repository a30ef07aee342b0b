"""Spans of time as strongSwan prints them."""

from __future__ import annotations

import pytest

from cygnet.values.span import span


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (63, "63 seconds"),
        (120, "120 seconds"),
        (121, "2 minutes"),
        (7200, "120 minutes"),
        (7201, "2 hours"),
        (2 * 86400, "48 hours"),
        (2 * 86400 + 1, "2 days"),
        (-5.9, "5 seconds"),
    ],
)
def test_a_unit_changes_above_two_of_the_next(seconds: float, text: str) -> None:
    assert span(seconds) == text
