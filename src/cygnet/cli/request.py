"""Requests that take a while: prints what the daemon logs about them, then how they ended."""

from __future__ import annotations

import argparse

from cygnet.cli import exits
from cygnet.cli.daemon import connect
from cygnet.cli.terminal import note, say
from cygnet.control.vici.codec import Message

#: Seconds a request may take by default: the whole retransmission schedule (4 s * 1.8^n, 5 tries).
PATIENCE = 165


def timeout_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--timeout",
        metavar="SECONDS",
        type=_seconds,
        default=PATIENCE,
        help="wait at most so long; what was begun goes on (default: %(default)s, 0: without end)",
    )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 86400 * 24:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of seconds from 0 on")
    return seconds


def perform(options: argparse.Namespace, command: str, arguments: Message, left: str) -> int:
    """Send ``command``, print as it happens, and the exit status. ``left``: what ^C leaves behind."""
    request: Message = {**arguments, "timeout": str(round(options.timeout * 1000)), "loglevel": "1"}
    with connect(options.run_dir) as client:
        client.patience(options.timeout + 10 if options.timeout else None)
        try:
            answer = client.request(
                command, request, lambda _, event: say(_text(event, "msg")), events=("control-log",)
            )
        except KeyboardInterrupt:
            note(f"\ninterrupted: {left}")
            return exits.INTERRUPTED
    return conclude(answer)


def conclude(answer: Message) -> int:
    """Print how a request ended. The daemon's outcome is the exit status."""
    text = _text(answer, "text") or _text(answer, "errmsg")
    if text:
        say(text)
    if _text(answer, "reason"):
        note(f"likely reason: {_text(answer, 'reason')}")
    outcome = _text(answer, "outcome")
    if outcome.isdigit():
        return int(outcome)
    return exits.OK if answer.get("success") == "yes" else exits.FAILED


def _text(message: Message, key: str) -> str:
    value = message.get(key, "")
    return printable(value) if isinstance(value, str) else ""


def printable(text: str) -> str:
    """Nothing that a peer put into an identity or a notify may steer the terminal."""
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in text)
