"""also and %default: strongSwan's linearisation."""

from __future__ import annotations

from cygnet.config.files import MemoryFiles
from cygnet.config.inherit import MAX_LEVELS, Inheritance
from cygnet.config.ipsec_conf import parse


def inheritance(text: str) -> Inheritance:
    return Inheritance(parse(MemoryFiles({"/c": text}), "/c").conns)


def order(text: str, name: str) -> str:
    found = inheritance(text).ancestors(name)
    assert found is not None
    return " ".join(section.name for section in found)


DIAMOND = "conn A\nconn B\n also=A\nconn C\n also=A\nconn D\n also=C\n also=B\n"
CROSSED = "conn A\nconn B\nconn C\n also=A\n also=B\nconn D\n also=B\n also=A\nconn E\n also=C\n also=D\n"


def test_the_later_also_counts_more_and_the_common_ancestor_least() -> None:
    assert order(DIAMOND, "D") == "B C A"


def test_of_several_occurrences_the_last_one_stays() -> None:
    assert order(CROSSED, "E") == "D C B A"


def test_default_is_everybodys_last_ancestor() -> None:
    text = "conn %default\n" + DIAMOND
    assert order(text, "A") == "%default"
    assert order(text, "D") == "B C A %default"
    assert order(text, "%default") == ""


def test_also_default_says_nothing_new_and_an_empty_also_nothing_at_all() -> None:
    text = "conn %default\nconn A\nconn B\n also=%default\n also=A\n also=\n"
    assert order(text, "B") == "A %default"


def test_default_itself_takes_settings_from_nowhere() -> None:
    found = inheritance("conn %default\n also=A\n also=nobody\nconn A\n")
    assert found.ancestors("%default") == () and not found.errors
    assert [w.place.line for w in found.warnings] == [3, 2]
    assert [s.name for s in found.ancestors("A") or ()] == ["%default"]


def test_a_section_that_is_not_there_is_named_with_the_one_that_was_meant() -> None:
    found = inheritance("conn oregon\nconn B\n also=oregn\nconn C\n also=B\n")
    assert found.ancestors("B") is None and found.ancestors("C") is None
    assert [e.reason for e in found.errors] == [
        "there is no section 'oregn' to take settings from; did you mean 'oregon'?"
    ]
    assert found.errors[0].place.line == 3 and found.errors[0].place.column == 7


def test_a_circle_is_found_out_once_and_leaves_nobody_else_out() -> None:
    found = inheritance("conn A\n also=B\nconn B\n also=A\nconn C\n")
    assert found.ancestors("A") is None and found.ancestors("B") is None
    assert found.ancestors("C") == ()
    assert [e.reason for e in found.errors] == ["sections take settings from each other: A -> B -> A"]


def test_a_very_long_chain_is_refused_and_not_followed() -> None:
    text = "".join(f"conn c{n}\n also=c{n + 1}\n" for n in range(3000)) + "conn c3000\n"
    found = inheritance(text)
    assert found.ancestors("c0") is None
    assert f"more than {MAX_LEVELS} levels" in found.errors[0].reason
