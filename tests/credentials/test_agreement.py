"""Random chains with one defect each, held against a second implementation: the library's own verifier.

The library's verifier is for the web: it takes no Ed25519, Ed448, brainpool or SHA-1, applies no policies
and
no RFC 3779, knows no revocation and no directory names in constraints, and lets an anchor be weak. Where
both have a rule, both have to say the same.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509 import verification

from cygnet.credentials.judgement import Evidence, Settings, Why
from cygnet.credentials.path import judge
from cygnet.crypto.x509 import Certificate
from tests.certs import NOW, Holder, authority, make, moment, new_key

KEYS = [new_key(kind) for kind in ("p256", "p256", "p384", "rsa-2048", "rsa-2048", "p521")]


def second_opinion(leaf: Certificate, offered: list[Certificate], anchors: list[Certificate]) -> bool:
    def load(one: Certificate) -> x509.Certificate:
        return x509.load_der_x509_certificate(one.der)

    ca = verification.ExtensionPolicy.permit_all().require_present(
        x509.BasicConstraints, verification.Criticality.AGNOSTIC, None
    )
    verifier = (
        verification.PolicyBuilder()
        .store(verification.Store(list(map(load, anchors))))
        .time(moment(NOW))
        .extension_policies(ca_policy=ca, ee_policy=verification.ExtensionPolicy.permit_all())
        .build_client_verifier()
    )
    try:
        verifier.verify(load(leaf), list(map(load, offered)))
    except verification.VerificationError:
        return False
    return True


def options(rng: random.Random, **more: Any) -> dict[str, Any]:
    return {"key": rng.choice(KEYS)} | more


def random_chain(rng: random.Random, spoil: Callable[[int, int], dict[str, Any]]) -> list[Holder]:
    """From the anchor to the leaf, 2 to 5 certificates; ``spoil(at, length)`` adds options."""
    length = rng.randrange(2, 6)
    chain = [authority(f"O=Cygnet, CN=Root {rng.random()}", **options(rng, **spoil(0, length)))]
    for at in range(1, length):
        ca = at < length - 1
        wish: dict[str, Any] = options(rng, ca=ca)
        if ca and rng.random() < 0.3:
            wish["path_length"] = length - at - 2 + rng.randrange(2)
        if ca and rng.random() < 0.3:
            wish["permitted"] = ["DNS:example.org", "IP:192.0.2.0/24"]
        if not ca:
            wish["names"] = [f"DNS:host{rng.randrange(9)}.example.org", "IP:192.0.2.9"]
        wish |= spoil(at, length)
        chain.append(chain[-1].issues(f"O=Cygnet, CN={at} {rng.random()}", **wish))
    return chain


def judged(chain: list[Holder], rng: random.Random) -> tuple[set[Why], bool]:
    anchor, *offered, leaf = (one.certificate for one in chain)
    rng.shuffle(offered)
    settings = Settings()
    found = judge(leaf, Evidence(anchors=(anchor,), offered=tuple(offered)), NOW, settings)
    assert found.path is None or found.path.chain == tuple(one.certificate for one in reversed(chain))
    return {r.why for a in found.attempts for r in a.reasons}, second_opinion(leaf, offered, [anchor])


@pytest.mark.parametrize("seed", range(25))
def test_a_random_chain_without_a_defect_stands_for_both(seed: int) -> None:
    rng = random.Random(seed)
    assert judged(random_chain(rng, lambda at, length: {}), rng) == (set(), True)


def not_last(rng: random.Random, length: int) -> int:
    return rng.randrange(1, length - 1) if length > 2 else 0


#: (what breaks, options of the certificate at a place, which places, whether the library has the rule)
DEFECTS: dict[str, tuple[Why, dict[str, Any], str, bool]] = {
    "expired": (Why.EXPIRED, {"until": NOW - 1}, "any", True),
    "not yet valid": (Why.NOT_YET_VALID, {"since": NOW + 1}, "any", True),
    "no CA": (Why.NO_CA, {"ca": False}, "ca", True),
    "path length": (Why.PATH_LENGTH, {"path_length": 0}, "high", True),
    "key usage": (Why.KEY_USAGE, {"uses": ("crl_sign", "digital_signature")}, "ca", False),
    "unknown critical": (Why.UNKNOWN_CRITICAL, {"raw": [("1.2.3.4", b"\x05\x00", True)]}, "any", False),
    "outside": (Why.NAME_CONSTRAINTS, {"permitted": ["DNS:example.com"]}, "ca", True),
    "excluded": (Why.NAME_CONSTRAINTS, {"excluded": ["DNS:example.org"]}, "ca", True),
    "weak": (Why.WEAK_KEY, {"key": new_key("rsa-1024")}, "any", False),
    "explicit policy": (Why.POLICY, {"constraints": (0, None)}, "below", False),
}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("what", DEFECTS)
def test_a_random_chain_with_one_defect_falls_by_that_defect(what: str, seed: int) -> None:
    why, defect, where, both = DEFECTS[what]
    rng = random.Random(f"{what} {seed}")
    place: list[int] = []

    def spoil(at: int, length: int) -> dict[str, Any]:
        if not place:
            last = {"any": length - 1, "below": length - 1, "ca": length - 2, "high": length - 3}[where]
            first = 1 if where == "below" or what == "no CA" else 0
            place.append(rng.randrange(first, last + 1) if last >= first else -1)
        return dict(defect) if at == place[0] else {}

    chain = random_chain(rng, spoil)
    whys, second = judged(chain, rng)
    if place[0] == -1:
        pytest.skip("a chain too short for it")
    assert whys == {why}
    if both:
        assert not second


@pytest.mark.parametrize("seed", range(10))
def test_a_chain_with_a_link_missing_falls_for_both(seed: int) -> None:
    rng = random.Random(seed)
    chain = random_chain(rng, lambda at, length: {})
    missing = rng.randrange(len(chain) - 1)
    gap = chain[:missing] + chain[missing + 1 :]
    if missing == 0:
        gap = [make("Stranger", ca=True), *gap]
    whys, second = judged(gap, rng)
    assert whys == {Why.NO_ISSUER} and not second


@pytest.mark.parametrize("seed", range(10))
def test_a_chain_with_a_bit_flipped_in_a_signature_falls_for_both(seed: int) -> None:
    rng = random.Random(seed)
    chain = random_chain(rng, lambda at, length: {})
    at = rng.randrange(1, len(chain))
    data = bytearray(chain[at].certificate.der)
    data[-1 - rng.randrange(16)] ^= 1 << rng.randrange(8)
    chain[at] = Holder(Certificate.parse(bytes(data)), chain[at].key)
    whys, second = judged(chain, rng)
    assert whys == {Why.SIGNATURE} and not second
