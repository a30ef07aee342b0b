"""RFC 2407 §4.4 and §4.5. What a phase 2 transform means, and back.

The numbers of the IPsec DOI differ from IKEv2's only in a few rows; the SHA-2-256
authentication algorithm has one number for both truncations (128 bits by RFC 4868, 96 by a
draft that some peers still follow): which is meant is a setting, never negotiated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, product

from cygnet.values.iana import EncrId, EsnId, IntegId, KeId, Protocol, TransformType
from cygnet.values.proposal import Proposal, Transform, match
from cygnet.wire.ikev1.attribute import Attribute, first
from cygnet.wire.ikev1.numbers import DoiAttribute, Encapsulation, LifeType
from cygnet.wire.ikev1.oakley import (
    DEFAULT_KEY_LENGTH,
    MOST_TRANSFORMS,
    life_kilobytes,
    life_seconds,
)
from cygnet.wire.ikev1.sa import Sa, WireProposal, WireTransform

ESP: dict[int, EncrId] = {
    3: EncrId.TRIPLE_DES,
    11: EncrId.NULL,
    12: EncrId.AES_CBC,
    13: EncrId.AES_CTR,
    14: EncrId.AES_CCM_8,
    15: EncrId.AES_CCM_12,
    16: EncrId.AES_CCM_16,
    18: EncrId.AES_GCM_8,
    19: EncrId.AES_GCM_12,
    20: EncrId.AES_GCM_16,
    22: EncrId.CAMELLIA_CBC,
    23: EncrId.NULL_AUTH_AES_GMAC,
}
AUTHENTICATION: dict[int, IntegId] = {
    1: IntegId.HMAC_MD5_96,
    2: IntegId.HMAC_SHA1_96,
    5: IntegId.HMAC_SHA2_256_128,
    6: IntegId.HMAC_SHA2_384_192,
    7: IntegId.HMAC_SHA2_512_256,
    9: IntegId.AES_XCBC_96,
}
#: AH transform id -> the algorithm it goes with (RFC 2407 §4.4.3)
AH: dict[int, IntegId] = {
    2: IntegId.HMAC_MD5_96,
    3: IntegId.HMAC_SHA1_96,
    5: IntegId.HMAC_SHA2_256_128,
    6: IntegId.HMAC_SHA2_384_192,
    7: IntegId.HMAC_SHA2_512_256,
    9: IntegId.AES_XCBC_96,
}
ESP_NUMBER = {id: number for number, id in ESP.items()}
AH_NUMBER = {id: number for number, id in AH.items()}
AUTHENTICATION_NUMBER = {id: number for number, id in AUTHENTICATION.items()}
AEAD = frozenset(
    {
        EncrId.AES_CCM_8, EncrId.AES_CCM_12, EncrId.AES_CCM_16, EncrId.AES_GCM_8, EncrId.AES_GCM_12,
        EncrId.AES_GCM_16, EncrId.NULL_AUTH_AES_GMAC,
    }
)  # fmt: skip
FIXED_KEY = frozenset({EncrId.TRIPLE_DES, EncrId.NULL})
#: mode -> the number that says it, without and with UDP encapsulation, and the drafts' numbers
TUNNEL_MODES = {Encapsulation.TUNNEL, Encapsulation.UDP_TUNNEL, Encapsulation.UDP_TUNNEL_DRAFT}
TRANSPORT_MODES = {Encapsulation.TRANSPORT, Encapsulation.UDP_TRANSPORT, Encapsulation.UDP_TRANSPORT_DRAFT}


@dataclass(frozen=True, slots=True)
class Offer:
    """One transform understood. Lifetimes 0: not said."""

    proposal: Proposal  #: with the SPI and number it came with
    encapsulation: Encapsulation
    lifetime: int  #: seconds
    kilobytes: int
    wire_proposal: WireProposal
    wire_transform: WireTransform

    @property
    def is_tunnel(self) -> bool:
        return self.encapsulation in TUNNEL_MODES

    def accept(self, spi: bytes) -> Sa:
        """The SA payload that chooses it, with our SPI."""
        chosen = replace(self.wire_proposal, spi=spi, transforms=(self.wire_transform,))
        return Sa((chosen,))


@dataclass(frozen=True, slots=True)
class Terms:
    """What all transforms of one Quick Mode have in common. Lifetimes 0: say nothing."""

    encapsulation: Encapsulation
    lifetime: int = 0
    kilobytes: int = 0
    group: KeId | None = None  #: PFS; one group for all (RFC 2409 §5.5)


Combination = tuple[Transform | None, IntegId, EsnId]


def pfs_group(proposals: Sequence[Proposal]) -> KeId | None:
    """The group of the first proposal; None: it has none, no PFS."""
    for proposal in proposals:
        groups = [KeId(t.id) for t in proposal.of_type(TransformType.KE) if t.id]
        return groups[0] if groups else None
    return None


def offer(proposals: Sequence[Proposal], spi: bytes, terms: Terms) -> Sa | None:
    """The SA payload of a first Quick Mode message; None: nothing IKEv1 can say is configured.

    Proposals whose protocol is the same become one with several transforms.
    """
    wire: list[WireProposal] = []
    for protocol in dict.fromkeys(p.protocol for p in proposals):
        fitting = [p for p in proposals if p.protocol == protocol and _has_group(p, terms.group)]
        heads, rest = [], []
        for queue in map(_of_proposal, fitting):
            heads += list(islice(queue, 1))
            rest += list(queue)
        combinations = list(islice(dict.fromkeys(heads + rest), MOST_TRANSFORMS))
        transforms = tuple(
            WireTransform(number, _transform_id(protocol, c), _attributes(c, terms))
            for number, c in enumerate(combinations, 1)
        )
        if transforms:
            wire.append(WireProposal(len(wire), protocol, spi, transforms))
    return Sa(tuple(wire)) if wire else None


def _has_group(proposal: Proposal, group: KeId | None) -> bool:
    groups = [t.id for t in proposal.of_type(TransformType.KE) if t.id]
    return group in groups if group is not None else not groups


def _of_proposal(proposal: Proposal) -> Iterator[Combination]:
    proposal = reduced(proposal)
    integs = [IntegId(t.id) for t in proposal.of_type(TransformType.INTEG)]
    esns = [EsnId(t.id) for t in proposal.of_type(TransformType.ESN)]
    if proposal.protocol == Protocol.AH:
        yield from ((None, integ, esn) for integ, esn in product(integs, esns) if integ in AH_NUMBER)
        return
    for encr in proposal.of_type(TransformType.ENCR):
        fitting = [IntegId.NONE] if encr.id in AEAD else [i for i in integs if i]
        if encr.id != EncrId.NULL or fitting:
            yield from product((encr,), fitting or [IntegId.NONE], esns)


def _transform_id(protocol: Protocol, combination: Combination) -> int:
    encr, integ, _ = combination
    return AH_NUMBER[integ] if encr is None else ESP_NUMBER[EncrId(encr.id)]


def _attributes(combination: Combination, terms: Terms) -> tuple[Attribute, ...]:
    encr, integ, esn = combination
    pairs: list[tuple[int, int]] = []
    if encr is not None and encr.key_length:
        pairs.append((DoiAttribute.KEY_LENGTH, encr.key_length))
    if integ:
        pairs.append((DoiAttribute.AUTH_ALGORITHM, AUTHENTICATION_NUMBER[integ]))
    if terms.group is not None:
        pairs.append((DoiAttribute.GROUP, int(terms.group)))
    pairs.append((DoiAttribute.ENCAPSULATION, int(terms.encapsulation)))
    if esn:
        pairs.append((DoiAttribute.ESN, 1))
    for kind, duration in ((LifeType.SECONDS, terms.lifetime), (LifeType.KILOBYTES, terms.kilobytes)):
        if duration:
            pairs += [(DoiAttribute.LIFE_TYPE, int(kind)), (DoiAttribute.LIFE_DURATION, duration)]
    return tuple(Attribute.of(kind, number) for kind, number in pairs)


def offers(sa: Sa) -> list[Offer]:
    """Every transform that we can name, in the peer's order. Proposals that share their number
    with another are bundles (AH and ESP, or IPComp), which cygnet does not make."""
    numbers = [p.number for p in sa.proposals]
    return [
        offer
        for proposal in sa.proposals
        if numbers.count(proposal.number) == 1 and len(proposal.spi) == 4 and any(proposal.spi)
        for transform in proposal.transforms
        if (offer := _read(proposal, transform)) is not None
    ]


def _read(proposal: WireProposal, transform: WireTransform) -> Offer | None:
    attributes = transform.attributes
    protocol = Protocol(proposal.protocol)
    auth = first(attributes, DoiAttribute.AUTH_ALGORITHM)
    integ = AUTHENTICATION.get(auth) if auth else IntegId.NONE
    if integ is None:
        return None
    transforms: list[Transform] = []
    if protocol == Protocol.ESP and transform.id in ESP:
        encr = ESP[transform.id]
        bits = 0
        if encr not in FIXED_KEY:
            bits = first(attributes, DoiAttribute.KEY_LENGTH) or DEFAULT_KEY_LENGTH
        transforms.append(Transform(TransformType.ENCR, encr, bits))
    elif protocol != Protocol.AH or not integ or AH.get(transform.id) != integ:
        return None
    if integ:
        transforms.append(Transform(TransformType.INTEG, integ))
    group = first(attributes, DoiAttribute.GROUP)
    if group:
        transforms.append(Transform(TransformType.KE, KeId(group)))
    esn = EsnId.ESN if first(attributes, DoiAttribute.ESN) else EsnId.NO_ESN
    transforms.append(Transform(TransformType.ESN, esn))
    life = (attributes, DoiAttribute.LIFE_TYPE, DoiAttribute.LIFE_DURATION)
    mode = Encapsulation(first(attributes, DoiAttribute.ENCAPSULATION) or Encapsulation.TUNNEL)
    found = Proposal(protocol, tuple(transforms), proposal.spi, proposal.number)
    return Offer(found, mode, life_seconds(*life), life_kilobytes(*life), proposal, transform)


def reduced(proposal: Proposal) -> Proposal:
    """Our proposal as phase 2 can match it: only what IKEv1 has numbers for, AES with a key
    length, "no ESN" said, and the 96-bit SHA-2-256 under the number it shares."""
    kept: list[Transform] = []
    for t in proposal.transforms:
        if t.type == TransformType.ENCR and t.id in ESP_NUMBER:
            bits = 0 if t.id in FIXED_KEY else t.key_length or DEFAULT_KEY_LENGTH
            kept.append(Transform(t.type, t.id, bits))
        elif t.type == TransformType.INTEG and t.id == IntegId.HMAC_SHA2_256_96:
            kept.append(Transform(t.type, IntegId.HMAC_SHA2_256_128))
        elif (t.type == TransformType.INTEG and t.id in AUTHENTICATION_NUMBER) or (
            t.type in (TransformType.KE, TransformType.ESN)
        ):
            kept.append(t)
    if not proposal.of_type(TransformType.ESN):
        kept.append(Transform(TransformType.ESN, EsnId.NO_ESN))
    return replace(proposal, transforms=tuple(dict.fromkeys(kept)))


def agree(ours: Sequence[Proposal], theirs: Proposal, any_group: bool = False) -> Proposal | None:
    """``theirs`` (one transform read by ``offers``) if one of ours allows it, else None.

    ``any_group``: a PFS group is fine where ours ask for none: it only makes the keys better.
    """
    for our in ours:
        small = reduced(our)
        wanted = small
        if any_group and not small.of_type(TransformType.KE):
            wanted = replace(small, transforms=small.transforms + theirs.of_type(TransformType.KE))
        if match(wanted, theirs) is None:
            continue
        integ = theirs.first(TransformType.INTEG)
        short = Transform(TransformType.INTEG, IntegId.HMAC_SHA2_256_96)
        long = Transform(TransformType.INTEG, IntegId.HMAC_SHA2_256_128)
        if integ == long and short in our.transforms and long not in our.transforms:
            return replace(theirs, transforms=tuple(short if t == long else t for t in theirs.transforms))
        return theirs
    return None
