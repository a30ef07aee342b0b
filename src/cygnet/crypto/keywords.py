"""Proposals in words: ``aes128-sha256-modp2048``, with strongSwan's keywords and rules.

Words are joined by ``-`` in any order; of each kind, the order is that of preference. What each
means stands in ``words``. As strongSwan does,

- an IKE proposal without a prf gets those of its integrity algorithms;
- integrity algorithms beside AEAD ciphers give a prf and are then dropped;
- a prf in an ESP or AH proposal is dropped, and ``noesn`` is meant where neither is said.

Stricter than strongSwan: encryption without integrity is refused for ESP too, where RFC 8221
forbids it as RFC 7296 does for IKE.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache

from cygnet.crypto import encr, integ
from cygnet.crypto.names import in_order, proposal_text, proposals_text, transform_text
from cygnet.crypto.rows import Use
from cygnet.crypto.words import KEYWORDS, UNSUPPORTED, Keyword
from cygnet.values.iana import EsnId, KeId, PrfId, Protocol, TransformType
from cygnet.values.proposal import Proposal, Transform

__all__ = [
    "KEYWORDS",
    "UNSUPPORTED",
    "BadWords",
    "Keyword",
    "default_proposals",
    "known_keywords",
    "offer_text",
    "parse_proposal",
    "proposal_text",
    "proposals_text",
    "supported",
    "transform_text",
]

_PREFIXED = re.compile(r"ke([1-7])_(.*)", re.DOTALL)
_PRF_OF_INTEG: dict[int, PrfId] = {row.id: row.prf for row in integ.ROWS}
_AEAD = frozenset(row.id for row in encr.ROWS if row.aead)
_USE = {Protocol.ESP: Use.ESP, Protocol.AH: Use.AH}


def known_keywords() -> tuple[str, ...]:
    """Every word that ``parse_proposal`` takes, but for the prefixes ``ke1_`` to ``ke7_``."""
    return tuple(KEYWORDS)


class BadWords(ValueError):
    """Every word of a proposal that cannot stand in it: one sentence each."""

    def __init__(self, reasons: Iterable[str]) -> None:
        self.reasons = tuple(dict.fromkeys(reasons))
        super().__init__("\n".join(self.reasons))


def _unknown(word: str) -> ValueError:
    if word in UNSUPPORTED:
        return ValueError(f"'{word}' is not supported: {UNSUPPORTED[word]}")
    near = _near(word.lower()[:40])
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    return ValueError(f"{word[:40]!r} is not a known algorithm{hint}")


def _near(word: str) -> list[str]:
    """At most three words, the likeliest first: what begins so (sha2: sha256), then what looks alike."""
    longer = [known for known in KEYWORDS if len(word) > 2 and known.startswith(word)]
    alike = get_close_matches(word, KEYWORDS, n=3, cutoff=0.6)
    return list(dict.fromkeys([*sorted(longer, key=len)[:1], *alike]))[:3]


def _use(protocol: Protocol, version: int) -> Use:
    if protocol in _USE:
        return _USE[protocol]
    return {1: Use.IKEV1, 2: Use.IKEV2}.get(version, Use.IKE)


def _transform(word: str, protocol: Protocol, version: int) -> Transform:
    prefixed = _PREFIXED.fullmatch(word)
    if prefixed:
        return _additional(word, int(prefixed[1]), prefixed[2], version)
    keyword = KEYWORDS.get(word)
    if keyword is None:
        raise _unknown(word)
    if version == 1 and keyword.transform.type == TransformType.KE and not keyword.use & Use.IKEV1:
        raise ValueError(f"'{word}' cannot be used with IKEv1")
    if not keyword.use & _use(protocol, version):
        where = f"IKEv{version}" if protocol == Protocol.IKE and version else Protocol(protocol).name
        raise ValueError(f"'{word}' cannot be used in an {where} proposal")
    return keyword.transform


def _additional(word: str, number: int, method: str, version: int) -> Transform:
    """``ke1_mlkem768``: an additional key exchange, RFC 9370. ``ke1_none`` makes it optional."""
    if version == 1:
        raise ValueError(f"'{word}': IKEv1 has no additional key exchanges")
    kind = TransformType(TransformType.AKE1 + number - 1)
    if method in ("none", "modpnone"):
        return Transform(kind, KeId.NONE)
    keyword = KEYWORDS.get(method)
    if keyword is None:
        raise _unknown(method)
    if keyword.transform.type != TransformType.KE:
        raise ValueError(f"'{word}': '{method}' is not a key exchange method")
    return Transform(kind, keyword.transform.id)


@lru_cache(maxsize=1024)
def parse_proposal(text: str, protocol: Protocol, version: int = 0) -> Proposal:
    """``parse_proposal("aes128-sha256-modp2048", Protocol.IKE)``; ``version`` 1, 2 or 0 for either.

    Raises BadWords where words are wrong, else ValueError: the text says what is missing.
    """
    words = [word.strip() for word in text.split("-")]
    if not all(words):
        raise ValueError("an algorithm is missing" if any(words) else "the proposal is empty")
    given, wrong = [], []
    for word in words:
        try:
            given.append(_transform(word, protocol, version))
        except ValueError as why:
            wrong.append(str(why))
    if wrong:
        raise BadWords(wrong)
    completed = _complete_ike(given) if protocol == Protocol.IKE else _complete_ipsec(given, protocol)
    return Proposal(protocol, in_order(completed))


def _of(kind: TransformType, transforms: Iterable[Transform]) -> list[Transform]:
    return [t for t in transforms if t.type == kind]


def _without(kind: TransformType, transforms: Iterable[Transform]) -> list[Transform]:
    return [t for t in transforms if t.type != kind]


def _complete_ike(given: list[Transform]) -> list[Transform]:
    if not _of(TransformType.PRF, given):
        integrity = _of(TransformType.INTEG, given)
        given = given + [Transform(TransformType.PRF, _PRF_OF_INTEG[t.id]) for t in integrity]
    given = [t for t in given if t != Transform(TransformType.KE, KeId.NONE)]
    given = _check_ciphers(given, "IKE")
    if not _of(TransformType.PRF, given):
        raise ValueError("an IKE proposal needs a prf (such as prfsha256)")
    if not _of(TransformType.KE, given):
        raise ValueError("an IKE proposal needs a key exchange method (such as x25519 or modp2048)")
    return given


def _complete_ipsec(given: list[Transform], protocol: Protocol) -> list[Transform]:
    given = _without(TransformType.PRF, given)
    if protocol == Protocol.ESP:
        given = _check_ciphers(given, "ESP")
    elif not _of(TransformType.INTEG, given):
        raise ValueError("an AH proposal needs an integrity algorithm (such as sha256)")
    if not _of(TransformType.ESN, given):
        given = [*given, Transform(TransformType.ESN, EsnId.NO_ESN)]
    return given


def _check_ciphers(given: list[Transform], name: str) -> list[Transform]:
    """The transforms without integrity where all ciphers are AEAD. Raises on a mixture."""
    ciphers = _of(TransformType.ENCR, given)
    if not ciphers:
        raise ValueError(f"an {name} proposal needs an encryption algorithm (such as aes128)")
    aead = [t.id in _AEAD for t in ciphers]
    if all(aead):
        return _without(TransformType.INTEG, given)
    if any(aead):
        raise ValueError("AEAD and other ciphers cannot stand in one proposal: separate them by a comma")
    if not _of(TransformType.INTEG, given):
        raise ValueError(f"'{_word_of(ciphers[0])}' needs an integrity algorithm (such as sha256) beside it")
    return given


def _word_of(transform: Transform) -> str:
    return next(k.word for k in KEYWORDS.values() if k.transform == transform)


_CURVES = "x25519-x448-ecp256-ecp384-ecp521-ecp256bp-ecp384bp-ecp512bp"
_GROUPS = f"{_CURVES}-modp3072-modp4096-modp6144-modp8192-modp2048"
_CBC = "aes128-aes192-aes256-camellia128-camellia192-camellia256-3des"
_SHA2 = "sha256-sha384-sha512"

#: What is proposed and accepted where nothing is configured: strongSwan 6.0's selection and order
#: (what has less than 128 bits of strength comes last, MD5 and the small groups not at all).
_DEFAULTS: dict[tuple[Protocol, int], tuple[str, ...]] = {
    (Protocol.IKE, 1): (f"{_CBC}-{_SHA2}-sha1-{_GROUPS}",),
    (Protocol.IKE, 2): (
        "aes128-aes192-aes256-aes128ctr-aes192ctr-aes256ctr-camellia128-camellia192-camellia256-3des-"
        f"{_SHA2}-sha1-aesxcbc-aescmac-"
        f"prfsha256-prfsha384-prfsha512-prfaesxcbc-prfaescmac-prfsha1-{_GROUPS}",
        "aes128gcm16-aes192gcm16-aes256gcm16-aes128ccm16-aes192ccm16-aes256ccm16-chacha20poly1305-"
        "aes128gcm12-aes192gcm12-aes256gcm12-aes128gcm8-aes192gcm8-aes256gcm8-"
        "aes128ccm12-aes192ccm12-aes256ccm12-aes128ccm8-aes192ccm8-aes256ccm8-"
        f"prfsha256-prfsha384-prfsha512-prfaesxcbc-prfaescmac-prfsha1-{_GROUPS}",
    ),
    (Protocol.ESP, 0): (
        "aes128gcm16-aes192gcm16-aes256gcm16-noesn",
        f"aes128-aes192-aes256-{_SHA2}-sha1-aesxcbc-noesn",
    ),
    (Protocol.AH, 0): (f"{_SHA2}-sha1-aesxcbc-noesn",),
}
_PARSED = {key: tuple(parse_proposal(t, *key) for t in texts) for key, texts in _DEFAULTS.items()}


def default_proposals(protocol: Protocol, version: int = 2) -> tuple[Proposal, ...]:
    """What stands for ``default``, and what ipsec.conf adds where ``!`` is missing."""
    if protocol == Protocol.IKE:
        return _PARSED[protocol, 1 if version == 1 else 2]
    return _PARSED[protocol, 0]


def offer_text(proposals: Iterable[Proposal]) -> str:
    """An offer, for the user: what was written; the built-in proposals, a page of them, by that name."""
    proposals = tuple(proposals)
    written = [proposal_text(p) for p in proposals if p not in _BUILT_IN]
    return ", ".join(written + ["the built-in ones"] * (len(written) < len(proposals)))


_BUILT_IN = frozenset(p for found in _PARSED.values() for p in found)


def supported(transform: Transform) -> bool:
    """Whether cygnet can do a transform (one that a peer offers, say)."""
    return transform in _SUPPORTED


_SUPPORTED = frozenset(k.transform for k in KEYWORDS.values()) | {
    Transform(TransformType(kind), k.transform.id)
    for kind in range(TransformType.AKE1, TransformType.AKE7 + 1)
    for k in KEYWORDS.values()
    if k.transform.type == TransformType.KE
}
