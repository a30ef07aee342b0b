"""What leftauth and rightauth want beyond ``pubkey``: kinds and lengths of keys, hashes of signatures.

``rsa-2048-ecdsa-256-sha256-sha384``: RSA of at least 2048 bits or ECDSA of at least 256, and only
SHA-256 and SHA-384 in the certificates' signatures and in IKE; ``ike:pubkey-sha384`` behind it (or
alone) means the signature in IKE only. On the left the hashes say how we sign.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

#: as written -> as ``KeyKind`` says it
_KINDS = {"rsa": "RSA", "ecdsa": "ECDSA", "ed25519": "Ed25519", "ed448": "Ed448"}
HASHES = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512")


@dataclass(frozen=True, slots=True)
class Constraints:
    """Nothing given: nothing is asked for."""

    kinds: tuple[tuple[str, int], ...] = ()  #: any of these, with at least so many bits
    hashes: tuple[str, ...] = ()  #: of the signatures in the chain
    ike_hashes: tuple[str, ...] = ()  #: of the signature in IKE, in order of preference
    pss: bool = False  #: RSA as RSASSA-PSS

    def takes(self, kind: str, bits: int) -> bool:
        """Whether a key of that kind and length will do."""
        return not self.kinds or any(kind == one and bits >= least for one, least in self.kinds)

    def takes_hash(self, name: str) -> bool:
        """Whether a certificate's signature over that hash will do ("": the algorithm has its own)."""
        return not self.hashes or not name or name.replace("-", "_") in self.hashes

    @property
    def keys_text(self) -> str:
        return " or ".join(f"{kind} {bits or ''}".strip() for kind, bits in self.kinds)


@dataclass(slots=True)
class _Reading:
    kinds: list[tuple[str, int]] = field(default_factory=list)
    hashes: list[str] = field(default_factory=list)
    pss: bool = False


@lru_cache(256)
def parse(text: str, carry: bool = True) -> Constraints:
    """``AuthRound.method_detail``. ``carry``: hashes without ``ike:`` are meant for IKE, too, where none are.
    ValueError names the word that is none."""
    chain, ike = _Reading(), _Reading()
    into = chain
    said_ike = False
    for part in text.split("-"):
        if part.startswith("ike:"):
            into, part, said_ike = ike, part[4:], True
        elif part == "":
            continue
        _word(part, into)
    own = chain if carry and not said_ike else ike
    return Constraints(
        tuple(chain.kinds or ike.kinds), tuple(chain.hashes), tuple(own.hashes), chain.pss or ike.pss
    )


def _word(part: str, into: _Reading) -> None:
    word = part.lower()
    if word in ("pubkey", "any"):
        return
    if word in ("rsa/pss", "pss"):
        into.pss = True
        if word == "rsa/pss":
            into.kinds.append((_KINDS["rsa"], 0))
    elif word in _KINDS:
        into.kinds.append((_KINDS[word], 0))
    elif word.isdecimal() and into.kinds:
        into.kinds[-1] = (into.kinds[-1][0], int(word))
    elif word in HASHES:
        into.hashes.append(word)
    else:
        raise ValueError(
            f"'{part}' is none of rsa, ecdsa, ed25519, ed448, a number of bits, {', '.join(HASHES)}"
        )
