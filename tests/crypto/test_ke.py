"""Key exchange: published vectors through the public face, and what must be refused."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from cygnet.crypto import primes
from cygnet.crypto.dh import ModpGroup
from cygnet.crypto.ecdh import EcpGroup, MontgomeryGroup
from cygnet.crypto.hash import digest
from cygnet.crypto.ke import ROWS, KeRow, initiate, public_length, respond, row
from cygnet.values.iana import KeId
from tests.vectors.load import Case, cases, title

EACH = pytest.mark.parametrize("each", ROWS, ids=lambda r: r.id.name)
#: the long groups take seconds of a busy machine in pow(), and behave as their shorter sisters do
QUICK = [r for r in ROWS if r.id not in (KeId.MODP_6144, KeId.MODP_8192)]
EACH_QUICK = pytest.mark.parametrize("each", QUICK, ids=lambda r: r.id.name)


def seeded(seed: str) -> Callable[[int], bytes]:
    return random.Random(seed).randbytes


class Given:
    """Entropy that gives the private value a vector asks for."""

    def __init__(self, value: bytes) -> None:
        self.value = value

    def __call__(self, count: int) -> bytes:
        return self.value.rjust(count, b"\0")[-count:]


@EACH_QUICK
def test_both_ends_get_the_same_secret(each: KeRow) -> None:
    mine = initiate(each.id, seeded("initiator"))
    assert mine.method == each.id and len(mine.public) == public_length(each.id)
    public, theirs = respond(each.id, mine.public, seeded("responder"))
    assert len(public) == public_length(each.id, responder=True)
    assert mine.finish(public) == theirs


@EACH_QUICK
def test_the_same_entropy_gives_the_same_public_value_and_other_entropy_another(each: KeRow) -> None:
    first = initiate(each.id, seeded("a")).public
    assert initiate(each.id, seeded("a")).public == first
    assert initiate(each.id, seeded("b")).public != first


@EACH_QUICK
def test_the_answer_is_replayable_but_for_kems(each: KeRow) -> None:
    peer = initiate(each.id, seeded("peer")).public
    one, two = (respond(each.id, peer, seeded("answer")) for _ in range(2))
    assert (one == two) == (not each.kem)


@EACH_QUICK
def test_a_public_value_of_another_length_is_refused(each: KeRow) -> None:
    mine = initiate(each.id, seeded("mine"))
    public, _ = respond(each.id, mine.public, seeded("theirs"))
    for wrong in (b"", mine.public[:-1], mine.public + b"\0", b"\0" + mine.public):
        with pytest.raises(ValueError, match=f"has {len(wrong)} bytes, not {len(mine.public)}"):
            respond(each.id, wrong, seeded("theirs"))
    for wrong in (b"", public[:-1], public + b"\0"):
        with pytest.raises(ValueError, match=f"has {len(wrong)} bytes, not {len(public)}"):
            mine.finish(wrong)


@EACH_QUICK
def test_nothing_that_a_peer_sends_raises_anything_but_value_error(each: KeRow) -> None:
    drawn = random.Random(f"junk {each.id.name}")
    mine = initiate(each.id, seeded("mine"))
    length, answer = len(mine.public), public_length(each.id, responder=True)
    for junk in (bytes, lambda n: b"\xff" * n, drawn.randbytes, lambda n: bytes(n - 1) + b"\x01"):
        for receive, value in (
            (lambda v: respond(each.id, v, seeded("r")), junk(length)),
            (mine.finish, junk(answer)),
        ):
            try:
                receive(value)
            except ValueError as error:
                assert str(error).startswith(("public value is", "ciphertext"))


@pytest.mark.parametrize(
    "each", [r for r in ROWS if isinstance(r.method, ModpGroup)], ids=lambda r: r.id.name
)
def test_modp_refuses_values_that_give_the_secret_away(each: KeRow) -> None:
    """RFC 6989 §2.1: 0, 1, p-1, p and everything above."""
    group = each.method
    assert isinstance(group, ModpGroup)
    for value in (0, 1, group.prime - 1, group.prime, (1 << 8 * group.length) - 1):
        with pytest.raises(ValueError, match="not between 1 and p-1"):
            respond(each.id, value.to_bytes(group.length, "big"), seeded("r"))
    for value in (2, group.prime - 2):
        assert group.check(value.to_bytes(group.length, "big")) == value


@pytest.mark.parametrize("each", [r for r in ROWS if isinstance(r.method, EcpGroup)], ids=lambda r: r.id.name)
def test_ecp_refuses_points_that_are_not_on_the_curve(each: KeRow) -> None:
    good = initiate(each.id, seeded("point")).public
    for wrong in (bytes(len(good)), good[:-1] + bytes((good[-1] ^ 1,)), b"\xff" * len(good)):
        with pytest.raises(ValueError, match="not a point of the curve"):
            respond(each.id, wrong, seeded("r"))


@pytest.mark.parametrize("method", [KeId.CURVE_25519, KeId.CURVE_448])
def test_montgomery_curves_refuse_points_of_small_order(method: KeId) -> None:
    length = public_length(method)
    for value in (0, 1):
        with pytest.raises(ValueError, match="small order"):
            respond(method, value.to_bytes(length, "little"), seeded("r"))


def test_an_ml_kem_key_with_coefficients_out_of_range_is_refused() -> None:
    """FIPS 203 §7.2: the modulus check."""
    with pytest.raises(ValueError, match="not an ML-KEM encapsulation key"):
        respond(KeId.ML_KEM_768, b"\xff" * 1184, seeded("r"))


def test_a_damaged_ml_kem_ciphertext_gives_another_secret_and_no_error() -> None:
    """FIPS 203 §6.3: implicit rejection; the peers find out when the next message does not verify."""
    mine = initiate(KeId.ML_KEM_768, seeded("mine"))
    public, theirs = respond(KeId.ML_KEM_768, mine.public, seeded("theirs"))
    assert mine.finish(public[:-1] + bytes((public[-1] ^ 1,))) != theirs


@pytest.mark.parametrize("case", cases("dh.txt"), ids=title)
def test_rfc_5114_groups_make_the_published_secrets(case: Case) -> None:
    group = row(KeId[case.text("method")]).method
    assert isinstance(group, ModpGroup)
    for side, other in (("i", "r"), ("r", "i")):
        private = case.number(f"private_{side}")
        assert group.power(group.generator, private) == case.bytes(f"public_{side}")
        peer = group.check(case.bytes(f"public_{other}"))
        assert group.power(peer, private) == case.bytes("shared")


@pytest.mark.parametrize("case", cases("ecdh.txt"), ids=title)
def test_ecp_groups_make_the_published_secrets(case: Case) -> None:
    method = KeId[case.text("method")]
    group = row(method).method
    assert isinstance(group, EcpGroup)
    for side, other in (("i", "r"), ("r", "i")):
        # The private value is drawn as r mod (n-1) + 1.
        entropy = Given((case.number(f"private_{side}") - 1).to_bytes(80, "big"))
        public, secret = respond(method, case.bytes(f"public_{other}"), entropy)
        assert public == case.bytes(f"public_{side}")
        assert secret.reveal() == case.bytes("shared")
        mine = initiate(method, entropy)
        assert mine.finish(case.bytes(f"public_{other}")).reveal() == case.bytes("shared")


@pytest.mark.parametrize("case", cases("montgomery.txt"), ids=title)
def test_x25519_and_x448_make_the_published_results(case: Case) -> None:
    method = KeId[case.text("method")]
    assert isinstance(row(method).method, MontgomeryGroup)
    _, secret = respond(method, case.bytes("u"), Given(case.bytes("scalar")))
    assert secret.reveal() == case.bytes("output")


@pytest.mark.parametrize("case", cases("mlkem.txt"), ids=title)
def test_ml_kem_makes_the_published_keys_and_secrets(case: Case) -> None:
    mine = initiate(KeId[case.text("method")], Given(case.bytes("seed")))
    assert digest("sha256", mine.public) == case.bytes("public_sha256")
    assert mine.finish(case.bytes("ciphertext")).reveal() == case.bytes("shared")


@pytest.mark.parametrize("case", cases("primes.txt"), ids=title)
def test_the_primes_are_those_printed_in_rfc_3526(case: Case) -> None:
    assert getattr(primes, case.title) == case.number("prime")


@pytest.mark.parametrize("prime", [primes.MODP_768, primes.MODP_1024], ids=["768", "1024"])
def test_the_primes_of_rfc_2409_are_safe_primes_with_64_ones_at_both_ends(prime: int) -> None:
    assert prime >> prime.bit_length() - 64 == prime & (1 << 64) - 1 == (1 << 64) - 1
    for base in (2, 3, 5):
        assert pow(base, prime - 1, prime) == 1
        half = prime // 2
        assert pow(base, half - 1, half) == 1


@pytest.mark.parametrize("bits", [1536, 2048, 3072])
def test_the_librarys_exponentiation_and_pythons_agree(bits: int) -> None:
    group = row(KeId[f"MODP_{bits}"]).method
    assert isinstance(group, ModpGroup) and group.named
    for seed in ("one", "two"):
        base = int.from_bytes(seeded(seed)(group.length - 1), "big")
        exponent = group.draw(seeded(seed))
        expected = pow(base, exponent, group.prime).to_bytes(group.length, "big")
        assert group.power(base, exponent) == expected


def test_leading_zeros_of_a_secret_are_kept() -> None:
    """RFC 7296 §2.14: g^ir is padded to the length of the modulus."""
    for method in (KeId.MODP_1024, KeId.MODP_2048):
        group = row(method).method
        assert isinstance(group, ModpGroup)
        assert group.power(2, 8) == (256).to_bytes(group.length, "big")


@EACH
def test_private_exponents_are_as_long_as_their_group_asks(each: KeRow) -> None:
    if isinstance(each.method, ModpGroup):
        drawn = {each.method.draw(seeded(str(i))) for i in range(50)}
        assert len(drawn) == 50
        assert {d.bit_length() for d in drawn} == {each.method.exponent_bits}
        assert each.method.draw(bytes) == 1 << each.method.exponent_bits - 1  # entropy all zeros


def test_an_unfinished_exchange_shows_nothing_of_its_private_value() -> None:
    mine = initiate(KeId.CURVE_25519, lambda n: b"S" * n)
    assert "53535353" not in repr(mine) and "SSSS" not in repr(mine)


@pytest.mark.parametrize("method", [KeId.NONE, KeId.BRAINPOOL_224, KeId.ML_KEM_512, KeId(9999)])
def test_an_unknown_method_is_refused_by_name(method: KeId) -> None:
    with pytest.raises(ValueError, match=f"{method.name} is not supported"):
        initiate(method, seeded("x"))
    with pytest.raises(ValueError, match="is not supported"):
        public_length(method)
