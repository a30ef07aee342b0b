"""What phase 1 reads of a connection: whether it may use it, the lifetime and the key it offers."""

from __future__ import annotations

from cygnet.credentials.psk import find_psk
from cygnet.engine.ikev1.sa import IkeSaV1
from cygnet.engine.ikev1.signatures import methods
from cygnet.engine.lookup import by_address, expected_identity, own_identity
from cygnet.model.config import Connection
from cygnet.values.secret import Secret


def candidates(sa: IkeSaV1, aggressive: bool) -> list[Connection]:
    """Connections that an incoming negotiation between these addresses may belong to."""
    return [
        c
        for c in by_address(sa.services, sa.local.address, sa.remote.address, 1)
        if c.aggressive == aggressive and methods(sa, c)
    ]


def lifetime_of(connection: Connection) -> int:
    """Seconds to offer for phase 1, 0 for none: the soft limit and the time after it."""
    soft = connection.reauth_time or connection.rekey_time
    return soft + connection.over_time if soft else 0


def psk_for(sa: IkeSaV1, connection: Connection) -> Secret | None:
    return find_psk(
        sa.services.config.secrets,
        own_identity(connection, sa.local.address),
        expected_identity(connection, sa.remote.address),
        sa.local.address,
        sa.remote.address,
    )
