"""How an IKE_SA of version 1 ends where the peer ends it, or is gone."""

from __future__ import annotations

from cygnet.engine import life
from cygnet.engine.ikev1 import trouble
from cygnet.engine.ikev1.sa import IkeSaV1
from cygnet.engine.ikev1.succession import Succession
from cygnet.engine.ikev1.tasks.informational import say_once
from cygnet.wire.ikev1.delete import Delete
from cygnet.wire.ikev1.numbers import PROTO_ISAKMP


def phase_1_failed(sa: IkeSaV1, reason: str) -> None:
    """``reason`` empty: the peer did not answer."""
    if not sa.initiator:
        life.destroy(sa)
    elif reason:
        life.negotiation_failed(sa, reason, retry=False)
    else:
        life.unanswered(sa, trouble.silence(sa))


def closed_by_peer(sa: IkeSaV1) -> None:
    """An heir keeps the CHILD_SAs: a peer that means to close them too deletes them by name."""
    if not sa.part(Succession).leave_to_heir():
        life.closed_by_peer(sa)


def peer_is_dead(sa: IkeSaV1, reason: str) -> None:
    """The dpdaction follows."""
    if not sa.is_established:
        life.destroy(sa)
    elif not sa.part(Succession).leave_to_heir():
        if life.comes_back(sa):
            say_once(sa, Delete(PROTO_ISAKMP, (sa.cookies,)))
        life.lost(sa, reason)
