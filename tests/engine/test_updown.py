"""updown scripts: what they are told, and that a rekeying does not run them."""

from __future__ import annotations

import pytest

from cygnet.boundary.effects import RunUpdown
from cygnet.boundary.events import Rekey
from cygnet.model.config import IkeVersion
from cygnet.testing.builders import oregon
from cygnet.testing.pair import Host, Pair

VERSIONS = [IkeVersion.V1, IkeVersion.V2]


def runs(host: Host) -> list[dict[str, str]]:
    return [dict(e.environment) for e in host.effects if isinstance(e, RunUpdown)]


def verbs(host: Host) -> list[str]:
    return [run["PLUTO_VERB"] for run in runs(host)]


@pytest.mark.parametrize("version", VERSIONS)
def test_up_and_down_are_told_with_strongswans_variables(version: IkeVersion) -> None:
    pair = Pair(*oregon(version, child={"updown": "/etc/firewall"}))
    pair.left.up("oregon")
    pair.run(5)
    (up,) = runs(pair.left)
    assert up | {"PLUTO_UNIQUEID": "1"} == {
        "PLUTO_VERSION": "1.1",
        "PLUTO_VERB": "up-client",
        "PLUTO_CONNECTION": "oregon",
        "PLUTO_REQID": "1",
        "PLUTO_PROTO": "esp",
        "PLUTO_UNIQUEID": "1",
        "PLUTO_ME": "10.31.1.185",
        "PLUTO_MY_ID": "10.31.1.185",
        "PLUTO_MY_CLIENT": "10.31.0.0/16",
        "PLUTO_MY_PORT": "0",
        "PLUTO_MY_PROTOCOL": "0",
        "PLUTO_PEER": "203.0.113.77",
        "PLUTO_PEER_ID": "10.77.1.210",
        "PLUTO_PEER_CLIENT": "10.77.0.0/16",
        "PLUTO_PEER_PORT": "0",
        "PLUTO_PEER_PROTOCOL": "0",
        "PLUTO_UDP_ENC": "4500",
    }
    pair.left.down("oregon")
    pair.run(5)
    assert verbs(pair.left) == ["up-client", "down-client"]
    assert verbs(pair.right) == ["up-client", "down-client"]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_rekeying_runs_no_script(version: IkeVersion) -> None:
    pair = Pair(*oregon(version, child={"updown": "/etc/firewall"}))
    pair.left.up("oregon")
    pair.run(5)
    (child,) = pair.left.installed()
    pair.left.handle(Rekey(pair.left.ref(), f"{{{child.uid}}}"))
    pair.run(60)
    assert pair.left.installed()[0].uid != child.uid
    assert verbs(pair.left) == verbs(pair.right) == ["up-client"]
    pair.left.down("oregon")
    pair.run(5)
    assert verbs(pair.left) == verbs(pair.right) == ["up-client", "down-client"]


def test_the_daemons_stop_runs_down() -> None:
    pair = Pair(*oregon(child={"updown": "/etc/firewall"}))
    pair.left.up("oregon")
    pair.run(5)
    pair.left.stop()
    assert verbs(pair.left) == ["up-client", "down-client"]


def test_without_a_script_nothing_runs() -> None:
    pair = Pair(*oregon())
    pair.left.up("oregon")
    pair.run(5)
    assert not runs(pair.left)
