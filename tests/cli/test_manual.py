"""The manual page says all: every verb, every option, every exit status."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cygnet.cli import exits
from cygnet.cli.verbs.table import VERBS
from cygnet.control.vici.handlers.table import COMMANDS, EVENTS
from cygnet.daemon.options import _parser

PAGE = re.sub(r"\\f.", "", (Path(__file__).parents[2] / "docs" / "cygnet.8").read_text()).replace("\\-", "-")
#: come with commands that are named
STREAMED = {"list-sa", "list-conn", "list-policy", "list-cert", "list-authority"}


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_is_described(verb: str) -> None:
    synopsis, _, described = PAGE.partition(".SH VERBS")
    assert re.search(rf"cygnet .*\b{verb}\b|\b{verb}\b", synopsis)
    assert re.search(rf"(?m)^\.BR? (?:I )?\"?{verb}\b|^\.BI {verb}\b|^\.BR \"?{verb} ", described)


@pytest.mark.parametrize(
    "option",
    [o for a in _parser()._actions if a.help != "==SUPPRESS==" for o in a.option_strings if o[:2] == "--"],
)
def test_every_option_of_the_daemon_is_described(option: str) -> None:
    assert option in PAGE


def test_every_exit_status_is_described() -> None:
    for status in (v for k, v in vars(exits).items() if k.isupper()):
        assert f"\n.B {status}\n" in PAGE


def test_the_commands_and_events_of_the_socket_are_named() -> None:
    for name in {*COMMANDS, *EVENTS} - STREAMED:
        assert name in PAGE or name.startswith("cygnet-"), name
