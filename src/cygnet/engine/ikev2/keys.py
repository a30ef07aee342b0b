"""RFC 7296 §2.14, §2.17, §2.18. The keys of an IKE_SA and of its CHILD_SAs, and what changes them.

    SKEYSEED = prf(Ni | Nr, g^ir)
    {SK_d | SK_ai | SK_ar | SK_ei | SK_er | SK_pi | SK_pr} = prf+(SKEYSEED, Ni | Nr | SPIi | SPIr)

Additional key exchanges (RFC 9370), an IKE_SA's rekeying, a resumed session (RFC 5723) and a
post-quantum preshared key (RFC 8784) each enter in one formula, which stands at its function.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cygnet.crypto.encr import cipher
from cygnet.crypto.integ import integrity
from cygnet.crypto.prf import Prf, prf_plus
from cygnet.engine.child import ChildKeys
from cygnet.engine.ikev2.suite import Suite
from cygnet.values.iana import TransformType
from cygnet.values.proposal import Proposal
from cygnet.values.secret import Secret


@dataclass(frozen=True, slots=True)
class Nonces:
    """Both nonces of an exchange, 16 to 256 bytes each, initiator's and responder's."""

    i: bytes
    r: bytes

    @property
    def both(self) -> bytes:
        return self.i + self.r

    @property
    def lowest(self) -> bytes:
        """What decides between colliding exchanges (RFC 7296 §2.8.1)."""
        return min(self.i, self.r)


@dataclass(frozen=True, slots=True)
class IkeKeys:
    """SK_* of an IKE_SA: of the original initiator (``_i``) and of the responder (``_r``)."""

    suite: Suite
    d: Secret
    a_i: Secret
    a_r: Secret
    e_i: Secret
    e_r: Secret
    p_i: Secret
    p_r: Secret


def _expand(suite: Suite, skeyseed: bytes, nonces: Nonces, spi_i: bytes, spi_r: bytes) -> IkeKeys:
    lengths = (
        suite.prf.key_length,
        suite.integ_length,
        suite.integ_length,
        suite.cipher.key_length,
        suite.cipher.key_length,
        suite.prf.key_length,
        suite.prf.key_length,
    )
    stream = prf_plus(suite.prf, skeyseed, nonces.both + spi_i + spi_r, sum(lengths))
    return IkeKeys(suite, *_cut(stream, lengths))


def _cut(stream: bytes, lengths: Sequence[int]) -> list[Secret]:
    pieces, at = [], 0
    for length in lengths:
        pieces.append(Secret(stream[at : at + length]))
        at += length
    return pieces


def first_keys(suite: Suite, nonces: Nonces, shared: Secret, spi_i: bytes, spi_r: bytes) -> IkeKeys:
    """Of IKE_SA_INIT: SKEYSEED = prf(Ni | Nr, g^ir)."""
    skeyseed = suite.prf.compute(suite.prf.nonce_key(nonces.i, nonces.r), shared.reveal())
    return _expand(suite, skeyseed, nonces, spi_i, spi_r)


def additional_keys(before: IkeKeys, nonces: Nonces, shared: Secret, spi_i: bytes, spi_r: bytes) -> IkeKeys:
    """RFC 9370 §2.2.2, one IKE_INTERMEDIATE key exchange: SKEYSEED(n) = prf(SK_d(n-1), SK(n) | Ni | Nr)."""
    skeyseed = before.suite.prf.compute(before.d.reveal(), shared.reveal() + nonces.both)
    return _expand(before.suite, skeyseed, nonces, spi_i, spi_r)


def rekeyed_keys(
    old: IkeKeys, suite: Suite, nonces: Nonces, shared: Sequence[Secret], spi_i: bytes, spi_r: bytes
) -> IkeKeys:
    """RFC 7296 §2.18, RFC 9370 §2.2.4: SKEYSEED = prf(SK_d(old), SK(0) | Ni | Nr | SK(1) | ...).

    The prf is the old IKE_SA's; everything after it is the new one's.
    """
    first, *more = (s.reveal() for s in shared)
    skeyseed = old.suite.prf.compute(old.d.reveal(), first + nonces.both + b"".join(more))
    return _expand(suite, skeyseed, nonces, spi_i, spi_r)


def resumed_keys(old_d: Secret, suite: Suite, nonces: Nonces, spi_i: bytes, spi_r: bytes) -> IkeKeys:
    """RFC 5723 §5.1: SKEYSEED = prf(SK_d(old), "Resumption" | Ni | Nr)."""
    skeyseed = suite.prf.compute(old_d.reveal(), b"Resumption" + nonces.both)
    return _expand(suite, skeyseed, nonces, spi_i, spi_r)


def with_ppk(keys: IkeKeys, ppk: Secret) -> IkeKeys:
    """RFC 8784 §3: SK_d = prf+(PPK, SK_d'), and so SK_pi and SK_pr; the others stay."""

    def mixed(key: Secret) -> Secret:
        return Secret(prf_plus(keys.suite.prf, ppk.reveal(), key.reveal(), len(key)))

    return replace(keys, d=mixed(keys.d), p_i=mixed(keys.p_i), p_r=mixed(keys.p_r))


def child_keys(
    prf: Prf, sk_d: Secret, proposal: Proposal, nonces: Nonces, shared: Sequence[Secret], initiator: bool
) -> ChildKeys:
    """RFC 7296 §2.17, RFC 9370 §2.2.4: KEYMAT = prf+(SK_d, SK(0) | Ni | Nr | SK(1) | ...).

    "All keys for SAs carrying data from the initiator to the responder are taken before SAs
    going from the responder to the initiator", of each "the encryption key MUST be taken from
    the first bits and the integrity key from the remaining". ``initiator`` is that of the exchange.
    """
    encr, integ = proposal.first(TransformType.ENCR), proposal.first(TransformType.INTEG)
    encr_length = cipher(encr).key_length if encr else 0
    integ_length = integrity(integ.id).key_length if integ and integ.id else 0
    first, *more = [s.reveal() for s in shared] or [b""]
    seed = first + nonces.both + b"".join(more)
    lengths = (encr_length, integ_length) * 2
    to_r_encr, to_r_integ, to_i_encr, to_i_integ = _cut(
        prf_plus(prf, sk_d.reveal(), seed, sum(lengths)), lengths
    )
    if initiator:
        return ChildKeys(encr_in=to_i_encr, integ_in=to_i_integ, encr_out=to_r_encr, integ_out=to_r_integ)
    return ChildKeys(encr_in=to_r_encr, integ_in=to_r_integ, encr_out=to_i_encr, integ_out=to_i_integ)
