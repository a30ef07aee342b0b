"""The networks that the demo and the tests use, each drawn.

The names of the two ends are parameters: the demo has ``oregon`` and ``peer``, the interop
tests ``cygnet`` and ``charon``. Public addresses are those for documentation (RFC 5737, 3849).
"""

from __future__ import annotations

from dataclasses import dataclass

from cygnet.lab import nat
from cygnet.lab.cable import Plug
from cygnet.lab.host import Host
from cygnet.lab.lab import Lab


@dataclass(frozen=True, slots=True)
class End:
    """One end of a tunnel: its gateway, and what the other end needs to know of it."""

    gateway: Host
    address: str  #: the gateway's own address
    public: str  #: the address under which the other end reaches it
    network: str  #: what is behind it
    inner: str  #: an address of the gateway inside ``network``
    host: Host | None = None  #: a host in ``network``
    host_address: str = ""


@dataclass(frozen=True, slots=True)
class Site:
    """The plan of one end of oregon's network."""

    network: str
    gateway: str
    router: str
    lan: str
    host: str
    public: str
    core: str


OREGON = Site(
    "10.31.0.0/16", "10.31.1.185", "10.31.1.1", "10.31.2.1", "10.31.2.10", "203.0.113.31", "192.0.2.1"
)
PEER = Site(
    "10.77.0.0/16", "10.77.1.210", "10.77.1.1", "10.77.2.1", "10.77.2.20", "198.51.100.77", "192.0.2.2"
)


def oregon(
    lab: Lab, names: tuple[str, str] = ("oregon", "peer"), round_trip: float = 0.1, hosts: bool = True
) -> tuple[End, End]:
    """Oregon's network: two clouds, each gateway behind a 1:1 NAT. ``round_trip`` in seconds.

    ::

        oregon-host                                                              peer-host
        10.31.2.10                                                              10.77.2.20
            |                                                                        |
         oregon ------------ oregon-nat ===== the internet ===== peer-nat --------- peer
       10.31.1.185   203.0.113.31 <-> it            198.51.100.77 <-> it        10.77.1.210
    """
    ends, routers = [], []
    for name, site in zip(names, (OREGON, PEER), strict=True):
        gateway, router = lab.host(name), lab.host(f"{name}-nat")
        lab.cable(
            Plug(gateway, "eth0", (f"{site.gateway}/24",)), Plug(router, "inside", (f"{site.router}/24",))
        )
        gateway.add_route("0.0.0.0/0", site.router)
        nat.one_to_one(router, site.gateway, site.public)
        host = None
        if hosts:
            host = lab.host(f"{name}-host")
            lab.cable(Plug(gateway, "eth1", (f"{site.lan}/24",)), Plug(host, "eth0", (f"{site.host}/24",)))
            host.add_route("0.0.0.0/0", site.lan)
        routers.append(router)
        ends.append(End(gateway, site.gateway, site.public, site.network, site.gateway, host, site.host))
    lab.cable(
        Plug(routers[0], "core", (f"{OREGON.core}/30",)),
        Plug(routers[1], "core", (f"{PEER.core}/30",)),
        delay=round_trip / 2,
    )
    routers[0].add_route(f"{PEER.public}/32", PEER.core)
    routers[1].add_route(f"{OREGON.public}/32", OREGON.core)
    return ends[0], ends[1]


def direct(lab: Lab, names: tuple[str, str] = ("oregon", "peer"), round_trip: float = 0.0) -> tuple[End, End]:
    """No NAT: two gateways on one link; each has an address of the network behind it on lo.
    ``round_trip`` in seconds.

    ::

        10.31.0.1/16 - oregon -------------------- peer - 10.77.0.1/16
                      192.0.2.1                 192.0.2.2
    """
    a, b = lab.host(names[0]), lab.host(names[1])
    lab.cable(Plug(a, "eth0", ("192.0.2.1/24",)), Plug(b, "eth0", ("192.0.2.2/24",)), delay=round_trip / 2)
    a.add_address("lo", "10.31.0.1/32")
    b.add_address("lo", "10.77.0.1/32")
    return (
        End(a, "192.0.2.1", "192.0.2.1", "10.31.0.0/16", "10.31.0.1"),
        End(b, "192.0.2.2", "192.0.2.2", "10.77.0.0/16", "10.77.0.1"),
    )


def one_nat(lab: Lab, names: tuple[str, str] = ("oregon", "peer")) -> tuple[End, End]:
    """The first end is behind a home router (many-to-one, other ports); the second is not behind NAT.

    ::

        10.31.0.1/16 - oregon ---------- oregon-nat ---------------- peer - 10.77.0.1/16
                    192.168.1.2     as 203.0.113.1:2xxxx       198.51.100.2
    """
    a, router, b = lab.host(names[0]), lab.host(f"{names[0]}-nat"), lab.host(names[1])
    lab.cable(Plug(a, "eth0", ("192.168.1.2/24",)), Plug(router, "inside", ("192.168.1.1/24",)))
    lab.cable(
        Plug(router, "outside", ("198.51.100.1/24", "203.0.113.1/32")), Plug(b, "eth0", ("198.51.100.2/24",))
    )
    a.add_route("0.0.0.0/0", "192.168.1.1")
    b.add_route("203.0.113.1/32", "198.51.100.1")
    nat.many_to_one(router, "192.168.1.0/24", "203.0.113.1")
    a.add_address("lo", "10.31.0.1/32")
    b.add_address("lo", "10.77.0.1/32")
    return (
        End(a, "192.168.1.2", "203.0.113.1", "10.31.0.0/16", "10.31.0.1"),
        End(b, "198.51.100.2", "198.51.100.2", "10.77.0.0/16", "10.77.0.1"),
    )


def six(lab: Lab, names: tuple[str, str] = ("oregon", "peer")) -> tuple[End, End]:
    """IPv6 outside and inside.

    ::

        2001:db8:31::1/48 - oregon ------------------------ peer - 2001:db8:77::1/48
                        2001:db8::1                   2001:db8::2
    """
    a, b = lab.host(names[0]), lab.host(names[1])
    lab.cable(Plug(a, "eth0", ("2001:db8::1/64",)), Plug(b, "eth0", ("2001:db8::2/64",)))
    a.add_address("lo", "2001:db8:31::1/128")
    b.add_address("lo", "2001:db8:77::1/128")
    return (
        End(a, "2001:db8::1", "2001:db8::1", "2001:db8:31::/48", "2001:db8:31::1"),
        End(b, "2001:db8::2", "2001:db8::2", "2001:db8:77::/48", "2001:db8:77::1"),
    )
