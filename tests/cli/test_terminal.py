"""Colours, and text of a peer's that must not steer the terminal."""

from __future__ import annotations

import io

import pytest

from cygnet.cli.request import printable
from cygnet.cli.terminal import diagnostics, paint

WRONG = """\
a.conf:2:17: error: keyexchange: 'x' is not one of y
    2 |     keyexchange=x
      |                 ^"""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def a_terminal_that_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")


def test_the_word_and_the_caret_stand_out_on_a_terminal() -> None:
    shown = diagnostics(WRONG, Terminal())
    assert ": \x1b[31merror:\x1b[0m keyexchange" in shown and "\x1b[31m^\x1b[0m" in shown
    assert shown.replace("\x1b[31m", "").replace("\x1b[0m", "") == WRONG


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_who_does_not_want_colours_gets_none(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    assert diagnostics(WRONG, Terminal()) == WRONG


def test_a_pipe_gets_none() -> None:
    assert paint("x", "31", io.StringIO()) == "x"


def test_escape_sequences_of_a_peer_are_shown_as_question_marks() -> None:
    assert printable("id '\x1b[2Jevil'\nnext") == "id '?[2Jevil'\nnext"
