"""Lives of the oregon tunnel in virtual time: a week of each, scaled down 30 times.

    python -m tests.soak [--lives N] [--first SEED]        many, on all cores
    python -m tests.soak --seed SEED [--since SECONDS]     one, with its story

Prints the seed of what fails, and what shows it again. Exit status 1 if anything did.
"""

from __future__ import annotations

import argparse
import os
import sys
from multiprocessing import get_context

from cygnet.boundary.notices import Log
from tests.soak.invariants import Broken
from tests.soak.plan import WEEK, plan_of
from tests.soak.world import World

QUIET = ("NET", "ENC", "CFG")  #: log groups that a story is told without


def fails(seed: int) -> tuple[int, str]:
    """What broke, and when; empty: nothing did."""
    world = World(plan_of(seed))
    try:
        world.live(WEEK)
    except Broken as broken:
        return seed, f"{world.plan}\n    at {world.now:.0f} s: {broken}"
    except Exception as error:
        return seed, f"{world.plan}\n    at {world.now:.0f} s: {type(error).__name__}: {error}"
    return seed, ""


def many(first: int, lives: int) -> int:
    found = 0
    with get_context("fork").Pool(os.cpu_count()) as pool:
        for done, (seed, broken) in enumerate(pool.imap_unordered(fails, range(first, first + lives)), 1):
            if broken:
                found += 1
                print(f"\r{broken}\n    again: make soak SEED={seed}", flush=True)
            if sys.stderr.isatty():
                print(f"\r{done} of {lives} lives, {found} broken ", end="", file=sys.stderr, flush=True)
    print(f"\n{lives} lives of a week each (seeds {first} to {first + lives - 1}): {found} broken")
    return int(found > 0)


def one(seed: int, since: float) -> int:
    """Both ends' logs side by side, from ``since`` on (negative: seconds before the end)."""
    world = World(plan_of(seed))
    lines: list[tuple[float, str]] = []

    def told(name: str, log: Log) -> None:
        if log.level <= 1 and log.group not in QUIET:
            sa = f"[{log.ike_uid}]" if log.ike_uid is not None else ""
            lines.append((world.now, f"{world.now:9.1f} {name:5} {sa:5} {log.text}"))

    world.told = told
    broken = ""
    try:
        world.live(WEEK)
    except Broken as error:
        broken = str(error)
    begin = world.now + since if since < 0 else since
    happened = [(float(text.split()[0]), f"{text[:9]}       ----- {text[10:]}") for text in world.story]
    for _, line in sorted([row for row in lines + happened if row[0] >= begin], key=lambda row: row[0]):
        print(line)
    print(f"{world.plan}\n    at {world.now:.0f} s: {broken or 'all is well'}")
    return int(bool(broken))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--lives", type=int, default=500)
    parser.add_argument("--first", type=int, default=0, help="the first one's seed")
    parser.add_argument("--seed", type=int, help="this life alone, with its story")
    parser.add_argument("--since", type=float, default=-120.0, help="where its story begins, in seconds")
    options = parser.parse_args()
    try:
        return (
            one(options.seed, options.since)
            if options.seed is not None
            else many(options.first, options.lives)
        )
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
