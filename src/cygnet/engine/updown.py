"""updown scripts: what they are told, and when.

``up`` runs when the first CHILD_SA with certain selectors comes up and ``down`` when the last
one is gone, once for each pair of selectors. A rekeying or reauthentication changes neither, so
a script's firewall rules stay in place meanwhile (strongSwan runs both at reauthentications).

The variables are those of strongSwan's updown plugin. PLUTO_INTERFACE is added by the daemon,
which knows the interfaces.
"""

from __future__ import annotations

from itertools import product

from cygnet.boundary.effects import RunUpdown
from cygnet.engine.child import ChildSa
from cygnet.engine.sa import IkeSa
from cygnet.values.endpoint import Address
from cygnet.values.iana import Protocol
from cygnet.values.selector import ANY_PORTS, TrafficSelector

VERSION = "1.1"  #: of the interface to scripts, as strongSwan says


def run_updown(sa: IkeSa, child: ChildSa, others: bool, up: bool) -> None:
    """Emit the scripts' runs for a CHILD_SA that has come up, or that has just been removed;
    ``others``: another one carries the same traffic."""
    if not child.config.updown or others:
        return
    for local, remote in product(child.local_ts, child.remote_ts):
        if local.version == remote.version:
            sa.services.emit(RunUpdown(child.config.updown, _environment(sa, child, local, remote, up)))


def _environment(
    sa: IkeSa, child: ChildSa, local: TrafficSelector, remote: TrafficSelector, up: bool
) -> tuple[tuple[str, str], ...]:
    own, peer = sa.esp_local.address, sa.esp_remote.address
    family = "-v6" if local.version == 6 else ""
    found = {
        "PLUTO_VERSION": VERSION,
        "PLUTO_VERB": f"{'up' if up else 'down'}-{_end_kind(local, own)}{family}",
        "PLUTO_CONNECTION": child.name,
        "PLUTO_REQID": str(child.reqid),
        "PLUTO_PROTO": "ah" if child.protocol == Protocol.AH else "esp",
        "PLUTO_UNIQUEID": str(sa.uid),
        "PLUTO_ME": str(own),
        "PLUTO_MY_ID": str(sa.local_id),
        **_selector("MY", local),
        "PLUTO_PEER": str(peer),
        "PLUTO_PEER_ID": str(sa.remote_id),
        **_selector("PEER", remote),
        **_virtual_ips("MY", sa.local_vips),
        **_virtual_ips("PEER", sa.remote_vips),
    }
    if sa.encap:
        found["PLUTO_UDP_ENC"] = str(sa.esp_remote.port)
    return tuple(found.items())


def _end_kind(selector: TrafficSelector, address: Address) -> str:
    return "host" if selector.start == selector.end == address else "client"


def _selector(whose: str, selector: TrafficSelector) -> dict[str, str]:
    """A range that is no network is given as its smallest networks, with commas between."""
    return {
        f"PLUTO_{whose}_CLIENT": ",".join(map(str, selector.networks())),
        f"PLUTO_{whose}_PORT": "0" if selector.ports == ANY_PORTS else str(selector.start_port),
        f"PLUTO_{whose}_PROTOCOL": str(selector.protocol),
    }


def _virtual_ips(whose: str, addresses: list[Address]) -> dict[str, str]:
    """All by family and number, and the first also plain, as strongSwan does it."""
    found: dict[str, str] = {}
    for version in (4, 6):
        ours = [str(a) for a in addresses if a.version == version]
        found.update({f"PLUTO_{whose}_SOURCEIP{version}_{n}": text for n, text in enumerate(ours, 1)})
    if addresses:
        found[f"PLUTO_{whose}_SOURCEIP"] = str(addresses[0])
    return found
