"""Why a packet was dropped: the names under which status counts them."""

from __future__ import annotations

from enum import Enum


class Drop(Enum):
    """``value`` is the counter's name."""

    MALFORMED = "malformed"  # not ESP, not IP, or shorter than its headers say
    UNPROTECTED = "unprotected"  # in the clear, though a policy wants it protected (RFC 4301 §5.2)
    UNKNOWN_SPI = "unknown_spi"
    REPLAYED = "replayed"
    FORGED = "forged"  # the integrity check failed
    DUMMY = "dummy"  # next header 59 (RFC 4303 §2.6): traffic flow padding, no loss
    OUTSIDE = "outside"  # decapsulated, but not within the SA's selectors
    CONGESTION = "congestion"  # marked CE outside, not ECN capable inside (RFC 6040 §4.2)
    NO_POLICY = "no_policy"  # covered by no policy, and nothing that could go on without the tunnel
    NO_SA = "no_sa"  # held for an SA that did not come
    NOT_COVERED = "not_covered"  # its SA was narrowed and does not cover it
    SHUNTED = "shunted"  # a drop or reject policy
    TOO_BIG = "too_big"  # answered with an ICMP error
    SPENT = "spent"  # the SA's sequence numbers are used up
    UNSENDABLE = "unsendable"  # the system refused to send it
