"""Whatever comes where a ciphertext, an ICV or a public value belongs: accepted or refused, no crash."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from cygnet.crypto import encr, integ, ke
from cygnet.crypto.errors import IntegrityError
from cygnet.crypto.esp import EspSuite, esp_suite
from cygnet.values.iana import IntegId, TransformType
from cygnet.values.proposal import Transform
from cygnet.values.secret import Secret

TRANSFORMS = [t for row in encr.ROWS for t in row.transforms()]
LENGTHS = st.one_of(st.integers(0, 70), st.sampled_from([1024, 1500, 65535]))
SHA256 = Transform(TransformType.INTEG, IntegId.HMAC_SHA2_256_128)

QUICK = [r for r in ke.ROWS if not r.id.name.startswith(("MODP_4", "MODP_6", "MODP_8"))]
STARTED = {r.id: ke.initiate(r.id, random.Random(r.id).randbytes) for r in QUICK}


def junk(length: int, seed: int) -> bytes:
    return random.Random(seed).randbytes(length)


@settings(max_examples=800, deadline=None)
@given(st.sampled_from(TRANSFORMS), LENGTHS, st.integers(0, 40), LENGTHS, st.integers(0, 2**32))
def test_a_cipher_opens_or_refuses_anything(
    kind: Transform, length: int, iv_length: int, aad_length: int, seed: int
) -> None:
    chosen = encr.cipher(kind)
    bound = chosen.bind(Secret(junk(chosen.key_length, 1)))
    iv = junk(iv_length if seed % 2 else chosen.iv_length, seed)
    data = junk(length, seed)
    try:
        opened = bound.decrypt(iv, data, junk(aad_length, seed))
    except IntegrityError:
        return
    assert not chosen.aead, "nobody guesses a tag"
    assert len(opened) == length


SUITES: list[EspSuite] = []
for _kind in TRANSFORMS:
    _cipher = encr.cipher(_kind)
    _pair = (None, Secret(b"")) if _cipher.aead else (SHA256, Secret(bytes(32)))
    SUITES.append(esp_suite(_kind, Secret(junk(_cipher.key_length, 2)), *_pair))


@settings(max_examples=800, deadline=None)
@given(st.sampled_from(SUITES), LENGTHS, st.integers(0, 2**32))
def test_an_esp_suite_refuses_anything_it_has_not_sealed(suite: EspSuite, length: int, seed: int) -> None:
    try:
        suite.open(junk(length, seed), junk(4, seed))
    except IntegrityError:
        return
    raise AssertionError("nobody guesses an ICV")


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(integ.ROWS), st.binary(max_size=200), st.binary(max_size=70))
def test_an_icv_out_of_thin_air_is_refused(row: integ.Integrity, data: bytes, icv: bytes) -> None:
    bound = row.bind(Secret(bytes(row.key_length)))
    try:
        bound.verify(data, icv)
    except IntegrityError:
        return
    raise AssertionError("nobody guesses an ICV")


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(QUICK), st.integers(-2, 2), st.integers(0, 2**32), st.booleans())
def test_a_public_value_is_taken_or_refused_by_value_error(
    row: ke.KeRow, off: int, seed: int, sparse: bool
) -> None:
    def value(length: int) -> bytes:
        return bytes((seed & 3,)).rjust(length, b"\0") if sparse else junk(length, seed)

    for receive, length in (
        (lambda v: ke.respond(row.id, v, random.Random(seed).randbytes)[1], ke.public_length(row.id)),
        (STARTED[row.id].finish, ke.public_length(row.id, responder=True)),
    ):
        try:
            secret = receive(value(max(0, length + off)))
        except ValueError as refusal:
            assert len(str(refusal)) < 120
        else:
            assert off == 0 and any(secret.reveal())
