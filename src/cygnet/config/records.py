"""A conn as it was written: every keyword read into its type, defaults filled in, not yet lowered.

Field names are the keywords' (``Keyword.attribute``); planned and deprecated ones have none.
"""

from __future__ import annotations

from dataclasses import dataclass

from cygnet.config.keywords.addresses import Hosts, ProtoPort, Subnet
from cygnet.config.keywords.authentication import Auth, EndIdentity
from cygnet.config.keywords.proposals import Proposals
from cygnet.model.config import Fragmentation, IkeVersion, Mode
from cygnet.values.identity import Identity


@dataclass(slots=True)
class End:
    host: Hosts
    ikeport: int
    subnet: tuple[Subnet, ...] | None
    protoport: ProtoPort
    sourceip: tuple[str, ...] | None
    dns: tuple[str, ...] | None
    auth: Auth | None
    auth2: Auth | None
    id: EndIdentity | None
    id2: EndIdentity | None
    cert: tuple[str, ...] | None
    cert2: tuple[str, ...] | None
    sigkey: str | None
    ca: Identity | None
    ca2: Identity | None
    certpolicy: tuple[str, ...] | None
    sendcert: str
    allowany: bool
    updown: str | None


@dataclass(slots=True)
class Conn:
    """Times in seconds, percent as a number."""

    left: End
    right: End
    auto: str
    keyexchange: IkeVersion
    type: Mode
    authby: str
    ike: Proposals
    esp: Proposals | None
    ah: Proposals | None
    aggressive: bool
    mobike: bool
    forceencaps: bool
    fragmentation: Fragmentation
    ikedscp: int
    childless: str
    ppk_id: str | None
    ppk_required: bool
    resumption: bool
    redirect_to: str | None
    ikelifetime: int
    lifetime: int
    margintime: int
    rekeyfuzz: int
    lifebytes: int
    marginbytes: int
    lifepackets: int
    marginpackets: int
    keyingtries: int
    rekey: bool
    reauth: bool
    installpolicy: bool
    dpdaction: str
    dpddelay: int
    dpdtimeout: int
    closeaction: str
    inactivity: int
    sha256_96: bool
    reqid: int
    replay_window: int
    tfc: int
