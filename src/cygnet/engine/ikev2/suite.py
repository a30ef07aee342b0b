"""What a selected IKE proposal means: its prf, cipher and integrity algorithm (RFC 7296 §3.3.3)."""

from __future__ import annotations

from dataclasses import dataclass

from cygnet.crypto.encr import Cipher, cipher
from cygnet.crypto.integ import Integrity, integrity
from cygnet.crypto.prf import Prf, prf
from cygnet.values.iana import KeId, TransformType
from cygnet.values.proposal import Proposal

#: The transform types of additional key exchanges, in the order they are run (RFC 9370 §2.2.2)
ADDITIONAL = tuple(TransformType(n) for n in range(TransformType.AKE1, TransformType.AKE7 + 1))


@dataclass(frozen=True, slots=True)
class Suite:
    """``integ`` is None with an AEAD cipher; ``additional`` are the key exchanges behind ``ke``."""

    proposal: Proposal
    prf: Prf
    cipher: Cipher
    integ: Integrity | None
    ke: KeId
    additional: tuple[KeId, ...] = ()

    @classmethod
    def of(cls, proposal: Proposal) -> Suite:
        """Raises ValueError where a needed transform is missing or not supported."""
        encr, which = proposal.first(TransformType.ENCR), proposal.first(TransformType.PRF)
        if encr is None or which is None:
            raise ValueError("an IKE proposal needs an encryption algorithm and a prf")
        bulk = cipher(encr)
        integ = proposal.first(TransformType.INTEG)
        if bulk.aead == (integ is not None and integ.id != 0):
            raise ValueError("an integrity algorithm goes with every cipher but those that have their own")
        return cls(
            proposal,
            prf(which.id),
            bulk,
            None if bulk.aead or integ is None else integrity(integ.id),
            main_ke(proposal),
            additional_kes(proposal),
        )

    @property
    def integ_length(self) -> int:
        return self.integ.key_length if self.integ else 0


def main_ke(proposal: Proposal) -> KeId:
    """The key exchange method of type 4; NONE where the proposal has none."""
    found = proposal.first(TransformType.KE)
    return KeId(found.id) if found else KeId.NONE


def additional_kes(proposal: Proposal) -> tuple[KeId, ...]:
    """The selected additional key exchanges in order; those agreed to be NONE are left out."""
    chosen = (proposal.first(kind) for kind in ADDITIONAL)
    return tuple(KeId(t.id) for t in chosen if t is not None and t.id != KeId.NONE)
