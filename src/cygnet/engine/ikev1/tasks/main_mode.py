"""RFC 2409 §5. Main Mode with a pre-shared key or signatures, with RFC 3947's NAT detection.

--> SA V V V V                  <-- SA V V V
--> KE No NAT-D NAT-D           <-- KE No NAT-D NAT-D
--> ID HASH N(INITIAL_CONTACT)  <-- ID HASH          (encrypted; from 4500 on behind a NAT)

With signatures [CERT] SIG stand in place of HASH, and CERTREQ in messages 4 and 5.
"""

from __future__ import annotations

from typing import ClassVar

from cygnet.engine.ikev1 import extensions, signatures
from cygnet.engine.ikev1.phase1 import Phase1
from cygnet.engine.ikev1.succession import Succession
from cygnet.engine.ikev1.task import Incoming, Next, Outgoing
from cygnet.engine.ikev1.tasks.informational import tell
from cygnet.wire.ikev1 import oakley
from cygnet.wire.ikev1.ke import Ke
from cygnet.wire.ikev1.nonce import Nonce
from cygnet.wire.ikev1.payload import Payload
from cygnet.wire.ikev1.sa import Sa


class MainModeInitiator(Phase1):
    """``step`` is the number of messages sent."""

    name: ClassVar[str] = "MAIN_MODE"

    def build(self) -> Outgoing:
        outgoing = self._next()
        self.step += 1
        return outgoing

    def _next(self) -> Outgoing:
        match self.step:
            case 0:
                return Outgoing(self._first())
            case 1:
                self.nonce_i = self.new_nonce()
                return Outgoing([Ke(self.generate()), Nonce(self.nonce_i), *self.nat_payloads()])
            case _:
                own = self.own_id()
                proof = self.proof(own, responder=False)
                news = self.initial_contact_notify()
                return Outgoing([own, *proof, *self.cert_requests(), *news], encrypted=True)

    def _first(self) -> list[Payload]:
        """Raises RequestError where nothing can be offered."""
        return [self.offer(), *extensions.announced(self.sa.connection)]

    def process(self, message: Incoming) -> Next:
        chain = message.chain
        match self.step:
            case 1:
                self.accept_answer(chain)
                self.adopt_responder_spi(message.header)
                self.learn(chain)
                return Next.MORE
            case 2:
                self.finish_initiator(chain)
                signatures.learn_requests(self.sa, self.shown, chain)
                self.detect_nat(chain)
                self.sa.float_ports()
                return Next.MORE
            case _:
                self.must_be_protected(message)
                self.check_responder(chain)
                return Next.DONE

    def completed(self) -> None:
        self.established()
        if self.initial_contact:
            self.sa.part(Succession).peer_has_nothing_else()


class MainModeResponder(Phase1):
    """``step`` is the number of messages answered."""

    name: ClassVar[str] = "MAIN_MODE"
    _answer: Sa | None = None
    _news: list[Payload]

    def process(self, message: Incoming) -> Next:
        chain = message.chain
        match self.step:
            case 0:
                sa = chain.need(Sa)
                self.sa.log("IKE", f"{self.sa.remote.address} is initiating a Main Mode IKE_SA", 0)
                self._answer = self.choose(oakley.offers(sa), aggressive=False).accept()
                self.offered = chain.body(sa)
                self.learn(chain)
            case 1:
                self.finish_responder(chain)
                signatures.learn_requests(self.sa, self.shown, chain)
                self.detect_nat(chain)
            case _:
                self.must_be_protected(message)
                self.check_initiator(chain)
                self.sa.follow(message.datagram)
                self.enforce_uniqueness()
        self.step += 1
        return Next.LAST if self.step == 3 else Next.MORE

    def build(self) -> Outgoing:
        match self.step:
            case 1:
                assert self._answer is not None
                return Outgoing([self._answer, *extensions.answered(self.sa.connection, self.sa.extensions)])
            case 2:
                asked = self.cert_requests()
                return Outgoing([Ke(self.public_r), Nonce(self.nonce_r), *asked, *self.nat_payloads()])
            case _:
                own = self.own_id()
                proof = self.proof(own, responder=True)
                self._news = self.nothing_to_take_over()
                return Outgoing([own, *proof, *self._news], encrypted=True)

    def completed(self) -> None:
        self.established()
        if self._news:
            # again under a HASH, which in phase 1 does not cover notifies (RFC 2409 §5)
            tell(self.sa, self._news)
