"""uniqueids: what becomes of older IKE_SAs when the same peer establishes another one.

Called by the responder once the peer is authenticated, before ``established()``.
"""

from __future__ import annotations

from collections.abc import Iterator

from cygnet.engine.sa import IkeSa
from cygnet.model.config import Unique


def duplicates(sa: IkeSa) -> Iterator[IkeSa]:
    """Other established IKE_SAs between the same two identities."""
    return (o for o in sa.ctx.between.of(sa.between) if o is not sa and o.is_established)


def enforce(sa: IkeSa, initial_contact: bool) -> bool:
    """Apply the connection's policy to the duplicates of ``sa``; False: ``sa`` is to be refused.

    An INITIAL_CONTACT says the peer has no other SA left (RFC 7296 §2.4): the others go
    silently. Two IKE_SAs that both ends began at the same moment are both kept, since each end
    would otherwise remove the other's.
    """
    policy = sa.connection.unique
    if policy is Unique.NEVER:
        return True
    for other in duplicates(sa):
        if initial_contact:
            if _crossed(sa, other):
                continue
            sa.log("IKE", f"destroying duplicate IKE_SA for peer '{sa.remote_id}', received INITIAL_CONTACT")
            other.destroy()
        elif policy is Unique.KEEP:
            sa.log("IKE", f"keeping the existing IKE_SA {other} with '{sa.remote_id}', refusing the new one")
            return False
        elif policy is Unique.REPLACE and not _crossed(sa, other):
            if sa.version == 1 and other.remote.address == sa.remote.address:
                sa.log("IKE", f"detected reauth of existing IKE_SA {other}, adopting its children")
                sa.adopt(other)
                sa.ctx.retire(other)
            else:
                sa.log(
                    "IKE",
                    f"deleting duplicate IKE_SA {other} for peer '{sa.remote_id}' due to uniqueness policy",
                )
                other.delete()
    return True


def _crossed(sa: IkeSa, other: IkeSa) -> bool:
    """Begun by opposite ends at about the same time."""
    if sa.initiator == other.initiator or other.established_at is None:
        return False
    return sa.ctx.now - other.established_at < sa.ctx.config.settings.half_open_timeout
