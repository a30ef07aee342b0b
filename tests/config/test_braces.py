"""The grammar of strongswan.conf (facts: libstrongswan's settings parser and its man page)."""

from __future__ import annotations

import pytest

from cygnet.config.braces import MAX_NESTING, Braces, find, parse
from cygnet.config.files import MemoryFiles
from cygnet.config.tree import Section

PATH = "/etc/strongswan.conf"


def read(text: str, **more: str) -> Braces:
    return parse(MemoryFiles({PATH: text} | {f"/etc/{name}.conf": t for name, t in more.items()}), PATH)


def flat(section: Section, prefix: str = "") -> dict[str, str | None]:
    """Every setting by its dotted path."""
    found = {prefix + s.key: s.value for s in section.settings}
    for name, child in section.sections.items():
        found |= flat(child, f"{prefix}{name}.")
    return found


def complaints(tree: Braces) -> list[str]:
    return [f"{e.place.line}:{e.place.column}: {e.reason}" for e in (*tree.errors, *tree.warnings)]


def test_sections_nest_and_values_go_to_the_end_of_the_line() -> None:
    tree = read("a = b\nsection {\n  x = asdf\n  sub {\n    y = one  two # not three\n  }\n z=1}\n")
    assert flat(tree.root) == {"a": "b", "section.x": "asdf", "section.sub.y": "one two", "section.z": "1"}
    assert not complaints(tree)


def test_a_section_may_stand_on_one_line_and_its_brace_on_the_next() -> None:
    assert flat(read("a { b { c = 1 } }\nd\n\n  # why not\n{ e = 2 }").root) == {"a.b.c": "1", "d.e": "2"}


def test_strings_keep_spaces_and_know_escapes_and_span_lines() -> None:
    tree = read('a = "x  y" z "#"\nb = "\\"\\n\\t\\\\ \\\nq"\nc = "one\ntwo"\nd =\ne = ""\n')
    assert flat(tree.root) == {"a": "x  y z #", "b": '"\n\t\\ q', "c": "one\ntwo", "d": None, "e": ""}


def test_values_may_hold_what_names_may_not() -> None:
    assert flat(read("a = b=c,{d:e\n").root) == {"a": "b=c,{d:e"}


def test_sections_of_the_same_name_merge_and_the_last_value_counts() -> None:
    tree = read("a {\n x = 1\n y = 1\n}\na {\n x = 2\n}\n")
    section = tree.root.sections["a"]
    assert section.last("x").value == "2" and section.last("y").value == "1"  # type: ignore[union-attr]


def test_include_reads_as_if_it_stood_there() -> None:
    tree = read("a {\n  include b.conf\n  z = 1\n}\ninclude no/*.conf\n", b="y = 1\nc { x = 1 }\n")
    assert flat(tree.root) == {"a.y": "1", "a.z": "1", "a.c.x": "1"} and not complaints(tree)


def test_a_section_takes_what_it_has_not_from_those_it_refers_to() -> None:
    tree = read("base {\n x = 1\n sub { y = 1\n z = 1 }\n}\nother { x = 2\n w = 2 }\n"
                "mine : base, other {\n sub { z = 3 }\n}\n")  # fmt: skip
    assert [s.settings[0].value for s in find(tree, "mine") if s.settings] == ["1", "2"]
    sub = list(find(tree, "mine.sub"))
    assert [next(v.value for s in sub if (v := s.last(key))) for key in ("y", "z")] == ["1", "3"]


def test_references_in_a_circle_come_to_an_end() -> None:
    tree = read("a : b { x = 1 }\nb : a { y = 1 }\n")
    assert len(list(find(tree, "a"))) <= MAX_NESTING + 2


def test_every_setting_knows_its_place_also_behind_a_string_of_several_lines() -> None:
    tree = read('a = "x\ny"\n\n  b = c\n')
    second = tree.root.settings[1]
    assert (second.line.number, second.column, second.value_column, second.line.text) == (4, 3, 7, "  b = c")


def test_a_missing_file_is_empty() -> None:
    tree = parse(MemoryFiles({}), PATH)
    assert tree.missing and not complaints(tree)


MISTAKES = {
    "a {\n b = 1\n": "1:1: section 'a' is not closed by a '}'",
    "}": "1:1: this '}' closes no section",
    "a b": "1:1: '=' or '{' must follow 'a'",
    "a": "1:1: '=' or '{' must follow 'a'",
    "= 1": "1:1: a section's or setting's name was expected, not '='",
    '"a" = 1': "1:1: a section's or setting's name was expected, not '\"'",
    'a = "b': "1:5: the closing double quote is missing",
    "include nothing.conf": "1:9: no file matches '/etc/nothing.conf'",
    "include b.conf": "1:3: section 'c' is not closed by a '}'",
    "a {" * (MAX_NESTING + 1): "1:151: more than 50 sections within each other",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_what_is_not_in_the_grammar_is_reported_with_its_column(text: str) -> None:
    assert MISTAKES[text] in complaints(read(text, b="  c {\n"))


def test_reading_goes_on_in_the_line_behind_a_mistake() -> None:
    tree = read("a\nb = 1\n= 2\nc { d = 3 }\n")
    assert flat(tree.root) == {"b": "1", "c.d": "3"} and len(complaints(tree)) == 2
