"""Which shared secret belongs to whom.

A secret has owners, the selectors before the colon in ipsec.secrets or ``id`` in swanctl.conf;
without owners it is everybody's. strongSwan's rule, which this is: a secret is a candidate when
one of its owners fits either end; the candidate whose owner fits the *other* end best wins, then
the one that fits our own end best, then the one that was written first. So
``192.0.2.1 192.0.2.2 : PSK`` beats ``: PSK``, and that (it fits the other end, if only just) beats
``192.0.2.1 : PSK`` where 192.0.2.1 is our own end.

A gateway may hold a secret for each of ten thousand peers. A ``Keyring`` looks only at those whose
owners are written exactly as one of the two ends is, and at those that could fit anybody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from cygnet.model.config import SecretKind, SharedSecret
from cygnet.values.endpoint import Address
from cygnet.values.iana import IdType
from cygnet.values.identity import ANY, Identity
from cygnet.values.secret import Secret


class Keyring:
    """The shared secrets of one configuration, indexed by owner."""

    __slots__ = ("_entries", "_exact", "_loose")

    def __init__(self, secrets: Iterable[SharedSecret]) -> None:
        self._entries = tuple(secrets)
        self._exact: defaultdict[tuple[IdType, bytes], list[int]] = defaultdict(list)
        self._loose: list[int] = []  #: of wildcards, of %any, and of nobody in particular
        for at, entry in enumerate(self._entries):
            if not entry.owners or any(owner.is_pattern for owner in entry.owners):
                self._loose.append(at)
            else:
                for owner in entry.owners:
                    self._exact[owner.spelling].append(at)

    def psk(
        self, local: Identity | None, remote: Identity | None, local_addr: Address, remote_addr: Address
    ) -> Secret | None:
        """See ``find_psk``."""
        here, there = Identity.of_address(local_addr), Identity.of_address(remote_addr)
        ours = here if local is None or local.is_any else local
        theirs = there if remote is None or remote.is_any else remote
        found = self.shared(SecretKind.PSK, ours, theirs)
        if found is None and (ours, theirs) != (here, there):
            found = self.shared(SecretKind.PSK, here, there)
        return found

    def shared(self, kind: SecretKind, ours: Identity, theirs: Identity = ANY) -> Secret | None:
        """See ``find_shared``."""
        best, (fits_theirs, _) = self._best(kind, {*self._loose, *self._owned(theirs)}, ours, theirs)
        if not fits_theirs:  # else none of those that fit only our own end is better
            best, _ = self._best(kind, {*self._loose, *self._owned(ours)}, ours, theirs)
        return best

    def _best(
        self, kind: SecretKind, among: set[int], ours: Identity, theirs: Identity
    ) -> tuple[Secret | None, tuple[int, int]]:
        best: Secret | None = None
        best_rank = (0, 0)
        for at in sorted(among):
            entry = self._entries[at]
            if entry.kind is not kind:
                continue
            rank = (0 if theirs.is_any else _fit(theirs, entry.owners), _fit(ours, entry.owners))
            if rank > best_rank:
                best, best_rank = entry.secret, rank
        return best, best_rank

    def _owned(self, identity: Identity) -> Sequence[int]:
        return self._exact.get(identity.spelling, ())


def _fit(identity: Identity, owners: Iterable[Identity]) -> int:
    """How well the best of ``owners`` describes an identity; 0: not at all."""
    return max((identity.matches(owner) for owner in owners or (ANY,)), default=0)


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
    return keyring(secrets).psk(local, remote, local_addr, remote_addr)


def find_shared(
    secrets: Sequence[SharedSecret], kind: SecretKind, ours: Identity, theirs: Identity = ANY
) -> Secret | None:
    """The secret of that kind that fits best; ``theirs`` ANY: only our own end counts.

    EAP and XAUTH on the server: ``ours`` is the user (``find_shared(..., SecretKind.EAP, user)``);
    a PPK: ``ours`` is the PPK_ID of RFC 8784.
    """
    return keyring(secrets).shared(kind, ours, theirs)


_recent: list[tuple[tuple[SharedSecret, ...], Keyring]] = []


def keyring(secrets: Sequence[SharedSecret]) -> Keyring:
    """The keyring of a configuration's tuple of secrets, kept while it is in use.

    At most two are kept, so that secrets of a configuration that was replaced do not linger.
    """
    if not isinstance(secrets, tuple):
        return Keyring(secrets)
    for kept, ring in _recent:
        if kept is secrets:
            return ring
    ring = Keyring(secrets)
    _recent[:] = [(secrets, ring), *_recent[:1]]
    return ring
