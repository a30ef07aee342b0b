"""The oregon tunnel: the configuration of its two ends, as text."""

from __future__ import annotations

import secrets

from cygnet.lab.topology import End

NAME = "oregon"

_CONF = """\
# {path}

conn {name}
    auto={auto}
    keyexchange=ikev{ike}
    authby=secret
    left={left}
    leftsubnet={leftsubnet}
    right={right}
    rightid={rightid}
    rightsubnet={rightsubnet}
"""


def conf(own: End, other: End, auto: str, ike: int = 1) -> str:
    """ipsec.conf of the gateway of ``own``."""
    return _CONF.format(
        path="/etc/ipsec.conf",
        name=NAME,
        auto=auto,
        ike=ike,
        left=own.address,
        leftsubnet=own.network,
        right=other.public,
        rightid=other.address,
        rightsubnet=other.network,
    )


def psk_line(a: End, b: End, secret: str | None = None) -> str:
    """ipsec.secrets with a pre-shared key for the two; the same text is right on both ends."""
    return f'{a.address} {b.address} : PSK "{secret or secrets.token_urlsafe(24)}"\n'


def configure(own: End, other: End, auto: str, ike: int = 1) -> None:
    own.gateway.write("/etc/ipsec.conf", conf(own, other, auto, ike))


def share_secret(a: End, b: End) -> None:
    text = psk_line(a, b)
    for end in (a, b):
        end.gateway.write("/etc/ipsec.secrets", text, mode=0o600)
