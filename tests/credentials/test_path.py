"""Chains that stand and chains that do not: a case for every rule of RFC 5280 §6 and of ours."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from cygnet.credentials.judgement import Evidence, Settings, Verdict, Why
from cygnet.credentials.path import judge
from cygnet.crypto.x509 import Certificate
from cygnet.model.config import Strict
from cygnet.values import der
from tests.certs import NOW, YEAR, Holder, authority, make, new_key, resigned

ROOT = authority("C=CH, O=Cygnet, CN=Root")
SUB = ROOT.issues("C=CH, O=Cygnet, CN=Sub", ca=True)
MOON = SUB.issues("C=CH, O=Cygnet, CN=moon", names=["DNS:moon.example.org"])
A, B, C = "1.3.6.1.4.1.99999.1", "1.3.6.1.4.1.99999.2", "1.3.6.1.4.1.99999.3"
ANY = "2.5.29.32.0"


def certificate(one: Holder | Certificate) -> Certificate:
    return one.certificate if isinstance(one, Holder) else one


def verdict(
    leaf: Holder | Certificate,
    *offered: Holder | Certificate,
    anchors: tuple[Holder, ...] = (ROOT,),
    now: int = NOW,
    settings: Settings | None = None,
    **evidence: Any,
) -> Verdict:
    given = Evidence(
        anchors=tuple(one.certificate for one in anchors),
        offered=tuple(map(certificate, offered)),
        **evidence,
    )
    return judge(certificate(leaf), given, now, settings)


def whys(found: Verdict) -> set[Why]:
    assert (found.path is None) == bool(found.attempts)
    return {reason.why for attempt in found.attempts for reason in attempt.reasons}


def stands(*args: Any, **kwargs: Any) -> bool:
    found = verdict(*args, **kwargs)
    assert found.path is None or found.path.leaf == certificate(args[0])
    return found.path is not None


# building -----------------------------------------------------------------------------


def test_a_chain_with_an_intermediate_stands_and_is_told_from_the_leaf_to_the_anchor() -> None:
    found = verdict(MOON, SUB)
    assert found.path is not None
    assert found.path.chain == (MOON.certificate, SUB.certificate, ROOT.certificate)
    assert found.path.anchor == ROOT.certificate and found.reasons == ()


def test_an_intermediate_may_be_known_from_a_file_instead() -> None:
    assert stands(MOON, known=(SUB.certificate,))


def test_the_missing_intermediate_is_named() -> None:
    found = verdict(MOON)
    assert whys(found) == {Why.NO_ISSUER}
    assert found.reasons == (
        "C=CH, O=Cygnet, CN=Sub, the issuer of C=CH, O=Cygnet, CN=moon,"
        " is not in the chain and not known here",
    )


def test_what_is_sent_in_disorder_and_twice_is_put_in_order() -> None:
    low = SUB.issues("Low", ca=True)
    leaf = low.issues("leaf")
    assert stands(leaf, ROOT, leaf, low, SUB, low, leaf)


def test_a_self_signed_certificate_of_a_stranger_is_not_trusted() -> None:
    other = authority("C=CH, O=Cygnet, CN=Other")
    found = verdict(other.issues("leaf"), other)
    assert whys(found) == {Why.UNTRUSTED_ROOT} and "self-signed" in found.reasons[0]


def test_a_root_of_the_same_name_with_another_key_does_not_count() -> None:
    false = authority("C=CH, O=Cygnet, CN=Root", key_ids=False)
    found = verdict(false.issues("leaf", key_ids=False))
    assert whys(found) == {Why.SIGNATURE}


def test_a_single_certificate_can_be_the_anchor() -> None:
    alone = make("alone")
    assert stands(alone, anchors=(alone,))
    assert stands(MOON, anchors=(MOON,))
    found = verdict(alone, anchors=(alone,), now=NOW + 2 * YEAR)
    assert whys(found) == {Why.EXPIRED}
    assert not stands(alone.issues("below"), anchors=(alone,))


def test_an_intermediate_can_be_the_anchor() -> None:
    found = verdict(MOON, anchors=(SUB,))
    assert found.path is not None and len(found.path.chain) == 2


def test_a_cross_signed_ca_has_two_paths_and_the_one_that_stands_is_found() -> None:
    """Sub is signed by Root, which has expired, and by Other."""
    old = authority("Old root", until=NOW - 1)
    other = authority("Other root")
    by_old, by_other = (ca.issues("Cross", key=SUB.key, ca=True) for ca in (old, other))
    leaf = by_old.issues("leaf")
    for order in ((by_old, by_other), (by_other, by_old)):
        found = verdict(leaf, *order, anchors=(old, other))
        assert found.path is not None and found.path.anchor == other.certificate
    found = verdict(leaf, by_old, anchors=(old, other))
    assert found.reasons == ("CN=Old root expired on 2027-01-15",)


def test_a_new_key_of_a_root_is_reached_through_its_self_issued_certificate() -> None:
    new = authority("C=CH, O=Cygnet, CN=Root")
    link = ROOT.issues("C=CH, O=Cygnet, CN=Root", key=new.key, ca=True)
    assert stands(new.issues("leaf"), link)


def test_the_name_of_an_issuer_is_compared_without_regard_to_case_blanks_and_string_type() -> None:
    leaf = SUB.issues("leaf", issuer_name="C=CH, O=CYGNET, CN= sub")
    assert stands(leaf, SUB)
    assert not stands(SUB.issues("leaf", issuer_name="C=CH, O=Cygnet, CN=Sub2"), SUB)


def test_a_circle_of_cas_ends() -> None:
    one, two = authority("One"), authority("Two")
    one_by_two, two_by_one = two.issues("One", key=one.key, ca=True), one.issues("Two", key=two.key, ca=True)
    assert whys(verdict(one.issues("leaf"), one_by_two, two_by_one)) == {Why.LOOP}
    assert not stands(one.issues("leaf"), one_by_two, two_by_one)


def test_the_depth_is_bounded() -> None:
    chain = [ROOT]
    for number in range(10):
        chain.append(chain[-1].issues(f"CA {number}", ca=True))
    assert stands(chain[8].issues("leaf"), *chain[1:9])
    assert Why.TOO_DEEP in whys(verdict(chain[9].issues("leaf"), *chain[1:10]))


def test_a_mesh_of_cas_that_all_sign_each_other_costs_a_bounded_number_of_checks() -> None:
    keys = [new_key() for _ in range(6)]
    mesh = [
        Holder(make(f"CA {a}", key=keys[a]).certificate, keys[a]).issues(f"CA {b}", key=keys[b], ca=True)
        for a in range(6)
        for b in range(6)
        if a != b
    ]
    found = verdict(mesh[0].issues("leaf"), *mesh)
    assert found.path is None and Why.GAVE_UP in whys(found) and len(found.attempts) <= 51


# signatures and keys ------------------------------------------------------------------


def test_a_signature_that_is_wrong_is_told() -> None:
    data = bytearray(MOON.certificate.der)
    data[-1] ^= 1
    found = verdict(Certificate.parse(bytes(data)), SUB)
    assert whys(found) == {Why.SIGNATURE}
    assert found.reasons == (
        "the signature on C=CH, O=Cygnet, CN=moon is not of the key of C=CH, O=Cygnet, CN=Sub",
    )


PSS = padding.PSS(padding.MGF1(hashes.SHA256()), 32)


@pytest.mark.parametrize(
    ("key", "options"),
    [
        ("rsa-2048", {}),
        ("rsa-2048", {"padding": PSS}),
        ("rsa-2048", {"digest": hashes.SHA512()}),
        ("rsa-2048", {"digest": hashes.SHA3_256()}),
        ("p256", {"digest": hashes.SHA3_512()}),
        ("p384", {"digest": hashes.SHA384()}),
        ("p521", {"digest": hashes.SHA512()}),
        ("bp256", {}),
        ("ed25519", {}),
        ("ed448", {}),
        ("mldsa65", {}),
    ],
)
def test_a_signature_of_any_kind_is_checked(key: str, options: dict[str, Any]) -> None:
    root = authority("Root", key=key)
    leaf = root.issues("leaf", **options)
    assert stands(leaf, anchors=(root,))
    other = authority("Root", key=key, key_ids=False)
    assert whys(verdict(leaf, anchors=(other,))) == {Why.SIGNATURE}


def test_sha1_counts_only_where_it_is_allowed() -> None:
    root = authority("Root", key="rsa-2048")
    sha256, sha1 = (bytes.fromhex(f"06092a864886f70d0101{n:02x}0500") for n in (0x0B, 0x05))
    leaf = resigned(root.issues("leaf"), root, sha256, sha1, hashes.SHA1())
    found = verdict(leaf, anchors=(root,))
    assert whys(found) == {Why.WEAK_HASH} and "RSA-SHA1" in found.reasons[0]
    assert stands(leaf, anchors=(root,), settings=Settings(sha1=True))


def test_md5_never_counts() -> None:
    root = authority("Root", key="rsa-2048")
    sha256, md5 = (bytes.fromhex(f"06092a864886f70d0101{n:02x}0500") for n in (0x0B, 0x04))
    leaf = resigned(root.issues("leaf"), root, sha256, md5, hashes.MD5())
    assert not stands(leaf, anchors=(root,), settings=Settings(sha1=True))


@pytest.mark.parametrize(
    ("key", "said"), [("rsa-1024", "weak key (RSA 1024)"), ("p192", "weak key (ECDSA 192)")]
)
def test_a_weak_key_is_refused_wherever_it_stands(key: str, said: str) -> None:
    found = verdict(SUB.issues("leaf", key=key), SUB)
    assert whys(found) == {Why.WEAK_KEY} and said in found.reasons[0]
    weak = authority("Weak", key=key)
    assert whys(verdict(weak.issues("leaf"), anchors=(weak,))) == {Why.WEAK_KEY}
    assert stands(weak.issues("leaf"), anchors=(weak,), settings=Settings(rsa_bits=1024, ecdsa_bits=192))


# validity, §6.1.3 (a)(2) ---------------------------------------------------------------


@pytest.mark.parametrize("which", ["leaf", "sub", "root"])
def test_each_certificate_has_to_be_valid_now(which: str) -> None:
    for since, until, why, word in (
        (NOW - YEAR, NOW - 1, Why.EXPIRED, "expired on 2027-01-15"),
        (NOW + 1, NOW + YEAR, Why.NOT_YET_VALID, "valid only from 2027-01-15 on"),
    ):

        def times(one: str, since: int = since, until: int = until) -> dict[str, int]:
            return {"since": since, "until": until} if one == which else {}

        root = authority("Root", **times("root"))
        sub = root.issues("Sub", ca=True, **times("sub"))
        found = verdict(sub.issues("leaf", **times("leaf")), sub, anchors=(root,))
        assert whys(found) == {why} and word in found.reasons[0]


def test_the_first_and_the_last_second_count() -> None:
    for now, right in (
        (NOW - YEAR - 1, False), (NOW - YEAR, True), (NOW + YEAR, True), (NOW + YEAR + 1, False),
    ):  # fmt: skip
        assert stands(MOON, SUB, now=now) is right


def test_validity_beyond_2038_and_2049() -> None:
    far = 4_102_444_800  # 2100-01-01
    root = authority("Root", until=far)
    leaf = root.issues("leaf", until=far)
    assert leaf.certificate.not_after == far
    assert stands(leaf, anchors=(root,), now=2_600_000_000)
    assert not stands(leaf, anchors=(root,), now=far + 1)


def test_all_that_is_wrong_with_a_path_is_told() -> None:
    leaf = SUB.issues("leaf", until=NOW - 1, key="rsa-1024", uses=("key_encipherment",))
    assert whys(verdict(leaf, SUB)) == {Why.EXPIRED, Why.WEAK_KEY, Why.KEY_USAGE}


# CAs, §6.1.4 (k) to (n) -----------------------------------------------------------------


def test_an_issuer_has_to_be_a_ca() -> None:
    end = SUB.issues("end")
    found = verdict(end.issues("leaf"), end, SUB)
    assert whys(found) == {Why.NO_CA} and found.reasons == ("CN=end is no CA, but issued CN=leaf",)


def test_a_ca_without_basic_constraints_is_none() -> None:
    odd = ROOT.issues("odd", ca=True, basic=False)
    assert whys(verdict(odd.issues("leaf"), odd)) == {Why.NO_CA}


def test_a_path_length_is_held_by_intermediates_and_by_the_anchor() -> None:
    sub = ROOT.issues("Sub", ca=True, path_length=0)
    assert stands(sub.issues("leaf"), sub)
    low = sub.issues("Low", ca=True)
    found = verdict(low.issues("leaf"), low, sub)
    assert whys(found) == {Why.PATH_LENGTH}
    assert found.reasons == ("the path is longer than CN=Sub allows (here 1 CAs below it)",)
    root = authority("Root", path_length=0)
    assert stands(root.issues("leaf"), anchors=(root,))
    below = root.issues("Below", ca=True)
    assert whys(verdict(below.issues("leaf"), below, anchors=(root,))) == {Why.PATH_LENGTH}


def test_the_last_certificate_does_not_count_for_the_path_length_even_if_it_is_a_ca() -> None:
    sub = ROOT.issues("Sub", ca=True, path_length=0)
    assert stands(sub.issues("Low", ca=True, uses=("digital_signature", "key_cert_sign")), sub)


def test_a_self_issued_ca_does_not_count_for_the_path_length() -> None:
    sub = ROOT.issues("Sub", ca=True, path_length=0)
    again = sub.issues("Sub", ca=True)
    assert stands(again.issues("leaf"), again, sub)


def test_a_ca_with_key_usage_has_to_have_key_cert_sign() -> None:
    sub = ROOT.issues("Sub", ca=True, uses=("crl_sign", "digital_signature"))
    found = verdict(sub.issues("leaf"), sub)
    assert whys(found) == {Why.KEY_USAGE} and "may not sign certificates" in found.reasons[0]
    silent = ROOT.issues("Sub", ca=True, uses=())
    assert stands(silent.issues("leaf"), silent)


@pytest.mark.parametrize("uses", [("digital_signature",), ("content_commitment",), ()])
def test_a_leaf_is_for_signatures_or_says_nothing(uses: tuple[str, ...]) -> None:
    assert stands(SUB.issues("leaf", uses=uses), SUB)


def test_a_leaf_for_other_uses_is_refused() -> None:
    assert whys(verdict(SUB.issues("leaf", uses=("key_encipherment",)), SUB)) == {Why.KEY_USAGE}


def test_extended_key_usage_is_judged_only_on_demand() -> None:
    code, ike = "1.3.6.1.5.5.7.3.3", "1.3.6.1.5.5.7.3.17"
    wanted = Settings(purposes=frozenset({ike}))
    assert stands(SUB.issues("leaf", purposes=[code]), SUB)
    assert whys(verdict(SUB.issues("leaf", purposes=[code]), SUB, settings=wanted)) == {
        Why.EXTENDED_KEY_USAGE
    }
    for fine in ([ike], [code, ike], ["2.5.29.37.0"], []):
        assert stands(SUB.issues("leaf", purposes=fine), SUB, settings=wanted)


@pytest.mark.parametrize("which", ["leaf", "sub", "root"])
def test_an_unknown_critical_extension_is_refused_and_named(which: str) -> None:
    for critical in (True, False):
        raw = [("1.2.3.4", b"\x05\x00", critical)]

        def odd(one: str, raw: list[Any] = raw) -> dict[str, Any]:
            return {"raw": raw} if one == which else {}

        root = authority("Root", **odd("root"))
        sub = root.issues("Sub", ca=True, **odd("sub"))
        found = verdict(sub.issues("leaf", **odd("leaf")), sub, anchors=(root,))
        assert whys(found) == ({Why.UNKNOWN_CRITICAL} if critical else set())
        assert not critical or "1.2.3.4" in found.reasons[0]


def test_a_version_1_root_can_be_an_anchor_but_no_intermediate() -> None:
    root = authority("Old")
    parts = der.elements(der.sequence(root.certificate.der)[0].value)
    body = [part.whole for part in parts if part.tag not in (0xA0, 0xA3)]
    algorithm = der.sequence(root.certificate.der)[1].whole
    from cryptography.hazmat.primitives.asymmetric import ec

    tbs = der.encode(der.SEQUENCE, *body)
    signature = root.key.sign(tbs, ec.ECDSA(hashes.SHA256()))
    old = Certificate.parse(
        der.encode(der.SEQUENCE, tbs, algorithm, der.encode(der.BIT_STRING, b"\0", signature))
    )
    assert old.version == 1 and not old.is_ca
    leaf = root.issues("leaf")
    assert stands(leaf, anchors=(Holder(old, root.key),))
    assert not stands(leaf, old)


# names, §6.1.3 (b) and (c) ---------------------------------------------------------------


def constrained(permitted: list[str], excluded: list[str], **leaf: Any) -> Verdict:
    """The constraints are two CAs above the leaf."""
    sub = ROOT.issues("Sub", ca=True, permitted=permitted, excluded=excluded)
    low = sub.issues(leaf.pop("low", "C=CH, O=Cygnet, CN=Low"), ca=True)
    return verdict(low.issues(leaf.pop("subject", ""), **leaf), low, sub)


@pytest.mark.parametrize(
    ("constraint", "inside", "outside"),
    [
        ("DNS:example.org", ["DNS:example.org", "DNS:a.b.Example.ORG"], ["DNS:notexample.org", "DNS:org"]),
        ("DNS:.example.org", ["DNS:a.example.org"], ["DNS:example.org", "DNS:aexample.org"]),
        ("EMAIL:example.org", ["EMAIL:a@example.org", "EMAIL:a@EXAMPLE.org"], ["EMAIL:a@x.example.org"]),
        ("EMAIL:.example.org", ["EMAIL:a@x.example.org"], ["EMAIL:a@example.org", "EMAIL:a@example.com"]),
        ("EMAIL:carol@example.org", ["EMAIL:carol@example.org"], ["EMAIL:dave@example.org"]),
        ("IP:192.0.2.0/24", ["IP:192.0.2.7"], ["IP:192.0.3.7", "IP:2001:db8::1"]),
        ("IP:2001:db8::/32", ["IP:2001:db8::1"], ["IP:2001:db9::1", "IP:192.0.2.7"]),
        ("URI:example.org", ["URI:http://example.org/x"], ["URI:http://a.example.org/", "URI:http://x/"]),
        ("URI:.example.org", ["URI:https://a.example.org:80/x"], ["URI:http://example.org/x"]),
        ("DN:C=CH, O=Cygnet", ["DN:C=CH, O=cygnet, CN=x"], ["DN:C=DE, O=Cygnet, CN=x", "DN:C=CH"]),
    ],
)
def test_names_are_held_to_permitted_and_excluded_subtrees(
    constraint: str, inside: list[str], outside: list[str]
) -> None:
    for one in inside:
        assert constrained([constraint], [], names=[one], low="Sub").path, one
        assert whys(constrained([], [constraint], names=[one], low="Sub")) == {Why.NAME_CONSTRAINTS}, one
    for one in outside:
        found = constrained([constraint], [], names=[one], low="Sub")
        assert whys(found) == {Why.NAME_CONSTRAINTS}, one
        assert "outside what is permitted" in found.reasons[0]
        assert constrained([], [constraint], names=[one], low="Sub").path, one
        assert whys(constrained([constraint], [], names=[inside[0], one], low="Sub")) == {
            Why.NAME_CONSTRAINTS
        }


def test_names_of_other_kinds_are_not_constrained() -> None:
    assert constrained(["DNS:example.org"], [], names=["EMAIL:a@b.c", "IP:192.0.2.1", "RID:1.2.3"]).path


def test_the_subject_is_constrained_too() -> None:
    assert constrained(["DN:C=CH, O=Cygnet"], [], subject="C=CH, O=Cygnet, CN=x").path
    found = constrained(["DN:C=CH, O=Cygnet"], [], subject="C=CH, CN=x")
    assert whys(found) == {Why.NAME_CONSTRAINTS}


def test_an_email_address_in_the_subject_is_constrained() -> None:
    assert constrained(["EMAIL:example.org"], [], subject="CN=x, E=a@example.org").path
    found = constrained(["EMAIL:example.org"], [], subject="CN=x, E=a@example.com")
    assert whys(found) == {Why.NAME_CONSTRAINTS} and "a@example.com" in found.reasons[0]


def test_intermediates_are_constrained_too() -> None:
    found = constrained(["DN:C=CH, O=Cygnet"], [], subject="C=CH, O=Cygnet, CN=x", low="C=DE, CN=Low")
    assert whys(found) == {Why.NAME_CONSTRAINTS}


def test_constraints_of_several_cas_all_hold() -> None:
    sub = ROOT.issues("Sub", ca=True, permitted=["DNS:example.org"])
    low = sub.issues("Low", ca=True, permitted=["DNS:a.example.org", "DNS:example.com"])
    assert stands(low.issues("x", names=["DNS:x.a.example.org"]), low, sub)
    for one in ("DNS:b.example.org", "DNS:example.com"):
        assert whys(verdict(low.issues("x", names=[one]), low, sub)) == {Why.NAME_CONSTRAINTS}


def test_an_anchors_constraints_hold() -> None:
    root = authority("Root", permitted=["DNS:example.org"])
    assert not stands(root.issues("x", names=["DNS:example.com"]), anchors=(root,))


def test_a_self_issued_intermediate_is_not_constrained_but_a_self_issued_leaf_is() -> None:
    sub = ROOT.issues("O=Odd, CN=Sub", ca=True, permitted=["DN:C=CH"])
    again = sub.issues("O=Odd, CN=Sub", ca=True)
    assert stands(again.issues("C=CH, CN=x"), again, sub)
    assert whys(verdict(sub.issues("O=Odd, CN=Sub"), sub)) == {Why.NAME_CONSTRAINTS}


def test_a_kind_of_name_that_cannot_be_compared_is_refused_where_it_is_constrained() -> None:
    found = constrained(["RID:1.2.3"], [], names=["RID:1.2.3"])
    assert whys(found) == {Why.NAME_CONSTRAINTS}
    assert constrained(["RID:1.2.3"], [], names=["DNS:a"]).path


@pytest.mark.parametrize(
    "odd", ["EMAIL:a@-example.org", "EMAIL:example.org", "URI:urn:x", "URI:http://192.0.2.1/", "DNS:a..b"]
)
def test_a_malformed_name_is_refused_where_its_kind_is_constrained(odd: str) -> None:
    kind = odd.partition(":")[0]
    assert whys(constrained([], [kind + ":example.com"], names=[odd])) == {Why.NAME_CONSTRAINTS}


def test_a_wildcard_name_is_excluded_with_what_it_would_cover() -> None:
    assert not constrained([], ["DNS:a.example.org"], names=["DNS:*.example.org"]).path
    assert constrained([], ["DNS:a.example.com"], names=["DNS:*.example.org"]).path


def test_very_many_names_and_constraints_are_refused_soon() -> None:
    many = [f"DNS:h{n}.example.org" for n in range(500)]
    assert whys(constrained(many, [], names=many)) == {Why.NAME_CONSTRAINTS}


# policies, §6.1.3 (d) to (f) -------------------------------------------------------------


def policy(
    *certificates: dict[str, Any], wanted: set[str] | None = None, **flags: Any
) -> tuple[frozenset[str] | None, set[Why]]:
    """A root, then these; the policies that come out, or why not."""
    above, chain = ROOT, []
    for number, options in enumerate(certificates):
        last = number == len(certificates) - 1
        subject = options.pop("subject", f"CN={number}")
        above = above.issues(subject, ca=not last, **options)
        chain.append(above)
    settings = Settings(policies=frozenset(wanted or {ANY}), **flags)
    found = verdict(chain[-1], *chain[:-1], settings=settings)
    return (found.path.policies if found.path else None), whys(found)


REFUSED = (None, {Why.POLICY})


def test_a_policy_that_all_have_comes_out() -> None:
    both = {"policies": [A, B]}
    assert policy({**both}, {"policies": [A, C]}) == ({A}, set())
    assert policy({**both}, {"policies": [A, B]}, wanted={B, C}) == ({B}, set())
    assert policy({"policies": [ANY]}, {"policies": [A]}) == ({A}, set())
    assert policy({**both}, {"policies": [ANY]}) == ({A, B}, set())
    assert policy({"policies": [ANY]}, {"policies": [ANY]}) == ({ANY}, set())
    assert policy({"policies": [ANY]}, {"policies": [ANY]}, wanted={B}) == ({B}, set())


def test_without_a_policy_nothing_comes_out_and_it_matters_only_when_one_is_asked_for() -> None:
    for chain in ([{}, {"policies": [A]}], [{"policies": [A]}, {}], [{"policies": [B]}, {"policies": [A]}]):
        assert policy(*({**c} for c in chain)) == (frozenset(), set())
        assert policy(*({**c} for c in chain), explicit_policy=True) == REFUSED
    assert policy({"policies": [A]}, {"policies": [A]}, wanted={B}) == (frozenset(), set())
    assert policy({"policies": [A]}, {"policies": [A]}, wanted={B}, explicit_policy=True) == REFUSED


def test_a_ca_can_ask_for_an_explicit_policy_below_it() -> None:
    for skip, right in ((0, False), (1, False), (2, False), (3, True)):
        found, _ = policy({"constraints": (skip, None)}, {}, {})
        assert (found is not None) is right, skip
    assert policy({"policies": [A]}, {"policies": [A], "constraints": (0, None)}) == ({A}, set())
    assert policy({}, {"constraints": (0, None)}) == REFUSED, "the last one asks of itself"
    assert policy({}, {"constraints": (1, None)})[0] is not None


def test_a_self_issued_ca_does_not_count_down() -> None:
    again = {"subject": "CN=0"}
    assert policy({"constraints": (2, None)}, {**again}, {})[0] is not None
    assert policy({"constraints": (2, None)}, {}, {}) == REFUSED


def test_policies_are_mapped() -> None:
    mapped = {"policies": [A], "mappings": [(A, B)]}
    assert policy({**mapped}, {"policies": [B]}) == ({A}, set())
    assert policy({**mapped}, {"policies": [A]}, explicit_policy=True) == REFUSED
    twice = {"policies": [A], "mappings": [(A, B), (A, C)]}
    assert policy({**twice}, {"policies": [C]}, wanted={A}, explicit_policy=True) == ({A}, set())
    on_any = {"policies": [ANY], "mappings": [(A, B)]}
    assert policy({**on_any}, {"policies": [B]}) == ({A}, set())
    assert policy({"policies": [ANY]}, {**mapped}, {"policies": [B]}) == ({A}, set())


def test_mapping_can_be_inhibited() -> None:
    mapped = {"policies": [A], "mappings": [(A, B)]}
    assert policy({**mapped}, {"policies": [B]}, inhibit_mapping=True, explicit_policy=True) == REFUSED
    chain = [{"policies": [A], "constraints": (0, 0)}, {**mapped}, {"policies": [B]}]
    assert policy(*({**c} for c in chain)) == REFUSED
    chain[0]["constraints"] = (0, 1)
    assert policy(*({**c} for c in chain)) == ({A}, set())


def test_any_policy_must_not_be_mapped() -> None:
    for pair in ((ANY, A), (A, ANY)):
        assert policy({"policies": [A], "mappings": [pair]}, {"policies": [A]}) == REFUSED


def test_any_policy_can_be_inhibited() -> None:
    chain = [{"policies": [A], "inhibit_any": 0, "constraints": (0, None)}, {"policies": [ANY]}]
    assert policy(*({**c} for c in chain)) == REFUSED
    chain[0]["inhibit_any"] = 1
    assert policy(*({**c} for c in chain)) == ({A}, set())
    assert policy({"policies": [ANY]}, {"policies": [A]}, inhibit_any_policy=True, explicit_policy=True) == (
        REFUSED
    )
    again = {"subject": "CN=0", "policies": [ANY]}
    first = {"policies": [A], "inhibit_any": 0, "constraints": (0, None)}
    assert policy({**first}, {**again}, {"policies": [A]}) == ({A}, set()), "a self-issued CA may have it"


def test_mappings_that_multiply_are_followed_in_no_time() -> None:
    """CVE-2023-0464: a tree of these would have 30^6 leaves."""
    many = [f"1.2.3.{n}" for n in range(30)]
    cross = [(a, b) for a in many[:15] for b in many[:15]]
    chain = [{"policies": many, "mappings": cross} for _ in range(6)]
    found, _ = policy(*chain, {"policies": many})
    assert (found is not None and len(found) == 30 - 0) or found == frozenset(many[:15]) | frozenset(
        many[15:]
    )


# RFC 3779 --------------------------------------------------------------------------------


def blocks(*families: tuple[int, Any]) -> dict[str, Any]:
    """(family, None: inherit | list of "prefix/length in bits" as (bytes, bits))."""
    out = []
    for family, prefixes in families:
        if prefixes is None:
            choice = b"\x05\x00"
        else:
            choice = der.encode(
                der.SEQUENCE,
                *(
                    der.encode(der.BIT_STRING, bytes([-bits % 8]), data[: (bits + 7) // 8])
                    for data, bits in prefixes
                ),
            )
        out.append(
            der.encode(der.SEQUENCE, der.encode(der.OCTET_STRING, family.to_bytes(2)), choice),
        )
    return {"raw": [("1.3.6.1.5.5.7.1.7", der.encode(der.SEQUENCE, *out), True)]}


TEN = (1, [(bytes([10, 0, 0, 0]), 8)])
TEN_ONE = (1, [(bytes([10, 1, 0, 0]), 16)])


def addressed(*certificates: dict[str, Any]) -> Verdict:
    root = authority("Root", **certificates[0])
    sub = root.issues("Sub", ca=True, **certificates[1])
    return verdict(sub.issues("leaf", **certificates[2]), sub, anchors=(root,))


def test_address_blocks_get_smaller_downwards_and_the_leafs_come_out() -> None:
    found = addressed(blocks(TEN), blocks((1, None)), blocks(TEN_ONE))
    assert found.path is not None and found.path.address_blocks is not None
    assert str(found.path.address_blocks[0]) == "10.1.0.0/16"
    inherited = addressed(blocks(TEN), blocks(TEN_ONE), blocks((1, None)))
    assert inherited.path is not None and str(inherited.path.address_blocks[0]) == "10.1.0.0/16"  # type: ignore[index]
    without = addressed(blocks(TEN), blocks(TEN_ONE), {})
    assert without.path is not None and without.path.address_blocks is None


def test_address_blocks_that_the_issuer_does_not_have_are_refused() -> None:
    for chain in (
        (blocks(TEN), blocks(TEN_ONE), blocks(TEN)),
        ({}, blocks(TEN), blocks(TEN)),
        (blocks(TEN), {}, blocks(TEN)),
        (blocks(TEN), blocks(TEN), blocks((2, None))),
        (blocks((1, None)), blocks(TEN), blocks(TEN)),
        (blocks(TEN), blocks(TEN), blocks((2, [(bytes(16), 8)]))),
    ):
        assert whys(addressed(*chain)) == {Why.ADDRESS_BLOCKS}


# revocation ------------------------------------------------------------------------------

URLS = {"crls": ["http://crl.example.org/sub.crl"], "responders": ["http://ocsp.example.org/"]}
LEAF = SUB.issues("leaf", **URLS)
SERIAL = LEAF.certificate.serial
GOOD = (ROOT.crl(), SUB.crl())
YES, IFURI = Settings(strict=Strict.YES), Settings(strict=Strict.IFURI)


def test_without_revocation_data_strictness_decides_and_what_is_missing_is_told() -> None:
    found = verdict(LEAF, SUB)
    assert found.path is not None and not found.path.known_good
    wanted = {one.certificate: one for one in found.wanted}
    assert set(wanted) == {LEAF.certificate, SUB.certificate}
    assert wanted[LEAF.certificate].ocsp_uris == ("http://ocsp.example.org/",)
    assert wanted[LEAF.certificate].crl_uris == ("http://crl.example.org/sub.crl",)
    assert wanted[LEAF.certificate].issuer == SUB.certificate
    for settings in (YES, IFURI):
        found = verdict(LEAF, SUB, settings=settings)
        assert whys(found) == {Why.NO_STATUS} and len(found.wanted) == 2
    plain = SUB.issues("plain")
    assert stands(plain, SUB, settings=IFURI) and not stands(plain, SUB, settings=YES)


def test_fresh_crls_make_a_chain_stand_under_the_strictest_policy() -> None:
    found = verdict(LEAF, SUB, settings=YES, crls=GOOD)
    assert found.path is not None and found.wanted == ()
    assert found.path.known_good == {LEAF.certificate, SUB.certificate}
    assert not stands(LEAF, SUB, settings=YES, crls=GOOD[1:]), "the intermediate's state counts, too"


def test_a_revoked_certificate_is_refused_with_reason_and_date() -> None:
    found = verdict(LEAF, SUB, crls=(SUB.crl({SERIAL: "keyCompromise"}),))
    assert whys(found) == {Why.REVOKED} and found.wanted == ()
    assert found.reasons == ("CN=leaf was revoked (keyCompromise) on 2027-01-15",)
    plain = verdict(LEAF, SUB, crls=(SUB.crl({SERIAL: ""}),))
    assert "(unspecified)" in plain.reasons[0]
    assert whys(verdict(LEAF, SUB, crls=(ROOT.crl({SUB.certificate.serial: "cACompromise"}),))) == {
        Why.REVOKED
    }


def test_a_stale_crl_calls_nobody_good_but_still_revokes() -> None:
    stale = SUB.crl(until=NOW - 1)
    found = verdict(LEAF, SUB, settings=YES, crls=(GOOD[0], stale))
    assert whys(found) == {Why.NO_STATUS} and "out of date" in found.reasons[0]
    assert [one.certificate for one in found.wanted] == [LEAF.certificate]
    assert stands(LEAF, SUB, crls=(stale,))
    assert not stands(LEAF, SUB, crls=(SUB.crl({SERIAL: "superseded"}, until=NOW - 1),))


def test_a_crl_of_the_future_or_without_an_end_calls_nobody_good() -> None:
    for crl in (SUB.crl(since=NOW + 1000, until=NOW + 9999),):
        assert not stands(LEAF, SUB, settings=YES, crls=(GOOD[0], crl))
    assert stands(LEAF, SUB, settings=YES, crls=(GOOD[0], SUB.crl(since=NOW + 200)))


def test_an_older_crl_does_not_take_back_a_revocation() -> None:
    gone, old = SUB.crl({SERIAL: "keyCompromise"}, number=2), SUB.crl(since=NOW - 9000)
    for order in ((gone, old), (old, gone)):
        assert not stands(LEAF, SUB, crls=order)


def test_on_hold_is_revoked_until_a_newer_crl_says_otherwise() -> None:
    held, newer = SUB.crl({SERIAL: "certificateHold"}), SUB.crl(since=NOW - 60, number=2)
    found = verdict(LEAF, SUB, crls=(held,))
    assert whys(found) == {Why.REVOKED} and "certificateHold" in found.reasons[0]
    assert stands(LEAF, SUB, crls=(held, newer)) and not stands(
        LEAF, SUB, crls=(held, SUB.crl(since=NOW - 9000))
    )


def test_a_crl_of_a_stranger_does_not_count() -> None:
    false = authority("C=CH, O=Cygnet, CN=Sub")
    assert stands(LEAF, SUB, crls=(false.crl({SERIAL: "keyCompromise"}),))
    assert stands(LEAF, SUB, false, crls=(false.crl({SERIAL: "keyCompromise"}),))
    assert not stands(LEAF, SUB, settings=YES, crls=(GOOD[0], false.crl()))


def test_a_ca_without_crl_sign_signs_no_crl() -> None:
    sub = ROOT.issues("Sub", ca=True, uses=("key_cert_sign",))
    leaf = sub.issues("leaf")
    assert not stands(leaf, sub, settings=YES, crls=(GOOD[0], sub.crl()))
    signer = ROOT.issues("Sub", ca=True, uses=("crl_sign",))
    assert stands(leaf, sub, signer, settings=YES, crls=(GOOD[0], signer.crl())), "its other key may"


def test_a_crl_signed_with_sha1_does_not_count() -> None:
    root = authority("Root", key="rsa-2048")
    leaf = root.issues("leaf")
    tbs, algorithm, _ = (part.whole for part in der.sequence(root.crl().der))
    sha256, sha1 = (bytes.fromhex(f"06092a864886f70d0101{n:02x}") for n in (0x0B, 0x05))
    tbs, algorithm = tbs.replace(sha256, sha1), algorithm.replace(sha256, sha1)
    signature = der.encode(der.BIT_STRING, b"\0", root.key.sign(tbs, padding.PKCS1v15(), hashes.SHA1()))
    from cygnet.crypto.crl import Crl

    crl = Crl.parse(der.encode(der.SEQUENCE, tbs, algorithm, signature))
    assert not stands(leaf, anchors=(root,), settings=YES, crls=(crl,))
    assert stands(leaf, anchors=(root,), settings=dataclasses.replace(YES, sha1=True), crls=(crl,))


def scope(**said: Any) -> x509.IssuingDistributionPoint:
    full: dict[str, Any] = {
        "full_name": None, "relative_name": None, "only_contains_user_certs": False,
        "only_contains_ca_certs": False, "only_some_reasons": None, "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }  # fmt: skip
    return x509.IssuingDistributionPoint(**(full | said))


@pytest.mark.parametrize(
    ("said", "good", "revokes"),
    [
        ({"only_contains_user_certs": True}, True, True),
        ({"only_contains_ca_certs": True}, False, True),
        ({"only_contains_attribute_certs": True}, False, True),
        ({"only_some_reasons": frozenset({x509.ReasonFlags.key_compromise})}, False, True),
        ({"indirect_crl": True}, False, False),
        ({"full_name": [x509.UniformResourceIdentifier(URLS["crls"][0])]}, True, True),
        ({"full_name": [x509.UniformResourceIdentifier("http://other/")]}, False, True),
    ],
)
def test_a_crl_of_limited_scope_calls_good_only_what_it_covers(
    said: dict[str, Any], good: bool, revokes: bool
) -> None:
    assert stands(LEAF, SUB, settings=YES, crls=(GOOD[0], SUB.crl(scope=scope(**said)))) is good
    assert stands(LEAF, SUB, crls=(SUB.crl({SERIAL: "keyCompromise"}, scope=scope(**said)),)) is not revokes


def test_crls_for_some_reasons_make_one_for_all_together() -> None:
    flags = [r for r in x509.ReasonFlags if r.name not in ("unspecified", "remove_from_crl")]
    some, others = (SUB.crl(scope=scope(only_some_reasons=frozenset(f))) for f in (flags[:3], flags[3:]))
    assert not stands(LEAF, SUB, settings=YES, crls=(GOOD[0], some))
    assert stands(LEAF, SUB, settings=YES, crls=(GOOD[0], some, others))


def test_a_revoked_signer_of_crls_or_answers_is_not_heard() -> None:
    sub = ROOT.issues("Sub", ca=True, uses=("key_cert_sign",))
    signer = ROOT.issues("Sub", ca=True, uses=("crl_sign",))
    leaf = sub.issues("leaf")
    gone = ROOT.crl({signer.certificate.serial: "keyCompromise"})
    assert not stands(leaf, sub, signer, settings=YES, crls=(gone, signer.crl()))
    responder = SUB.issues("ocsp", purposes=["1.3.6.1.5.5.7.3.9"])
    answer = responder.answers(LEAF.certificate, SUB, shown=[responder])
    gone = SUB.crl({responder.certificate.serial: ""}, scope=scope(only_contains_ca_certs=True))
    assert stands(LEAF, SUB, settings=YES, crls=GOOD[:1], answers=(answer,))
    assert not stands(LEAF, SUB, settings=YES, crls=(GOOD[0], gone), answers=(answer,))


def test_a_crl_with_an_unknown_critical_extension_calls_nobody_good() -> None:
    odd = [(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True)]
    assert not stands(LEAF, SUB, settings=YES, crls=(GOOD[0], SUB.crl(extra=odd)))
    assert not stands(LEAF, SUB, crls=(SUB.crl({SERIAL: "keyCompromise"}, extra=odd),))


def test_a_delta_adds_to_the_complete_crl_and_takes_from_it() -> None:
    base = SUB.crl(number=5, until=NOW - 1)
    delta = SUB.crl(number=7, base=5, since=NOW - 60)
    assert stands(LEAF, SUB, settings=YES, crls=(GOOD[0], base, delta)), "a fresh delta makes the base fresh"
    assert not stands(LEAF, SUB, settings=YES, crls=(GOOD[0], delta)), "without its base it says nothing"
    later = SUB.crl(number=7, base=6, since=NOW - 60)
    assert not stands(LEAF, SUB, settings=YES, crls=(GOOD[0], base, later)), "the base is too old for it"
    gone = SUB.crl({SERIAL: "keyCompromise"}, number=7, base=5, since=NOW - 60)
    assert whys(verdict(LEAF, SUB, crls=(base, gone))) == {Why.REVOKED}
    held = SUB.crl({SERIAL: "certificateHold"}, number=5)
    freed = SUB.crl({SERIAL: "removeFromCRL"}, number=7, base=5, since=NOW - 60)
    assert not stands(LEAF, SUB, crls=(held,))
    assert stands(LEAF, SUB, settings=YES, crls=(GOOD[0], held, freed))


def test_an_ocsp_answer_of_the_issuer_counts() -> None:
    for by_name in (False, True):
        good = SUB.answers(LEAF.certificate, SUB, by_name=by_name)
        assert stands(LEAF, SUB, settings=YES, crls=GOOD[:1], answers=(good,))
    gone = SUB.answers(LEAF.certificate, SUB, "revoked")
    found = verdict(LEAF, SUB, answers=(gone,))
    assert found.reasons == ("CN=leaf was revoked (keyCompromise) on 2027-01-15",)
    unknown = SUB.answers(LEAF.certificate, SUB, "unknown")
    assert not stands(LEAF, SUB, settings=YES, crls=GOOD[:1], answers=(unknown,))
    stale = SUB.answers(LEAF.certificate, SUB, until=NOW - 1)
    assert not stands(LEAF, SUB, settings=YES, crls=GOOD[:1], answers=(stale,))


def test_an_ocsp_answer_without_an_end_is_fresh_for_five_minutes() -> None:
    for since, right in ((NOW - 200, True), (NOW - 400, False)):
        answer = SUB.answers(LEAF.certificate, SUB, since=since, until=None)
        assert stands(LEAF, SUB, settings=YES, crls=GOOD[:1], answers=(answer,)) is right


def test_a_responder_that_the_issuer_certified_for_ocsp_counts_and_no_other() -> None:
    ocsp = ["1.3.6.1.5.5.7.3.9"]
    other = authority("C=CH, O=Cygnet, CN=Sub")
    for responder, right in (
        (SUB.issues("ocsp", purposes=ocsp), True),
        (SUB.issues("ocsp"), False),
        (SUB.issues("ocsp", purposes=ocsp, until=NOW - 1), False),
        (ROOT.issues("ocsp", purposes=ocsp), False),
        (other.issues("ocsp", purposes=ocsp), False),
        (other, False),
    ):
        answer = responder.answers(LEAF.certificate, SUB, shown=[responder])
        assert stands(LEAF, SUB, settings=YES, crls=GOOD[:1], answers=(answer,)) is right
    local = make("local")
    answer = local.answers(LEAF.certificate, SUB)
    given = {"settings": YES, "crls": GOOD[:1], "answers": (answer,)}
    assert not stands(LEAF, SUB, **given)
    assert stands(LEAF, SUB, responders=(local.certificate,), **given)


def test_an_answer_about_another_certificate_does_not_count() -> None:
    twin = ROOT.issues("leaf", serial=SERIAL)
    answer = ROOT.answers(twin.certificate, ROOT)
    assert not stands(LEAF, SUB, settings=YES, crls=GOOD[:1], answers=(answer,))


def test_nothing_is_to_be_fetched_for_what_does_not_chain_to_an_anchor_or_is_hopeless() -> None:
    other = authority("Other")
    assert verdict(other.issues("leaf", **URLS), other).wanted == ()
    data = bytearray(LEAF.certificate.der)
    data[-1] ^= 1
    assert verdict(Certificate.parse(bytes(data)), SUB, settings=YES).wanted == ()
    assert verdict(SUB.issues("leaf", until=NOW - 1, **URLS), SUB, settings=YES).wanted == ()
