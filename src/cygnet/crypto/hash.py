"""Hash functions by name, or by the prf they were negotiated with.

IKEv1 negotiates one hash that is both prf (as HMAC) and hash: NAT-D, the IVs and the
digests of RFC 2409 use it plain.
"""

from __future__ import annotations

import hashlib

from cygnet.values.iana import PrfId

#: prf -> name of its hash in ``hashlib``; the prfs made from a block cipher have none
HASH_OF_PRF: dict[PrfId, str] = {
    PrfId.HMAC_MD5: "md5",
    PrfId.HMAC_SHA1: "sha1",
    PrfId.HMAC_SHA2_256: "sha256",
    PrfId.HMAC_SHA2_384: "sha384",
    PrfId.HMAC_SHA2_512: "sha512",
}


def hash_name(which: PrfId | str) -> str:
    """``"sha256"`` for a prf or for itself. Raises ValueError where there is no such hash."""
    name = which if isinstance(which, str) else HASH_OF_PRF.get(which, "")
    if name not in HASH_OF_PRF.values():
        raise ValueError(f"{which} has no hash function")
    return name


def digest(which: PrfId | str, data: bytes) -> bytes:
    """The hash of ``data``: ``digest(PrfId.HMAC_SHA2_256, b"...")`` or ``digest("sha1", b"...")``."""
    # MD5 and SHA-1 are what IKEv1 and NAT-D ask for, so a FIPS build must not refuse them here.
    return hashlib.new(hash_name(which), data, usedforsecurity=False).digest()


def digest_length(which: PrfId | str) -> int:
    """Bytes that ``digest`` returns."""
    return hashlib.new(hash_name(which), usedforsecurity=False).digest_size
