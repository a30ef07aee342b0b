"""Hashes by name and by prf."""

from __future__ import annotations

import hashlib

import pytest

from cygnet.crypto.hash import HASH_OF_PRF, digest, digest_length
from cygnet.values.iana import PrfId


@pytest.mark.parametrize("which", HASH_OF_PRF, ids=lambda p: p.name)
def test_a_prfs_hash_is_the_one_it_is_named_after(which: PrfId) -> None:
    name = HASH_OF_PRF[which]
    assert digest(which, b"abc") == digest(name, b"abc") == hashlib.new(name, b"abc").digest()
    assert digest_length(which) == digest_length(name) == len(digest(which, b""))


def test_known_digests_of_abc() -> None:
    """RFC 1321 A.5, FIPS 180-2 A.1 and B.1."""
    assert digest("md5", b"abc").hex() == "900150983cd24fb0d6963f7d28e17f72"
    assert digest("sha1", b"abc").hex() == "a9993e364706816aba3e25717850c26c9cd0d89d"
    assert digest("sha256", b"abc").hex().startswith("ba7816bf8f01cfea414140de5dae2223b00361a3")


@pytest.mark.parametrize("which", [PrfId.AES128_XCBC, "sha3_256", "nonsense", PrfId(99)])
def test_what_has_no_hash_is_refused(which: PrfId | str) -> None:
    with pytest.raises(ValueError, match="has no hash function"):
        digest(which, b"")
