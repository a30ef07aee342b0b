"""NAT in a router of the lab, by nftables."""

from __future__ import annotations

from cygnet.lab.host import Host

_TABLE = """
table ip nat {
    chain prerouting { type nat hook prerouting priority -100; }
    chain postrouting { type nat hook postrouting priority 100; }
}
"""


def one_to_one(router: Host, inside: str, outside: str) -> None:
    """As clouds do it: address ``inside`` is seen as ``outside``, ports and protocols unchanged."""
    router.run("nft", "-f", "-", input=_TABLE)
    router.run("nft", "add", "rule", "ip", "nat", "prerouting", "ip", "daddr", outside, "dnat", "to", inside)
    router.run("nft", "add", "rule", "ip", "nat", "postrouting", "ip", "saddr", inside, "snat", "to", outside)


def many_to_one(router: Host, inside: str, outside: str, ports: str = "20000-29999") -> None:
    """As home routers do it: everybody of network ``inside`` is seen as ``outside``, from other ports."""
    router.run("nft", "-f", "-", input=_TABLE)
    for protocol in ("udp", "tcp"):
        router.run(
            *("nft", "add", "rule", "ip", "nat", "postrouting", "ip", "saddr", inside),
            *("ip", "protocol", protocol, "snat", "to", f"{outside}:{ports}", "random"),
        )
    router.run("nft", "add", "rule", "ip", "nat", "postrouting", "ip", "saddr", inside, "snat", "to", outside)
