"""uniqueids: what becomes of older IKE_SAs when the same peer establishes another one.

Called by the responder once the peer is authenticated, before ``established()``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from cygnet.engine.life import destroy
from cygnet.engine.sa import IkeSa
from cygnet.engine.upkeep import retire
from cygnet.engine.wants import Delete
from cygnet.model.config import Unique


def duplicates(sa: IkeSa) -> Iterator[IkeSa]:
    """Other established IKE_SAs between the same two identities."""
    return (o for o in sa.registry.between.of(sa.between) if o is not sa and o.is_established)


def enforce(sa: IkeSa, initial_contact: bool, adopt: Callable[[IkeSa], None] | None = None) -> bool:
    """Apply the connection's policy to the duplicates of ``sa``; False: ``sa`` is to be refused.

    An INITIAL_CONTACT says the peer has no other SA left (RFC 7296 §2.4): the others go
    silently. Two IKE_SAs that both ends began at the same moment are both kept, since each end
    would otherwise remove the other's. ``adopt``: what is done in place of deleting one with a
    peer at the same address, whose reauthentication it then is (IKEv1).
    """
    policy = sa.connection.unique
    if policy is Unique.NEVER:
        return True
    for other in duplicates(sa):
        if initial_contact:
            if _crossed(sa, other):
                continue
            sa.log("IKE", f"destroying duplicate IKE_SA for peer '{sa.remote_id}', received INITIAL_CONTACT")
            destroy(other)
        elif policy is Unique.KEEP:
            sa.log("IKE", f"keeping the existing IKE_SA {other} with '{sa.remote_id}', refusing the new one")
            return False
        elif policy is Unique.REPLACE and not _crossed(sa, other):
            if adopt is not None and other.remote.address == sa.remote.address:
                sa.log("IKE", f"detected reauth of existing IKE_SA {other}, adopting its children")
                adopt(other)
                retire(other)
            else:
                sa.log(
                    "IKE",
                    f"deleting duplicate IKE_SA {other} for peer '{sa.remote_id}' due to uniqueness policy",
                )
                other.do(Delete())
    return True


def _crossed(sa: IkeSa, other: IkeSa) -> bool:
    """Begun by opposite ends at about the same time."""
    if sa.initiator == other.initiator or other.established_at is None:
        return False
    return sa.services.now - other.established_at < sa.services.config.settings.half_open_timeout
