"""RFC 7296 §2.7, §2.9, §1.3.1. What a CHILD_SA is to be: offered, chosen, narrowed, agreed.

Used by every exchange that makes one: IKE_AUTH, and CREATE_CHILD_SA for a new and for a
rekeyed CHILD_SA. Nothing here installs anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cygnet.boundary.specs import SaMode
from cygnet.crypto.keywords import default_proposals, offer_text
from cygnet.crypto.names import proposal_text, proposals_text
from cygnet.engine.address_blocks import Limit
from cygnet.engine.child import ChildSa
from cygnet.engine.ikev2 import virtual_ips
from cygnet.engine.ikev2.keys import Nonces, child_keys
from cygnet.engine.ikev2.proposals import answered_with, unusable_kes, with_none
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.policy import fill
from cygnet.model.config import Child, Connection, Mode
from cygnet.values.endpoint import Address
from cygnet.values.errors import PeerError
from cygnet.values.iana import Protocol, TransformType
from cygnet.values.proposal import Proposal, select
from cygnet.values.secret import Secret
from cygnet.values.selector import Packet, Selectors, TrafficSelector, narrow
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType
from cygnet.wire.ikev2.payload import Payload
from cygnet.wire.ikev2.sa import SaPayload
from cygnet.wire.ikev2.ts import TsIPayload, TsRPayload

SPI_LENGTH = 4
KE_TYPES = tuple(TransformType(n) for n in (TransformType.KE, *range(6, 13)))


def child_proposals(config: Child, with_ke: bool) -> tuple[Proposal, ...]:
    """What the child may use. IKE_AUTH has no key exchange of its own: ``with_ke`` False (§1.2)."""
    proposals = config.proposals or default_proposals(Protocol.ESP)
    return proposals if with_ke else tuple(p.without(*KE_TYPES) for p in proposals)


def selectors(sa: IkeSaV2, config: Child) -> tuple[Selectors, Selectors]:
    """Our and the peer's side, dynamic ones filled: with the virtual addresses, where there are any. The
    peer's is no more than its certificate allows, and may be empty."""
    remote = sa.part(Limit).of(_filled(config.remote_ts, sa.remote_vips, sa.remote.address))
    if virtual_ips.asks(sa) and not sa.local_vips:
        return _any(config.local_ts), remote
    return _filled(config.local_ts, sa.local_vips, sa.local.address), remote


def _any(configured: Selectors) -> Selectors:
    """What is not known before the peer assigns it: dynamic selectors stand for every address."""
    return tuple(replace(ts, dynamic=False) for ts in configured)


def _filled(configured: Selectors, vips: Sequence[Address], address: Address) -> Selectors:
    if not vips:
        return fill(configured, address)
    found = tuple(ts for vip in vips for ts in fill(configured, vip))
    return tuple(dict.fromkeys(found))


# initiator --------------------------------------------------------------------------


def offer(sa: IkeSaV2, child: ChildSa, with_ke: bool) -> tuple[list[Payload], list[Payload]]:
    """(SA payload, TSi and TSr with notifies): the nonce and KE of CREATE_CHILD_SA go between."""
    spi = child.spi_in.to_bytes(SPI_LENGTH)
    proposals = tuple(replace(p, spi=spi) for p in child_proposals(child.config, with_ke))
    local, remote = selectors(sa, child.config)
    remote = remote or fill(child.config.remote_ts, sa.remote.address)  # for the peer's answer to be refused
    if not virtual_ips.asks(sa):  # else the packet has an address that it will not keep
        local, remote = _packet_first(child.packet, local, remote)
    behind: list[Payload] = [TsIPayload(local[:255]), TsRPayload(remote[:255])]
    if child.config.mode is Mode.TRANSPORT:
        behind.append(NotifyPayload(NotifyType.USE_TRANSPORT_MODE))
    return [SaPayload(proposals)], behind


def _packet_first(packet: Packet | None, local: Selectors, remote: Selectors) -> tuple[Selectors, Selectors]:
    """§2.9: the initiator "SHOULD include as the first Traffic Selector in each of TSi and TSr a very
    specific Traffic Selector including the addresses in the packet triggering the request"."""
    if packet is None or not _within(packet[0], local) or not _within(packet[1], remote):
        return local, remote
    return (packet[0], *local), (packet[1], *remote)


def _within(one: TrafficSelector, selectors: Selectors) -> bool:
    """Whether it is a part of one of them, and not just that one."""
    return one not in selectors and any(ts.contains(one) for ts in selectors)


def refusal(sa: IkeSaV2, child: ChildSa, message: Message) -> PeerError | None:
    """What the peer said instead of making the CHILD_SA, in words for the user."""
    error = message.error()
    if error is None:
        return None
    reason = f"{sa.remote.address} refused the CHILD_SA with {error.kind}"
    if error.kind == NotifyType.NO_PROPOSAL_CHOSEN:
        offered = offer_text(child_proposals(child.config, True))
        reason = f"no common ESP proposal: {sa.remote.address} accepts none of what '{child.name}' offers "
        reason += f"({offered})"
        sa.services.alert("proposal-mismatch-child", reason, sa)
    elif error.kind == NotifyType.TS_UNACCEPTABLE:
        local, remote = selectors(sa, child.config)
        reason = f"{sa.remote.address} accepts no part of {text(local)} === {text(remote)}"
        sa.services.alert("ts-mismatch", reason, sa)
    return PeerError(error.kind, reason)


def take_answer(
    sa: IkeSaV2,
    child: ChildSa,
    message: Message,
    nonces: Nonces,
    shared: Sequence[Secret] = (),
    with_ke: bool = False,
) -> None:
    """The responder's choice: it must be made of what was offered. Raises PeerError where it is not."""
    _learn(sa, message)
    selected = accepted_proposal(sa, child, message, with_ke)
    local, remote = selectors(sa, child.config)
    local = narrow(local, message.need(TsIPayload).selectors)
    remote = narrow(remote, message.need(TsRPayload).selectors)
    if not local or not remote:
        reason = "peer answered with traffic selectors that were not offered"
        if sa.part(Limit).selectors is not None:
            reason += ", or that are not in its certificate's address blocks"
        raise PeerError(NotifyType.TS_UNACCEPTABLE, reason)
    if message.notify(NotifyType.ADDITIONAL_TS_POSSIBLE) is not None:
        sa.log("IKE", f"peer takes other parts of '{child.name}' too, each in a CHILD_SA of its own")
        child.more_possible = True
    transport = message.notify(NotifyType.USE_TRANSPORT_MODE) is not None
    if child.config.mode is Mode.TRANSPORT and not transport:
        raise PeerError(NotifyType.NO_PROPOSAL_CHOSEN, "peer does not accept transport mode")
    mode = SaMode.TRANSPORT if child.config.mode is Mode.TRANSPORT else SaMode.TUNNEL
    _conclude(sa, child, selected, (local, remote), mode, nonces, shared, initiator=True)


def _learn(sa: IkeSaV2, message: Message) -> None:
    """§1.3.1: who cannot take TFC padding says so wherever it makes a CHILD_SA. (NON_FIRST_FRAGMENTS_ALSO
    is not answered, which refuses it: our selectors that have ports do not carry fragments.)"""
    if message.notify(NotifyType.ESP_TFC_PADDING_NOT_SUPPORTED) is not None:
        sa.peer.no_tfc = True


def accepted_proposal(sa: IkeSaV2, child: ChildSa, message: Message, with_ke: bool) -> Proposal:
    """The one proposal of the response, checked against the offer."""
    proposals = message.need(SaPayload).proposals
    selected = answered_with(child_proposals(child.config, with_ke), proposals)
    if selected is None or len(selected.spi) != SPI_LENGTH or not any(selected.spi):
        raise PeerError(NotifyType.NO_PROPOSAL_CHOSEN, "peer selected an ESP proposal that was not offered")
    return selected


def _conclude(
    sa: IkeSaV2,
    child: ChildSa,
    proposal: Proposal,
    agreed: tuple[Selectors, Selectors],
    mode: SaMode,
    nonces: Nonces,
    shared: Sequence[Secret],
    initiator: bool,
) -> None:
    sa.log("CFG", f"selected proposal: {Protocol(proposal.protocol).name}:{proposal_text(proposal)}")
    keys = sa.secrets
    if sa.peer.no_tfc:
        child.config = replace(child.config, tfc_padding=0)
    child.spi_out = int.from_bytes(proposal.spi)
    material = child_keys(keys.suite.prf, keys.d, proposal, nonces, shared, initiator)
    child.agree(proposal, *agreed, material, mode)


# responder --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Terms:
    """What the responder agrees to. ``shown``: the selectors as the initiator knows them (TSi, TSr)."""

    config: Child
    proposal: Proposal
    local_ts: Selectors
    remote_ts: Selectors
    shown: tuple[Selectors, Selectors]
    mode: SaMode
    more: bool = False  #: another child of ours would take another part of what was offered


def agree(sa: IkeSaV2, message: Message, with_ke: bool, config: Child | None = None) -> Terms:
    """Choose among our children (or take ``config``, for a rekeying).

    Raises PeerError(TS_UNACCEPTABLE) or PeerError(NO_PROPOSAL_CHOSEN).
    """
    _learn(sa, message)
    theirs_i, theirs_r = message.need(TsIPayload).selectors, message.need(TsRPayload).selectors
    transport = message.notify(NotifyType.USE_TRANSPORT_MODE) is not None
    swap = _substitution(sa, theirs_i, theirs_r) if transport else {}
    seen_i, seen_r = _substituted(theirs_i, swap), _substituted(theirs_r, swap)
    fitting = [
        (child, local, remote)
        for child in ([config] if config else sa.connection.children)
        if not child.mode.is_shunt
        for local, remote in [_narrowed(sa, child, seen_r, seen_i)]
        if local and remote
    ]
    if not fitting:
        sa.log("IKE", f"traffic selectors {text(theirs_r)} === {text(theirs_i)} unacceptable")
        sa.services.alert("ts-mismatch", f"peer wants {text(theirs_r)} === {text(theirs_i)}", sa)
        raise PeerError(
            NotifyType.TS_UNACCEPTABLE, "failed to establish CHILD_SA: no acceptable traffic selectors found"
        )
    order = sorted(fitting, key=lambda f: (_misses_first(f, seen_r, seen_i), _distance(f[0], transport)))
    for child, local, remote in order:
        proposal = _choose(child, message, with_ke)
        if proposal is None:
            continue
        mode = SaMode.TRANSPORT if transport and child.mode is Mode.TRANSPORT else SaMode.TUNNEL
        back = {new: old for old, new in swap.items()}
        shown = (_substituted(remote, back), _substituted(local, back))
        others = [f for f in fitting if f[0] is not child and _goes_beyond(f, local, remote)]
        return Terms(child, proposal, local, remote, shown, mode, bool(others))
    theirs = proposals_text(message.need(SaPayload).proposals)
    ours = proposals_text(child_proposals(fitting[0][0], with_ke))
    sa.log("CFG", f"received proposals: {theirs}")
    sa.log("CFG", f"configured proposals: {ours}")
    sa.services.alert(
        "proposal-mismatch-child", f"peer offered {theirs}; '{fitting[0][0].name}' accepts {ours}", sa
    )
    raise PeerError(NotifyType.NO_PROPOSAL_CHOSEN, "no acceptable proposal found")


def has_child_for(sa: IkeSaV2, connection: Connection, message: Message) -> bool:
    """Whether the peer, which has not been told yet which connection it is, wants a child of this one."""
    theirs_i, theirs_r = message.first(TsIPayload), message.first(TsRPayload)
    if theirs_i is None or theirs_r is None:
        return False
    return any(
        narrow(fill(child.local_ts, sa.local.address), theirs_r.selectors)
        and narrow(fill(child.remote_ts, sa.remote.address), theirs_i.selectors)
        for child in connection.children
        if not child.mode.is_shunt
    )


_Fitting = tuple[Child, Selectors, Selectors]


def _misses_first(fitting: _Fitting, local: Selectors, remote: Selectors) -> bool:
    """§2.9: a responder whose policy allows the first selectors "MUST narrow the Traffic Selectors to a
    subset that includes the initiator's first choices"."""
    if not local or not remote:  # of types that we do not know
        return False
    _, ours, theirs = fitting
    first = (any(ts.contains(local[0]) for ts in ours), any(ts.contains(remote[0]) for ts in theirs))
    return first != (True, True)


def _goes_beyond(fitting: _Fitting, local: Selectors, remote: Selectors) -> bool:
    """Whether another child would take something of the offer that the chosen one does not."""
    _, ours, theirs = fitting
    return not all(any(ts.contains(o) for ts in local) for o in ours) or not all(
        any(ts.contains(t) for ts in remote) for t in theirs
    )


def _distance(child: Child, transport: bool) -> int:
    """Children of the wanted mode first, then in the order of the configuration."""
    return 0 if (child.mode is Mode.TRANSPORT) == transport else 1


def _narrowed(
    sa: IkeSaV2, config: Child, theirs_local: Selectors, theirs_remote: Selectors
) -> tuple[Selectors, Selectors]:
    local, remote = selectors(sa, config)
    return narrow(local, theirs_local), narrow(remote, theirs_remote)


def _choose(config: Child, message: Message, with_ke: bool) -> Proposal | None:
    theirs = [p for p in message.need(SaPayload).proposals if len(p.spi) == SPI_LENGTH and any(p.spi)]
    if not with_ke:
        theirs = [p.without(*KE_TYPES) for p in theirs]
    ours = child_proposals(config, with_ke)
    return select(ours, [unusable_kes(p) for p in theirs])


def take_request(
    sa: IkeSaV2, child: ChildSa, terms: Terms, nonces: Nonces, shared: Sequence[Secret] = ()
) -> None:
    """Make ``child`` what was agreed."""
    agreed = (terms.local_ts, terms.remote_ts)
    _conclude(sa, child, terms.proposal, agreed, terms.mode, nonces, shared, initiator=False)


def answer_payloads(child: ChildSa, terms: Terms, theirs: Sequence[Proposal]) -> list[Payload]:
    """What tells the initiator: SA first (nonce and KE go behind it), then TSi and TSr."""
    chosen = with_none(terms.proposal, theirs)
    ours = replace(chosen, spi=child.spi_in.to_bytes(SPI_LENGTH))
    payloads: list[Payload] = [SaPayload((ours,)), TsIPayload(terms.shown[0]), TsRPayload(terms.shown[1])]
    if terms.mode is SaMode.TRANSPORT:
        payloads.append(NotifyPayload(NotifyType.USE_TRANSPORT_MODE))
    if terms.more:
        payloads.append(NotifyPayload(NotifyType.ADDITIONAL_TS_POSSIBLE))
    return payloads


def _substitution(sa: IkeSaV2, theirs_i: Selectors, theirs_r: Selectors) -> dict[Address, Address]:
    """Transport mode through a NAT (§2.23.1): the addresses the peer wrote -> those that we see."""
    swap: dict[Address, Address] = {}
    if sa.remote_behind_nat and theirs_i:
        swap[theirs_i[0].start] = sa.remote.address
    if sa.local_behind_nat and theirs_r:
        swap[theirs_r[0].start] = sa.local.address
    return swap


def _substituted(selectors: Selectors, swap: dict[Address, Address]) -> Selectors:
    return tuple(
        replace(ts, start=swap[ts.start], end=swap[ts.start])
        if ts.start == ts.end and ts.start in swap
        else ts
        for ts in selectors
    )


def text(selectors: Sequence[TrafficSelector]) -> str:
    return " ".join(str(ts) for ts in selectors)
