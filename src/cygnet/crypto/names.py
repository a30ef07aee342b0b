"""Proposals as strongSwan's log and status spell them: ``AES_CBC_128/HMAC_SHA2_256_128/...``."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from cygnet.values.iana import EncrId, EsnId, KeId, OpenEnum, Protocol, TransformType
from cygnet.values.proposal import Proposal, Transform

#: where strongSwan's name is not the registry's (as ``values.iana`` has it)
_SPELLED: dict[OpenEnum, str] = {
    EncrId.DES: "DES_CBC",
    EncrId.TRIPLE_DES: "3DES_CBC",
    EncrId.CAST: "CAST_CBC",
    EncrId.BLOWFISH: "BLOWFISH_CBC",
    EncrId.NULL_AUTH_AES_GMAC: "NULL_AES_GMAC",
    EsnId.NO_ESN: "NO_EXT_SEQ",
    EsnId.ESN: "EXT_SEQ",
}
_KE_SPELLED: dict[int, str] = {
    KeId.NONE: "KE_NONE",
    KeId.BRAINPOOL_224: "ECP_224_BP",
    KeId.BRAINPOOL_256: "ECP_256_BP",
    KeId.BRAINPOOL_384: "ECP_384_BP",
    KeId.BRAINPOOL_512: "ECP_512_BP",
}

#: strongSwan prints integrity before prf, all else in the order of the transform types
ORDER: tuple[TransformType, ...] = (
    TransformType.ENCR,
    TransformType.INTEG,
    TransformType.PRF,
    TransformType.KE,
    TransformType.ESN,
    TransformType.AKE1,
    TransformType.AKE2,
    TransformType.AKE3,
    TransformType.AKE4,
    TransformType.AKE5,
    TransformType.AKE6,
    TransformType.AKE7,
)
_RANK = {kind: rank for rank, kind in enumerate(ORDER)}


def in_order(transforms: Iterable[Transform]) -> tuple[Transform, ...]:
    """Grouped by type in ``ORDER``, each group in the order of preference, without repetitions."""
    return tuple(sorted(dict.fromkeys(transforms), key=lambda t: _RANK.get(t.type, 99)))


def ke_text(method: int) -> str:
    """``MODP_2048``, ``ECP_256_BP``, ``CURVE_25519``."""
    return _KE_SPELLED.get(method) or KeId(method).name


def transform_text(transform: Transform) -> str:
    """``AES_GCM_16_128``, ``PRF_HMAC_SHA1``, ``3DES_CBC``, ``KE1_ML_KEM_768``, ``NO_EXT_SEQ``."""
    kind = transform.type
    if kind == TransformType.KE:
        return ke_text(transform.id)
    if TransformType.AKE1 <= kind <= TransformType.AKE7:
        return f"KE{kind - TransformType.AKE1 + 1}_{ke_text(transform.id)}"
    if kind == TransformType.PRF:
        return f"PRF_{transform.name}"
    if kind == TransformType.ENCR and EncrId(transform.id) in _SPELLED:
        name = _SPELLED[EncrId(transform.id)]
        return f"{name}_{transform.key_length}" if transform.key_length else name
    if kind == TransformType.ESN:
        return _SPELLED.get(EsnId(transform.id)) or transform.name
    return transform.name


def proposal_text(proposal: Proposal) -> str:
    """``AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_2048``, without the protocol."""
    return _text(proposal.transforms)


@lru_cache(maxsize=128)  # every tunnel logs two, mostly the same; bounded, since peers choose some
def _text(transforms: tuple[Transform, ...]) -> str:
    return "/".join(transform_text(t) for t in in_order(transforms))


def proposals_text(proposals: Iterable[Proposal]) -> str:
    """A list as logged: ``IKE:AES_CBC_128/..., IKE:AES_GCM_16_128/...``."""
    return ", ".join(f"{Protocol(p.protocol).name}:{proposal_text(p)}" for p in proposals)
