"""Nobody is taken for somebody else: identities, whose proof is whose, and which connection it opens."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cygnet.credentials.match import fits, least
from cygnet.engine.ikev2 import authentication
from cygnet.engine.ikev2.tasks import ike_auth_answer
from cygnet.model.config import AuthMethod, AuthRound, IkeVersion
from cygnet.testing.pair import Pair
from cygnet.values import der, dn
from cygnet.values.iana import IdType
from cygnet.values.identity import ANY, Identity
from tests.certs import NOW, authority
from tests.exchange.certified import World, world


def up(pair: Pair) -> str:
    ref = pair.left.up("oregon")
    assert pair.run(60, lambda: ref in pair.left.finished)
    pair.run(1)
    return pair.left.finished[ref].reason


def calling_itself(name: str) -> World:
    """The left end has a certificate as CN=oregon, and says that it is somebody else to an open door."""
    of = world()
    of.left_local = {"id": Identity.parse(name)}
    of.right_remote = {"id": ANY}
    return of


@pytest.mark.parametrize("version", [IkeVersion.V1, IkeVersion.V2])
@pytest.mark.parametrize("name", ["CN=*", "@*", "@*.example.org", "*@example.org", "C=*, CN=oregon"])
def test_a_wildcard_is_nobodys_identity(name: str, version: IkeVersion) -> None:
    """A peer's identity is a claim, not a pattern: CVE-2013-6075 was of comparing a name in part."""
    pair = calling_itself(name).pair(version)
    assert up(pair) != ""
    assert not pair.right.established()


@pytest.mark.parametrize("version", [IkeVersion.V1, IkeVersion.V2])
def test_an_open_door_takes_what_the_certificate_says(version: IkeVersion) -> None:
    for name in ("CN=oregon", "cn=OREGON", "@oregon.example.org", "@Oregon.EXAMPLE.org"):
        pair = calling_itself(name).pair(version)
        assert up(pair) == "", name
    for name in (
        "CN=far",
        "CN=orego",
        "@oregon",
        "@example.org",
        "@oregon.example.org.",
        "oregon@example.org",
    ):
        assert up(calling_itself(name).pair(version)) != "", name


def test_only_where_the_peers_word_does_not_count_patterns_of_ours_do() -> None:
    certificate = world().left.certificate
    strict, loose = AuthRound(AuthMethod.PUBKEY), AuthRound(AuthMethod.PUBKEY, loose_id=True)
    wild = Identity.parse("CN=*")
    assert fits(certificate, wild) < least(strict) and fits(certificate, wild) >= least(loose)
    assert fits(certificate, ANY) < least(strict)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x30",
        b"\x30\x80",
        b"\x30\x84\xff\xff\xff\xff",
        b"\x30\x02\x31\x00",
        b"\x04\x81",
        b"\x31\x84\xff",
    ],
)
def test_an_asn1_identity_that_is_none_fits_nothing(data: bytes) -> None:
    """CVE-2013-5018, CVE-2013-6075, CVE-2014-2891: lengths in an ASN.1 identity that lie."""
    odd = Identity(IdType.DER_ASN1_DN, data)
    ours = world().left.certificate.subject
    assert str(odd) and odd.spelling
    assert not odd.matches(ours) and not ours.matches(odd) and not fits(world().left.certificate, odd)


def test_a_nul_in_a_name_ends_nothing() -> None:
    whole = Identity(IdType.FQDN, b"moon.example.org\0.evil.example")
    assert not whole.matches(Identity.parse("@moon.example.org"))
    assert not Identity.parse("@moon.example.org").matches(whole)
    assert "\0" not in str(whole)

    def name(value: bytes, tag: int) -> bytes:
        pair = der.encode(der.SEQUENCE, der.encode_oid("2.5.4.3"), der.encode(tag, value))
        return der.encode(der.SEQUENCE, der.encode(der.SET, pair))

    assert dn.canonical(name(b"moon\0.evil", dn.UTF8)) != dn.canonical(name(b"moon", dn.UTF8))
    assert dn.canonical(name(b"m\xf6\xf6n", dn.TELETEX)) == dn.canonical(name("mÖön".encode(), dn.UTF8))
    assert dn.canonical(name(b"m\xf6\xf6n", dn.UTF8)) != dn.canonical(name(b"m\xf6\xf6n", dn.TELETEX))


def test_our_own_proof_sent_back_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The responder returns the initiator's certificate and AUTH payload."""
    of = world()
    of.left_remote = {"id": ANY}
    pair = of.pair()
    kept: list[authentication.Proof] = []
    prove = authentication.prove

    def reflecting(sa: object, number: int) -> authentication.Proof:
        proof = prove(sa, number)  # type: ignore[arg-type]
        kept.append(proof)
        return kept[0]

    monkeypatch.setattr(authentication, "prove", reflecting)
    assert ike_auth_answer.authentication is authentication
    assert up(pair) != ""
    assert len(kept) >= 2 and not pair.left.established()
    assert any("signature validation failed" in line for line in pair.left.lines(0))


def test_a_signature_of_one_handshake_is_none_of_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    of = world()
    pair = of.pair()
    kept: list[authentication.Proof] = []
    prove = authentication.prove

    def again(sa: object, number: int) -> authentication.Proof:
        proof = prove(sa, number)  # type: ignore[arg-type]
        if sa.initiator:  # type: ignore[attr-defined]
            kept.append(proof)
            return kept[0]
        return proof

    monkeypatch.setattr(authentication, "prove", again)
    assert up(pair) == ""
    pair.left.down("oregon")
    pair.run(5)
    assert up(pair) != ""


def test_a_switch_of_connections_does_not_go_around_a_postquantum_key() -> None:
    """Of two connections for the same identities, the second one wants a PPK that the peer has not used."""
    of = world()
    ours, theirs = of.configs()
    (open_,) = theirs.connections
    first = replace(open_, name="first", remote=(replace(open_.remote[0], method_detail="rsa"),))
    second = replace(open_, name="second", ppk_id="q", ppk_required=True)
    pair = Pair(ours, replace(theirs, connections=(first, second)), unix=NOW)
    assert up(pair) != "" and not pair.right.established("second")
    pair = Pair(ours, replace(theirs, connections=(first, replace(open_, name="second"))), unix=NOW)
    assert up(pair) == "" and pair.right.established("second")


def test_a_certificate_whose_key_is_another_is_refused_even_if_the_subject_is_right() -> None:
    """OpenIKED, CVE-2020-16088: a key that does not belong to the identity was taken."""
    of = world()
    twin = of.right_cas[0].issues("oregon", names=["DNS:oregon.example.org"])
    of.right_remote["certs"] = ("pinned",)
    ours, theirs = of.configs()
    from cygnet.model.config import CertificateFile

    held = (*theirs.certificates, CertificateFile(twin.certificate.der, "pinned"))
    pair = Pair(ours, replace(theirs, certificates=held), unix=NOW)
    assert up(pair) != ""
    assert any("signature validation failed" in line for line in pair.right.lines(0))


def test_who_is_refused_learns_nothing_of_why() -> None:
    """The notify has no data, and is the same whatever is wrong."""
    answers = set()
    for wrong in ("ca", "expired", "identity"):
        of = world()
        if wrong == "ca":
            of.left = authority("Other").issues("oregon")
        elif wrong == "expired":
            of.left = of.left_cas[0].issues("oregon", until=NOW - 1)
        else:
            of.left_local = {"id": Identity.parse("CN=somebody")}
        pair = of.pair()
        assert up(pair) != ""
        answers.add(next(line for line in pair.left.lines() if "notify error" in line))
        last = [row[3] for row in pair.network.log if row[3][19] & 0x20][-1]  # of the responses
        answers.add(str(len(last)))
    assert answers == {"received AUTHENTICATION_FAILED notify error", str(len(last))}
