"""What a person sees of an error."""

from __future__ import annotations

import pytest

from cygnet.config.diagnostics import did_you_mean, in_file_order, nearest, not_one_of, printable, render
from cygnet.values.errors import ConfigError, Place


def test_an_error_shows_its_place_its_keyword_its_line_and_a_caret() -> None:
    error = ConfigError(Place("/etc/ipsec.conf", 14, 17), "keyexchange", "'ikev3' is not one of ike",
                        "    keyexchange=ikev3 # sic")  # fmt: skip
    assert render(error).split("\n") == [
        "/etc/ipsec.conf:14:17: keyexchange: 'ikev3' is not one of ike",
        "   14 |     keyexchange=ikev3 # sic",
        "      |                 ^~~~~",
    ]
    assert render(error, "error").startswith("/etc/ipsec.conf:14:17: error: keyexchange:")


def test_an_error_of_a_whole_file_has_no_line() -> None:
    assert render(ConfigError(Place("/x", 0, 0), "", "cannot read the file")) == "/x: cannot read the file"


def test_a_caret_stands_below_its_character_behind_tabs_and_odd_bytes() -> None:
    source = "\t\tleft\t=\udcffx\x1b[2J,b"
    lines = render(ConfigError(Place("f", 1, 13), "left", "no", source)).split("\n")
    assert "\x1b" not in "".join(lines) and "\t" not in "".join(lines) and "\udcff" not in "".join(lines)
    assert lines[1][lines[2].index("^")] == source[12]


@pytest.mark.parametrize("column", [0, 1, 5, 500])
def test_a_caret_may_stand_anywhere(column: int) -> None:
    assert "^" in render(ConfigError(Place("f", 1, column), "", "no", "left"))


def test_of_a_very_long_line_the_part_around_the_column_is_shown() -> None:
    source = "".join(f"{n:06} " for n in range(100_000))
    for number in (0, 5, 5000, 99_999):
        message = render(ConfigError(Place("f", 1, number * 7 + 1), "", "no", source))
        line, caret = message.split("\n")[1:]
        assert len(message) < 500
        assert line[caret.index("^") :].startswith(f"{number:06}")


def test_what_is_printed_can_always_be_printed() -> None:
    everything = "".join(map(chr, range(0x3000))) + "\udc80\udcff\N{GRINNING FACE}"
    printable(everything).encode("utf-8")


@pytest.mark.parametrize(("word", "known"), [("ikev3", "ikev2"), ("YES", "yes"), ("", ""), ("zzz", "")])
def test_the_nearest_word_is_one_that_is_near(word: str, known: str) -> None:
    assert nearest(word, ("ikev1", "ikev2", "yes")[::-1]) == known


def test_a_long_value_is_cut_in_the_reason() -> None:
    assert len(not_one_of("x" * 10_000, ["a"]).reason) < 120
    assert did_you_mean("x" * 10_000, ["a"]) == ""


def test_errors_come_by_file_as_first_met_and_then_by_line() -> None:
    places = [("b", 2, 1), ("a", 9, 1), ("b", 1, 5), ("b", 1, 2), ("a", 1, 1)]
    errors = in_file_order(ConfigError(Place(*p), "", "") for p in places)
    assert [(e.place.file, e.place.line, e.place.column) for e in errors] == [
        ("b", 1, 2), ("b", 1, 5), ("b", 2, 1), ("a", 1, 1), ("a", 9, 1),
    ]  # fmt: skip
