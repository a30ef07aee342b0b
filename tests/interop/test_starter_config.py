"""ipsec.conf as strongSwan's own starter reads it: the same verdict, and every value the same.

    starter --conftest --debug-all  ->  "Loading conn 'a'", "  leftid=..."     | compared
    cygnet's parser and inheritance ->  the settings that count for conn a     |

Random files of conns that inherit from each other, with every kind of quoting, blank and comment.
"""

from __future__ import annotations

import random
import re
import subprocess
from pathlib import Path

import pytest

from cygnet.config.files import MemoryFiles
from cygnet.config.inherit import DEFAULT, Inheritance
from cygnet.config.ipsec_conf import parse
from cygnet.config.keywords.row import Status
from cygnet.config.reader import effective
from tests.config.test_keywords import cases

STARTER = Path("/usr/lib/ipsec/starter")
FILES_EACH = 20

KEYS = ("leftid", "rightid", "leftcert", "rightca", "leftgroups", "leftupdown", "rightcert")
NAMES = (DEFAULT, "a", "b", "c", "d", "e")
CHARACTERS = ("x", "y", "1", ".", "/", "%", "@", ":", "\\", "'", "{", "ä", "!", ",")
PIECES = ("x", " ", "  ", '\\"', "\\\\", "\\t", "\\z", "=", "#", "\\\n", "'", "include z ", "\\\n  left=2")
#: what starter says of a keyword that is cygnet's own, before it goes on
UNKNOWN = "# unknown keyword '{}'\n### 1 parsing error (0 fatal) ###\n"
NOTHING = ("\n", "  \n", "# x\n", "   # y\n", "\t\n", "version 2.0\n")

Settings = dict[str, dict[str, str]]

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(not STARTER.exists(), reason="strongSwan's starter is not installed"),
]


def value(chance: random.Random) -> str:
    out = ""
    for _ in range(chance.randrange(4)):
        out += chance.choice((" ", "  ", "\t", "", ""))
        if chance.random() < 0.7:
            out += "".join(chance.choices(CHARACTERS, k=chance.randrange(1, 4)))
        else:
            out += '"' + "".join(chance.choices(PIECES, k=chance.randrange(5))) + '"'
    return out + chance.choice(("", " ", " # c", "#c", "\t"))


def configuration(chance: random.Random) -> str:
    lines = []
    for _ in range(chance.randrange(1, 7)):
        name = chance.choice(NAMES)
        lines.append(chance.choice((f"conn {name}\n", f'conn "{name}"\n', f"conn\t{name} # z\n")))
        for _ in range(chance.randrange(5)):
            kind = chance.random()
            if kind < 0.2:
                lines.append(chance.choice(NOTHING))
            elif kind < 0.35:
                lines.append(f"  also{chance.choice(('=', ' = '))}{chance.choice(NAMES)}\n")
            else:
                indent, equals = chance.choice(("  ", "\t", " ")), chance.choice(("=", " =", "= ", "\t=  "))
                lines.append(indent + chance.choice(KEYS) + equals + value(chance) + "\n")
    return "".join(lines)


def as_starter_reads(path: Path) -> Settings | None:
    """The settings of each conn; None where starter refuses the file."""
    command = [str(STARTER), "--conftest", "--debug-all", "--conf", str(path)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    if "config OK" not in run.stdout + run.stderr:
        return None
    found: Settings = {}
    conn: dict[str, str] = {}
    for line in (run.stdout + run.stderr).split("\n"):
        if loading := re.fullmatch(r"Loading conn '(.*)'", line):
            conn = found.setdefault(loading[1], {})
        elif setting := re.fullmatch(r"  (\w+)=(.*)", line):
            conn[setting[1]] = setting[2]
    return found


def as_we_read(path: Path) -> Settings | None:
    tree = parse(MemoryFiles({str(path): path.read_text()}), str(path))
    inheritance = Inheritance(tree.conns)
    found: Settings = {}
    for name, section in tree.conns.items():
        ancestors = inheritance.ancestors(name)
        if name != DEFAULT and ancestors is not None:
            settings = effective("conn", [section, *ancestors]).values()
            found[name] = {s.key: s.value for s in settings if s.value is not None and s.key != "also"}
    return None if tree.errors or inheritance.errors else found


@pytest.mark.parametrize("seed", range(10))
def test_random_configurations_are_read_as_starter_reads_them(seed: int, tmp_path: Path) -> None:
    print(f"seed {seed}")
    chance = random.Random(seed)
    path = tmp_path / "ipsec.conf"
    agreed = 0
    for _ in range(FILES_EACH):
        path.write_text(configuration(chance))
        theirs = as_starter_reads(path)
        assert as_we_read(path) == theirs, path.read_text()
        agreed += theirs is not None
    assert agreed, "the generator makes only files that both refuse"


def test_every_good_value_of_the_keyword_sweep_is_taken_by_starter_too(tmp_path: Path) -> None:
    path = tmp_path / "ipsec.conf"
    kinds = {"setup": "config setup", "authority": "ca x", "conn": "conn x"}
    refused = []
    for case in cases(good=True):
        read, row, key, value = case.values
        if row.status is Status.DEPRECATED or key == "also":
            continue
        path.write_text(f'{kinds[read.__name__]}\n    {key}="{value}"\n')
        command = [str(STARTER), "--conftest", "--conf", str(path)]
        run = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        expected = UNKNOWN.format(key) if row.own else ""
        if run.stdout + run.stderr != f"{expected}config OK\n":
            refused.append(f"{key}={value}: {run.stderr}")
    assert refused == []
