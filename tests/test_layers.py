"""Who may import whom (docs/architecture.md §3) and that knowledge runs one way: read from the source,
never by importing it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from tools.layers import TARGET, WithoutTypes, document, groups, imports

SRC = Path(__file__).parent.parent / "src" / "cygnet"

#: package -> packages of ours that it may import, beside itself
MAY_IMPORT: dict[str, set[str]] = {
    "values": set(),
    "wire": {"values"},
    "crypto": {"values"},
    "model": {"values"},
    "boundary": {"values", "model"},
    "config": {"values", "crypto", "model"},
    "credentials": {"values", "crypto", "model"},
    "engine": {"values", "wire", "crypto", "model", "credentials", "boundary"},
    "dataplane": {"values", "wire", "crypto", "boundary"},
    "control": {"values", "crypto", "model", "boundary", "config", "credentials"},
    # crypto and credentials: `cygnet pki` makes and judges certificates on machines without a daemon
    "cli": {"values", "control", "config", "lab", "crypto", "credentials"},
    "daemon": {
        "values", "wire", "crypto", "model", "boundary", "config", "credentials", "engine", "dataplane",
        "control",
    },
    "testing": {
        "values", "wire", "crypto", "model", "boundary", "config", "credentials", "engine", "dataplane",
    },
    "lab": {"values"},
}  # fmt: skip

IMPURE = {"socket", "asyncio", "time", "random", "os", "secrets", "subprocess", "threading", "select"}
#: packages without I/O, clock or randomness, and why an exception is one
PURE = {"values", "wire", "crypto", "model", "boundary", "config", "credentials", "engine", "control"}
IMPURE_BUT_ALLOWED = {
    (
        "control/vici/client.py",
        "socket",
    ): "the client end of the control socket is what the CLI speaks through",
}


def modules() -> list[Path]:
    return sorted(SRC.rglob("*.py"))


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module or ""}
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(SRC)))
def test_a_package_imports_only_what_its_layer_allows(path: Path) -> None:
    parts = path.relative_to(SRC).parts
    if len(parts) == 1:
        return  # cygnet/__init__.py and __main__.py belong to no layer
    package = parts[0]
    allowed = MAY_IMPORT[package] | {package}
    for name in imported(path):
        ours = name.split(".")
        if ours[0] == "cygnet" and len(ours) > 1 and ours[1] not in ("__version__", *allowed):
            pytest.fail(f"{package} must not import {name}")
        if package in PURE and ours[0] in IMPURE:
            key = ("/".join(parts), ours[0])
            assert key in IMPURE_BUT_ALLOWED, f"{package} is pure: no {ours[0]}"
        if package != "crypto" and ours[0] == "cryptography":
            pytest.fail("crypto is the only importer of cryptography")


def test_the_table_names_every_package() -> None:
    packages = {p.name for p in SRC.iterdir() if p.is_dir() and p.name != "__pycache__"}
    assert packages <= set(MAY_IMPORT)


# circles ------------------------------------------------------------------------------

#: groups of modules that know each other by their types alone, each with its reason
TYPE_GROUPS: dict[frozenset[str], str] = {
    frozenset({"engine.ikev1.exchange", "engine.ikev1.sa", "engine.ikev1.task", "engine.ikev1.trouble"}): (
        "the table of its exchanges is a part of the IKE_SA, and so are the tasks that stand in it"
    ),
    frozenset({"engine.ikev2.channel", "engine.ikev2.exchanges", "engine.ikev2.sa"}): (
        "its requests and what protects them are parts of the IKE_SA"
    ),
}
LARGEST_TYPE_GROUP = 6


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert groups(imports(with_types=False)) == []


def test_modules_that_know_each_other_by_type_are_few_and_have_a_reason() -> None:
    found = groups(imports(with_types=True))
    assert all(len(group) <= LARGEST_TYPE_GROUP for group in found), found
    assert set(found) == set(TYPE_GROUPS)


def test_circles_are_found_also_where_a_function_hides_them() -> None:
    hidden = "if TYPE_CHECKING:\n    from cygnet.a import b\ndef f():\n    from cygnet.c import d\n"
    kept = ast.unparse(WithoutTypes().visit(ast.parse(hidden)))
    assert "cygnet.c" in kept and "cygnet.a" not in kept
    assert groups({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [frozenset("abc")]


def test_the_picture_of_the_engine_is_what_its_imports_say() -> None:
    assert TARGET.read_text() == document(), "run: python tools/layers.py"
