"""Which shared secret belongs to whom.

A secret has owners, the selectors before the colon in ipsec.secrets or ``id`` in swanctl.conf;
without owners it is everybody's. strongSwan's rule, which this is: a secret is a candidate when
one of its owners fits either end; the candidate whose owner fits the *other* end best wins, then
the one that fits our own end best, then the one that was written first. So
``192.0.2.1 192.0.2.2 : PSK`` beats ``: PSK``, and that (it fits the other end, if only just) beats
``192.0.2.1 : PSK`` where 192.0.2.1 is our own end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cygnet.model.config import SecretKind, SharedSecret
from cygnet.values.endpoint import Address
from cygnet.values.identity import ANY, Identity
from cygnet.values.secret import Secret


def find_psk(
    secrets: Sequence[SharedSecret],
    local: Identity | None,
    remote: Identity | None,
    local_addr: Address,
    remote_addr: Address,
) -> Secret | None:
    """The PSK between two ends; None: there is none.

    An identity that is not known yet (None or %any: a responder of IKEv1's Main Mode needs the key
    before it has read the ID) is taken to be the end's address. Where the identities have no secret,
    the addresses are tried, so that selectors may be written either way.
    """
    here, there = Identity.of_address(local_addr), Identity.of_address(remote_addr)
    ours = here if local is None or local.is_any else local
    theirs = there if remote is None or remote.is_any else remote
    found = find_shared(secrets, SecretKind.PSK, ours, theirs)
    if found is None and (ours, theirs) != (here, there):
        found = find_shared(secrets, SecretKind.PSK, here, there)
    return found


def find_shared(
    secrets: Sequence[SharedSecret], kind: SecretKind, ours: Identity, theirs: Identity = ANY
) -> Secret | None:
    """The secret of that kind that fits best; ``theirs`` ANY: only our own end counts.

    EAP and XAUTH on the server: ``ours`` is the user (``find_shared(..., SecretKind.EAP, user)``);
    a PPK: ``ours`` is the PPK_ID of RFC 8784.
    """
    best: Secret | None = None
    best_rank = (0, 0)
    for entry in secrets:
        if entry.kind is not kind:
            continue
        rank = (0 if theirs.is_any else _fit(theirs, entry.owners), _fit(ours, entry.owners))
        if rank > best_rank:
            best, best_rank = entry.secret, rank
    return best


def _fit(identity: Identity, owners: Iterable[Identity]) -> int:
    """How well the best of ``owners`` describes an identity; 0: not at all."""
    return max((identity.matches(owner) for owner in owners or (ANY,)), default=0)
