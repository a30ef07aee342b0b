"""RFC 2409 §5.5. Quick Mode: one CHILD_SA, new or in place of an old one.

    --> HASH SA No [KE] ID ID      HASH(1) = prf(SKEYID_a, M-ID | the rest)
    <-- HASH SA No [KE] ID ID      HASH(2) = prf(SKEYID_a, M-ID | Ni_b | the rest)
    --> HASH                       HASH(3) = prf(SKEYID_a, 0 | M-ID | Ni_b | Nr_b)

The responder takes packets from its answer on (the initiator may send as soon as it has it) and
sends packets only after the third message, which proves that the initiator is there. It repeats
its answer until then; without a third message it takes its half back and tells the peer so.
"""

from __future__ import annotations

from cygnet.boundary.specs import SaMode
from cygnet.crypto.ke import PrivateKe, initiate, respond
from cygnet.crypto.keywords import offer_text
from cygnet.crypto.names import proposal_text
from cygnet.engine import twins
from cygnet.engine.address_blocks import Limit
from cygnet.engine.child import MAX_CHILDREN, ChildSa, ChildState
from cygnet.engine.children import child_failed, fulfil
from cygnet.engine.ikev1.children import crosses, equivalent, rekeying_failed
from cygnet.engine.ikev1.ends import peer_is_dead
from cygnet.engine.ikev1.keys import same
from cygnet.engine.ikev1.nat import encapsulation
from cygnet.engine.ikev1.phase2 import SA_MODES, Phase2
from cygnet.engine.ikev1.sa import IkeSaV1
from cygnet.engine.ikev1.selectors import ids_of, offered_selectors, select_child
from cygnet.engine.ikev1.succession import Succession
from cygnet.engine.ikev1.task import Incoming, Next, Outgoing
from cygnet.engine.ikev1.tasks.informational import Unsaid
from cygnet.engine.policy import fill
from cygnet.engine.wish import Wish
from cygnet.model.config import Child, Mode
from cygnet.values.errors import PeerError, RequestError
from cygnet.values.iana import KeId, TransformType
from cygnet.values.proposal import Proposal
from cygnet.values.selector import Selectors
from cygnet.wire.ikev1 import ipsec_doi
from cygnet.wire.ikev1.hash import Hash
from cygnet.wire.ikev1.identification import Id
from cygnet.wire.ikev1.ke import Ke
from cygnet.wire.ikev1.message import Chain
from cygnet.wire.ikev1.nonce import Nonce
from cygnet.wire.ikev1.notification import Notification
from cygnet.wire.ikev1.numbers import Notify
from cygnet.wire.ikev1.payload import Payload
from cygnet.wire.ikev1.sa import Sa

NONCE_LENGTH = 32  #: bytes, as charon
SETTLING = 0.03  #: seconds that the peer is given to install what the third message lets it install


class QuickModeInitiator(Phase2):
    def __init__(
        self, sa: IkeSaV1, config: Child, wish: Wish | None = None, rekeyed: ChildSa | None = None
    ) -> None:
        super().__init__(sa)
        self.config = config
        self.wish = wish
        self.rekeyed = rekeyed
        self.private: PrivateKe | None = None
        self.local: Selectors = ()
        self.remote: Selectors = ()
        self.mode = encapsulation(config.mode is Mode.TRANSPORT, sa.encap, sa.nat_payload)
        self._refusal = ""  #: why the peer will not have it, from an error notify in its response

    def is_needed(self) -> bool:
        if self.rekeyed is not None:
            return self.rekeyed.state is ChildState.REKEYING
        return self.wish is None or self.wish in self.sa.wishes  # else the peer was faster

    def build(self) -> Outgoing:
        self.step += 1
        if self.step > 1:
            mine = self.sa.need_keys.hash_3(self.exchange.message_id, self.nonce_i, self.nonce_r)
            return Outgoing([Hash(mine)], encrypted=True)
        return Outgoing(self._first(), encrypted=True, covered=b"")

    def _first(self) -> list[Payload]:
        """Raises RequestError where nothing can be offered."""
        sa, config = self.sa, self.config
        if config.mode not in SA_MODES:
            raise RequestError(f"'{config.name}': IKEv1 has no {config.mode.value} mode")
        reqid = self.rekeyed.wanted_reqid if self.rekeyed else self.wish.reqid if self.wish else 0
        self.child = ChildSa(sa.services, sa, config, reqid)
        self.child.begun_here = self.rekeyed is None
        self.nonce_i = sa.services.entropy.bytes(NONCE_LENGTH)
        self.local, self.remote = self._selectors()
        group = ipsec_doi.pfs_group(config.proposals)
        kilobytes = config.bytes.life // 1024
        terms = ipsec_doi.Terms(self.mode, config.time.life, kilobytes, group)
        offer = ipsec_doi.offer(config.proposals, self.child.spi_in.to_bytes(4), terms)
        if offer is None:
            raise RequestError(f"'{config.name}' has no ESP proposal that IKEv1 can offer")
        payloads: list[Payload] = [offer, Nonce(self.nonce_i)]
        if group is not None:
            self.private = initiate(group, sa.services.entropy.bytes)
            payloads.append(Ke(self.private.public))
        payloads += ids_of(self.local[0], self.remote[0])
        return payloads + self.original_addresses(sa.local.address, sa.remote.address)

    def _selectors(self) -> tuple[Selectors, Selectors]:
        """IKEv1 negotiates one for each end: the first that is configured, or that fits the packet."""
        limit = self.sa.part(Limit)
        if self.rekeyed is not None and limit.of(self.rekeyed.remote_ts) == self.rekeyed.remote_ts:
            return self.rekeyed.local_ts, self.rekeyed.remote_ts
        local = fill(self.config.local_ts, self.sa.local.address)
        remote = limit.of(fill(self.config.remote_ts, self.sa.remote.address))
        if not remote:
            raise RequestError(f"the peer's certificate has no address of '{self.config.name}'")
        packet = self.wish.packet if self.wish is not None else None
        if packet is not None:  # the ones that the trap's packet is for, if there are such
            local = tuple(ts for ts in local if ts.contains(packet[0])) or local
            remote = tuple(ts for ts in remote if ts.contains(packet[1])) or remote
        return local[:1], remote[:1]

    def process(self, message: Incoming) -> Next:
        self.check_hash(message, self.nonce_i)
        chain, child = message.chain, self.new_child
        error = next((n.notify for n in chain.all(Notification) if n.notify.is_error), None)
        if error is not None:  # authentic, so it is the answer: this Quick Mode is over, and no more
            self.sa.log("IKE", f"received {error} error notify")
            self._refusal = self.refused_with(error)
            return Next.DONE
        offer, agreed = self._chosen(chain)
        self.nonce_r = chain.need(Nonce).data
        child.spi_out = int.from_bytes(offer.proposal.spi)
        if any(child.spi_out in sa.gone for sa in (self.sa, *self.sa.part(Succession).others())):
            raise PeerError(Notify.INVALID_SPI, "the peer has closed the CHILD_SA before it was up")
        local, remote = self._narrowed(chain)
        self._finish_ke(chain, agreed)
        self.shorten(offer)
        self.agree(agreed, local, remote)
        sa = self.sa
        sa.children[child.uid] = child
        child.install_inbound()
        fulfil(sa, child)  # the output of `up` ends here, as strongSwan's does
        return Next.LAST

    def _chosen(self, chain: Chain) -> tuple[ipsec_doi.Offer, Proposal]:
        found = ipsec_doi.offers(chain.need(Sa))
        agreed = ipsec_doi.agree(self.config.proposals, found[0].proposal) if len(found) == 1 else None
        if agreed is None:
            raise PeerError(Notify.NO_PROPOSAL_CHOSEN, "the peer chose a proposal that was not offered")
        if found[0].is_tunnel != (self.config.mode is Mode.TUNNEL):
            raise PeerError(Notify.NO_PROPOSAL_CHOSEN, "the peer chose another mode than the one offered")
        return found[0], agreed

    def _narrowed(self, chain: Chain) -> tuple[Selectors, Selectors]:
        ids = chain.all(Id)
        if len(ids) < 2:
            return self.local, self.remote
        local, remote = ids[0].selector(), ids[1].selector()
        nat_transport = self.config.mode is Mode.TRANSPORT and self.sa.encap
        if nat_transport or (self.local[0].contains(local) and self.remote[0].contains(remote)):
            return (self.local, self.remote) if nat_transport else ((local,), (remote,))
        raise PeerError(
            Notify.INVALID_ID_INFORMATION,
            f"peer selected invalid traffic selectors: {local} for {self.local[0]}, "
            f"{remote} for {self.remote[0]}",
        )

    def _finish_ke(self, chain: Chain, agreed: Proposal) -> None:
        if agreed.first(TransformType.KE) is None or self.private is None:
            return
        try:
            self.shared = self.private.finish(chain.need(Ke).public)
        except ValueError as error:
            text = f"unable to apply received KE value: {error}"
            raise PeerError(Notify.INVALID_KE_PAYLOAD, text) from None

    def completed(self) -> None:
        if self._refusal:
            self.failed(self._refusal)
            return
        # The third message is on its way, and only with it the peer has an SA to receive with: packets
        # that a trap holds would overtake it, on the wire or among the peer's threads.
        self.new_child.hold_outbound(SETTLING)
        self.new_child.install_policy()
        self.up()
        self.sa.exchanges.go_on()

    def failed(self, reason: str) -> None:
        """``reason`` empty: no answer; then the IKE_SA is as good as dead."""
        self.take_back()
        if not reason:
            peer_is_dead(self.sa, f"{self.sa.remote.address} does not answer Quick Mode")
            return
        if self.rekeyed is not None:
            rekeying_failed(self.sa, self.rekeyed)
        else:
            child_failed(self.sa, self.config.name, reason)
        self.sa.exchanges.go_on()

    def refused_with(self, notify: Notify) -> str:
        """What the peer's error notify means for the user; alerts of what can be put right."""
        sa = self.sa
        reason = f"{sa.remote.address} refused the CHILD_SA ({notify})"
        wanted = f"{self.local[0]} === {self.remote[0]}"
        match notify:
            case Notify.INVALID_ID_INFORMATION:
                reason = f"{reason}: its subnets do not fit {wanted}"
                sa.services.alert("ts-mismatch", reason, sa)
            case Notify.NO_PROPOSAL_CHOSEN:
                offered = offer_text(self.config.proposals)
                reason = f"{reason}: it accepts none of our proposals for {wanted} with {offered}"
                sa.services.alert("proposal-mismatch-child", reason, sa)
            case _:
                pass
        return reason


class QuickModeResponder(Phase2):
    _offer: ipsec_doi.Offer | None = None
    _public = b""
    _ids: tuple[Id, ...] = ()

    def process(self, message: Incoming) -> Next:
        if self.step == 0:
            self.check_hash(message, b"")
            self._first(message.chain)
            self.step = 1
            return Next.MORE
        first = message.chain.payloads[0] if message.chain.payloads else None
        expected = self.sa.need_keys.hash_3(self.exchange.message_id, self.nonce_i, self.nonce_r)
        if not isinstance(first, Hash) or not same(expected, first.data):
            raise PeerError(0, "received HASH payload does not match")
        self.sa.receipts.taken()
        if self.new_child.state is not ChildState.INSTALLING:
            raise PeerError(0, f"CHILD_SA {self.new_child} was closed meanwhile")
        self.new_child.install_outbound()
        return Next.DONE

    def _first(self, chain: Chain) -> None:
        sa = self.sa
        if len(sa.children) >= MAX_CHILDREN:
            raise PeerError(Notify.NO_PROPOSAL_CHOSEN, f"the peer has {MAX_CHILDREN} CHILD_SAs already")
        offered = ipsec_doi.offers(chain.need(Sa))
        nonce = chain.need(Nonce)
        local, remote = offered_selectors(sa, chain)
        found = select_child(sa, local, remote)
        if found is None:
            text = f"no matching CHILD_SA config found for {local} === {remote}"
            sa.services.alert("ts-mismatch", f"'{sa.name}': {text}", sa)
            raise PeerError(Notify.INVALID_ID_INFORMATION, text)
        connection, config, local, remote = found
        if not sa.is_bound:
            sa.part(Succession).bind(connection)
            sa.part(Succession).adopt_predecessors()
            twins.established(sa)
        offer, agreed = self._choose(config, offered)
        self.rekeyed = equivalent(sa, config, (local,), (remote,))
        if self.rekeyed is not None and crosses(sa, self.rekeyed):
            self.rekeyed = None
        self.child = ChildSa(sa.services, sa, config, self.rekeyed.wanted_reqid if self.rekeyed else 0)
        if self.rekeyed is not None:
            sa.log("IKE", f"detected rekeying of CHILD_SA {self.rekeyed}")
        try:
            self._answer_ke(chain, agreed)
            self._offer = offer
            self.child.spi_out = int.from_bytes(offer.proposal.spi)
            self.nonce_i, self.nonce_r = nonce.data, sa.services.entropy.bytes(NONCE_LENGTH)
            self._ids = chain.all(Id)
            self.shorten(offer)
            self.agree(agreed, (local,), (remote,))
        except PeerError:
            self.take_back()
            raise
        sa.children[self.child.uid] = self.child
        self.child.install_inbound()
        # The peer may send before its third message is here, and what we answer must wait for it.
        self.child.install_policy()

    def _choose(self, config: Child, offered: list[ipsec_doi.Offer]) -> tuple[ipsec_doi.Offer, Proposal]:
        fitting = [o for o in offered if o.is_tunnel == (config.mode is Mode.TUNNEL)]
        for ours in config.proposals:
            for offer in fitting:
                agreed = ipsec_doi.agree([ours], offer.proposal, any_group=True)
                if agreed is not None:
                    return offer, agreed
        received = ", ".join(dict.fromkeys(proposal_text(o.proposal) for o in offered)) or "nothing known"
        configured = ", ".join(proposal_text(p) for p in config.proposals)
        self.sa.log("CFG", f"received proposals: {received}")
        self.sa.log("CFG", f"configured proposals: {configured}")
        text = f"the peer offers {received}; '{config.name}' accepts {configured}"
        if offered and not fitting:
            text = f"the peer offers another mode than {config.mode.value}, which '{config.name}' has"
        self.sa.services.alert("proposal-mismatch-child", text, self.sa)
        raise PeerError(Notify.NO_PROPOSAL_CHOSEN, f"no matching proposal found: {text}")

    def _answer_ke(self, chain: Chain, agreed: Proposal) -> None:
        group = agreed.first(TransformType.KE)
        if group is None:
            return
        try:
            random = self.sa.services.entropy.bytes
            self._public, self.shared = respond(KeId(group.id), chain.need(Ke).public, random)
        except ValueError as error:
            text = f"unable to apply received KE value: {error}"
            raise PeerError(Notify.INVALID_KE_PAYLOAD, text) from None

    def build(self) -> Outgoing:
        assert self._offer is not None
        child = self.new_child
        payloads: list[Payload] = [self._offer.accept(child.spi_in.to_bytes(4)), Nonce(self.nonce_r)]
        if self._public:
            payloads.append(Ke(self._public))
        if self._ids:
            payloads += self._reply_ids()
        payloads += self.original_addresses(self.sa.remote.address, self.sa.local.address)
        return Outgoing(payloads, encrypted=True, covered=self.nonce_i)

    def _reply_ids(self) -> list[Payload]:
        """The peer's own IDs, or narrower ones where our configuration covers less."""
        child = self.new_child
        narrowed = ids_of(child.remote_ts[0], child.local_ts[0])
        return [
            theirs if theirs.selector() == ours.selector() or child.mode is SaMode.TRANSPORT else ours
            for theirs, ours in zip(self._ids, narrowed, strict=True)
        ]

    def completed(self) -> None:
        self.up()

    def failed(self, reason: str) -> None:
        """No third message: the peer may have its half, so it is told that ours is gone."""
        told = self.take_back()
        if told is None or reason:
            return
        self.sa.log("IKE", f"CHILD_SA {self.child} was not confirmed by the peer, closing it")
        teller = self.sa if self.sa.is_established else self.sa.part(Succession).heir
        if teller is not None:
            teller.part(Succession).inherit_delete(told)
        else:
            self.sa.services.part(Unsaid).keep(self.sa, told)
