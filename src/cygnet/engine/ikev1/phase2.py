"""What both sides of Quick Mode keep: the CHILD_SA to be, nonces, the PFS secret, and how keys,
lifetimes and ends follow from them."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from cygnet.boundary.specs import SaMode
from cygnet.crypto.names import proposal_text
from cygnet.engine.child import ChildKeys, ChildSa, ChildState
from cygnet.engine.ikev1.children import child_rekeyed, child_up
from cygnet.engine.ikev1.keys import child_key_lengths, same
from cygnet.engine.ikev1.nat import RFC
from cygnet.engine.ikev1.sa import IkeSaV1
from cygnet.engine.ikev1.succession import Succession
from cygnet.engine.ikev1.task import Incoming, Task
from cygnet.engine.ikev1.tasks.informational import Unheard
from cygnet.model.config import Lifetime, Mode
from cygnet.values.endpoint import Address
from cygnet.values.errors import PeerError
from cygnet.values.proposal import Proposal
from cygnet.values.secret import Secret
from cygnet.values.selector import Selectors
from cygnet.wire.ikev1 import ipsec_doi
from cygnet.wire.ikev1.delete import Delete
from cygnet.wire.ikev1.hash import Hash
from cygnet.wire.ikev1.nat import NatOa
from cygnet.wire.ikev1.numbers import PayloadType
from cygnet.wire.ikev1.payload import Payload

#: the modes that IKEv1 can negotiate
SA_MODES = {Mode.TUNNEL: SaMode.TUNNEL, Mode.TRANSPORT: SaMode.TRANSPORT}


class Phase2(Task):
    """What both sides keep: the CHILD_SA to be, the nonces, the PFS secret."""

    name: ClassVar[str] = "QUICK_MODE"

    def __init__(self, sa: IkeSaV1) -> None:
        super().__init__(sa)
        self.child: ChildSa | None = None
        self.rekeyed: ChildSa | None = None  #: the CHILD_SA that the new one replaces
        self.nonce_i = b""
        self.nonce_r = b""
        self.shared: Secret | None = None

    @property
    def new_child(self) -> ChildSa:
        assert self.child is not None
        return self.child

    def check_hash(self, message: Incoming, covered: bytes) -> None:
        """HASH(1) and HASH(2). A wrong one is passed over: it may be forged or damaged."""
        chain = message.chain
        first = chain.payloads[0] if chain.payloads else None
        if not message.encrypted or not isinstance(first, Hash):
            raise PeerError(0, "expected HASH payload as first payload")
        expected = self.sa.need_keys.phase_2_hash(self.exchange.message_id, covered + chain.after(0))
        if not same(expected, first.data):
            raise PeerError(0, "received HASH payload does not match")
        self.sa.receipts.taken()

    def keys(self, proposal: Proposal) -> ChildKeys:
        child, source = self.new_child, self.sa.need_keys
        encr, integ = child_key_lengths(proposal)

        def material(spi: int) -> tuple[Secret, Secret]:
            made = source.keymat(
                proposal.protocol, spi, self.nonce_i, self.nonce_r, self.shared, encr + integ
            )
            return Secret(made[:encr]), Secret(made[encr:])

        encr_in, integ_in = material(child.spi_in)
        encr_out, integ_out = material(child.spi_out)
        return ChildKeys(encr_in, integ_in, encr_out, integ_out)

    def agree(self, proposal: Proposal, local: Selectors, remote: Selectors) -> None:
        child = self.new_child
        self.sa.log("CFG", f"selected proposal: {proposal_text(proposal)}", 2)
        child.agree(proposal, local, remote, self.keys(proposal), SA_MODES[child.config.mode])

    def original_addresses(self, initiator: Address, responder: Address) -> list[Payload]:
        """NAT-OA: in transport mode through a NAT each end says which addresses it knows
        (RFC 3947 §5.2)."""
        if not self.sa.encap or self.new_child.config.mode is not Mode.TRANSPORT:
            return []
        kind = PayloadType.NAT_OA if self.sa.nat_payload == RFC else PayloadType.NAT_OA_DRAFT
        return [NatOa(initiator, kind), NatOa(responder, kind)]

    def shorten(self, offer: ipsec_doi.Offer) -> None:
        """A lifetime of the peer's that is shorter than ours is ours too."""
        child, life = self.new_child, self.new_child.config.time
        configured = life.life
        if offer.lifetime and configured and offer.lifetime != configured:
            self.sa.log("IKE", f"received {offer.lifetime}s lifetime, configured {configured}s")
        if offer.lifetime and (not configured or offer.lifetime < configured):
            rekey = min(life.rekey, offer.lifetime * 9 // 10)
            jitter = min(life.jitter, offer.lifetime // 10)
            child.config = replace(child.config, time=Lifetime(rekey, offer.lifetime, jitter))

    def up(self) -> None:
        """Both directions are installed: tell, and retire the CHILD_SA that was replaced."""
        child_up(self.sa, self.new_child)
        if self.rekeyed is not None:
            child_rekeyed(self.sa, self.rekeyed, self.new_child)
        self.sa.part(Succession).hand_on(self.new_child)

    def take_back(self) -> Unheard | None:
        """Remove what was installed of a CHILD_SA that did not come up. If the peer may have its
        half: the delete that tells it, and what answers that."""
        child = self.child
        if child is None or child.state in (ChildState.DELETED, ChildState.INSTALLED):
            return None
        half = child.state is ChildState.INSTALLING
        child.remove()
        return deletion_of(child) if half else None


def deletion_of(child: ChildSa) -> Unheard:
    """The delete that closes the peer's half, and the SPI whose delete answers it."""
    delete = Delete(child.protocol, (child.spi_in.to_bytes(4),))
    return Unheard(delete, frozenset({child.spi_out.to_bytes(4)}))
