"""Types of values that are hosts, networks and ports."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network
from typing import TypeVar

from cygnet.config.diagnostics import BadValue, did_you_mean, not_one_of, quoted
from cygnet.config.keywords.row import Type
from cygnet.config.keywords.types import number
from cygnet.values.selector import ANY_PORTS, OPAQUE, TrafficSelector, dynamic

T = TypeVar("T")

#: As /etc/protocols and /etc/services have them: those that people put into selectors.
#: (This package reads no files but the configuration.)
PROTOCOLS = {
    "icmp": 1, "igmp": 2, "ipencap": 4, "ipip": 4, "tcp": 6, "egp": 8, "igp": 9, "udp": 17, "dccp": 33,
    "ipv6": 41, "rsvp": 46, "gre": 47, "esp": 50, "ah": 51, "ipv6-icmp": 58, "icmpv6": 58, "eigrp": 88,
    "ospf": 89, "pim": 103, "ipcomp": 108, "vrrp": 112, "l2tp": 115, "sctp": 132, "mobility-header": 135,
    "ipv6-mh": 135, "udplite": 136,
}  # fmt: skip
SERVICES = {
    "ftp": 21, "ssh": 22, "telnet": 23, "smtp": 25, "domain": 53, "bootps": 67, "bootpc": 68, "tftp": 69,
    "http": 80, "www": 80, "kerberos": 88, "pop3": 110, "sunrpc": 111, "ntp": 123, "netbios-ns": 137,
    "netbios-dgm": 138, "netbios-ssn": 139, "imap2": 143, "imap": 143, "snmp": 161, "snmp-trap": 162,
    "bgp": 179, "ldap": 389, "https": 443, "microsoft-ds": 445, "isakmp": 500, "syslog": 514, "ldaps": 636,
    "domain-s": 853, "imaps": 993, "pop3s": 995, "l2f": 1701, "l2tp": 1701, "radius": 1812,
    "radius-acct": 1813, "nfs": 2049, "mysql": 3306, "ms-wbt-server": 3389, "ipsec-nat-t": 4500, "sip": 5060,
    "sip-tls": 5061, "xmpp-client": 5222, "postgresql": 5432,
}  # fmt: skip
ICMP = (1, 58)

_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_LOOKS_NUMERIC = re.compile(r"[0-9.]+|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*")
_RANGE = re.compile(r"[0-9.]+-[0-9.]+|[0-9a-fA-F]*:[0-9a-fA-F.:]*-[0-9a-fA-F]*:[0-9a-fA-F.:]*")
_SUBNET = re.compile(r"(?P<net>[^\[\]]*)(?:\[(?P<protoport>[^\[\]]*)\])?")
ANY_HOST = ("%any", "%any4", "%any6")
#: What left and right can be beside addresses and names.
HOST_WORDS = (*ANY_HOST, "%defaultroute")
#: leftsourceip words for "ask for one", and the address that asks: "" takes the family that fits.
CONFIG_WORDS = {
    "%config": "",
    "%cfg": "",
    "%modeconfig": "",
    "%modecfg": "",
    "%config4": "0.0.0.0",
    "%config6": "::",
}


@dataclass(frozen=True, slots=True)
class Hosts:
    """A left= value: addresses, names, ranges and subnets, and whether another may come instead."""

    hosts: tuple[str, ...]
    allow_any: bool = False


@dataclass(frozen=True, slots=True)
class ProtoPort:
    """An IP protocol (0: any) and its ports; for ICMP, type and code."""

    protocol: int = 0
    ports: tuple[int, int] = ANY_PORTS


@dataclass(frozen=True, slots=True)
class Subnet:
    """One leftsubnet: a selector (``dynamic`` for %dynamic); ``protoport`` None: as leftprotoport says."""

    selector: TrafficSelector
    protoport: ProtoPort | None = None

    def with_default(self, other: ProtoPort) -> TrafficSelector:
        use = self.protoport or other
        start, end = use.ports
        return replace(self.selector, protocol=use.protocol, start_port=start, end_port=end)


def _pieces(text: str) -> Iterator[str]:
    """The parts of a list: separated by commas, blanks around them do not count."""
    return (piece for raw in text.split(",") if (piece := raw.strip()))


def listed(parse: Callable[[str], T]) -> Callable[[str], tuple[T, ...]]:
    """A reader of comma-separated lists of what ``parse`` reads."""

    def parse_list(text: str) -> tuple[T, ...]:
        return tuple(parse(piece) for piece in _pieces(text))

    return parse_list


def address(text: str) -> str:
    """An IP address, in its usual spelling."""
    try:
        return str(ip_address(text))
    except ValueError:
        raise BadValue(text, f"{quoted(text)} is not an IP address") from None


def network(text: str) -> TrafficSelector:
    """``10.1.0.0/16``, an address, or a range ``10.1.0.5-10.1.0.9``."""
    try:
        if "-" in text:
            start, _, end = text.partition("-")
            return TrafficSelector(ip_address(start.strip()), ip_address(end.strip()))
        return TrafficSelector.of_network(ip_network(text, strict=False))
    except ValueError:
        raise BadValue(text, f"{quoted(text)} is not a network (10.1.0.0/16, fd00::/64)") from None


def host_name(text: str) -> str:
    """A DNS name, checked for its form only."""
    labels = text.removesuffix(".").split(".")
    if len(text) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise BadValue(text, f"{quoted(text)} is neither an IP address nor a host name")
    return text


def is_range(text: str) -> bool:
    """``192.0.2.1-192.0.2.9``; host names have dashes too."""
    return bool(_RANGE.fullmatch(text))


def is_single(host: str) -> bool:
    """Whether a host of left= is one address or name, and not %any, a subnet or a range."""
    return not (host.startswith("%") or "/" in host or is_range(host))


def host(text: str) -> str:
    """One address, name, range, subnet or ``%any``, as it was written."""
    if text in ANY_HOST:
        return text
    if "/" in text or is_range(text):
        network(text)
        return text
    if _LOOKS_NUMERIC.fullmatch(text):
        return address(text)
    if text.startswith("%"):
        raise not_one_of(text, HOST_WORDS)
    return host_name(text)


def _hosts(text: str) -> Hosts:
    if text == "%defaultroute":  # the source address by route is what %any means for an initiator
        return Hosts(("%any",))
    allow_any = (
        text.startswith("%") and not text.startswith("%any") and not did_you_mean(text, ["%defaultroute"])
    )
    hosts = tuple(host(piece) for piece in _pieces(text[1:] if allow_any else text))
    if not hosts:
        raise BadValue(text, "an address, a host name or %any must follow")
    return Hosts(hosts, allow_any)


def protoport(text: str) -> ProtoPort:
    """``tcp/http``, ``17/1701``, ``%any/%any``, ``udp/1000-2000``, ``icmp/8``, ``tcp/%opaque``."""
    name, slash, ports = text.partition("/")
    protocol = PROTOCOLS.get(name.lower(), -1) if name not in ("", "%any") else 0
    if protocol < 0:
        try:
            protocol = number(name, 0, 255)
        except BadValue:
            near = did_you_mean(name, PROTOCOLS)
            raise BadValue(
                name, f"{quoted(name)} is not an IP protocol (tcp, udp, 0..255, %any){near}"
            ) from None
    return ProtoPort(protocol, _ports(ports, protocol) if slash else ANY_PORTS)


def _ports(text: str, protocol: int) -> tuple[int, int]:
    if text in ("", "%any"):
        return ANY_PORTS
    if text == "%opaque":
        return OPAQUE
    if text in SERVICES:
        return SERVICES[text], SERVICES[text]
    low, dash, high = text.partition("-")
    try:
        start = number(low, 0, 0xFFFF)
        end = number(high, 0, 0xFFFF) if dash else start
    except BadValue:
        near = did_you_mean(text, SERVICES)
        raise BadValue(
            text, f"{quoted(text)} is not a port (80, 1000-2000, http, %any, %opaque){near}"
        ) from None
    if start > end:
        raise BadValue(text, f"{quoted(text)} is not a range of ports: it ends before it starts")
    if protocol in ICMP and end < 256:  # a type alone stands for all its codes (RFC 4301 §4.4.1.1)
        return start << 8, end << 8 | 0xFF
    return start, end


def _subnet(text: str) -> Subnet:
    match = _SUBNET.fullmatch(text)
    if not match:
        raise BadValue(text, f"{quoted(text)} is not of the form network[protocol/port]")
    if match["net"].startswith(("vhost:", "vnet:")):
        raise BadValue(text, f"{quoted(text)}: virtual networks were a feature of pluto; name the networks")
    selector = dynamic() if match["net"] == "%dynamic" else network(match["net"])
    return Subnet(selector, None if match["protoport"] is None else protoport(match["protoport"]))


def _source(text: str) -> str:
    """One leftsourceip: how it was written, an address or network in its usual spelling."""
    if text.startswith("%"):
        return text
    if "/" in text or "-" in text:
        network(text)
        return text
    return address(text)


def _dns(text: str) -> str:
    return text if text in ("%config4", "%config6") else address(text)


def gateway(text: str) -> str:
    """One address or host name."""
    return address(text) if _LOOKS_NUMERIC.fullmatch(text) else host_name(text)


ADDRESSES = Type("IP addresses", listed(address))
GATEWAY = Type("IP address, host name", gateway)
GATEWAYS = Type("IP addresses, host names", listed(gateway))
HOSTS = Type(
    "IP address, host name, range, subnet or a list; %any, %any4, %any6, %defaultroute, %host", _hosts
)
SUBNETS = Type("network[[protocol/port]], %dynamic, or a list", listed(_subnet))
PROTOPORT = Type("protocol[/port], %any, %opaque, a range of ports", protoport)
SOURCES = Type(
    "%config, %config4, %config6, IP address (left); network, range, %pool (right); or a list",
    listed(_source),
)
DNS = Type("IP addresses, %config4, %config6", listed(_dns))
