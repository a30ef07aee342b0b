"""Margins and fuzz to soft and hard limits, by the formulas of strongSwan's stroke.

An SA is replaced at ``life - margin - random(0..margin * fuzz)``. strongSwan's arithmetic
wraps around where the margin is longer than the life, and such an SA is never replaced; here
the margin shrinks to a tenth of the life, and a warning says so.
"""

from __future__ import annotations

from cygnet.config.written import Written
from cygnet.model.config import Lifetime

#: What is left of a margin that does not fit.
_SHRUNK = 10


def limits(written: Written, life: str, margin: str, unit: str = "") -> Lifetime:
    """Soft and hard limit and jitter from the settings of that name; all 0 where there is no limit."""
    conn = written.conn
    whole, before = getattr(conn, life), getattr(conn, margin)
    if not whole or not conn.rekey:
        return Lifetime()
    if before >= whole:
        shrunk = whole // _SHRUNK
        reason = f"{before}{unit} does not fit into {life}={whole}{unit}; {shrunk}{unit} is used"
        written.warn(margin if written.has(margin) else life, f"{margin} of {reason}")
        before = shrunk
    jitter = before * conn.rekeyfuzz // 100
    return Lifetime(rekey=whole - before, life=whole, jitter=min(jitter, whole - before))
