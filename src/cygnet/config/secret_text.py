"""How a secret is written that is no text: 0x and hexadecimal digits, 0s and base64.

The reasons of the ValueErrors hold no part of the secret.
"""

from __future__ import annotations

import base64
import binascii
import re


def hexadecimal(text: str) -> bytes:
    """What stands behind 0x; colons do not count, an odd number of digits begins with a 0."""
    digits = text.replace(":", "")
    if not re.fullmatch(r"[0-9a-fA-F]+", digits):
        raise ValueError("a secret that begins with 0x must be hexadecimal digits")
    return bytes.fromhex("0" * (len(digits) % 2) + digits)


def base64_of(text: str) -> bytes:
    """What stands behind 0s; its padding may be missing."""
    bare = text.rstrip("=")
    try:
        decoded = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if not decoded:
        raise ValueError("a secret that begins with 0s must be base64")
    return decoded
