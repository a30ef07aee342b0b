"""What an IKE_SA can want done, as values. The table of its version says what does it.

So an IKE_SA, and whatever works on both versions, needs to know no task and no rule of either
version: ``sa.do(RekeyChild(child))``. The rows are in ``ikev1.operations`` and
``ikev2.operations``; a want that a version has no use for has a row that does nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from cygnet.engine.child import ChildSa
from cygnet.engine.services import Named
from cygnet.engine.wish import Wish
from cygnet.model.config import Child


@dataclass(frozen=True, slots=True)
class Start:
    """Find both endpoints, then begin."""


@dataclass(frozen=True, slots=True)
class Begin:
    """Endpoints are known: send the first message."""


@dataclass(frozen=True, slots=True)
class CreateChild:
    """Established: negotiate a CHILD_SA for this wish, as soon as a request may be sent."""

    wish: Wish


@dataclass(frozen=True, slots=True)
class RekeyChild:
    """Replace it by a new one, overlapping."""

    child: ChildSa


@dataclass(frozen=True, slots=True)
class DeleteChild:
    """Close it and tell the peer."""

    child: ChildSa


@dataclass(frozen=True, slots=True)
class AbandonChild:
    """The data plane cannot carry it: as DeleteChild, and whoever waits for it hears why."""

    child: ChildSa
    reason: str


@dataclass(frozen=True, slots=True)
class InstallTrap:
    """So that the next packet brings the CHILD_SA back (action "hold")."""

    config: Child


@dataclass(frozen=True, slots=True)
class CheckLiveness:
    """Ask the peer whether it lives (RFC 3706; RFC 7296 §2.4). No answer: it is lost."""


@dataclass(frozen=True, slots=True)
class TellUnknownSpi:
    """ESP of the peer came with an SPI that is not here (INVALID_SPI)."""

    spi: int


@dataclass(frozen=True, slots=True)
class Rekey:
    """Replace the IKE_SA's keys (IKEv2: CREATE_CHILD_SA; IKEv1: reauthenticate)."""


@dataclass(frozen=True, slots=True)
class Reauthenticate:
    """Make a new IKE_SA with new authentication, move over, and drop this one."""


@dataclass(frozen=True, slots=True)
class Redirect:
    """Send the peer to another gateway. Raises RequestError where that cannot be."""

    gateway: str


@dataclass(frozen=True, slots=True)
class FollowAddresses:
    """The machine's own addresses or routes have changed: what waits for an answer is sent again.
    IKEv1 cannot move; IKEv2 does (MOBIKE)."""


@dataclass(frozen=True, slots=True)
class GiveWay:
    """Another IKE_SA with the same peer carries what this one does: go in its favour."""

    to: Named


@dataclass(frozen=True, slots=True)
class Delete:
    """Close the IKE_SA with all CHILD_SAs and tell the peer; ends in ``destroy``."""


@dataclass(frozen=True, slots=True)
class Forget:
    """It is being destroyed: drop what the version keeps of it; its CHILD_SAs are still there."""


Want = (
    Start
    | Begin
    | CreateChild
    | RekeyChild
    | DeleteChild
    | AbandonChild
    | InstallTrap
    | CheckLiveness
    | TellUnknownSpi
    | Rekey
    | Reauthenticate
    | Redirect
    | FollowAddresses
    | GiveWay
    | Delete
    | Forget
)
