"""Reading the files: diagnostics as the terminal shows them, levels of the command line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from cygnet.daemon.loading import check, diagnostics, load_files
from cygnet.daemon.options import Options

GOOD = """\
config setup
    charondebug="ike 2"

conn good
    keyexchange=ikev1
    authby=secret
    left=192.0.2.1
    right=192.0.2.2
    auto=add
"""
BAD = "\nconn bad\n    keyexchange=ikev3\n    right=192.0.2.3\n    auto=add\n"


@pytest.fixture
def options(tmp_path: Path) -> Options:
    (tmp_path / "ipsec.secrets").write_text(": PSK 'secret'\n")
    (tmp_path / "strongswan.conf").write_text("")
    return Options(
        config=str(tmp_path / "ipsec.conf"),
        secrets=str(tmp_path / "ipsec.secrets"),
        strongswan_conf=str(tmp_path / "strongswan.conf"),
        debug=(("net", 0),),
    )


def test_levels_of_the_command_line_come_after_those_of_the_file(options: Options) -> None:
    Path(options.config).write_text(GOOD)
    loaded = load_files(options)
    assert not diagnostics(loaded)
    assert dict(loaded.config.settings.log_levels)["ike"] == 2
    assert loaded.config.settings.log_levels[-1] == ("net", 0)


def test_a_bad_conn_is_named_and_the_others_are_loaded(options: Options) -> None:
    Path(options.config).write_text(GOOD + BAD)
    loaded = load_files(options)
    assert [c.name for c in loaded.config.connections] == ["good"]
    wrong, ignored = diagnostics(loaded)
    assert wrong.startswith(f"{options.config}:12:17: error: keyexchange: 'ikev3'")
    assert "\n" in wrong and wrong.splitlines()[-1].endswith("^~~~~")
    assert ignored == "# ignored conn 'bad' due to its errors"


def test_check_gives_text_or_json_and_a_status(options: Options) -> None:
    Path(options.config).write_text(GOOD)
    assert check(options) == ("config OK", 0)
    Path(options.config).write_text(GOOD + BAD)
    text, status = check(options)
    assert status == 2 and text.endswith("config invalid!")
    report = json.loads(check(replace(options, json=True))[0])
    assert report["connections"] == ["good"] and report["ignored"] == ["bad"]
    assert report["errors"][0]["line"] == 12 and report["errors"][0]["keyword"] == "keyexchange"


def test_secrets_never_appear_in_diagnostics(options: Options) -> None:
    Path(options.config).write_text(GOOD)
    Path(options.secrets).write_text(": PSK 'unterminated secret\n: NONSENSE 'hunter2'\n")
    text, status = check(options)
    assert status == 2 and "unterminated secret" not in text and "hunter2" not in text
