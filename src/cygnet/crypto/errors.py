"""What a cryptographic check that fails raises."""

from __future__ import annotations

from cygnet.values.errors import CygnetError


class IntegrityError(CygnetError):
    """An ICV, tag or padded length is not what key and data make: forged, damaged or misrouted.

    Says nothing about where it differs. The caller decides what follows (mostly: drop and count).
    """
