"""The type of ike=, esp= and ah=: ``aes128-sha256-x25519,aes256gcm16-x25519!``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from cygnet.config.diagnostics import BadValue
from cygnet.config.keywords.row import Type
from cygnet.crypto.keywords import parse_proposal
from cygnet.values.iana import Protocol
from cygnet.values.proposal import Proposal

_NAMED = re.compile(r"'([^']+)'")


@dataclass(frozen=True, slots=True)
class Proposals:
    """What was written; ``strict`` (a ``!`` at the end): nothing else is offered or taken."""

    texts: tuple[str, ...]
    protocol: Protocol
    strict: bool

    def of_version(self, version: int) -> tuple[Proposal, ...]:
        """The proposals for IKE version 1, 2 or either (0). Raises BadValue where one cannot be."""
        return tuple(proposal(text, self.protocol, version) for text in self.texts)


def proposals(protocol: Protocol) -> Type[Proposals]:
    def parse(text: str) -> Proposals:
        strict = text.endswith("!")
        pieces = (piece.strip() for piece in text.removesuffix("!").split(","))
        written = Proposals(tuple(pieces), protocol, strict)
        written.of_version(0)
        return written

    return Type("proposals: encryption-integrity[-prf]-group, or a list; ! at the end: only these", parse)


@cache  # thousands of conns write the same few; bounded by what the configuration holds
def proposal(text: str, protocol: Protocol, version: int) -> Proposal:
    try:
        return parse_proposal(text, protocol, version)
    except ValueError as why:
        named = _NAMED.search(str(why))
        raise BadValue(named[1] if named and named[1] in text else text, str(why)) from None
