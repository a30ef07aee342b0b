"""uniqueids: what becomes of older IKE_SAs when the same peer establishes another one.

Called by the responder once the peer is authenticated, before ``established()``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from cygnet.engine.children import same_place
from cygnet.engine.life import destroy
from cygnet.engine.registry import IdentityPair
from cygnet.engine.sa import IkeSa
from cygnet.engine.services import Services
from cygnet.engine.upkeep import retire
from cygnet.engine.wants import Delete
from cygnet.model.config import Unique
from cygnet.values.endpoint import Address


def with_same_peer(sa: IkeSa) -> Iterator[IkeSa]:
    """Other established IKE_SAs between the same two identities, of whatever connection."""
    return (o for o in sa.registry.between.of(sa.between) if o is not sa and o.is_established)


def duplicates(sa: IkeSa) -> Iterator[IkeSa]:
    """Those of the same connection: several conns may be for the same two (charon compares them, too)."""
    return (o for o in with_same_peer(sa) if o.name == sa.name and o.is_bound and sa.is_bound)


class FirstContact:
    """Which of the attempts that are under way says to a peer that there is no other: the first one."""

    def __init__(self, services: Services) -> None:
        self._says: dict[tuple[IdentityPair, Address], int] = {}
        self._look_at = 64  #: with so many, those that are gone are taken out

    def is_for(self, sa: IkeSa) -> bool:
        if any(with_same_peer(sa)):
            return False
        key, alive = (sa.between, sa.remote.address), sa.registry.ike_sas
        if self._says.get(key) not in alive:
            self._says[key] = sa.uid
        if len(self._says) > self._look_at:
            self._says = {key: uid for key, uid in self._says.items() if uid in alive}
            self._look_at = 2 * len(self._says) + 64
        return self._says[key] == sa.uid


def enforce(sa: IkeSa, initial_contact: bool, adopt: Callable[[IkeSa], None] | None = None) -> bool:
    """Apply the connection's policy to the duplicates of ``sa``; False: ``sa`` is to be refused.

    An INITIAL_CONTACT says the peer has no other SA left (RFC 7296 §2.4): the others go
    silently, of whatever connection; else only those of the same one are duplicates. Two IKE_SAs
    that both ends began at the same moment are both kept here, since each end would otherwise remove
    the other's. One from the same place as the one before is that one's
    reauthentication, which ``uniqueids=keep`` does not refuse. ``adopt``: what is done with such a
    one in place of leaving it to its end (IKEv1).
    """
    policy = sa.connection.unique
    if policy is Unique.NEVER:
        return True
    for other in with_same_peer(sa) if initial_contact else duplicates(sa):
        if initial_contact:
            since = other.established_at or 0.0  # after our first answer: the peer may not have known it
            if _crossed(sa, other) or since > sa.created_at:
                continue
            sa.log("IKE", f"destroying duplicate IKE_SA for peer '{sa.remote_id}', received INITIAL_CONTACT")
            destroy(other)
        elif policy is Unique.KEEP and not same_place(sa, other):
            sa.log("IKE", f"keeping the existing IKE_SA {other} with '{sa.remote_id}', refusing the new one")
            return False
        elif policy not in (Unique.REPLACE, Unique.KEEP) or _crossed(sa, other):
            continue  # two that carry the same come to one by themselves (``twins``)
        elif adopt is not None and same_place(sa, other):
            sa.log("IKE", f"detected reauth of existing IKE_SA {other}, adopting its children")
            adopt(other)
            retire(other)
        else:
            sa.log(
                "IKE",
                f"deleting duplicate IKE_SA {other} for peer '{sa.remote_id}' due to uniqueness policy",
            )
            if same_place(sa, other):
                retire(other)  # it is being renewed: what it carries stays until the new one carries it
            else:
                other.do(Delete())
    return True


def _crossed(sa: IkeSa, other: IkeSa) -> bool:
    """Begun by opposite ends at about the same time."""
    if sa.initiator == other.initiator or other.established_at is None:
        return False
    return sa.services.now - other.established_at < sa.services.config.settings.half_open_timeout
