"""The demo's steps know what they should have shown."""

from __future__ import annotations

import re

import pytest

from cygnet.lab.demo import MODES, Step, differs

STATUS = """\
Security Associations (1 up, 0 connecting):
      oregon[1]: ESTABLISHED 5 seconds ago, 10.31.1.185[10.31.1.185]...198.51.100.77[10.77.1.210]
      oregon{1}:  INSTALLED, TUNNEL, reqid 1, ESP in UDP SPIs: c7cf7e98_i ca49bb0c_o
      oregon{1}:   10.31.0.0/16 === 10.77.0.0/16
"""
PING = """\
64 bytes from 10.77.1.210: icmp_seq=2 ttl=64 time=103 ms
64 bytes from 10.77.1.210: icmp_seq=3 ttl=64 time=103 ms

3 packets transmitted, 2 received, 33.3333% packet loss, time 2003ms
"""


def steps(auto: str) -> tuple[Step, ...]:
    return next(mode.steps for mode in MODES if mode.auto == auto)


def test_the_status_of_the_article_is_what_auto_start_should_show() -> None:
    assert differs(steps("start")[1], 0, STATUS) == ""


def test_a_lost_first_ping_ends_the_demo() -> None:
    assert "icmp_seq=1" in differs(steps("route")[2], 0, PING)


def test_a_tunnel_that_is_there_although_it_was_only_added_ends_the_demo() -> None:
    assert "should not" in differs(Step("cygnet status", (), ("oregon",)), 0, STATUS)


def test_an_exit_status_that_lies_ends_the_demo() -> None:
    assert differs(steps("ignore")[2], 0, "no config named 'oregon'\n") == "exit status 0, not 3"


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.auto)
def test_every_pattern_of_the_story_compiles(mode: object) -> None:
    for step in mode.steps:  # type: ignore[attr-defined]
        for pattern in (*step.shows, *step.lacks):
            re.compile(pattern)
