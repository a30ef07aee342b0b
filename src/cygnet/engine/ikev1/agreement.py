"""The first half of phase 1 (RFC 2409 §5): which proposal, the pre-shared key, the key exchange and
its keys, the peer's abilities, NATs on the way."""

from __future__ import annotations

from collections.abc import Sequence

from cygnet.crypto.ke import PrivateKe, initiate, respond
from cygnet.crypto.names import proposal_text
from cygnet.engine.certificates import Shown
from cygnet.engine.ikev1 import extensions, nat
from cygnet.engine.ikev1.connections import candidates, lifetime_of, psk_for
from cygnet.engine.ikev1.keys import Exchanged, Phase1Keys
from cygnet.engine.ikev1.nat import DRAFT, RFC
from cygnet.engine.ikev1.sa import IkeSaV1
from cygnet.engine.ikev1.signatures import HASH_PRFS, methods, why_none
from cygnet.engine.ikev1.task import Task
from cygnet.engine.ikev1.trouble import no_psk
from cygnet.engine.keylog import export_phase_1
from cygnet.model.config import Connection
from cygnet.values.errors import PeerError, RequestError
from cygnet.values.iana import KeId, PrfId, TransformType
from cygnet.values.proposal import Proposal, select
from cygnet.values.secret import Secret
from cygnet.wire.header import Header
from cygnet.wire.ikev1.ke import Ke
from cygnet.wire.ikev1.message import Chain, body_of
from cygnet.wire.ikev1.nat import NatD
from cygnet.wire.ikev1.nonce import Nonce
from cygnet.wire.ikev1.numbers import Notify, OakleyAuth
from cygnet.wire.ikev1.oakley import Offer, offers, reduced
from cygnet.wire.ikev1.oakley import offer as oakley_offer
from cygnet.wire.ikev1.payload import Payload
from cygnet.wire.ikev1.sa import Sa
from cygnet.wire.ikev1.vendor_id import VendorId
from cygnet.wire.ikev1.vendors import Extension

NONCE_LENGTH = 32  #: bytes, as charon


class Agreement(Task):
    """State that both modes fill in step by step; ``psk`` is None until the key is found, and with
    signatures."""

    def __init__(self, sa: IkeSaV1) -> None:
        super().__init__(sa)
        self.offers: list[Connection] = [sa.connection]
        self.proposal: Proposal | None = None
        self.offered = b""  #: SAi_b, as it went over the wire
        self.auth = OakleyAuth.PSK  #: how both ends authenticate
        self.shown = Shown()  #: the peer's certificates, and which it asks for
        self.psk: Secret | None = None
        self.private: PrivateKe | None = None
        self.public_i = b""
        self.public_r = b""
        self.nonce_i = b""
        self.nonce_r = b""

    # proposals ------------------------------------------------------------------------

    def choose(self, offered: Sequence[Offer], aggressive: bool) -> Offer:
        """Responder: the connection and the transform to take. Raises NO_PROPOSAL_CHOSEN."""
        self.offers = candidates(self.sa, aggressive)
        for connection in self.offers:
            takes = methods(self.sa, connection)
            possible = [o for o in offered if o.auth in takes]
            ours = [reduced(p) for p in connection.proposals]
            theirs = [o.proposal for o in possible]
            prefer_theirs = not self.sa.services.config.settings.prefer_configured_proposals
            chosen = select(ours, theirs, prefer_theirs)
            if chosen is None:
                continue
            offer = next(o for o in possible if set(o.proposal.transforms) == set(chosen.transforms))
            self._keep(connection, offer)
            return offer
        raise PeerError(Notify.NO_PROPOSAL_CHOSEN, self._no_proposal(offered))

    def _keep(self, connection: Connection, offer: Offer) -> None:
        self.sa.connection = connection
        self.agree(offer)
        configured = lifetime_of(connection)
        if offer.lifetime and configured and offer.lifetime != configured:
            self.sa.log(
                "IKE",
                f"received lifetime {offer.lifetime}s does not match configured lifetime {configured}s",
            )

    def agree(self, offer: Offer) -> None:
        self.proposal = self.sa.proposal = offer.proposal
        self.auth = offer.auth
        self.sa.log("CFG", f"selected proposal: {proposal_text(offer.proposal)}", 2)

    def _no_proposal(self, offered: Sequence[Offer]) -> str:
        received = ", ".join(dict.fromkeys(proposal_text(o.proposal) for o in offered)) or "nothing known"
        taken = {method for c in self.offers for method in methods(self.sa, c)}
        if offered and taken and not any(o.auth in taken for o in offered):
            ours = " or ".join(sorted(map(str, taken)))
            received += f" (all with authentication {offered[0].auth}, not {ours})"
        configured = ", ".join(proposal_text(reduced(p)) for c in self.offers for p in c.proposals)
        self.sa.log("CFG", f"received proposals: {received}")
        self.sa.log("CFG", f"configured proposals: {configured or 'none that fit these addresses'}")
        text = (
            f"no proposal found: {self.sa.remote.address} offers {received}; "
            f"'{self.sa.name}' accepts {configured or 'nothing'}"
        )
        self.sa.services.alert("proposal-mismatch-ike", text, self.sa)
        return text

    def accept_answer(self, chain: Chain) -> None:
        """Initiator: the one transform the responder chose must be one of ours."""
        found = offers(chain.need(Sa))
        ours = [reduced(p) for p in self.sa.connection.proposals]
        if len(found) != 1 or select(ours, [found[0].proposal]) is None or found[0].auth != self.auth:
            raise PeerError(0, "the peer chose a proposal that was not offered")
        self.agree(found[0])

    def offer(self, group: KeId | None = None) -> Sa:
        """Initiator: the first message's SA payload. Raises RequestError where nothing can be offered."""
        sa = self.sa
        found = methods(sa, sa.connection)
        if not found:
            raise RequestError(why_none(sa, sa.connection))
        self.auth = found[0]
        if self.auth == OakleyAuth.PSK:
            self.psk = psk_for(sa, sa.connection)
            if self.psk is None:
                raise RequestError(no_psk(sa))
        offer = oakley_offer(sa.connection.proposals, self.auth, lifetime_of(sa.connection), group)
        if offer is None:
            raise RequestError(f"'{sa.name}' has no proposal that IKEv1 can offer")
        self.offered = body_of(offer)
        return offer

    # keys -----------------------------------------------------------------------------

    @property
    def group(self) -> KeId:
        assert self.proposal is not None
        ke = self.proposal.first(TransformType.KE)
        assert ke is not None, "every phase 1 transform has a group"
        return KeId(ke.id)

    @property
    def hash(self) -> PrfId:
        assert self.proposal is not None
        found = self.proposal.first(TransformType.PRF)
        assert found is not None, "every phase 1 transform has a hash"
        return PrfId(found.id)

    def new_nonce(self) -> bytes:
        return self.sa.services.entropy.bytes(NONCE_LENGTH)

    def generate(self) -> bytes:
        """Initiator: our public value."""
        self.private = initiate(self.group, self.sa.services.entropy.bytes)
        self.public_i = self.private.public
        return self.public_i

    def finish_initiator(self, chain: Chain) -> None:
        """The responder's KE and nonce make the keys."""
        self.public_r, self.nonce_r = chain.need(Ke).public, chain.need(Nonce).data
        assert self.private is not None
        try:
            shared = self.private.finish(self.public_r)
        except ValueError as error:
            raise PeerError(0, f"unable to apply received KE value: {error}") from None
        self._derive(shared)

    def finish_responder(self, chain: Chain) -> None:
        """The initiator's KE and nonce make our KE, our nonce and the keys."""
        if self.auth == OakleyAuth.PSK:
            self.psk = self._find_responders_psk()
        self.public_i, self.nonce_i = chain.need(Ke).public, chain.need(Nonce).data
        try:
            self.public_r, shared = respond(self.group, self.public_i, self.sa.services.entropy.bytes)
        except ValueError as error:
            raise PeerError(0, f"unable to apply received KE value: {error}") from None
        self.nonce_r = self.new_nonce()
        self._derive(shared)

    def _find_responders_psk(self) -> Secret:
        """Main Mode's responder needs the key before it knows who asks: by addresses and by the
        identities of the connections that fit them."""
        for connection in self.offers:
            found = psk_for(self.sa, connection)
            if found is not None:
                return found
        text = f"no shared key found for {self.sa.local.address} - {self.sa.remote.address}"
        raise PeerError(Notify.INVALID_KE_PAYLOAD, text)

    def _derive(self, shared: Secret) -> None:
        assert self.proposal is not None
        said = Exchanged(
            self.sa.spi_i, self.sa.spi_r, self.public_i, self.public_r, self.nonce_i, self.nonce_r
        )
        keys = Phase1Keys(self.proposal, self.psk, shared, said, HASH_PRFS.get(self.auth))
        self.sa.keys = keys
        export_phase_1(self.sa, keys)
        self.exchange.iv = keys.first_iv()

    # peer's abilities, NAT --------------------------------------------------------------

    def learn(self, chain: Chain) -> None:
        """The peer's vendor IDs."""
        sa = self.sa
        sa.extensions = extensions.received(sa, chain.all(VendorId))
        if Extension.NAT_T in sa.extensions:
            sa.nat_payload = RFC
        elif Extension.NAT_T_DRAFT in sa.extensions:
            sa.nat_payload = DRAFT

    def adopt_responder_spi(self, header: Header) -> None:
        self.sa.spi_r = header.spi_r

    def _hasher(self) -> nat.Hasher:
        return nat.Hasher(self.hash, self.sa.spi_i + self.sa.spi_r)

    def nat_payloads(self) -> list[Payload]:
        sa = self.sa
        if sa.nat_payload is None:
            return []
        fake = (
            sa.services.entropy.bytes(len(self._hasher().of(sa.local))) if sa.connection.force_encap else b""
        )
        return list(nat.build(self._hasher(), sa.nat_payload, sa.local, sa.remote, fake))

    def detect_nat(self, chain: Chain) -> None:
        sa, received = self.sa, chain.all(NatD)
        if sa.nat_payload is None or len(received) < 2:
            return
        here, there = nat.detect(self._hasher(), received, sa.local, sa.remote)
        sa.local_behind_nat, sa.remote_behind_nat = here, there
        if here:
            sa.log("IKE", "local host is behind NAT, sending keep alives")
        if there:
            sa.log("IKE", "remote host is behind NAT")
        if sa.connection.force_encap and not here:
            sa.log("IKE", "faking NAT situation to enforce UDP encapsulation")
