"""RFC 2409 §5 and appendix B. Keys of both phases, the hashes that authenticate, and the IVs.

CKY-I and CKY-R are the two SPIs of the IKE_SA; ``_b`` is a payload's body without its generic
header, as it went over the wire.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from cygnet.crypto.encr import cipher
from cygnet.crypto.hash import digest
from cygnet.crypto.integ import integrity
from cygnet.crypto.prf import prf
from cygnet.values.iana import PrfId, Protocol, TransformType
from cygnet.values.proposal import Proposal, Transform
from cygnet.values.secret import Secret


@dataclass(frozen=True, slots=True)
class Exchanged:
    """What both sides said in the clear of phase 1: cookies (8 bytes each), public values, nonces."""

    cookie_i: bytes
    cookie_r: bytes
    public_i: bytes
    public_r: bytes
    nonce_i: bytes
    nonce_r: bytes


class Phase1Keys:
    """SKEYID and what is made from it (RFC 2409 §5), with a pre-shared key or, without, for signatures."""

    def __init__(
        self,
        proposal: Proposal,
        psk: Secret | None,
        shared: Secret,
        said: Exchanged,
        hash_prf: PrfId | None = None,
    ) -> None:
        """``shared`` is g^xy; ``hash_prf``: of HASH_I and HASH_R, where not the proposal's.

        Raises ValueError where an algorithm of ``proposal`` is not ours."""
        chosen_prf = proposal.first(TransformType.PRF)
        encr = proposal.first(TransformType.ENCR)
        if chosen_prf is None or encr is None:
            raise ValueError("phase 1 needs an encryption algorithm and a hash")
        self.hash = PrfId(chosen_prf.id)
        self._prf = prf(self.hash)
        self._prf_of_hashes = self._prf if hash_prf is None else prf(hash_prf)
        self._said = said
        cookies = said.cookie_i + said.cookie_r
        g_xy = shared.reveal()
        nonces = said.nonce_i + said.nonce_r
        skeyid = self._prf.compute(nonces, g_xy) if psk is None else self._prf.compute(psk.reveal(), nonces)
        skeyid_d = self._prf.compute(skeyid, g_xy + cookies + b"\x00")
        skeyid_a = self._prf.compute(skeyid, skeyid_d + g_xy + cookies + b"\x01")
        skeyid_e = self._prf.compute(skeyid, skeyid_a + g_xy + cookies + b"\x02")
        self.skeyid, self.skeyid_d = Secret(skeyid), Secret(skeyid_d)
        self.skeyid_a, self.skeyid_e = Secret(skeyid_a), Secret(skeyid_e)
        found = cipher(encr)
        self.block_size = found.block_size
        self.encryption_key = self._expand(found.key_length)
        self.cipher = found.bind(self.encryption_key)

    def _expand(self, length: int) -> Secret:
        """Appendix B: SKEYID_e cut to length, or Ka = K1 | K2 | ... where it is too short."""
        base = self.skeyid_e.reveal()
        if length <= len(base):
            return Secret(base[:length])
        made, block = b"", b"\x00"
        while len(made) < length:
            block = self._prf.compute(base, block)
            made += block
        return Secret(made[:length])

    def hash_i(self, sa_body: bytes, id_body: bytes) -> bytes:
        """HASH_I; ``sa_body`` is SAi_b, ``id_body`` IDii_b."""
        said = self._said
        data = said.public_i + said.public_r + said.cookie_i + said.cookie_r + sa_body + id_body
        return self._prf_of_hashes.compute(self.skeyid.reveal(), data)

    def hash_r(self, sa_body: bytes, id_body: bytes) -> bytes:
        """HASH_R; ``id_body`` is IDir_b."""
        said = self._said
        data = said.public_r + said.public_i + said.cookie_r + said.cookie_i + sa_body + id_body
        return self._prf_of_hashes.compute(self.skeyid.reveal(), data)

    def phase_2_hash(self, message_id: int, data: bytes) -> bytes:
        """HASH(1), and that of Informational: prf(SKEYID_a, M-ID | what follows the HASH payload).

        With Ni_b before ``data``: HASH(2).
        """
        return self._prf.compute(self.skeyid_a.reveal(), message_id.to_bytes(4) + data)

    def hash_3(self, message_id: int, nonce_i: bytes, nonce_r: bytes) -> bytes:
        """prf(SKEYID_a, 0 | M-ID | Ni_b | Nr_b)."""
        data = b"\x00" + message_id.to_bytes(4) + nonce_i + nonce_r
        return self._prf.compute(self.skeyid_a.reveal(), data)

    def first_iv(self) -> bytes:
        """The IV of phase 1: hash(g^xi | g^xr)."""
        return digest(self.hash, self._said.public_i + self._said.public_r)[: self.block_size]

    def phase_2_iv(self, last_block: bytes, message_id: int) -> bytes:
        """The first IV of a phase 2 exchange: hash(last block of phase 1 | M-ID)."""
        return digest(self.hash, last_block + message_id.to_bytes(4))[: self.block_size]

    def encrypt(self, iv: bytes, body: bytes) -> tuple[bytes, bytes]:
        """Pads with zeros (at least one, as charon) and encrypts; also the next IV, the last block."""
        padded = body + bytes(self.block_size - len(body) % self.block_size)
        data = self.cipher.encrypt(iv, padded)
        return data, data[-self.block_size :]

    def decrypt(self, iv: bytes, data: bytes) -> tuple[bytes, bytes] | None:
        """The plaintext with its padding, and the next IV; None: not whole blocks."""
        if not data or len(data) % self.block_size:
            return None
        return self.cipher.decrypt(iv, data), data[-self.block_size :]

    def keymat(
        self, protocol: Protocol, spi: int, nonce_i: bytes, nonce_r: bytes, shared: Secret | None, length: int
    ) -> bytes:
        """RFC 2409 §5.5: KEYMAT of the SA with this SPI; ``shared``: of Quick Mode's own KE (PFS)."""
        seed = bytes((protocol,)) + spi.to_bytes(4) + nonce_i + nonce_r
        if shared is not None:
            seed = shared.reveal() + seed
        made, block = b"", b""
        while len(made) < length:
            block = self._prf.compute(self.skeyid_d.reveal(), block + seed)
            made += block
        return made[:length]


def same(ours: bytes, theirs: bytes) -> bool:
    """Compares two hashes in constant time."""
    return hmac.compare_digest(ours, theirs)


def child_key_lengths(proposal: Proposal) -> tuple[int, int]:
    """Bytes of KEYMAT for encryption (with salt) and integrity. Raises ValueError if not ours."""
    encr, integ = proposal.first(TransformType.ENCR), proposal.first(TransformType.INTEG)
    return _encr_length(encr), integrity(integ.id).key_length if integ is not None and integ.id else 0


def _encr_length(encr: Transform | None) -> int:
    return cipher(encr).key_length if encr is not None else 0
