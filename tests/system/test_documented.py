"""The configurations on the pages of docs/ do what the pages say: each is run as it stands there.

::

    10.31.0.1 - west -------------------- east - 10.77.0.1
            192.0.2.1                 192.0.2.2

On a page, an indented block that begins with ``# west: /etc/ipsec.conf`` is that file of that host,
one with ``west# command`` a transcript: the lines below a command are among those it prints,
in this order (times, sizes and SPIs aside). Where the page says that its east may be strongSwan,
it is run with charon there too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

import pytest

from cygnet.lab import topology
from cygnet.lab.lab import Lab
from tests.peers.charon import Charon, needs_charon
from tests.peers.cygnet import Cygnet
from tests.peers.gateway import Gateway
from tests.rooted import needs_lab

pytestmark = needs_lab

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("mobike", "post-quantum", "ppk", "proposals")
BLOCK = re.compile(r"(?:^    .*\n|^\n)+", re.MULTILINE)
FILE = re.compile(r"# (west|east): (/\S+)\n")
PROMPT = re.compile(r"(west|east)# (.*)")
PATIENT = ("cygnet status", "ip ")  #: what may need a moment to become true
#: charon's ESP in user space cannot move an SA: after a move packets are lost until it has rekeyed
PATIENT_WITH_CHARON = (*PATIENT, "ping ")

#: what differs from run to run, and what stands for it
VARYING = (
    (re.compile(r"\b[0-9a-f]{8,9}_([io])\b"), r"SPI_\1"),
    (re.compile(r"\b\d+ (second|minute|hour)s?\b"), "TIME"),
    (re.compile(r"\(\d+ bytes\)"), "(SIZE)"),
    (re.compile(r", time \d+ms$"), ""),
    (re.compile(r" in UDP SPIs"), " SPIs"),  # strongSwan's ESP in user space is always encapsulated
)


@dataclass(slots=True)
class Step:
    host: str
    command: str
    shown: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Page:
    """``files`` by host and path."""

    files: dict[tuple[str, str], str] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)

    @classmethod
    def read(cls, name: str) -> Page:
        page = cls()
        for block in BLOCK.findall((DOCS / f"{name}.md").read_text()):
            page._take(dedent(block).strip("\n") + "\n")
        return page

    def _take(self, block: str) -> None:
        if PROMPT.match(block):
            for line in block.splitlines():
                if prompt := PROMPT.fullmatch(line):
                    self.steps.append(Step(prompt[1], prompt[2]))
                else:
                    self.steps[-1].shown.append(line)
        pieces = FILE.split(block)[1:]
        for host, path, text in zip(pieces[::3], pieces[1::3], pieces[2::3], strict=True):
            self.files[host, path] = text


def words(lines: Iterable[str]) -> list[str]:
    found = []
    for line in lines:
        for pattern, instead in VARYING:
            line = pattern.sub(instead, line)
        found.append(line.strip())
    return found


def missing(step: Step, printed: str) -> str:
    """The first line of the page that was not printed where it should be; empty: all were."""
    rest = iter(words(printed.splitlines()))
    return next((line for line in words(step.shown) if not any(line == other for other in rest)), "")


def perform(step: Step, gateway: Gateway, patient: tuple[str, ...]) -> None:
    last = ""

    def as_shown() -> bool:
        nonlocal last
        run = gateway.host.run("sh", "-c", step.command, check=False)
        last = run.stdout + run.stderr
        return not missing(step, last)

    if step.command.startswith(patient):
        gateway.until(as_shown, 30, f"such output of '{step.command}' as the page shows: {step.shown}")
    else:
        assert as_shown(), f"{step.command}: the page says '{missing(step, last)}', it printed\n{last}"


KINDS = ("conf", "secrets")
OURS = ("cygnet", "grep")  #: commands that strongSwan answers in other words


def play(name: str, kind: type[Gateway]) -> None:
    page = Page.read(name)
    assert page.steps, f"{name}.md: nothing is run"
    with Lab() as lab:
        west, east = topology.direct(lab, ("west", "east"))
        files = [page.files[host, f"/etc/ipsec.{what}"] for host in ("east", "west") for what in KINDS]
        with kind(east, *files[:2]) as there, Cygnet(west, *files[2:]) as here:
            for step in page.steps:
                gateway = here if step.host == "west" else there
                if kind is Charon and gateway is there and step.command.startswith(OURS):
                    continue
                if kind is Charon:  # its user-space ESP cannot move an SA, so it replaces it: {2}
                    step.shown = [line for line in step.shown if "{1}:" not in line]
                perform(step, gateway, PATIENT_WITH_CHARON if kind is Charon else PATIENT)


@pytest.mark.parametrize("name", PAGES)
def test_what_the_page_shows_happens(name: str) -> None:
    play(name, Cygnet)


@needs_charon
@pytest.mark.parametrize("name", ["mobike", "proposals"])
def test_what_the_page_shows_happens_with_strongswan_at_the_other_end(name: str) -> None:
    play(name, Charon)


def test_every_page_with_a_transcript_is_run() -> None:
    shown = {page.stem for page in DOCS.glob("*.md") if PROMPT.search(page.read_text())}
    assert shown == set(PAGES)
