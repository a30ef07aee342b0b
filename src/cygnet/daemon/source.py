"""Which local address packets to a peer leave from: the kernel's own answer."""

from __future__ import annotations

import socket
from ipaddress import ip_address

from cygnet.values.endpoint import Address


def source_towards(remote: Address, mark: int = 0) -> Address | None:
    """Ask by connecting a UDP socket, which sends nothing. None: there is no route.

    ``mark`` is that of the IKE sockets, so that rules for marked packets count here too.
    """
    family = socket.AF_INET if remote.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        try:
            if mark:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, mark)
            sock.connect((str(remote), 500))
        except OSError:
            return None
        return ip_address(sock.getsockname()[0].partition("%")[0])


def is_local(text: str) -> bool:
    """Whether ``text`` is an IP address of this machine: one that a socket can be bound to.

    Names are not looked up: that could block, and the answer would depend on the moment.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if address.is_unspecified or address.is_multicast:
        return False
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.bind((text, 0))
    except OSError:
        return False
    return True
