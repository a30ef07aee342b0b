"""Writes docs/generated/engine.md: the modules of the engine, each below those that know it.

python tools/layers.py          write the file
python tools/layers.py --check  exit 1 where it is not up to date
"""

from __future__ import annotations

import ast
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
SRC = ROOT / "src" / "cygnet"
TARGET = ROOT / "docs" / "generated" / "engine.md"

HEAD = """\
# The engine, from the bottom up

Made by `python tools/layers.py` from the imports in `src/cygnet/engine`, those for types alone
included; do not edit. A module imports only from the steps above it in this list. Where some stand
on one step with a line between them, they are parts of one thing and know each other by their types.
"""


def modules() -> dict[str, Path]:
    """name below ``cygnet`` -> file"""
    found = {}
    for path in sorted(SRC.rglob("*.py")):
        parts = path.relative_to(SRC).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


class WithoutTypes(ast.NodeTransformer):
    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return node.orelse
        return self.generic_visit(node)


def imports(with_types: bool) -> dict[str, set[str]]:
    """module -> modules it imports, inside functions too; ``with_types``: under TYPE_CHECKING as well."""
    known = modules()
    found: dict[str, set[str]] = {}
    for name, path in known.items():
        tree = ast.parse(path.read_text())
        if not with_types:
            tree = WithoutTypes().visit(tree)
        imported = {
            name.removeprefix("cygnet.")
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cygnet")
            for alias in node.names
            for name in (f"{node.module}.{alias.name}", node.module or "")
        }
        found[name] = (imported & set(known)) - {name}
    return found


def reached_from(graph: dict[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    todo = [start]
    while todo:
        for following in graph[todo.pop()] - seen:
            seen.add(following)
            todo.append(following)
    return seen


def groups(graph: dict[str, set[str]]) -> list[frozenset[str]]:
    """The strongly connected groups of more than one module."""
    reachable = {start: reached_from(graph, start) for start in graph}
    together = {frozenset({a} | {b for b in reachable[a] if a in reachable[b]}) for a in graph}
    return [group for group in together if len(group) > 1]


def steps(graph: dict[str, set[str]]) -> list[list[frozenset[str]]]:
    """The modules by height: what imports nothing of these first, members of a group together."""
    group_of = {name: frozenset({name}) for name in graph}
    for group in groups(graph):
        group_of |= dict.fromkeys(group, group)

    @cache
    def height(group: frozenset[str]) -> int:
        below = {group_of[b] for a in group for b in graph[a]} - {group}
        return 1 + max(map(height, below), default=-1)

    found: dict[int, list[frozenset[str]]] = {}
    for group in sorted(set(group_of.values()), key=sorted):
        found.setdefault(height(group), []).append(group)
    return [found[n] for n in sorted(found)]


def document() -> str:
    whole, files = imports(with_types=True), modules()
    engine = {name for name in whole if name.startswith("engine.") and files[name].name != "__init__.py"}
    lines = [HEAD]
    for number, step in enumerate(steps({name: whole[name] & engine for name in engine}), 1):
        lines.append(f"## Step {number}\n")
        for group in step:
            names = " — ".join(f"`{name.removeprefix('engine.')}`" for name in sorted(group))
            about = " / ".join(_about(files[name]) for name in sorted(group)) if len(group) == 1 else ""
            lines.append(f"- {names}{': ' if about else ''}{about}")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _about(path: Path) -> str:
    """The first sentence of its docstring."""
    text = " ".join((ast.get_docstring(ast.parse(path.read_text())) or "").split("\n\n")[0].split())
    return text.split(": ")[0].removesuffix(".") if len(text) > 100 else text.removesuffix(".")


def main() -> int:
    if "--check" in sys.argv:
        return int(TARGET.read_text() != document())
    TARGET.write_text(document())
    return 0


if __name__ == "__main__":
    sys.exit(main())
