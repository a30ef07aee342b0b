"""Types of values that say how much is logged."""

from __future__ import annotations

import re

from cygnet.config.diagnostics import BadValue, did_you_mean, quoted
from cygnet.config.keywords.row import Type

#: strongSwan's log groups; "any" sets all.
GROUPS = (
    "dmn", "mgr", "ike", "chd", "job", "cfg", "knl", "net", "asn", "enc", "tnc", "imc", "imv", "pts", "tls",
    "app", "esp", "lib", "any",
)  # fmt: skip
LOWEST, HIGHEST = -1, 4


def level(text: str) -> int:
    if not re.fullmatch(r"-?\d", text, re.ASCII) or not LOWEST <= int(text) <= HIGHEST:
        raise BadValue(text, f"{quoted(text)} is not a log level: {LOWEST} (silent) to {HIGHEST}")
    return int(text)


def group(text: str) -> str:
    if text not in GROUPS:
        near = did_you_mean(text, GROUPS)
        raise BadValue(text, f"{quoted(text)} is not a log group: {', '.join(GROUPS)}{near}")
    return text


def _levels(text: str) -> tuple[tuple[str, int], ...]:
    """``ike 2, knl 3``: commas and blanks separate alike."""
    parts = re.split(r"[,\s]+", text.strip(", \t"))
    if len(parts) % 2:
        raise BadValue(parts[-1], f"a log level must follow {quoted(parts[-1])}")
    return tuple((group(g), level(n)) for g, n in zip(parts[::2], parts[1::2], strict=True))


CHARONDEBUG = Type("group level, group level, ...", _levels)
LEVEL = Type(f"{LOWEST}..{HIGHEST}", level)
