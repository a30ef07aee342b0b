"""RFC 2409 §5. Aggressive Mode with a pre-shared key or signatures: three messages, identities in the clear.

    --> SA KE No ID V V V V
    <-- SA KE No ID HASH NAT-D NAT-D V V V
    --> HASH NAT-D NAT-D N(INITIAL_CONTACT)     (encrypted; from 4500 on behind a NAT)

Whoever records the second message can try passwords against its HASH at leisure, so cygnet
answers it only with ``i_dont_care_about_security_and_use_aggressive_mode_psk``.
"""

from __future__ import annotations

from typing import ClassVar

from cygnet.credentials.psk import find_psk
from cygnet.engine.ikev1 import extensions, signatures
from cygnet.engine.ikev1.phase1 import Phase1
from cygnet.engine.ikev1.task import Incoming, Next, Outgoing
from cygnet.engine.ikev1.tasks.informational import tell
from cygnet.engine.lookup import among, by_identity, own_identity
from cygnet.engine.waiting import Missing
from cygnet.values.errors import PeerError, RequestError
from cygnet.values.iana import KeId, TransformType
from cygnet.values.proposal import Proposal, Transform
from cygnet.values.secret import Secret
from cygnet.wire.header import NO_SPI
from cygnet.wire.ikev1 import oakley
from cygnet.wire.ikev1.identification import Id
from cygnet.wire.ikev1.ke import Ke
from cygnet.wire.ikev1.nonce import Nonce
from cygnet.wire.ikev1.notification import Notification
from cygnet.wire.ikev1.numbers import Notify, OakleyAuth
from cygnet.wire.ikev1.payload import Payload
from cygnet.wire.ikev1.sa import Sa


class AggressiveModeInitiator(Phase1):
    name: ClassVar[str] = "AGGRESSIVE_MODE"

    def build(self) -> Outgoing:
        if self.step == 0:
            self.step = 1
            return Outgoing(self._first())
        proof = self.proof(Id(self.sa.local_id), responder=False)
        self.step = 2
        self.sa.float_ports()
        payloads = [*proof, *self.nat_payloads(), *self.initial_contact_notify()]
        return Outgoing(payloads, encrypted=True)

    def _first(self) -> list[Payload]:
        sa, group = self.sa, self._first_group()
        self.proposal = Proposal(sa.connection.proposals[0].protocol, (Transform(TransformType.KE, group),))
        offer = self.offer(group)
        self.nonce_i = self.new_nonce()
        return [
            offer, Ke(self.generate()), Nonce(self.nonce_i), self.own_id(), *self.cert_requests(),
            *extensions.announced(sa.connection),
        ]  # fmt: skip

    def _first_group(self) -> KeId:
        combinations = oakley.combinations(self.sa.connection.proposals)
        if not combinations:
            raise RequestError(f"'{self.sa.name}' has no proposal that IKEv1 can offer")
        return combinations[0][2]

    def process(self, message: Incoming) -> Next:
        chain, before = message.chain, self.proposal
        self.accept_answer(chain)
        assert before is not None
        if self.group != KeId(before.transforms[0].id):
            self.proposal = before
            raise PeerError(0, "the peer chose another group than the one of our KE payload")
        self.adopt_responder_spi(message.header)
        try:
            self.finish_initiator(chain)
            self.check_responder(chain)
        except (PeerError, Missing) as error:
            if isinstance(error, Missing) or error.notify == 0:
                # as if it had not come: the peer's own, with its own SPI, is still taken
                self.proposal, self.sa.spi_r, self.sa.keys = before, NO_SPI, None
            raise
        self.learn(chain)
        self.detect_nat(chain)
        return Next.LAST

    def completed(self) -> None:
        self.established()


class AggressiveModeResponder(Phase1):
    name: ClassVar[str] = "AGGRESSIVE_MODE"
    _answer: Sa | None = None
    _id_body = b""

    def process(self, message: Incoming) -> Next:
        self.step += 1
        try:
            return self._first(message) if self.step == 1 else self._last(message)
        except (PeerError, Missing):
            self.step -= 1
            raise

    def _first(self, message: Incoming) -> Next:
        chain, sa = message.chain, self.sa
        offered, id = chain.need(Sa), chain.need(Id)
        sa.log("IKE", f"{sa.remote.address} is initiating a Aggressive Mode IKE_SA", 0)
        self._answer = self.choose(oakley.offers(offered), aggressive=True).accept()
        if self.auth == OakleyAuth.PSK and not sa.services.config.settings.aggressive_psk_responder:
            raise PeerError(Notify.AUTHENTICATION_FAILED, "Aggressive Mode PSK disabled for security reasons")
        self.offered, self._id_body = chain.body(offered), chain.body(id)
        possible = among(sa.services, self.offers, id.identity)
        fitting = [c for c in by_identity(possible, None, id.identity) if self._accepts_chosen(c)]
        if not fitting:
            raise PeerError(
                Notify.AUTHENTICATION_FAILED,
                f"no peer config found for '{id.identity}' at {sa.remote.address}",
            )
        sa.connection = fitting[0]
        sa.remote_id = id.identity
        self.learn(chain)
        signatures.learn_requests(sa, self.shown, chain)
        self.finish_responder(chain)
        return Next.MORE

    def _find_responders_psk(self) -> Secret:
        """Aggressive Mode's responder knows at once who asks."""
        sa = self.sa
        own = own_identity(sa.connection, sa.local.address)
        found = find_psk(sa.services.config.secrets, own, sa.remote_id, sa.local.address, sa.remote.address)
        if found is None:
            raise PeerError(
                Notify.AUTHENTICATION_FAILED, f"no shared key found for '{own}' - '{sa.remote_id}'"
            )
        return found

    def _last(self, message: Incoming) -> Next:
        chain, sa = message.chain, self.sa
        expected = sa.need_keys.hash_i(self.offered, self._id_body)
        if self.auth == OakleyAuth.PSK:
            self.check_hash(expected, chain)
        else:
            signatures.learn(sa, self.shown, chain)
            self.check_signature(sa.connection, sa.remote_id, expected, chain)
        self.initial_contact = any(n.notify == Notify.INITIAL_CONTACT for n in chain.all(Notification))
        sa.follow(message.datagram)
        self.detect_nat(chain)
        self.enforce_uniqueness()
        return Next.DONE

    def build(self) -> Outgoing:
        assert self._answer is not None
        own = self.own_id()
        payloads: list[Payload] = [
            self._answer, Ke(self.public_r), Nonce(self.nonce_r), own, *self.proof(own, responder=True),
            *self.cert_requests(), *self.nat_payloads(),
            *extensions.answered(self.sa.connection, self.sa.extensions),
        ]  # fmt: skip
        return Outgoing(payloads)

    def completed(self) -> None:
        news = self.nothing_to_take_over()
        self.established()
        if news:
            tell(self.sa, news)
