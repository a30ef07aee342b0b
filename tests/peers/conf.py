"""ipsec.conf and ipsec.secrets for a tunnel between two ends of the lab."""

from __future__ import annotations

from collections.abc import Mapping

from cygnet.lab.topology import End

NAME = "oregon"
SECRET = "correct horse battery staple"


def conn(own: End, other: End, keywords: Mapping[str, str], name: str = NAME) -> str:
    """A conn section as ``own``'s gateway has it; ``keywords`` win, an empty value leaves one out."""
    settings = {
        "auto": "add",
        "keyexchange": "ikev1",
        "authby": "secret",
        "left": own.address,
        "leftsubnet": own.network,
        "right": other.public,
        "rightid": other.address,
        "rightsubnet": other.network,
        **keywords,
    }
    lines = [f"    {key}={value}" for key, value in settings.items() if value]
    return "\n".join([f"conn {name}", *lines, ""])


def secrets(a: End, b: End, psk: str = SECRET) -> str:
    return f'{a.address} {b.address} : PSK "{psk}"\n'
