"""What an authentication may need before it can go on: revocation data, a signature of ours.

Whoever finds that something is missing raises Missing. Whoever drives the exchange catches that, calls
``wait`` with what is to go on then, and does nothing else: the IKE_SA shows in ``waiting`` what for, and
is answered, closed or lost meanwhile like any other. What goes on then asks again, and finds it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from cygnet.engine.sa import IkeSa


class Missing(Exception, ABC):
    """The authentication cannot go on before this is here."""

    @abstractmethod
    def wait(self, sa: IkeSa, then: Callable[[], None]) -> None:
        """Ask for it, and call ``then`` when it is here or will not come; not at all if the IKE_SA goes
        before. Called again meanwhile (a repeated message), it only takes another ``then``."""
