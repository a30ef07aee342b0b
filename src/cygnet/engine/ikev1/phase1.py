"""The second half of phase 1 (RFC 2409 §5): identities, the hashes that prove them, and what an
authenticated peer means for older IKE_SAs with it."""

from __future__ import annotations

from cygnet.credentials.psk import find_psk
from cygnet.engine import life, twins
from cygnet.engine.ikev1 import signatures
from cygnet.engine.ikev1.agreement import Agreement
from cygnet.engine.ikev1.connections import candidates
from cygnet.engine.ikev1.ends import phase_1_failed
from cygnet.engine.ikev1.keys import same
from cygnet.engine.ikev1.succession import Succession, take_over
from cygnet.engine.ikev1.task import Incoming
from cygnet.engine.lookup import among, by_identity, expected_identity, own_identity
from cygnet.engine.unique import FirstContact, enforce, with_same_peer
from cygnet.engine.wants import CreateChild, RekeyChild
from cygnet.model.config import Connection, Unique
from cygnet.values.errors import PeerError
from cygnet.values.identity import Identity
from cygnet.values.proposal import select
from cygnet.wire.ikev1.hash import Hash
from cygnet.wire.ikev1.identification import Id
from cygnet.wire.ikev1.message import Chain, body_of
from cygnet.wire.ikev1.notification import Notification
from cygnet.wire.ikev1.numbers import Notify, OakleyAuth
from cygnet.wire.ikev1.oakley import reduced
from cygnet.wire.ikev1.payload import Payload
from cygnet.wire.ikev1.signature import Signature


def _says_initial_contact(chain: Chain) -> bool:
    return any(n.notify == Notify.INITIAL_CONTACT for n in chain.all(Notification))


class Phase1(Agreement):
    """What Main Mode and Aggressive Mode have in common."""

    initial_contact = False  #: the peer says that it has no other SA with us

    def must_be_protected(self, message: Incoming) -> None:
        """Identities travel encrypted, but for peers that are known not to (a setting)."""
        if not message.encrypted and not self.sa.services.config.settings.accept_unencrypted_mainmode:
            raise PeerError(0, "the peer's identity is not encrypted")

    # identities -------------------------------------------------------------------------

    def own_id(self) -> Id:
        self.sa.local_id = own_identity(self.sa.connection, self.sa.local.address)
        return Id(self.sa.local_id)

    def check_responder(self, chain: Chain) -> None:
        """Initiator: HASH_R or SIG_R, and IDir. A wrong hash is passed over: it may be forged or damaged."""
        sa, id = self.sa, chain.need(Id)
        expected = sa.need_keys.hash_r(self.offered, chain.body(id))
        if self.auth == OakleyAuth.PSK:
            self.check_hash(expected, chain)
        if not by_identity([sa.connection], None, id.identity):
            wanted = expected_identity(sa.connection, sa.remote.address)
            raise PeerError(
                Notify.AUTHENTICATION_FAILED, f"IDir '{id.identity}' does not match to '{wanted}'"
            )
        if self.auth != OakleyAuth.PSK:
            signatures.learn(sa, self.shown, chain)
            self.check_signature(sa.connection, id.identity, expected, chain)
        sa.remote_id = id.identity
        self.initial_contact = _says_initial_contact(chain)
        sa.is_one_of_many = len(self._same_ends(candidates(sa, sa.connection.aggressive))) > 1

    def check_hash(self, expected: bytes, chain: Chain) -> None:
        if not same(expected, chain.need(Hash).data):
            self.sa.suspect_psk()
            raise PeerError(0, "calculated HASH does not match HASH payload")

    def check_signature(self, connection: Connection, identity: Identity, hash: bytes, chain: Chain) -> None:
        signature = chain.need(Signature).data
        signatures.check(self.sa, self.shown, self.auth, connection.remote[0], identity, hash, signature)

    def check_initiator(self, chain: Chain) -> None:
        """Responder: HASH_I or SIG_I, which connection IDii belongs to, then uniqueids."""
        sa, id = self.sa, chain.need(Id)
        expected = sa.need_keys.hash_i(self.offered, chain.body(id))
        if self.auth == OakleyAuth.PSK:
            self.check_hash(expected, chain)
        fitting = self._fitting(id.identity)
        if self.auth != OakleyAuth.PSK:
            signatures.learn(sa, self.shown, chain)
            fitting = self._signed_for(fitting, id.identity, expected, chain)
        self._bind(fitting[0], id)
        sa.remote_id = id.identity
        alike = self._same_ends(fitting)
        sa.is_one_of_many = len(alike) > 1
        sa.open_to = alike if sa.is_one_of_many else ()
        self.initial_contact = _says_initial_contact(chain)

    def _fitting(self, identity: Identity) -> list[Connection]:
        sa = self.sa
        fitting = by_identity(among(sa.services, self.offers, identity), None, identity)
        fitting = [c for c in fitting if self._accepts_chosen(c)]
        if not fitting:
            kind = "pre-shared key" if self.auth == OakleyAuth.PSK else "public key"
            sa.log("IKE", f"looking for {kind} peer configs matching {sa.local.address}"
                   f"...{sa.remote.address}[{identity}]")  # fmt: skip
            raise PeerError(
                Notify.AUTHENTICATION_FAILED, f"no peer config found for '{identity}' at {sa.remote.address}"
            )
        return fitting

    def _signed_for(
        self, fitting: list[Connection], identity: Identity, expected: bytes, chain: Chain
    ) -> list[Connection]:
        """Those connections from the first one on that takes what the peer has shown."""
        problem: PeerError | None = None
        for number, connection in enumerate(fitting):
            try:
                self.check_signature(connection, identity, expected, chain)
            except PeerError as error:
                problem = problem or error
            else:
                return fitting[number:]
        assert problem is not None
        raise problem

    def _same_ends(self, connections: list[Connection]) -> tuple[Connection, ...]:
        """Those that nothing in phase 1 tells from the one that was chosen."""
        own = self.sa.connection
        ids = (own.local[0].id, own.remote[0].id)
        return tuple(
            c
            for c in connections
            if (c.local[0].id, c.remote[0].id) == ids and c.aggressive == own.aggressive
            if self._accepts_chosen(c)
        )

    def _accepts_chosen(self, connection: Connection) -> bool:
        assert self.proposal is not None
        if self.auth not in signatures.methods(self.sa, connection):
            return False
        return select([reduced(p) for p in connection.proposals], [self.proposal]) is not None

    def _bind(self, connection: Connection, id: Id) -> None:
        """The negotiation is this connection's. A key that was found by address must not let its
        owner speak for an identity that has another key."""
        sa = self.sa
        proper = find_psk(
            sa.services.config.secrets,
            own_identity(connection, sa.local.address),
            id.identity,
            sa.local.address,
            sa.remote.address,
        )
        if self.auth == OakleyAuth.PSK and proper != self.psk:
            raise PeerError(
                Notify.AUTHENTICATION_FAILED,
                f"'{id.identity}' authenticated with a key that is not the one of that identity",
            )
        sa.log("CFG", f'selected peer config "{connection.name}"', 2)
        sa.connection = connection

    def proof(self, own: Id, responder: bool) -> list[Payload]:
        keys = self.sa.need_keys
        made = (keys.hash_r if responder else keys.hash_i)(self.offered, body_of(own))
        if self.auth == OakleyAuth.PSK:
            return [Hash(made)]
        return signatures.proof(self.sa, self.shown, self.auth, made)

    def cert_requests(self) -> list[Payload]:
        """What the peer is asked to show; nothing with a pre-shared key."""
        if self.auth == OakleyAuth.PSK:
            return []
        return signatures.requests(self.sa, [c for c in self.offers if c.remote])

    def initial_contact_notify(self) -> list[Payload]:
        """N(INITIAL_CONTACT) where we have nothing else with this peer, and begin nothing else: a
        repetition of this message must not sweep away what came up meanwhile."""
        sa = self.sa
        others = any(o.is_established or o.initiator for o in sa.part(Succession).others())
        if sa.connection.unique is Unique.NEVER or others or sa.children:
            return []
        sa.remote_id = expected_identity(sa.connection, sa.remote.address)
        if not sa.services.part(FirstContact).is_for(sa):
            return []
        return [self._initial_contact()]

    def _initial_contact(self) -> Notification:
        return Notification(Notify.INITIAL_CONTACT, spi=self.sa.cookies)

    def nothing_to_take_over(self) -> list[Payload]:
        """Responder: an initiator without INITIAL_CONTACT believes that we have SAs with it. Where
        we have none (we were restarted), it must not go on with its own (RFC 2407 §4.6.3.3)."""
        sa = self.sa
        known = any(o.takes_quick_mode for o in sa.part(Succession).others()) or any(with_same_peer(sa))
        if self.initial_contact or known:
            return []
        return [self._initial_contact()]

    def enforce_uniqueness(self) -> None:
        """Responder: take over from an IKE_SA that this one reauthenticates, then uniqueids."""
        self.own_id()
        if self.initial_contact:
            self.sa.part(Succession).peer_has_nothing_else()
        else:
            self.sa.part(Succession).adopt_predecessors()
        if not enforce(self.sa, self.initial_contact, lambda other: take_over(self.sa, other)):
            raise PeerError(Notify.AUTHENTICATION_FAILED, "canceling IKE_SA setup due to uniqueness policy")

    # ends -------------------------------------------------------------------------------

    def established(self) -> None:
        """Both ends have proved who they are."""
        sa = self.sa
        life.established(sa)
        succession = sa.part(Succession)
        if sa.initiator:
            succession.take_over_reauthenticated()
            if sa.is_one_of_many:  # the peer is to see whose CHILD_SAs these are
                for child in sa.current_children():
                    sa.do(RekeyChild(child))
        succession.established()
        twins.established(sa)
        for wish in list(sa.wishes):
            sa.do(CreateChild(wish))

    def failed(self, reason: str) -> None:
        phase_1_failed(self.sa, reason)
