"""update, reload, rereadsecrets, HUP: what changes, what stays, and what is said about it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cygnet.cli import exits
from cygnet.cli.daemon import running_pid
from tests.cli.gateways import Gateway, two_gateways


@pytest.fixture
def gateways(tmp_path: Path) -> Iterator[tuple[Gateway, Gateway]]:
    """Both started, the tunnel up."""
    west, east = two_gateways(tmp_path)
    west.start()
    east.start()
    assert west.cygnet("up", "tunnel", "--timeout", "20").returncode == exits.OK
    yield west, east
    west.cygnet("stop")
    east.cygnet("stop")


def wait_for(condition: Callable[[], bool], patience: float = 10.0) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "it never became true"
        time.sleep(0.05)


def test_an_update_without_changes_changes_nothing(gateways: tuple[Gateway, Gateway]) -> None:
    west, _ = gateways
    before = west.cygnet("status").stdout.splitlines()
    updated = west.cygnet("update")
    assert updated.returncode == exits.OK
    assert updated.stderr == "Updating cygnet IPsec configuration...\n"
    assert west.cygnet("status").stdout.splitlines()[2:] == before[2:]


def test_a_failed_update_says_why_and_keeps_what_runs(gateways: tuple[Gateway, Gateway]) -> None:
    west, _ = gateways
    good = west.conf.read_text()
    west.conf.write_text(good.replace("config setup\n", "config setup\n    uniqueids=perhaps\n"))
    updated = west.cygnet("update")
    assert updated.returncode == exits.USAGE
    assert "perhaps" in updated.stderr and "what ran before runs on" in updated.stderr
    assert "ESTABLISHED" in west.cygnet("status").stdout
    assert "tunnel:   child:" in west.cygnet("statusall").stdout


def test_what_runs_without_a_configuration_is_named_and_closed_with_apply(
    gateways: tuple[Gateway, Gateway],
) -> None:
    west, east = gateways
    west.write(east, auto="ignore")
    updated = west.cygnet("update")
    assert updated.returncode == exits.OK
    assert "tunnel[1] to 127.0.0.2 still runs although its configuration is gone" in updated.stderr
    assert "ESTABLISHED" in west.cygnet("status").stdout
    assert west.cygnet("up", "tunnel").stdout == "no config named 'tunnel'\n"

    applied = west.cygnet("update", "--apply")
    assert "closed tunnel[1] to 127.0.0.2" in applied.stderr
    wait_for(lambda: west.cygnet("status").stdout.endswith("  none\n"))


def test_a_changed_timer_never_makes_a_second_ike_sa(gateways: tuple[Gateway, Gateway]) -> None:
    west, _ = gateways
    west.conf.write_text(west.conf.read_text().replace("auto=add", "auto=start\n    ikelifetime=2h"))
    assert west.cygnet("update").returncode == exits.OK
    shown = west.cygnet("status").stdout
    assert shown.count("ESTABLISHED") == 1 and "(1 up, 0 connecting)" in shown


def test_secrets_are_read_again_without_touching_connections(gateways: tuple[Gateway, Gateway]) -> None:
    west, east = gateways
    for gateway in gateways:
        (gateway.directory / "ipsec.secrets").write_text('@west @east : PSK "another"\n')
    west.conf.write_text("")  # not read
    assert west.cygnet("rereadsecrets").returncode == exits.OK
    assert east.cygnet("rereadall").returncode == exits.OK
    assert "ESTABLISHED" in west.cygnet("status").stdout
    assert west.cygnet("down", "tunnel").returncode == exits.OK
    assert west.cygnet("up", "tunnel", "--timeout", "20").returncode == exits.OK


def test_hup_is_update_and_term_is_a_clean_stop(gateways: tuple[Gateway, Gateway]) -> None:
    west, east = gateways
    run = west.directory / "run"
    west.conf.write_text(west.conf.read_text() + "\nconn second\n    auto=add\n")
    os.kill(running_pid(str(run)), signal.SIGHUP)
    wait_for(lambda: "second:   child:" in west.cygnet("statusall").stdout)
    os.kill(running_pid(str(run)), signal.SIGTERM)
    wait_for(lambda: running_pid(str(run)) == 0)
    assert not (run / "cygnet.vici").exists()
    wait_for(lambda: east.cygnet("status").stdout.endswith("  none\n"))  # it was told


def test_rereading_credentials_says_nothing_of_connections(gateways: tuple[Gateway, Gateway]) -> None:
    west, _ = gateways
    west.conf.write_text(west.conf.read_text() + "\nconn broken\n    keyexchange=ikev3\n    auto=add\n")
    for verb in (
        "rereadcacerts",
        "rereadcrls",
        "rereadaacerts",
        "rereadocspcerts",
        "rereadacerts",
        "rereadall",
    ):
        done = west.cygnet(verb)
        assert (done.returncode, done.stderr) == (exits.OK, ""), verb
    (west.directory / "ipsec.d" / "crls").mkdir(parents=True)
    (west.directory / "ipsec.d" / "crls" / "a.crl").write_text("nothing")
    assert "no revocation list" in west.cygnet("rereadcrls").stderr


def test_lists_and_purges(gateways: tuple[Gateway, Gateway]) -> None:
    west, _ = gateways
    assert west.cygnet("listcerts").stdout == "List of X.509 End Entity Certificates\n  none\n"
    assert west.cygnet("listall").stdout.startswith("List of registered IKE algorithms:\n")
    assert west.cygnet("listcrls", "--json").stdout == '{\n  "crls": [\n  ]\n}\n'
    assert west.cygnet("purgecrls").stdout == "0 CRLs forgotten\n"
    assert west.cygnet("purgeocsp").stdout == "0 OCSP answers forgotten\n"
    assert west.cygnet("purgecerts").returncode == exits.OK
    assert west.cygnet("purgeike").stdout == "0 IKE_SAs without CHILD_SAs closed\n"
    assert west.cygnet("down", "tunnel{}").returncode == exits.OK
    assert west.cygnet("purgeike").stdout == "1 IKE_SA without CHILD_SAs closed\n"
    wait_for(lambda: west.cygnet("status").stdout.endswith("  none\n"))
