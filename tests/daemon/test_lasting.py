"""The secret that outlives a restart."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cygnet.daemon.lasting import LENGTH, Unusable, lasting_secret
from cygnet.daemon.options import Options


def test_it_is_made_once_for_its_owner_alone_and_then_stays(tmp_path: Path) -> None:
    path = tmp_path / "state" / "secret"
    first = lasting_secret(path)
    assert len(first) == LENGTH and first.reveal() != bytes(LENGTH)
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
    assert lasting_secret(path) == first
    assert os.listdir(path.parent) == ["secret"]
    assert lasting_secret(tmp_path / "another") != first


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_one_that_others_can_touch_is_not_used(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "secret"
    lasting_secret(path)
    path.chmod(mode)
    with pytest.raises(Unusable, match="readable by nobody else"):
        lasting_secret(path)


@pytest.mark.parametrize("content", [b"", b"short", bytes(LENGTH - 1), bytes(LENGTH + 1)])
def test_one_of_another_length_is_not_used(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(Unusable, match="32 bytes"):
        lasting_secret(path)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    lasting_secret(tmp_path / "elsewhere")
    (tmp_path / "secret").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Unusable):
        lasting_secret(tmp_path / "secret")


def test_where_nothing_can_be_written_the_cause_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unusable, match="file"):
        lasting_secret(tmp_path / "file" / "secret")


def test_it_is_where_a_reboot_leaves_it_but_beside_a_run_dir_of_ones_own() -> None:
    assert Options().state_dir == Path("/var/lib/cygnet")
    assert Options(run_dir=Path("/tmp/lab")).state_dir == Path("/tmp/lab")
