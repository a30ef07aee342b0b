"""`cygnet pki COMMAND ...`: keys, certificates and what a CA does, with the options of strongSwan's pki."""

from __future__ import annotations

from importlib import import_module

from cygnet.cli import exits
from cygnet.cli.pki.files import UsageError
from cygnet.cli.pki.parser import parser_for, with_files
from cygnet.cli.pki.table import COMMANDS
from cygnet.cli.terminal import note
from cygnet.crypto.issuing.errors import WishError
from cygnet.values.errors import CygnetError

_LETTERS = {row.letter: name for name, row in COMMANDS.items() if row.letter}


def run_with(words: list[str]) -> int:
    if not words:
        note(usage())
        return exits.USAGE
    if words[0] in ("--help", "-h", "help"):
        print(usage())
        return exits.OK
    name = command_named(words[0])
    if name is None:
        note(f"cygnet pki: unknown command '{words[0]}' (cygnet pki --help lists all)")
        return exits.USAGE
    return _run(name, words[1:])


def command_named(word: str) -> str | None:
    """``gen``, ``--gen`` and ``-g`` are one command."""
    if word.startswith("-") and not word.startswith("--"):
        return _LETTERS.get(word[1:])
    return word.removeprefix("--") if word.removeprefix("--") in COMMANDS else None


def _run(name: str, words: list[str]) -> int:
    row = COMMANDS[name]
    command = import_module(row.module)
    parser = parser_for(name, row.help)
    command.arguments(parser)
    try:
        return int(command.run(parser.parse_args(with_files(words))))
    except SystemExit as stop:  # argparse has said why
        return int(stop.code or 0)
    except (UsageError, WishError) as error:
        note(f"cygnet pki {name}: {error}")
        return exits.USAGE
    except CygnetError as error:
        note(f"cygnet pki {name}: {error}")
        return exits.FAILED


def usage() -> str:
    width = max(len(name) for name in COMMANDS)
    lines = [f"  {name:<{width}}  {_letter(row.letter)}  {row.help}" for name, row in COMMANDS.items()]
    return (
        "usage: cygnet pki COMMAND [OPTIONS]      (--COMMAND and its letter do, too)\n\n"
        + "\n".join(lines)
        + "\n\n`cygnet pki COMMAND --help` lists its options. Output is DER on stdout unless told otherwise."
    )


def _letter(letter: str) -> str:
    return f"-{letter}" if letter else "  "
