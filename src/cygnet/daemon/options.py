"""The daemon's command line."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cygnet.config.load import IPSEC_CONF, IPSEC_SECRETS, STRONGSWAN_CONF, SWANCTL_CONF
from cygnet.daemon.planes import PLANES

RUN_DIR = "/run/cygnet"
PID_FILE = "cygnet.pid"
SOCKET = "cygnet.vici"
STATE_DIR = "/var/lib/cygnet"
SECRET = "secret"


@dataclass(frozen=True, slots=True)
class Options:
    """Paths are absolute: the daemon does not depend on where it was started."""

    config: str = IPSEC_CONF
    secrets: str = IPSEC_SECRETS
    strongswan_conf: str = STRONGSWAN_CONF
    swanctl_conf: str = SWANCTL_CONF
    run_dir: Path = Path(RUN_DIR)
    plane: str = "tun"
    device: str = ""  #: name of the TUN device; empty: the plane's default
    log: str = "stderr"
    log_json: bool = False
    debug: tuple[tuple[str, int], ...] = ()  #: beside charondebug: (group, level)
    export_keys: Path | None = None
    background: bool = False
    check: bool = False
    json: bool = False

    @property
    def credentials(self) -> Path:
        """Certificates, keys and CRLs."""
        return Path(self.config).parent / "ipsec.d"

    @property
    def pid_file(self) -> Path:
        return self.run_dir / PID_FILE

    @property
    def state_dir(self) -> Path:
        """What outlives a reboot; a daemon with a run_dir of its own keeps all that is its own there."""
        return Path(STATE_DIR) if self.run_dir == Path(RUN_DIR) else self.run_dir

    @property
    def secret(self) -> Path:
        return self.state_dir / SECRET

    @property
    def socket(self) -> Path:
        return self.run_dir / SOCKET


def parse(argv: Sequence[str]) -> Options:
    """Exits with status 2 on a wrong command line, as argparse does."""
    words = _parser("--background" in argv).parse_args(argv)
    return Options(
        config=os.path.abspath(words.file or words.config),
        secrets=os.path.abspath(words.secrets),
        strongswan_conf=os.path.abspath(words.strongswan_conf),
        swanctl_conf=os.path.abspath(words.swanctl_conf),
        run_dir=Path(os.path.abspath(words.run_dir)),
        plane=words.plane,
        device=words.device,
        log=words.log if words.log in ("stderr", "syslog") else os.path.abspath(words.log),
        log_json=words.log_json,
        debug=tuple(words.debug),
        export_keys=Path(os.path.abspath(words.export_keys)) if words.export_keys else None,
        background=words.background,
        check=words.check,
        json=words.json,
    )


def _parser(background: bool = False) -> argparse.ArgumentParser:
    verb, where = ("start", "background") if background else ("daemon", "foreground")
    parser = argparse.ArgumentParser(
        prog=f"cygnet {verb}", description=f"Run the IKE daemon in the {where}.", allow_abbrev=False
    )
    add = parser.add_argument
    add("--config", metavar="FILE", default=IPSEC_CONF, help="connections (default: %(default)s)")
    add("--secrets", metavar="FILE", default=IPSEC_SECRETS, help="secrets (default: %(default)s)")
    add("--strongswan-conf", metavar="FILE", default=STRONGSWAN_CONF, help="settings (default: %(default)s)")
    add(
        "--swanctl-conf", metavar="FILE", default=SWANCTL_CONF, help="connections, too (default: %(default)s)"
    )
    add(
        "--run-dir",
        metavar="DIR",
        default=os.environ.get("CYGNET_RUN_DIR") or RUN_DIR,
        help="where the control socket and the pid file are (default: $CYGNET_RUN_DIR or " + RUN_DIR + ")",
    )
    add("--plane", choices=sorted(PLANES), default="tun", help="what carries packets (default: %(default)s)")
    add("--device", metavar="NAME", default="", help="name of the TUN device")
    add("--log", metavar="WHERE", default="stderr", help="stderr, syslog or a file (default: %(default)s)")
    add("--log-json", action="store_true", help="log one JSON object a line")
    add(
        "--debug",
        metavar="[GROUP=]LEVEL",
        type=_debug,
        action="append",
        default=[],
        help="log level 0..3, of all groups or of one (ike, chd, cfg, knl, net, enc, ...)",
    )
    add(
        "--export-keys",
        metavar="DIR",
        help="write the keys of all SAs there as Wireshark tables: whoever has them can read the traffic",
    )
    add("--background", action="store_true", help=argparse.SUPPRESS)  # by `cygnet start`
    add("--check", action="store_true", help=argparse.SUPPRESS)  # by `cygnet check`
    add("--json", action="store_true", help=argparse.SUPPRESS)
    add("file", nargs="?", help=argparse.SUPPRESS)
    return parser


def _debug(text: str) -> tuple[str, int]:
    group, equals, level = text.rpartition("=")
    if level not in ("0", "1", "2", "3") or (equals and not group.isalpha()):
        raise argparse.ArgumentTypeError(f"'{text}' is not a level 0..3, or GROUP=LEVEL")
    return (group or "default", int(level))
