"""IKE_SA_INIT, RFC 7296 §1.2: algorithms, key exchange, nonces, NAT detection.

    request   [N(COOKIE)], SA, KE, Ni, N(NAT_DETECTION_*), ...
    response  SA, KE, Nr, N(NAT_DETECTION_*), ... | N(COOKIE) | N(INVALID_KE_PAYLOAD) | error

A cookie, another key exchange method or a redirect make the request go out again, with
message ID 0 and what was asked for. The stateless answers are in ``responder``.
"""

from __future__ import annotations

from cygnet.crypto import ke
from cygnet.crypto.keywords import offer_text
from cygnet.crypto.names import ke_text, proposal_text
from cygnet.engine import life
from cygnet.engine.ikev2 import announced, certificates, extensions
from cygnet.engine.ikev2.keys import first_keys
from cygnet.engine.ikev2.nat import detect, nat_notifies
from cygnet.engine.ikev2.proposals import answered_with, ike_proposals
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.ikev2.suite import Suite
from cygnet.engine.ikev2.task import Draft, Reply, Step
from cygnet.engine.ikev2.tasks.ike_auth import IkeAuth
from cygnet.engine.ikev2.tasks.ike_intermediate import IkeIntermediate
from cygnet.engine.ikev2.tasks.task import SaTask
from cygnet.engine.pacing import Pacing
from cygnet.engine.timers import Deadline
from cygnet.engine.upkeep import BETTER_ANSWER
from cygnet.values.endpoint import IKE_PORT, NATT_PORT, Endpoint
from cygnet.values.errors import PeerError
from cygnet.values.iana import KeId, TransformType
from cygnet.values.proposal import Proposal
from cygnet.values.secret import Secret
from cygnet.wire.header import NO_SPI, ExchangeType
from cygnet.wire.ikev2.ke import KePayload
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.nonce import NoncePayload
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType
from cygnet.wire.ikev2.payload import Payload
from cygnet.wire.ikev2.sa import SaPayload

NONCE_LENGTH = 32  #: bytes; at least half the largest prf key (§2.10), of SHA2_512 that is 32
MAX_ATTEMPTS = 5  #: cookies, methods and redirects that we follow before it looks like a loop
MAX_COOKIE = 64  #: bytes (§2.6)


class IkeInit(SaTask):
    NAME = "IKE_INIT"

    def __init__(self, sa: IkeSaV2) -> None:
        super().__init__(sa)
        self.shaking = sa.shaking
        self.proposals = ike_proposals(sa.connection)
        self.shaking.nonce_i = sa.services.entropy.bytes(NONCE_LENGTH)
        self.refusal = ""  #: what an answer said that nothing proves
        self._alert = False
        self._accepted: tuple[Suite, Secret] | None = None

    def build(self) -> Draft | None:
        sa, shaking = self.sa, self.shaking
        if not shaking.attempts:
            sa.log("IKE", f"initiating IKE_SA {sa} to {sa.remote.address}", 0)
        if shaking.private is None or shaking.private.method != shaking.method:
            shaking.method = shaking.method or _first_method(self.proposals)
            shaking.private = ke.initiate(shaking.method, sa.services.entropy.bytes)
        payloads: list[Payload] = []
        if shaking.cookie:
            payloads.append(NotifyPayload(NotifyType.COOKIE, shaking.cookie))
        payloads += [
            SaPayload(self.proposals),
            KePayload(shaking.method, shaking.private.public),
            NoncePayload(shaking.nonce_i),
            *nat_notifies(sa.spi_i, NO_SPI, sa.local, sa.remote, sa.connection.force_encap),
            *extensions.of_init_request(sa, self.proposals),
        ]
        return Draft(ExchangeType.IKE_SA_INIT, payloads)

    def sent(self, message: Message, datagrams: list[bytes], inner: bytes) -> None:
        self.shaking.request = datagrams[0]

    def believes(self, message: Message) -> bool:
        """Whether it can be the answer. Nothing proves who has sent a message in the clear, so one that
        only ends the attempt is not acted on at once: another may follow it (§2.21.1)."""
        try:
            if message.first(SaPayload) is None:
                self._check_stateless(message)
            else:
                self._accepted = self._read(message)
        except PeerError as error:
            self._doubt(message, error.detail)
            return False
        self.refusal = ""
        self.sa.services.timers.cancel(self.sa.uid, Deadline.REFUSED)
        return True

    def process(self, message: Message) -> Step:
        if self._accepted is not None:
            self._take(message, *self._accepted)
            self._go_on()
            return Step.DONE
        for notify in message.all(NotifyPayload):
            handler = _SPECIAL.get(notify.kind)
            if handler is not None:
                handler(self, notify)
                break
        self.shaking.attempts += 1
        if self.shaking.attempts > MAX_ATTEMPTS:
            raise PeerError(0, "peer asked for another IKE_SA_INIT request too often")
        self.sa.exchanges.window.restart()
        return Step.MORE

    # an answer that asks for another request ------------------------------------------------

    def _check_stateless(self, message: Message) -> None:
        special = [n for n in message.all(NotifyPayload) if n.kind in _SPECIAL]
        if not special:
            error = message.error()
            raise PeerError(0, self._refused_with(error.kind) if error else "peer answered without an SA")
        notify = special[0]
        if notify.kind == NotifyType.COOKIE and not 1 <= len(notify.data) <= MAX_COOKIE:
            raise PeerError(0, f"cookie of {len(notify.data)} bytes")
        if notify.kind == NotifyType.INVALID_KE_PAYLOAD:
            wanted = KeId(int.from_bytes(notify.data[:2]))
            offered = {t.id for p in self.proposals for t in p.of_type(TransformType.KE)}
            if len(notify.data) != 2 or wanted not in offered or wanted == self.shaking.method:
                text = f"peer asks for key exchange method {ke_text(wanted)}, which was not offered"
                raise PeerError(0, text)

    def _cookie(self, notify: NotifyPayload) -> None:
        self.shaking.cookie = notify.data

    def _other_method(self, notify: NotifyPayload) -> None:
        """§1.2: "the initiator MUST again propose its full set of acceptable cryptographic suites"."""
        wanted, mine = KeId(int.from_bytes(notify.data)), ke_text(self.shaking.method)
        self.sa.log("IKE", f"peer didn't accept key exchange method {mine}, it requested {ke_text(wanted)}")
        self.shaking.method = wanted

    def _redirect(self, notify: NotifyPayload) -> None:
        extensions.follow_redirect(self.sa, notify)

    # an answer that ends the attempt, unless a better one comes ------------------------------

    def _refused_with(self, kind: NotifyType) -> str:
        sa = self.sa
        if kind != NotifyType.NO_PROPOSAL_CHOSEN:
            return f"{sa.remote.address} refused with {kind}"
        return (
            f"{sa.remote.address} accepts none of what '{sa.name}' offers ({offer_text(self.proposals)}), "
            "or has no IKEv2 conn for us"
        )

    def _doubt(self, message: Message, reason: str) -> None:
        sa, error = self.sa, message.error()
        if self.refusal:
            sa.receipts.unproven("IKE", f"another answer that refuses: {reason}")
            return
        sa.receipts.taken()
        self.refusal = sa.failure = reason
        self._alert = error is not None and error.kind == NotifyType.NO_PROPOSAL_CHOSEN
        sa.log("IKE", f"received {error.kind} notify error" if error is not None else reason, 0)
        sa.services.part(Pacing).over(sa.uid)  # others need not wait for a better one
        sa.services.timers.set(sa.uid, Deadline.REFUSED, sa.services.now + BETTER_ANSWER)

    def refused_for_good(self) -> None:
        """No better answer has come."""
        if self._alert:
            self.sa.services.alert("proposal-mismatch-ike", self.refusal, self.sa)
        life.negotiation_failed(self.sa, self.refusal, retry=False)

    # the accepting one -----------------------------------------------------------------------

    def _read(self, message: Message) -> tuple[Suite, Secret]:
        """What it chose, and the shared secret. Raises PeerError."""
        shaking = self.shaking
        suite = chosen(self.proposals, message)
        theirs = message.need(KePayload)
        message.need(NoncePayload)
        if message.spi_r == NO_SPI:
            raise PeerError(0, "peer accepted without an SPI")
        if theirs.method != suite.ke or theirs.method != shaking.method or shaking.private is None:
            raise PeerError(
                0, f"peer sent a key exchange of {ke_text(theirs.method)} for {ke_text(suite.ke)}"
            )
        try:
            return suite, shaking.private.finish(theirs.data)
        except ValueError as error:
            raise PeerError(0, f"bad key exchange value: {error}") from error

    def _take(self, message: Message, suite: Suite, shared: Secret) -> None:
        """Proposal, NAT, keys."""
        sa, shaking = self.sa, self.shaking
        sa.log("CFG", f"selected proposal: IKE:{proposal_text(suite.proposal)}")
        sa.spi_r, shaking.nonce_r, shaking.suite = message.spi_r, message.need(NoncePayload).data, suite
        shaking.private = None
        assert sa.arrived is not None
        event = sa.arrived.event
        shaking.response = event.data
        sa.failure = ""
        sa.peer.learn(message)
        certificates.learn(sa, message)
        announced.compare(sa, message)
        learn_nat(sa, message, event.local, event.remote)
        sa.set_keys(first_keys(suite, shaking.nonces, shared, sa.spi_i, sa.spi_r))

    def _go_on(self) -> None:
        sa = self.sa
        float_ports(sa)
        suite = sa.secrets.suite
        if suite.additional and not sa.peer.intermediate:
            raise PeerError(0, "peer chose additional key exchanges without IKE_INTERMEDIATE")
        for method in suite.additional:
            sa.exchanges.add(IkeIntermediate(sa, method))
        sa.exchanges.add(IkeAuth(sa))


_SPECIAL = {
    NotifyType.COOKIE: IkeInit._cookie,
    NotifyType.INVALID_KE_PAYLOAD: IkeInit._other_method,
    NotifyType.REDIRECT: IkeInit._redirect,
}


def chosen(offered: tuple[Proposal, ...], message: Message) -> Suite:
    """The peer's one choice, which must be made of what was offered (§2.7)."""
    proposals = message.need(SaPayload).proposals
    selected = answered_with(offered, proposals)
    if selected is None:
        raise PeerError(0, "peer selected a proposal that was not offered")
    try:
        return Suite.of(selected)
    except ValueError as error:
        raise PeerError(0, f"peer selected an unusable proposal: {error}") from error


def _first_method(proposals: tuple[Proposal, ...]) -> KeId:
    first = next((t for p in proposals for t in p.of_type(TransformType.KE)), None)
    return KeId(first.id) if first else KeId.NONE


def learn_nat(sa: IkeSaV2, message: Message, local: Endpoint, remote: Endpoint) -> None:
    """Set and log which end is behind a NAT."""
    found = detect(message, local, remote)
    if found is None:
        return
    sa.nat_known = True
    sa.local_behind_nat, sa.remote_behind_nat = found
    if sa.local_behind_nat:
        sa.log("IKE", "local host is behind NAT, sending keep alives")
    elif sa.connection.force_encap:
        sa.log("IKE", "faking NAT situation to enforce UDP encapsulation")
    if sa.remote_behind_nat:
        sa.log("IKE", "remote host is behind NAT")


def float_ports(sa: IkeSaV2) -> None:
    """Move to port 4500 for a NAT (§2.23), and for MOBIKE, which may meet one later (RFC 4555 §3.3)."""
    if not sa.nat_known or not (sa.encap or sa.connection.mobike):
        return
    settings = sa.services.config.settings
    local, remote = sa.local, sa.remote
    if local.port == settings.port:
        local = local.with_port(settings.port_nat_t)
    if remote.port == IKE_PORT:
        remote = remote.with_port(NATT_PORT)
    sa.set_endpoints(local, remote)


def answer(sa: IkeSaV2, message: Message) -> Reply:
    """The responder's side, once ``responder`` has chosen connection, proposal and method."""
    shaking = sa.shaking
    suite = shaking.suite
    assert suite is not None and sa.arrived is not None
    event = sa.arrived.event
    theirs = message.need(KePayload)
    try:
        public, shared = ke.respond(suite.ke, theirs.data, sa.services.entropy.bytes)
    except ValueError as error:
        sa.failure = f"bad key exchange value: {error}"
        raise PeerError(NotifyType.INVALID_SYNTAX, sa.failure) from error
    sa.log("IKE", f"{sa.remote.address} is initiating an IKE_SA", 0)
    sa.log("CFG", f"selected proposal: IKE:{proposal_text(suite.proposal)}")
    shaking.request = event.data
    shaking.additional = list(suite.additional)
    shaking.nonce_i = message.need(NoncePayload).data
    shaking.nonce_r = sa.services.entropy.bytes(NONCE_LENGTH)
    sa.peer.learn(message)
    learn_nat(sa, message, event.local, event.remote)
    sa.set_keys(first_keys(suite, shaking.nonces, shared, sa.spi_i, sa.spi_r))
    payloads: list[Payload] = [
        SaPayload((shaking.answer or suite.proposal,)),
        KePayload(suite.ke, public),
        NoncePayload(shaking.nonce_r),
    ]
    if sa.nat_known:
        payloads += nat_notifies(sa.spi_i, sa.spi_r, sa.local, sa.remote, sa.connection.force_encap)
    payloads += certificates.requests(sa, shaking.candidates or [sa.connection])
    payloads += extensions.of_init_response(sa)
    return Reply(payloads)
