"""Does a distinguished name fit a pattern? RDN by RDN, a value of ``*`` standing for any; never as text,
and never in part."""

from __future__ import annotations

from enum import StrEnum

from cygnet.values import dn
from cygnet.values.der import DerError


class RdnMatching(StrEnum):
    """charon.rdn_matching"""

    STRICT = "strict"  #: the same RDNs in the same order
    REORDERED = "reordered"  #: in any order
    RELAXED = "relaxed"  #: in any order, and those that the pattern leaves out are as wildcards


def dn_fits(name: bytes, pattern: bytes, rdn: RdnMatching = RdnMatching.STRICT) -> int:
    """How well a Name fits a pattern (both in DER): 0, 2 by wildcards, 3. What is no Name fits nothing."""
    try:
        ours, wanted = dn.rdns(name), dn.rdns(pattern)
    except DerError:
        return 0
    if not wanted:
        return 3 if not ours else 0
    if rdn is RdnMatching.STRICT:
        if len(ours) != len(wanted):
            return 0
        return min((_rdn_fits(one, other) for one, other in zip(ours, wanted)), default=0)
    best, left = 3, list(ours)
    for other in sorted(wanted, key=_is_wild):  # exact ones first, so that a wildcard takes none of theirs
        found = next((one for one in left if _rdn_fits(one, other)), None)
        if found is None:
            return 0
        left.remove(found)
        best = min(best, _rdn_fits(found, other))
    if left:
        return 2 if rdn is RdnMatching.RELAXED else 0
    return best


def _is_wild(rdn: dn.Rdn) -> bool:
    return any(attribute.text == "*" for attribute in rdn)


def _rdn_fits(ours: dn.Rdn, wanted: dn.Rdn) -> int:
    if len(ours) != len(wanted):
        return 0
    if len(ours) == 1:
        one, other = ours[0], wanted[0]
        if one.oid != other.oid:
            return 0
        return 3 if one.canonical == other.canonical else 2 if other.text == "*" else 0
    return 3 if {(a.oid, a.canonical) for a in ours} == {(a.oid, a.canonical) for a in wanted} else 0
