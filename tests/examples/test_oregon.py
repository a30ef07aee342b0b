"""examples/oregon is what the demo runs, and free of complaints."""

from __future__ import annotations

from pathlib import Path

import pytest

from cygnet.config.load import load
from cygnet.daemon.files import RealFiles
from cygnet.lab import oregon
from cygnet.lab.host import Host
from cygnet.lab.topology import OREGON, PEER, End, Site

FOLDER = Path(__file__).parent.parent.parent / "examples" / "oregon"


def end(site: Site) -> End:
    return End(Host("nowhere", 0), site.gateway, site.public, site.network, site.gateway)


@pytest.mark.parametrize(
    ("name", "own", "other", "auto"), [("oregon", OREGON, PEER, "start"), ("peer", PEER, OREGON, "add")]
)
def test_the_files_are_those_of_the_demo_and_load_without_complaint(
    name: str, own: Site, other: Site, auto: str
) -> None:
    conf = FOLDER / name / "ipsec.conf"
    assert conf.read_text() == oregon.conf(end(own), end(other), auto)
    loaded = load(
        RealFiles(), str(conf), str(FOLDER / name / "ipsec.secrets"), "/nonexistent/strongswan.conf"
    )
    assert (loaded.errors, loaded.warnings) == ((), ())
    assert [connection.name for connection in loaded.config.connections] == ["oregon"]
    assert len(loaded.config.secrets) == 1
