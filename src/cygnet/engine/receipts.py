"""What the log says of the datagrams that arrive for an IKE_SA.

Anybody who has seen its SPIs can send as many of them as he likes. So the line that something
was received waits until it is known what it is. A message that is acted on is told at level 1.
One that proves nothing is told at level 2; only the first few before the IKE_SA is established
are told at level 1, where they may be all that the user sees of a wrong key.
"""

from __future__ import annotations

from cygnet.boundary.events import Datagram
from cygnet.engine.sa import IkeSa

MOST_TOLD = 10  #: lines at level 1 about messages that prove nothing, for one IKE_SA


class Receipts:
    """``arrived`` and ``read``, then ``taken`` or ``unproven`` once it is known; ``over`` at the end."""

    def __init__(self, sa: IkeSa) -> None:
        self._sa = sa
        self._lines: list[tuple[str, str]] = []  #: of the datagram that is being looked at, not yet logged
        self._told = 0

    def arrived(self, datagram: Datagram) -> None:
        size = len(datagram.data)
        text = f"received packet: from {datagram.remote} to {datagram.local} ({size} bytes)"
        self._lines = [("NET", text)]

    def read(self, text: str) -> None:
        """It can be read, which proves nothing yet."""
        self._lines.append(("ENC", text))

    def taken(self, level: int = 1) -> None:
        """It is acted on."""
        lines, self._lines = self._lines, []
        for group, text in lines:
            self._sa.log(group, text, level)

    def unproven(self, group: str, text: str) -> None:
        """It may be from anybody, or sent again by anybody; ``text`` is what there is to say of it."""
        level = 2
        if self._sa.established_at is None and self._told < MOST_TOLD:
            self._told += 1
            level = 1
        self.taken(level)
        self._sa.log(group, text, level)

    def over(self) -> None:
        """It was dropped without a word, if nothing has been said of it."""
        self.taken(2)
