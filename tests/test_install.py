"""make install and make uninstall, in directories of their own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from cygnet import __version__

ROOT = Path(__file__).parents[1]


def make(target: str, **places: Path | str) -> subprocess.CompletedProcess[str]:
    words = [f"{name}={value}" for name, value in places.items()]
    return subprocess.run(["make", target, *words], cwd=ROOT, capture_output=True, text=True, check=False)


def test_what_make_install_did_not_put_there_is_neither_overwritten_nor_removed(tmp_path: Path) -> None:
    theirs = tmp_path / "opt" / "cygnet" / "file"
    theirs.parent.mkdir(parents=True)
    theirs.touch()
    for target in ("install", "uninstall"):
        done = make(target, DESTDIR=tmp_path)
        assert done.returncode != 0 and "not by make install: choose another PREFIX" in done.stderr
    command = tmp_path / "bin" / "cygnet"
    command.parent.mkdir()
    command.touch()
    done = make("install", PREFIX=tmp_path / "new", BINDIR=command.parent)
    assert done.returncode != 0 and "choose another BINDIR" in done.stderr
    assert theirs.exists() and command.exists() and not (tmp_path / "new").exists()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_is_installed_runs_without_the_clone_and_goes_again(tmp_path: Path) -> None:
    places = {
        "PREFIX": tmp_path / "opt" / "cygnet",
        "BINDIR": tmp_path / "bin",
        "MANDIR": tmp_path / "man",
        "UNITDIR": tmp_path / "units",
        "DESTDIR": "",
    }
    done = make("install", **places)
    if "No matching distribution" in done.stderr:
        pytest.skip("no package index can be reached")
    assert done.returncode == 0, done.stderr
    stranger = tmp_path / "cygnet"  # what lies around where it is called is not imported
    stranger.mkdir()
    (stranger / "__init__.py").write_text("raise SystemExit('imported from the current directory')\n")
    shown = subprocess.run(
        ["./bin/cygnet", "--version"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"]},
        check=True,
    )
    assert shown.stdout == f"cygnet {__version__}\n"
    where = subprocess.run(
        [tmp_path / "opt/cygnet/bin/python", "-I", "-c", "import cygnet; print(cygnet.__file__)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert where.startswith(f"{tmp_path}/opt/cygnet/lib/")
    assert f"ExecStart={tmp_path}/bin/cygnet daemon\n" in (tmp_path / "units/cygnet.service").read_text()
    assert (tmp_path / "man/man8/cygnet.8").read_text() == (ROOT / "docs/cygnet.8").read_text()

    assert make("uninstall", **places).returncode == 0
    left = [path.name for path in tmp_path.rglob("*") if not path.is_dir()]
    assert left == ["__init__.py"]
