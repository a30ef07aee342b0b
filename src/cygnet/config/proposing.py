"""Which proposals a conn offers: those written, then the built-in ones unless there is a ``!``."""

from __future__ import annotations

from cygnet.config.diagnostics import BadValue
from cygnet.config.keywords.proposals import Proposals
from cygnet.config.written import Written
from cygnet.crypto.keywords import default_proposals
from cygnet.model.config import IkeVersion
from cygnet.values.iana import Protocol
from cygnet.values.proposal import Proposal

#: starter's own default for esp, which charon's are appended to.
ESP = Proposals(("aes128-sha256",), Protocol.ESP, strict=False)
VERSIONS = {IkeVersion.ANY: 0, IkeVersion.V1: 1, IkeVersion.V2: 2}


def offered(written: Written, keyword: str, protocol: Protocol) -> tuple[Proposal, ...]:
    """The proposals of ike, esp or ah, in the order of preference, without repetitions."""
    said: Proposals = getattr(written.conn, keyword) or ESP
    version = VERSIONS[written.conn.keyexchange]
    try:
        found = said.of_version(version)
    except BadValue as why:
        for each in why.each():
            written.refuse(keyword, each.reason, found=each.found)
        return ()
    if not said.strict:
        found += default_proposals(protocol, version or 2)
    return tuple(dict.fromkeys(found))
