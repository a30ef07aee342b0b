"""RFC 2409 appendix A. What a phase 1 transform means, and back.

In IKEv1 each transform is one complete combination; a ``Proposal`` offers several algorithms
per type. Numbers inside cygnet are IKEv2's, here they become IKEv1's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product

from cygnet.values.iana import EncrId, IntegId, KeId, PrfId, Protocol, TransformType
from cygnet.values.proposal import Proposal, Transform
from cygnet.wire.ikev1.attribute import Attribute, first
from cygnet.wire.ikev1.numbers import KEY_IKE, PROTO_ISAKMP, LifeType, OakleyAttribute, OakleyAuth
from cygnet.wire.ikev1.sa import Sa, WireProposal, WireTransform

#: Most transforms in one SA payload, so that the first message fits an unfragmented packet.
MOST_TRANSFORMS = 24
DEFAULT_KEY_LENGTH = 128  #: bits, where a peer leaves the attribute of AES or Camellia out

ENCRYPTION: dict[int, EncrId] = {
    5: EncrId.TRIPLE_DES,
    7: EncrId.AES_CBC,
    8: EncrId.CAMELLIA_CBC,
}
#: hash number -> what it stands for in IKEv2's terms: integrity algorithm and prf
HASH: dict[int, tuple[IntegId, PrfId]] = {
    1: (IntegId.HMAC_MD5_96, PrfId.HMAC_MD5),
    2: (IntegId.HMAC_SHA1_96, PrfId.HMAC_SHA1),
    4: (IntegId.HMAC_SHA2_256_128, PrfId.HMAC_SHA2_256),
    5: (IntegId.HMAC_SHA2_384_192, PrfId.HMAC_SHA2_384),
    6: (IntegId.HMAC_SHA2_512_256, PrfId.HMAC_SHA2_512),
}
ENCRYPTION_NUMBER = {id: number for number, id in ENCRYPTION.items()}
HASH_NUMBER = {integ: number for number, (integ, _) in HASH.items()}
VARIABLE_KEY = frozenset({EncrId.AES_CBC, EncrId.CAMELLIA_CBC})


@dataclass(frozen=True, slots=True)
class Offer:
    """One transform understood. ``lifetime`` in seconds, 0: not said."""

    proposal: Proposal
    auth: OakleyAuth
    lifetime: int
    wire_proposal: WireProposal
    wire_transform: WireTransform

    def accept(self) -> Sa:
        """The SA payload that chooses it: the transform goes back exactly as it came."""
        return Sa((WireProposal(
            self.wire_proposal.number, self.wire_proposal.protocol, self.wire_proposal.spi,
            (self.wire_transform,),
        ),))  # fmt: skip


Combination = tuple[Transform, IntegId, KeId]


def combinations(proposals: Sequence[Proposal]) -> list[Combination]:
    """Every (encryption, hash, group) IKEv1 can say, each once, at most ``MOST_TRANSFORMS``.

    The first of each proposal come first, so that none is lost to the limit.
    """
    queues = [_of_proposal(p) for p in proposals]
    heads = [head for queue in queues if (head := next(queue, None)) is not None]
    rest = [combination for queue in queues for combination in queue]
    return list(islice(dict.fromkeys(heads + rest), MOST_TRANSFORMS))


def _of_proposal(proposal: Proposal) -> Iterator[Combination]:
    hashes = [IntegId(t.id) for t in proposal.of_type(TransformType.INTEG) if t.id in HASH_NUMBER]
    ciphers = [t for t in proposal.of_type(TransformType.ENCR) if t.id in ENCRYPTION_NUMBER]
    groups = [KeId(t.id) for t in proposal.of_type(TransformType.KE) if t.id]
    yield from product(ciphers, hashes, groups)


def offer(
    proposals: Sequence[Proposal], auth: OakleyAuth, lifetime: int, group: KeId | None = None
) -> Sa | None:
    """The SA payload of a first message. ``group``: only combinations with it (Aggressive Mode
    sends its public value at once). ``lifetime`` 0: say nothing about it. None: nothing to offer."""
    chosen = [c for c in combinations(proposals) if group is None or c[2] == group]
    if not chosen:
        return None
    transforms = tuple(
        WireTransform(number, KEY_IKE, _attributes(combination, auth, lifetime))
        for number, combination in enumerate(chosen, 1)
    )
    return Sa((WireProposal(0, PROTO_ISAKMP, b"", transforms),))


def _attributes(combination: Combination, auth: OakleyAuth, lifetime: int) -> tuple[Attribute, ...]:
    encr, integ, group = combination
    pairs = [(OakleyAttribute.ENCRYPTION, ENCRYPTION_NUMBER[EncrId(encr.id)])]
    if encr.id in VARIABLE_KEY:
        pairs.append((OakleyAttribute.KEY_LENGTH, encr.key_length or DEFAULT_KEY_LENGTH))
    pairs += [
        (OakleyAttribute.HASH, HASH_NUMBER[integ]),
        (OakleyAttribute.GROUP, int(group)),
        (OakleyAttribute.AUTH_METHOD, int(auth)),
    ]
    if lifetime:
        pairs += [
            (OakleyAttribute.LIFE_TYPE, int(LifeType.SECONDS)),
            (OakleyAttribute.LIFE_DURATION, lifetime),
        ]
    return tuple(Attribute.of(kind, number) for kind, number in pairs)


def offers(sa: Sa) -> list[Offer]:
    """Every transform of a phase 1 SA that we can name, in the peer's order."""
    return [
        offer
        for proposal in sa.proposals
        if proposal.protocol == PROTO_ISAKMP
        for transform in proposal.transforms
        if transform.id == KEY_IKE and (offer := _read(proposal, transform)) is not None
    ]


def _read(proposal: WireProposal, transform: WireTransform) -> Offer | None:
    attributes = transform.attributes
    encr = ENCRYPTION.get(first(attributes, OakleyAttribute.ENCRYPTION) or 0)
    pair = HASH.get(first(attributes, OakleyAttribute.HASH) or 0)
    auth = first(attributes, OakleyAttribute.AUTH_METHOD)
    group = first(attributes, OakleyAttribute.GROUP)
    if encr is None or pair is None or auth is None or not group:
        return None
    bits = 0
    if encr in VARIABLE_KEY:
        bits = first(attributes, OakleyAttribute.KEY_LENGTH) or DEFAULT_KEY_LENGTH
    transforms = (
        Transform(TransformType.ENCR, encr, bits),
        Transform(TransformType.INTEG, pair[0]),
        Transform(TransformType.PRF, pair[1]),
        Transform(TransformType.KE, KeId(group)),
    )
    found = Proposal(Protocol.IKE, transforms, number=proposal.number)
    lifetime = life_seconds(attributes, OakleyAttribute.LIFE_TYPE, OakleyAttribute.LIFE_DURATION)
    return Offer(found, OakleyAuth(auth), lifetime, proposal, transform)


def life_seconds(attributes: Sequence[Attribute], type_id: int, duration_id: int) -> int:
    return _life(attributes, type_id, duration_id).get(LifeType.SECONDS, 0)


def life_kilobytes(attributes: Sequence[Attribute], type_id: int, duration_id: int) -> int:
    return _life(attributes, type_id, duration_id).get(LifeType.KILOBYTES, 0)


def _life(attributes: Sequence[Attribute], type_id: int, duration_id: int) -> dict[int, int]:
    """Life durations by their type: each duration belongs to the type before it."""
    found: dict[int, int] = {}
    kind = int(LifeType.SECONDS)
    for attribute in attributes:
        if attribute.type == type_id:
            kind = attribute.number
        elif attribute.type == duration_id:
            found.setdefault(kind, min(attribute.number, 0xFFFFFFFF))
    return found


def reduced(proposal: Proposal) -> Proposal:
    """Our proposal as phase 1 can match it: integrity gives the prf in IKEv1."""
    hashes = [t for t in proposal.of_type(TransformType.INTEG) if t.id in HASH_NUMBER]
    prfs = tuple(Transform(TransformType.PRF, HASH[HASH_NUMBER[IntegId(t.id)]][1]) for t in hashes)
    ciphers = tuple(
        Transform(t.type, t.id, t.key_length or DEFAULT_KEY_LENGTH) if t.id in VARIABLE_KEY else t
        for t in proposal.of_type(TransformType.ENCR)
        if t.id in ENCRYPTION_NUMBER
    )
    groups = tuple(t for t in proposal.of_type(TransformType.KE) if t.id)
    return Proposal(proposal.protocol, (*ciphers, *hashes, *prfs, *groups), proposal.spi, proposal.number)
