"""Who may import whom (docs/architecture.md §3): read from the source, never by importing it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

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
    "control": {"values", "crypto", "model", "boundary", "config"},  # crypto: names only
    "cli": {"values", "control", "config", "lab"},
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


def imports(path: Path) -> set[str]:
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
    for name in imports(path):
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
