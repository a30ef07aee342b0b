"""The type of ike=, esp= and ah=: ``aes128-sha256-x25519,aes256gcm16-x25519!``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from cygnet.config.diagnostics import BadValue
from cygnet.config.keywords import foreign
from cygnet.config.keywords.row import Type
from cygnet.crypto.keywords import BadWords, parse_proposal
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
        found: list[Proposal] = []
        wrong: dict[tuple[str, str], BadValue] = {}  # each mistake once
        for text in self.texts:
            try:
                found.append(proposal(text, self.protocol, version))
            except BadValue as why:
                wrong |= {(each.found, each.reason): each for each in why.each()}
        if wrong:
            first, *others = wrong.values()
            raise BadValue(first.found, first.reason, others)
        return tuple(found)


def proposals(protocol: Protocol) -> Type[Proposals]:
    def parse(text: str) -> Proposals:
        strict = text.endswith("!")
        pieces = (piece.strip() for piece in text.removesuffix("!").split(","))
        written = Proposals(tuple(pieces), protocol, strict)
        try:
            written.of_version(0)
        except BadValue as why:
            if not (better := _repaired(text, protocol)):
                raise
            reason = why.reason.partition("; did you mean")[0]
            raise BadValue(why.found, f"{reason}; did you mean '{better}'?") from None
        return written

    return Type("proposals: encryption-integrity[-prf]-group, or a list; ! at the end: only these", parse)


def _repaired(text: str, protocol: Protocol) -> str:
    """The value as one proposal in our words; empty where that is none either."""
    words = re.split(r"[-;/,\s]+", text.removesuffix("!").strip().lower())
    joined = "-".join(foreign.ALGORITHMS.get(word, word) for word in words if word)
    if joined == text.removesuffix("!") or len(joined) > 200:
        return ""
    try:
        parse_proposal(joined, protocol)
    except ValueError:
        return ""
    return joined


@cache  # thousands of conns write the same few; bounded by what the configuration holds
def proposal(text: str, protocol: Protocol, version: int) -> Proposal:
    try:
        return parse_proposal(text, protocol, version)
    except BadWords as why:
        first, *others = (BadValue(_named(reason, text), reason) for reason in why.reasons)
        raise BadValue(first.found, first.reason, others) from None
    except ValueError as why:
        raise BadValue(_named(str(why), text), str(why)) from None


def _named(reason: str, text: str) -> str:
    """The word of a proposal that a reason is about; all of it where it names none."""
    named = _NAMED.search(reason)
    return named[1] if named and named[1] in text else text
