"""Command lines of `cygnet pki`: one line about what is wrong; options from files; shared options."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from cygnet.cli import exits
from cygnet.cli.terminal import note
from cygnet.crypto.issuing.keys import DIGESTS, KEY_TYPES

DEPTH = 8  #: files with options that name files with options, as in strongSwan


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        note(f"{self.prog}: {message} ({self.prog} --help lists the options)")
        raise SystemExit(exits.USAGE)


def parser_for(name: str, help_: str) -> Parser:
    parser = Parser(prog=f"cygnet pki {name}", description=help_, allow_abbrev=False, add_help=False)
    parser.add_argument("--help", "-h", action="help", help="show this")
    # "--debug" may not have -v where a command has it for something else, and none has
    parser.add_argument("--debug", "-v", metavar="LEVEL", help="taken for strongSwan's sake; nothing to show")
    parser.add_argument("--options", "-+", metavar="FILE", help="read options from FILE")
    return parser


def with_files(words: Sequence[str], depth: int = 0) -> list[str]:
    """The words with those of the files that ``--options`` names in its place."""
    found: list[str] = []
    rest = iter(words)
    for word in rest:
        if word in ("--options", "-+"):
            file = next(rest, None)
        elif word.startswith("--options="):
            file = word.partition("=")[2]
        else:
            found.append(word)
            continue
        if file is None or depth == DEPTH:
            return [*found, word]  # the parser says what is missing
        found += with_files(shlex.split(Path(file).read_text(), comments=True), depth + 1)
    return found


Adder = Callable[[argparse.ArgumentParser], None]


def input_argument(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--in", "-i", dest="input", metavar="FILE", help=f"{what} (default: stdin)")


def output_arguments(
    parser: argparse.ArgumentParser, forms: Sequence[str] = ("der", "pem"), letter: str = "-f"
) -> None:
    parser.add_argument(
        "--outform", letter, choices=forms, default="der", help="encoding of the output (default: der)"
    )
    parser.add_argument("--out", metavar="FILE", help="write to FILE instead of stdout; keys get mode 0600")


def passphrase_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--passphrase-file",
        metavar="FILE",
        help="first line: the passphrase of an encrypted key (default: it is asked for)",
    )


def type_argument(parser: argparse.ArgumentParser, types: Sequence[str], default: str) -> None:
    parser.add_argument(
        "--type", "-t", choices=types, default=default, help=f"type of the input (default: {default})"
    )


PRIVATE_TYPES = ("priv", *KEY_TYPES)


def signing_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--digest", "-g", choices=tuple(DIGESTS), default="", help="default: as strong as the key"
    )
    parser.add_argument(
        "--rsa-padding", "-R", choices=("pkcs1", "pss"), default="pkcs1", help="default: pkcs1"
    )


def whole(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 1 << 30:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number from 0 on")
    return int(text)


def serial(text: str) -> int:
    """Hex digits, with ``:`` between them or 0x before them as others print it."""
    digits = text.lower().removeprefix("0x").replace(":", "")
    try:
        return int.from_bytes(bytes.fromhex(digits.rjust(len(digits) + len(digits) % 2, "0")))
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a serial number in hex") from None


class Qualify(argparse.Action):
    """An option that belongs to the one before it: sets its part of the last thing in the list."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option: str | None = None) -> None:
        found = getattr(namespace, self.dest) or []
        if not found:
            parser.error(f"{option} has to follow what it belongs to")
        found[-1][self.const] = values


class Begin(argparse.Action):
    """An option that begins a new thing in the list."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option: str | None = None) -> None:
        setattr(namespace, self.dest, [*(getattr(namespace, self.dest) or []), {self.const: values}])
