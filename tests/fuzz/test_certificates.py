"""Certificates, CRLs, OCSP messages and files of them from strangers: a value or a CygnetError, soon."""

from __future__ import annotations

import base64
import contextlib
import random
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from cygnet.credentials.judgement import Evidence, Settings
from cygnet.credentials.match import dn_fits, fits
from cygnet.credentials.path import judge
from cygnet.crypto.bundle import Bundle
from cygnet.crypto.crl import Crl
from cygnet.crypto.ocsp import OcspAnswer, OcspRequest, ocsp_request
from cygnet.crypto.pem import certificates_in
from cygnet.crypto.publickey import SignatureError
from cygnet.crypto.x509 import Certificate
from cygnet.model.config import Strict
from cygnet.values import der
from cygnet.values.errors import CygnetError
from tests.certs import NOW, Holder, authority
from tests.fuzz.hostile import TIMES, noisy
from tests.fuzz.tally import Tally

ROOT = authority("C=CH, O=Cygnet, CN=Root")
RSA = authority("R", key="rsa-2048")
RICH: dict[str, Any] = {
    "policies": ["1.2.3", "2.5.29.32.0"],
    "names": ["DNS:a.example.org", "EMAIL:a@example.org", "IP:192.0.2.1", "DN:C=DE, CN=x", "URI:http://u/x"],
    "purposes": ["1.3.6.1.5.5.7.3.17"],
    "crls": ["http://a/crl"],
    "responders": ["http://a/ocsp"],
    "raw": [
        ("1.3.6.1.5.5.7.1.7", bytes.fromhex("300c300a0402000130040302000a"), True),
        ("1.2.3.4", b"x", False),
    ],
}
SUB = ROOT.issues(
    "Sub", ca=True, path_length=1, permitted=["DNS:example.org", "IP:192.0.2.0/24"], excluded=["DN:C=AT"],
    mappings=[("1.2.3", "1.2.4")], constraints=(3, 3), inhibit_any=3, **RICH,
)  # fmt: skip
LEAF = SUB.issues("C=CH, O=Cygnet, CN=leaf", **RICH)
CRLS = ROOT.crl(), SUB.crl()


def pem(data: bytes) -> bytes:
    return b"text\n-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(data) + b"-----END CERTIFICATE-----\n"


def look(one: Certificate) -> None:
    """Everything that is worked out only when it is asked for."""
    assert repr(one) and one.name and len(one.key.keyid) == len(one.key.spki_keyid) == 20
    str(one.key), str(one.algorithm), one.identities, one.crl_uris, one.self_issued
    [str(name) for name in one.names]
    [str(block) for block in one.address_blocks or ()]
    fits(one, LEAF.certificate.subject)
    dn_fits(one.subject.data, one.issuer.data)


def read_certificate(data: bytes) -> object:
    one = Certificate.parse(data)
    look(one)
    return one


def read_crl(data: bytes) -> object:
    crl = Crl.parse(data)
    for serial in (5, 6, 7, -1):
        crl.entry(serial)
    with contextlib.suppress(SignatureError):
        crl.verify_signed_by(ROOT.certificate.key)
    return crl


def read_answer(data: bytes) -> object:
    answer = OcspAnswer.parse(data)
    answer.status(LEAF.certificate, SUB.certificate)
    answer.is_by(SUB.certificate)
    with contextlib.suppress(SignatureError):
        answer.verify_signed_by(SUB.certificate.key)
    return answer


SEEDS: dict[str, tuple[Callable[[bytes], object], list[bytes]]] = {
    "certificates": (read_certificate, [LEAF.certificate.der, SUB.certificate.der, RSA.certificate.der]),
    "files": (certificates_in, [pem(LEAF.certificate.der) + pem(RSA.certificate.der), LEAF.certificate.der]),
    "CRLs": (
        read_crl,
        [ROOT.crl({5: "keyCompromise", 6: "", 7: "removeFromCRL"}, base=1, number=2).der, ROOT.crl().der],
    ),
    "OCSP answers": (
        read_answer,
        [
            SUB.answers(LEAF.certificate, SUB).der,
            SUB.answers(LEAF.certificate, SUB, "revoked", shown=[SUB], by_name=True).der,
        ],
    ),
    "bundles": (
        Bundle.parse,
        [Bundle(b"", (LEAF.certificate, SUB.certificate), (ROOT.crl(),)).encode()],
    ),
    "OCSP requests": (OcspRequest.parse, [ocsp_request(LEAF.certificate, SUB.certificate, b"n" * 16)]),
}


def elements(data: bytes, at: int = 0, depth: int = 0) -> list[tuple[int, int]]:
    """Start and end of all elements within, also of those inside OCTET STRINGs."""
    found: list[tuple[int, int]] = []
    while at < len(data):
        try:
            one, end = der.read(data, at)
        except CygnetError:
            return found
        found.append((at, end))
        if depth < 12 and (one.tag & 0x20 or one.tag == der.OCTET_STRING):
            start = end - len(one.value)
            found += [(start + a, start + b) for a, b in elements(one.value, 0, depth + 1)]
        at = end
    return found


def rebuilt(data: bytes, at: int, end: int, new: bytes) -> bytes:
    """``data`` with the element from ``at`` to ``end`` another one, and all lengths around it right."""
    one, stop = der.read(data)
    start = stop - len(one.value)
    if (at, end) == (0, stop):
        return new + data[stop:]
    inner, place = b"", start
    while place < stop:
        _, following = der.read(data, place)
        part = data[place:following]
        if place <= at and end <= following:
            part = rebuilt(part, at - place, end - place, new)
        inner += part
        place = following
    return der.encode(one.tag, inner) + data[stop:]


def changed(rng: random.Random, data: bytes) -> bytes:
    """Bytes changed, or (so that it gets past the lengths) one element changed, dropped, doubled."""
    found = elements(data)
    if rng.random() < 0.4 or data.startswith(b"text") or not found:
        return noisy(rng, data)
    at, end = rng.choice(found)
    one, _ = der.read(data, at)
    how = rng.randrange(5)
    other_at, other_end = rng.choice(found)
    new = (
        b"",
        one.whole * 2,
        data[other_at:other_end],
        der.encode(one.tag, noisy(rng, one.value)),
        der.encode(rng.randrange(256) & 0xFE, one.value),
    )[how]
    try:
        return rebuilt(data, at, end, new)
    except CygnetError:
        return noisy(rng, data)


@pytest.mark.parametrize("what", SEEDS)
def test_what_a_stranger_sends_is_read_or_refused(what: str, tally: Tally) -> None:
    read, seeds = SEEDS[what]
    rng = random.Random(what)
    for _ in range(3000 * min(TIMES, 30)):
        data = changed(rng, rng.choice(seeds))
        before = time.process_time()
        try:
            read(data)
            tally[f"{what} read"] += 1
        except CygnetError as refusal:
            assert len(str(refusal)) < 400
            tally[f"{what} refused"] += 1
        assert time.process_time() - before < 1, data.hex()


def signed_anew(data: bytes, signer: Holder) -> bytes | None:
    """The same certificate with a signature that is right, so that the rules see what was changed."""
    try:
        tbs, algorithm, _ = (part.whole for part in der.sequence(data))
    except (CygnetError, ValueError):
        return None
    signature = signer.key.sign(tbs, ec.ECDSA(hashes.SHA256()))
    return der.encode(der.SEQUENCE, tbs, algorithm, der.encode(der.BIT_STRING, b"\0", signature))


def test_whatever_a_ca_gone_mad_signs_is_judged(tally: Tally) -> None:
    rng = random.Random(20)
    settings = Settings(strict=Strict.YES)
    for _ in range(2500 * min(TIMES, 30)):
        sub = signed_anew(changed(rng, SUB.certificate.der), ROOT) if rng.random() < 0.5 else None
        leaf = signed_anew(changed(rng, LEAF.certificate.der), SUB) if sub is None else LEAF.certificate.der
        try:
            middle = SUB.certificate if sub is None else Certificate.parse(sub)
            last = Certificate.parse(leaf or LEAF.certificate.der)
        except CygnetError:
            continue
        evidence = Evidence(
            anchors=(ROOT.certificate,),
            offered=(middle,),
            crls=CRLS if rng.random() < 0.5 else (),
        )
        found = judge(last, evidence, NOW, rng.choice([settings, Settings()]))
        assert (found.path is None) == bool(found.attempts) and all(found.reasons)
        tally["chains judged"] += 1
