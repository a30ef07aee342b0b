"""The daemon's life as a user sees it: start, second start, crash, stop; errors and exit statuses."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from cygnet.cli import exits
from cygnet.cli.daemon import arguments_of, running_pid
from tests.cli.gateways import Gateway, two_gateways


@pytest.fixture
def gateways(tmp_path: Path) -> Iterator[tuple[Gateway, Gateway]]:
    pair = two_gateways(tmp_path)
    yield pair
    for gateway in pair:
        gateway.cygnet("stop")


def test_start_and_stop(gateways: tuple[Gateway, Gateway]) -> None:
    west, _ = gateways
    started = west.start()
    assert started.returncode == exits.OK and "Starting cygnet" in started.stderr
    shown = west.cygnet("status")
    assert shown.stdout == "Security Associations (0 up, 0 connecting):\n  none\n"
    assert shown.returncode == exits.OK

    again = west.start()
    assert again.returncode == exits.OK and "already running" in again.stderr

    assert west.cygnet("stop").returncode == exits.OK
    assert {p.name for p in (west.directory / "run").iterdir()} == {"cygnet.log", "secret"}
    assert west.cygnet("status").returncode == exits.NOT_RUNNING


def test_what_a_killed_daemon_left_does_not_stop_the_next(gateways: tuple[Gateway, Gateway]) -> None:
    west, _ = gateways
    run = west.directory / "run"
    west.start()
    os.kill(running_pid(str(run)), signal.SIGKILL)
    assert west.cygnet("status").returncode == exits.NOT_RUNNING
    assert (run / "cygnet.vici").exists()
    assert west.start().returncode == exits.OK
    assert west.cygnet("status").returncode == exits.OK


def test_a_tunnel_comes_up_and_goes_down(gateways: tuple[Gateway, Gateway]) -> None:
    west, east = gateways
    west.start()
    east.start()
    up = west.cygnet("up", "tunnel", "--timeout", "20")
    lines = up.stdout.splitlines()
    assert lines[0] == "initiating IKE_SA tunnel[1] to 127.0.0.2"
    assert lines[-1] == "connection 'tunnel' established successfully"
    assert up.returncode == exits.OK
    for gateway in (west, east):
        shown = gateway.cygnet("status")
        assert "tunnel[1]: ESTABLISHED" in shown.stdout and "tunnel{1}:  INSTALLED, TUNNEL" in shown.stdout
    whole = json.loads(west.cygnet("statusall", "--json").stdout)
    (sa,) = whole["security_associations"]
    assert sa["children"][0]["remote_ts"] == ["10.2.0.0/16"] and whole["daemon"]["data_plane"] == "memory"

    down = west.cygnet("down", "tunnel")
    assert down.stdout.splitlines()[-1] == "IKE_SA [1] closed successfully"
    assert down.returncode == exits.OK
    assert west.cygnet("status").stdout.endswith("  none\n")
    assert west.cygnet("down", "tunnel").returncode == exits.NOT_FOUND


def test_why_a_connection_is_not_there_is_said_where_it_is_known(gateways: tuple[Gateway, Gateway]) -> None:
    west, _ = gateways
    extra = "conn later\n  right=127.0.0.3\n  authby=psk\n  auto=ignore\n"
    extra += "conn wrong\n  right=127.0.0.3/99\n  auto=add\n"
    west.conf.write_text(west.conf.read_text() + "\n" + extra)
    west.start()
    for verb, name, reason in (
        ("up", "wrong", "conn 'wrong' has errors, which 'cygnet check' shows"),
        ("route", "later", "conn 'later' is not loaded: auto=ignore, or auto is not set"),
        ("up", "tunel", "the name may be misspelled, there is 'tunnel'"),
    ):
        done = west.cygnet(verb, name)
        assert (done.returncode, done.stdout) == (exits.NOT_FOUND, f"no config named '{name}'\n")
        assert done.stderr == f"likely reason: {reason}\n"


def test_what_is_not_there_is_said_so_with_3(gateways: tuple[Gateway, Gateway]) -> None:
    west, _ = gateways
    west.start()
    for verb, text in (
        ("up", "no config named 'nix'"),
        ("route", "no config named 'nix'"),
        ("unroute", "configuration 'nix' not found"),
    ):
        done = west.cygnet(verb, "nix")
        assert (done.returncode, done.stdout) == (exits.NOT_FOUND, text + "\n")


def test_status_of_a_name_counts_what_it_lists_and_is_3_where_there_is_nothing(
    gateways: tuple[Gateway, Gateway],
) -> None:
    west, _ = gateways
    west.start()
    assert west.cygnet("up", "tunnel", "--timeout", "0.5").returncode == exits.FAILED
    assert json.loads(west.cygnet("status", "--json", "tunnel").stdout)["connecting"] == 1
    nothing = west.cygnet("status", "--json", "nix")
    shown = json.loads(nothing.stdout)
    assert (shown["up"], shown["connecting"], shown["security_associations"]) == (0, 0, [])
    assert nothing.returncode == exits.NOT_FOUND
    for verb in ("status", "statusall"):
        nothing = west.cygnet(verb, "nix")
        assert nothing.stdout.endswith("  no match\n") and nothing.returncode == exits.NOT_FOUND
        assert west.cygnet(verb, "tunnel").returncode == exits.OK
    west.cygnet("stop")
    west.start()
    loaded = west.cygnet("status", "tunnel")  # it is there, but nothing of it is up
    assert loaded.stdout.endswith("  no match\n") and loaded.returncode == exits.OK


def test_a_silent_peer_is_waited_for_only_so_long(gateways: tuple[Gateway, Gateway]) -> None:
    west, _ = gateways
    west.start()
    up = west.cygnet("up", "tunnel", "--timeout", "0.5")
    assert up.returncode == exits.FAILED
    assert "connection 'tunnel' not established after 5" in up.stdout
    assert "detaching" in up.stdout and "likely reason:" in up.stderr
    assert "tunnel[1]: CONNECTING" in west.cygnet("status").stdout


def test_ctrl_c_leaves_the_negotiation_alone_and_says_so(gateways: tuple[Gateway, Gateway]) -> None:
    west, _ = gateways
    west.start()
    with west.begin("up", "tunnel") as up:
        assert up.stdout is not None and up.stderr is not None
        assert "initiating" in up.stdout.readline()
        up.send_signal(signal.SIGINT)
        assert "'cygnet down tunnel' closes them" in up.stderr.read()
        assert up.wait(10) == exits.INTERRUPTED
    assert "CONNECTING" in west.cygnet("status").stdout


def test_traps_are_routed_and_unrouted(gateways: tuple[Gateway, Gateway]) -> None:
    west, _ = gateways
    west.start()
    assert west.cygnet("route", "tunnel").stdout == "'tunnel' routed\n"
    assert "tunnel{1}:  ROUTED, TUNNEL, reqid 1" in west.cygnet("status").stdout
    assert west.cygnet("unroute", "tunnel").stdout == "trap policy 'tunnel' unrouted\n"
    assert "Routed" not in west.cygnet("status").stdout


def test_restart_keeps_the_options_of_the_running_daemon(gateways: tuple[Gateway, Gateway]) -> None:
    west, _ = gateways
    west.start()
    before = running_pid(str(west.directory / "run"))
    assert west.cygnet("restart").returncode == exits.OK
    after = running_pid(str(west.directory / "run"))
    assert after and after != before
    assert "tunnel:   child:" in west.cygnet("statusall").stdout


def test_errors_in_the_configuration_appear_on_the_terminal_of_start(
    gateways: tuple[Gateway, Gateway],
) -> None:
    west, _ = gateways
    west.conf.write_text(west.conf.read_text() + "\nconn broken\n    keyexchange=ikev3\n    auto=add\n")
    started = west.start()
    assert started.returncode == exits.OK  # the others are loaded
    assert "ikev3" in started.stderr and f"{west.conf}:" in started.stderr and "^~~~~" in started.stderr
    assert "ignored conn 'broken'" in started.stderr
    assert "tunnel" in west.cygnet("statusall").stdout


@pytest.mark.parametrize("words", [("--plane", "foo"), ("--debug", "4"), ("--debug", "ike=5")])
def test_a_wrong_option_of_start_is_answered_with_the_usage_of_start(
    words: tuple[str, str], gateways: tuple[Gateway, Gateway]
) -> None:
    west, _ = gateways
    started = west.cygnet("start", *words)
    assert started.returncode == exits.USAGE
    assert "usage: cygnet start " in started.stderr and words[1] in started.stderr


def test_restart_of_nothing_only_starts(gateways: tuple[Gateway, Gateway]) -> None:
    west, _ = gateways
    west.start()
    words = arguments_of(running_pid(str(west.directory / "run")))
    west.cygnet("stop")
    restarted = west.cygnet("restart", *words)
    assert restarted.returncode == exits.OK and restarted.stderr.startswith("Starting cygnet ")
    stopped = [west.cygnet("stop"), west.cygnet("stop")][-1]
    assert (stopped.returncode, stopped.stderr) == (exits.OK, "cygnet is not running\n")


def test_a_configuration_that_cannot_be_used_at_all_is_status_2(gateways: tuple[Gateway, Gateway]) -> None:
    west, _ = gateways
    west.conf.write_text("config setup\n    uniqueids=perhaps\n")
    started = west.start()
    assert started.returncode == exits.USAGE
    assert "perhaps" in started.stderr and "unable to start cygnet" in started.stderr
    assert west.cygnet("status").returncode == exits.NOT_RUNNING
    checked = west.cygnet("check", str(west.conf))
    assert checked.returncode == exits.USAGE and "config invalid!" in checked.stdout


def test_check_says_what_start_would_say_without_a_daemon(gateways: tuple[Gateway, Gateway]) -> None:
    west, _ = gateways
    good = west.cygnet("check", str(west.conf), "--secrets", str(west.directory / "ipsec.secrets"))
    assert (good.returncode, good.stdout.splitlines()[-1]) == (exits.OK, "config OK")
    west.conf.write_text(west.conf.read_text().replace("keyexchange=ikev2", "keyexchange=ikev3"))
    bad = west.cygnet("check", "--json", str(west.conf), "--secrets", str(west.directory / "ipsec.secrets"))
    report = json.loads(bad.stdout)
    assert bad.returncode == exits.USAGE and report["ok"] is False
    assert report["errors"][0]["keyword"] == "keyexchange"


def test_start_refuses_without_root_when_the_plane_needs_it(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("we are root")
    west, _ = two_gateways(tmp_path)
    assert west.cygnet("start").returncode == exits.NOT_PERMITTED
