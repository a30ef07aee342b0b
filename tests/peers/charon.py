"""strongSwan's charon in a host of the lab, with its ESP in user space (plugin kernel-libipsec).

Started by its own starter from /etc/ipsec.conf, driven by `ipsec`, exactly as its users do it.
Its user-space ESP is always UDP-encapsulated in Debian's version, so `forceencaps=yes` is added
to every conn, and it brings no tunnel up on traffic (no auto=route).
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.peers.gateway import START_TIME, Gateway

STARTER = Path("/usr/lib/ipsec/starter")
CONTROL = "/run/charon.ctl"

_PLUGINS = """
    load_modular = yes
    plugins {
        include /etc/strongswan.d/charon/*.conf
        kernel-libipsec {
            load = yes
        }
    }
"""


def missing() -> str:
    """Why charon cannot run here; empty where it can."""
    if not STARTER.exists():
        return "strongSwan is not installed (apt-get install strongswan-starter)"
    if not Path("/usr/lib/ipsec/plugins/libstrongswan-kernel-libipsec.so").exists():
        return (
            "strongSwan's kernel-libipsec plugin is not installed (apt-get install libcharon-extra-plugins)"
        )
    return "" if shutil.which("ipsec", path="/usr/sbin:/sbin") else "strongSwan's ipsec command is not there"


needs_charon = pytest.mark.skipif(bool(missing()), reason=missing() or "charon is there")


class Charon(Gateway):
    name, command = "charon", "ipsec"

    def configure(self, conf: str, secrets: str | None = None) -> None:
        super().configure("conn %default\n    forceencaps=yes\n\n" + conf, secrets)

    def _charon_section(self) -> str:
        return _PLUGINS + super()._charon_section()

    def start(self) -> None:
        self._launch(str(STARTER), "--daemon", "charon", "--nofork")
        self.until(lambda: self.host.path(CONTROL).exists(), START_TIME, "control socket")
        self.until(lambda: "Listening" in self.statusall(), START_TIME, "answer to statusall")
