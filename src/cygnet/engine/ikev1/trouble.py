"""What probably went wrong, in words for the user: reasons of failures that the protocol does not give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cygnet.engine.lookup import expected_identity, own_identity

if TYPE_CHECKING:
    from cygnet.engine.ikev1.sa import IkeSaV1


def no_psk(sa: IkeSaV1) -> str:
    own = own_identity(sa.connection, sa.local.address)
    peer = expected_identity(sa.connection, sa.remote.address)
    return f"no shared key found for '{own}'[{sa.local.address}] - '{peer}'[{sa.remote.address}]"


def silence(sa: IkeSaV1) -> str:
    """Why the peer may not have answered, by how far phase 1 had come."""
    phase_1 = sa.exchanges.phase_1
    step = phase_1.task.step if phase_1 is not None else 1
    if sa.connection.aggressive and sa.wrong_key:
        return f"the answer of {sa.remote.address} does not verify: the pre-shared keys probably differ"
    if step == 3 and not sa.connection.aggressive and sa.signs:
        return (
            f"{sa.remote.address} does not answer message 5, which says who we are: "
            f"it does not trust our certificate, or does not know '{sa.local_id}'"
        )
    if sa.wrong_key or (step == 3 and not sa.connection.aggressive):
        return (
            f"{sa.remote.address} does not answer message 5, the first that needs the pre-shared key: "
            f"the keys of both ends probably differ, or it does not know '{sa.local_id}'"
        )
    if step == 1:
        return f"no answer from {sa.remote}: it is down, filtered, or has no connection for us"
    return f"{sa.remote} stopped answering in the middle of the negotiation"
