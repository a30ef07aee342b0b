"""The grammar of ipsec.conf, without keywords (facts: strongSwan's starter/parser)."""

from __future__ import annotations

from textwrap import dedent

import pytest

from cygnet.config.files import MAX_DEPTH, MAX_PROBLEMS, MemoryFiles
from cygnet.config.ipsec_conf import parse
from cygnet.config.tree import Tree

PATH = "/etc/ipsec.conf"


def read(text: str, **more: str) -> Tree:
    texts = {PATH: dedent(text)} | {f"/etc/{name}.conf": dedent(t) for name, t in more.items()}
    return parse(MemoryFiles(texts), PATH)


def said(tree: Tree, conn: str) -> dict[str, str | None]:
    return {s.key: s.value for s in tree.conns[conn].settings}


def complaints(tree: Tree) -> list[str]:
    return [f"{e.place.line}:{e.place.column}: {e.reason}" for e in (*tree.errors, *tree.warnings)]


def test_sections_begin_in_the_first_column_and_settings_are_indented() -> None:
    tree = read("config setup\n\tuniqueids=no\nconn a\n  left=1.2.3.4\nca b\n  cacert=c.pem\n")
    assert tree.setup and tree.setup.settings[0].key == "uniqueids"
    assert said(tree, "a") == {"left": "1.2.3.4"}
    assert tree.cas["b"].settings[0].value == "c.pem"
    assert not complaints(tree)


def test_blanks_around_the_equals_sign_do_not_count_and_words_join_with_one_space() -> None:
    assert said(read("conn a\n  x =  one   two\tthree  \n"), "a") == {"x": "one two three"}


def test_a_quoted_string_keeps_its_spaces_and_knows_escapes() -> None:
    tree = read(r"""
        conn a
            id="C=CH,  O=\"strong\" \\ \n\r\t\z"
            mixed=one "two  three"four
        """)
    assert said(tree, "a") == {"id": 'C=CH,  O="strong" \\ \n\r\tz', "mixed": "one two  three four"}


def test_a_backslash_at_the_end_of_a_line_joins_a_string_with_the_next_line() -> None:
    tree = read('conn a\n  x="one \\\n   two"  # done\n  y=1\n')
    assert said(tree, "a") == {"x": "one    two", "y": "1"}


def test_a_joined_line_may_look_like_a_setting() -> None:
    assert said(read('conn a\n  x="one \\\n  left=2"\n'), "a") == {"x": "one   left=2"}


def test_a_string_may_go_on_in_the_next_line_as_it_is() -> None:
    assert said(read('conn a\n  x="one\ntwo"\n  y=1\n'), "a") == {"x": "one\ntwo", "y": "1"}


def test_a_comment_begins_anywhere_but_in_a_string() -> None:
    tree = read('# head\nconn a # here\n  # there\n  x=1 # one\n  y="#1"\n  z=2#3\n#\n')
    assert said(tree, "a") == {"x": "1", "y": "#1", "z": "2"}


def test_a_key_id_may_begin_with_at_and_hash() -> None:
    assert said(read("conn a\n  leftid=@#0a0b\n"), "a") == {"leftid": "@#0a0b"}


def test_a_value_that_is_empty_unsets() -> None:
    assert said(read('conn a\n  x=\n  y=""\n'), "a") == {"x": None, "y": ""}


def test_sections_of_the_same_name_are_one_and_a_name_may_be_quoted() -> None:
    tree = read('conn "a b"\n  x=1\nconn c\nconn "a b"\n  y=2\n  x=3\n')
    assert list(tree.conns) == ["a b", "c"]
    assert [(s.key, s.value) for s in tree.conns["a b"].settings] == [("x", "1"), ("y", "2"), ("x", "3")]
    assert tree.conns["a b"].last("x").value == "3"  # type: ignore[union-attr]


def test_a_version_line_is_skipped() -> None:
    tree = read("version 2.0\n  version 2\nconn a\n  x=1\n")
    assert said(tree, "a") == {"x": "1"} and not complaints(tree)


def test_line_ends_of_windows_do_not_become_part_of_values() -> None:
    assert said(read('conn a\r\n  x=1\r\n  y="2 \\\r\n3"\r\n\r\n'), "a") == {"x": "1", "y": "2 3"}


def test_every_setting_knows_its_place() -> None:
    setting = read('conn a\n\n   left  =  "10.0.0.1"\n').conns["a"].settings[0]
    assert (setting.line.number, setting.column, setting.value_column) == (3, 4, 14)
    assert setting.line.text == '   left  =  "10.0.0.1"'
    assert setting.error("no").place.column == 14
    assert setting.error("no", "0.0.1").place.column == 17


def test_include_reads_relative_to_the_including_file_and_goes_on_with_its_section() -> None:
    texts = {
        "/etc/ipsec.conf": "include ipsec.d/*.conf # all\nconn z\n  include more\n  after=1\n",
        "/etc/ipsec.d/b.conf": "conn b\n  x=2\n",
        "/etc/ipsec.d/a.conf": "conn a\n  x=1\n",
        "/etc/ipsec.d/a.txt": "conn no\n",
        "/etc/more": "  inside=1\n",
    }
    tree = parse(MemoryFiles(texts), "/etc/ipsec.conf")
    assert list(tree.conns) == ["a", "b", "z"]
    assert said(tree, "z") == {"inside": "1", "after": "1"}
    assert tree.conns["b"].settings[0].place.file == "/etc/ipsec.d/b.conf"


@pytest.mark.parametrize("pattern", ['"/etc/a b.conf"', r"/etc/a\ b.conf"])
def test_include_takes_a_name_with_a_blank(pattern: str) -> None:
    tree = parse(MemoryFiles({PATH: f"include {pattern}\n", "/etc/a b.conf": "conn a\n"}), PATH)
    assert "a" in tree.conns and not complaints(tree)


def test_a_key_may_be_called_include() -> None:
    assert said(read("conn a\n  include = x\n"), "a") == {"include": "x"}


def test_a_pattern_that_matches_nothing_is_fine_but_a_name_is_not() -> None:
    tree = read("include d/*.conf\ninclude nothing.conf\n")
    assert complaints(tree) == ["2:9: no file matches '/etc/nothing.conf'"]


def test_files_that_include_each_other_are_found_out() -> None:
    tree = read("include a.conf\n", a="include b.conf\nconn a\n", b="include a.conf\nconn b\n")
    assert complaints(tree) == ["1:9: files include each other: /etc/a.conf -> /etc/b.conf -> /etc/a.conf"]
    assert list(tree.conns) == ["b", "a"]


def test_includes_nest_only_so_deep() -> None:
    texts = {f"/etc/{n}.conf": f"include {n + 1}.conf\nconn c{n}\n" for n in range(MAX_DEPTH + 5)}
    tree = parse(MemoryFiles(texts | {PATH: "include 0.conf\n"}), PATH)
    assert complaints(tree) == ["1:9: files include each other more than 10 deep; '10.conf' is not read"]
    assert len(tree.conns) == MAX_DEPTH


def test_includes_that_multiply_come_to_an_end() -> None:
    texts = {f"/etc/{n}.conf": f"include {n + 1}.conf\n" * 9 for n in range(9)} | {PATH: "include 0.conf\n"}
    tree = parse(MemoryFiles(texts | {"/etc/9.conf": ""}), PATH)
    assert any("more than 1000 files" in c for c in complaints(tree))


def test_a_circle_of_patterns_is_given_up() -> None:
    tree = read("include *.conf\n" * 500, a="include *.conf\n" * 500, b="include *.conf\n" * 500)
    found = complaints(tree)
    assert "no more are read" in found[-1] and len(found) == MAX_PROBLEMS + 1


def test_a_file_that_is_not_there_is_an_error_with_its_name() -> None:
    tree = parse(MemoryFiles({}), PATH)
    assert tree.unreadable
    assert str(tree.errors[0]).startswith("/etc/ipsec.conf") and "No such file" in str(tree.errors[0])


MISTAKES = {
    "conn a\n\N{NO-BREAK SPACE} left=1": "2:1: the line begins with a no-break space (U+00A0): "
    "only blanks and tabs indent a setting",
    "left=1": "1:1: a setting must be indented; only sections start in the first column",
    "con a": "1:1: 'con' is not one of config setup, conn, ca, include; did you mean 'conn'?",
    "conn": "1:5: a name must follow 'conn'",
    'conn ""': "1:8: a name must follow 'conn'",
    "conn a b": "1:8: a conn has one name, not several words",
    "conn a\x07": "1:6: a name cannot have control characters or bytes that are not UTF-8",
    "conn a\udcff": "1:6: a name cannot have control characters or bytes that are not UTF-8",
    "conn a=b": "1:7: a section's name cannot have a '='",
    "config": "1:1: 'config' must be followed by 'setup' and nothing else",
    "config setup now": "1:1: 'config' must be followed by 'setup' and nothing else",
    "conn a\n  left": "2:3: 'left' has no '=' and no value",
    "conn a\n  left 1": "2:8: '=' must follow 'left'",
    "conn a\n  =1": "2:3: a setting must begin with its keyword",
    "conn a\n  leftid=C=CH": "2:11: leftid: a value with '=' or '#' in it must be in double quotes",
    'conn a\n  leftid="C': "2:10: the closing double quote is missing",
    'conn a\n  x=1 "C': "2:7: the closing double quote is missing",
    "include": "1:8: a file name or pattern must follow",
    "include a b": "1:11: include takes one file name or pattern",
    "  left=1\nconn a": "1:3: 'left' is ignored: it stands before any section",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_line_that_is_not_in_the_grammar_is_reported_with_its_column(text: str) -> None:
    assert complaints(read(text, a=""))[:1] == [MISTAKES[text]]


def test_reading_goes_on_behind_a_mistake_and_all_are_reported_at_once() -> None:
    tree = read("conn a\n  left\n  right=1\n=\nconn b\n  x=1\nkonn c\n  y=1\nconn d\n  z=1\n")
    assert [c.split(":")[0] for c in complaints(tree)] == ["2", "4", "7"]
    assert list(tree.conns) == ["a", "b", "d"]
    assert said(tree, "a") == {"right": "1"} and said(tree, "d") == {"z": "1"}
    assert tree.conns["a"].broken and not tree.conns["b"].broken and not tree.conns["d"].broken


def test_a_missing_quote_does_not_swallow_the_settings_below() -> None:
    tree = read('conn a\n  leftid="one\n  rightid="two"\nconn b\n  x=1\n')
    assert complaints(tree) == ["2:10: the closing double quote is missing"]
    assert said(tree, "a") == {"rightid": "two"} and said(tree, "b") == {"x": "1"}


def test_settings_below_an_unknown_section_do_not_land_in_the_one_above() -> None:
    assert said(read("conn a\n  x=1\ncomm b\n  x=2\n"), "a") == {"x": "1"}
