"""Whether ipsec.secrets has a pre-shared key that could fit a connection.

Which key it is, is decided when the peer is there (``credentials.psk``). This finds only what
cannot work: neither end, as far as it is known, is an owner of any key. What is not known (the
address behind a name or %any, the identity of a road warrior) counts as fitting.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address

from cygnet.model.config import AuthMethod, AuthRound, Connection, SecretKind, SharedSecret
from cygnet.values.iana import IdType
from cygnet.values.identity import Identity

_ADDRESSES = (IdType.IPV4_ADDR, IdType.IPV6_ADDR)


class Keys:
    """The owners of all pre-shared keys."""

    def __init__(self, secrets: Iterable[SharedSecret]) -> None:
        secrets = tuple(secrets)
        keys = [secret for secret in secrets if secret.kind is SecretKind.PSK]
        self._ppks = [secret for secret in secrets if secret.kind is SecretKind.PPK]
        self.any = bool(keys)
        self._owners = {(o.type, o.data.lower()) for key in keys for o in key.owners}
        self._everybodys = any(not key.owners for key in keys)
        self._wildcards = [owner for key in keys for owner in key.owners if owner.data.startswith(b"*")]
        self._addresses = any(owner.type in _ADDRESSES for key in keys for owner in key.owners)

    def may_fit(self, connection: Connection) -> bool:
        if not self.any or self._everybodys:
            return self._everybodys
        local, here_known = _known(connection.local, connection.local_addrs)
        remote, there_known = _known(connection.remote, connection.remote_addrs)
        if not there_known and not any(not round.id.is_any for round in connection.remote):
            return True  # whoever it is may own one
        if self._addresses and not (here_known and there_known):
            return True
        return any(map(self._owned, (*local, *remote)))

    def has_ppk(self, name: str) -> bool:
        """Whether there is a post-quantum preshared key of this name."""
        wanted = Identity.parse(name)
        return any(not key.owners or any(map(wanted.matches, key.owners)) for key in self._ppks)

    def _owned(self, identity: Identity) -> bool:
        exact = (identity.type, identity.data.lower()) in self._owners
        return exact or any(identity.matches(owner) for owner in self._wildcards)


def _known(rounds: Iterable[AuthRound], hosts: Iterable[str]) -> tuple[list[Identity], bool]:
    """The identities that an end is known to have, and whether its address is known."""
    identities = [round.id for round in rounds if not round.id.is_any]
    known = True
    for host in hosts:
        try:
            identities.append(Identity.of_address(ip_address(host)))
        except ValueError:
            known = False
    return identities, known


def needs_psk(connection: Connection) -> bool:
    """Whether something is negotiated, by a pre-shared key at either end."""
    return not connection.only_shunts and AuthMethod.PSK in (
        connection.local[0].method,
        connection.remote[0].method,
    )


def owners_text(connection: Connection) -> str:
    """Both ends as they would stand before the colon of ipsec.secrets."""
    ends = ((connection.local, connection.local_addrs), (connection.remote, connection.remote_addrs))
    return " ".join(str(rounds[0].id) if not rounds[0].id.is_any else hosts[0] for rounds, hosts in ends)
