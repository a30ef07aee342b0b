"""Proposals as swanctl.conf has them: what is written and nothing else, ``default`` for our own."""

from __future__ import annotations

from cygnet.config.diagnostics import BadValue
from cygnet.config.keywords.proposals import proposal
from cygnet.config.proposing import VERSIONS
from cygnet.config.swanctl.reading import Read
from cygnet.crypto.keywords import default_proposals
from cygnet.model.config import IkeVersion
from cygnet.values.iana import Protocol
from cygnet.values.proposal import Proposal


def offered(read: Read, name: str, protocol: Protocol, version: IkeVersion) -> tuple[Proposal, ...]:
    number = VERSIONS[version]
    found: list[Proposal] = []
    for text in read.words(name):
        if text == "default":
            found += default_proposals(protocol, number or 2)
            continue
        try:
            found.append(proposal(text, protocol, number))
        except BadValue as why:
            for each in why.each():
                read.refuse(name, each.reason, each.found)
    return tuple(dict.fromkeys(found))
