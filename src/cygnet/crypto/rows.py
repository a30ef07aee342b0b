"""What a row of an algorithm table says beside the algorithm itself.

The tables stand at the end of ``encr``, ``integ``, ``prf`` and ``ke``. ``keywords``, the
``listalgs`` verb, the generated documentation and the sweep tests are made from them.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Flag, auto

#: Entropy as it is injected everywhere: how many bytes -> that many random bytes.
Random = Callable[[int], bytes]


class Use(Flag):
    """Where an algorithm may be negotiated. AH has no encryption, ESP and AH no prf of their own."""

    IKEV1 = auto()
    IKEV2 = auto()
    ESP = auto()
    AH = auto()

    IKE = IKEV1 | IKEV2
    IPSEC = ESP | AH
    ANY = IKE | IPSEC
