"""Keywords of the two ends of a conn (COMPATIBILITY §2.4), named without ``left`` and ``right``."""

from __future__ import annotations

from cygnet.config.keywords.addresses import DNS, HOSTS, PROTOPORT, SOURCES, SUBNETS
from cygnet.config.keywords.authentication import AUTH, AUTHORITY, END_IDENTITY
from cygnet.config.keywords.row import Keyword, Status, by_name
from cygnet.config.keywords.types import OIDS, TEXT, WORDS, YES_NO, integer, one_of

_P = Status.PLANNED

END = (
    Keyword("", HOSTS, "%any", "The end's address: an IP address or host name, several of them, ranges or "
            "subnets for a responder, %any or %defaultroute for whatever address the route gives. "
            "%host takes another address too. The ends are swapped when right is a local address.",
            "Connection.local_addrs, remote_addrs", field="host"),
    Keyword("ikeport", integer(1, 65535), "500", "UDP port of IKE.", "Connection.local_port, remote_port"),
    Keyword("subnet", SUBNETS, None, "Networks behind the end, each with an optional [protocol/port]; "
            "without it the end's own (or virtual) address.",
            "Child.local_ts, remote_ts", aliases=("subnetwithin",)),
    Keyword("protoport", PROTOPORT, "%any", "Protocol and port of all networks of the end that name none.",
            "Child.local_ts, remote_ts"),
    Keyword("sourceip", SOURCES, None, "Left: the virtual address to ask for. Right: the pool to give "
            "virtual addresses from. Makes it a tunnel.", "Connection.vips, Connection.pools"),
    Keyword("dns", DNS, None, "Right: DNS servers told to a client that asks. Left: DNS servers to ask for.",
            "Pool.attributes"),
    Keyword("auth", AUTH, None, "How the end authenticates: psk, or pubkey with what its key (rsa, ecdsa, "
            "ed25519, ed448, each with the fewest bits) and its signatures (sha256, ike:...) have to be.",
            "Connection.local, remote"),
    Keyword("auth2", AUTH, None, "A second authentication of the end (IKEv2), behind the first: psk, pubkey.",
            "Connection.local, remote"),
    Keyword("id", END_IDENTITY, None, "Who the end says it is; without it its address.",
            "Connection.local, remote"),
    Keyword("id2", END_IDENTITY, None, "Identity of the second authentication.",
            "Connection.local, remote"),
    Keyword("cert", WORDS, None, "The end's certificate: a file of ipsec.d/certs, or several. On the right "
            "the only one that is taken from the peer.", "AuthRound.certs"),
    Keyword("cert2", WORDS, None, "Certificate of the second authentication.", "AuthRound.certs"),
    Keyword("sigkey", TEXT, None, "The end's public key without a certificate: a file, or dns:0s...",
            "AuthRound.certs", aliases=("rsasigkey",)),
    Keyword("ca", AUTHORITY, None, "Distinguished name of an authority that must be above the end's "
            "certificate; %same: the one above the other end's.", "AuthRound.authorities"),
    Keyword("ca2", AUTHORITY, None, "The same for the second authentication.", "AuthRound.authorities"),
    Keyword("certpolicy", OIDS, None, "Policies (OIDs): the end's certificate must be valid for one.",
            "AuthRound.policies"),
    Keyword("groups", TEXT, None, "Groups that the end must be a member of.", status=_P),
    Keyword("groups2", TEXT, None, "The same for the second authentication.", status=_P),
    Keyword("sendcert", one_of("always", "yes", "ifasked", "never", "no"), "ifasked",
            "When the end's certificate is sent: always (yes), when the peer asks for it, or never (no).",
            "AuthRound.send_cert"),
    Keyword("allowany", YES_NO, "no", "Take another address than the end's configured one too.",
            "Connection.allow_any"),
    Keyword("hostaccess", YES_NO, "no", "Add firewall rules for the host itself (for updown scripts).",
            status=_P),
    Keyword("firewall", YES_NO, "no", "Run strongSwan's own iptables script.", status=_P,
            note="name your script with updown"),
    Keyword("updown", TEXT, None, "Command to run when the tunnel comes up and goes down, told about it "
            "by PLUTO_* variables.", "Child.updown"),
    Keyword("nexthop", TEXT, None, "Without effect.", status=Status.DEPRECATED),
)  # fmt: skip

BY_NAME = by_name(END)
