"""``cygnet VERB ...``: finds the verb's file, parses its arguments, runs it.

Only the module of the verb that was asked for is imported: a `status` takes as long as Python
needs to start, and little more.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from cygnet import __version__
from cygnet.cli import exits
from cygnet.cli.terminal import note
from cygnet.cli.verbs.table import VERBS
from cygnet.control.vici.client import NotPermitted, NotRunning, Unsupported
from cygnet.control.vici.codec import ViciError


def main(argv: Sequence[str] | None = None) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    if not words:
        note(usage())
        return exits.USAGE
    if words[0] in ("-h", "--help", "help"):
        print(usage())
        return exits.OK
    if words[0] in ("-V", "--version"):
        print(f"cygnet {__version__}")
        return exits.OK
    return _guarded(words[0], words[1:])


def _guarded(name: str, rest: list[str]) -> int:
    """What can go wrong with every verb, said once."""
    try:
        return _run(name, rest)
    except NotRunning as error:
        note(f"cygnet is not running ({error}); start it with 'cygnet start'")
        return exits.NOT_RUNNING
    except (NotPermitted, PermissionError):
        note("permission denied (must be superuser)")
        return exits.NOT_PERMITTED
    except TimeoutError:
        note("the daemon did not answer in time")
        return exits.FAILED
    except (Unsupported, ViciError) as error:
        note(f"the daemon and this command do not understand each other: {error}")
        return exits.FAILED
    except KeyboardInterrupt:
        return exits.INTERRUPTED
    except BrokenPipeError:
        # Who read our output has seen enough (`| head`). Nothing may be flushed to it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exits.FAILED
    except OSError as error:
        note(f"cygnet {name}: {error.strerror or error}")
        return exits.FAILED


def _run(name: str, rest: list[str]) -> int:
    row = VERBS.get(name)
    if row is None:
        note(f"cygnet: unknown command '{name}'{_nearest(name)} (cygnet --help lists all)")
        return exits.USAGE
    verb = import_module(row.module)
    if row.passes_on:
        return int(verb.run_with(rest))
    parser = argparse.ArgumentParser(prog=f"cygnet {name}", description=row.help, allow_abbrev=False)
    parser.set_defaults(verb=name)
    verb.arguments(parser)
    try:
        options = parser.parse_args(rest)
    except SystemExit as stop:  # argparse has said why
        return int(stop.code or 0)
    return int(verb.run(options))


def _nearest(name: str) -> str:
    from difflib import get_close_matches

    found = get_close_matches(name, VERBS, n=1)
    return f"; did you mean '{found[0]}'?" if found else ""


def usage() -> str:
    width = max(map(len, VERBS))
    verbs = "\n".join(f"  {name:<{width}}  {row.help}" for name, row in VERBS.items())
    return f"""\
usage: cygnet VERB [ARGUMENTS]

{verbs}

`cygnet VERB --help` says more; cygnet(8) says all.
Exit status: 0 done, 1 failed, 2 wrong usage or configuration, 3 no such connection,
4 not permitted, 7 the daemon does not run."""
