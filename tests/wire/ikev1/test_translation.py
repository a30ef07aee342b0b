"""SA attributes of both phases <-> values.Proposal, and vendor IDs."""

from __future__ import annotations

import hashlib

import pytest

from cygnet.values.iana import EncrId, EsnId, IntegId, KeId, PrfId, Protocol, TransformType
from cygnet.values.proposal import Proposal, Transform, match
from cygnet.wire.ikev1 import ipsec_doi, oakley
from cygnet.wire.ikev1.attribute import Attribute
from cygnet.wire.ikev1.message import body_of
from cygnet.wire.ikev1.numbers import DoiAttribute, Encapsulation, OakleyAuth
from cygnet.wire.ikev1.payload import read
from cygnet.wire.ikev1.sa import Sa, WireProposal, WireTransform
from cygnet.wire.ikev1.vendors import FRAGMENTATION_SENT, VENDORS, identify

T = TransformType


def ike(*transforms: Transform) -> Proposal:
    return Proposal(Protocol.IKE, transforms)


def esp(*transforms: Transform, protocol: Protocol = Protocol.ESP) -> Proposal:
    return Proposal(protocol, transforms)


AES128, AES256 = Transform(T.ENCR, EncrId.AES_CBC, 128), Transform(T.ENCR, EncrId.AES_CBC, 256)
TDES = Transform(T.ENCR, EncrId.TRIPLE_DES)
SHA1, SHA256 = Transform(T.INTEG, IntegId.HMAC_SHA1_96), Transform(T.INTEG, IntegId.HMAC_SHA2_256_128)
PRF256 = Transform(T.PRF, PrfId.HMAC_SHA2_256)
MODP2048, X25519 = Transform(T.KE, KeId.MODP_2048), Transform(T.KE, KeId.CURVE_25519)
GCM = Transform(T.ENCR, EncrId.AES_GCM_16, 128)
NO_ESN = Transform(T.ESN, EsnId.NO_ESN)


def through_the_wire(sa: Sa) -> Sa:
    with read(body_of(sa), "SA") as reader:
        return Sa.decode(reader)


def test_phase_1_offers_every_combination_once_with_the_heads_first() -> None:
    both = ike(AES128, AES256, SHA256, SHA1, PRF256, MODP2048)
    old = ike(TDES, SHA1, MODP2048)
    sa = oakley.offer([both, old, both], OakleyAuth.PSK, 28800)
    assert sa is not None
    found = oakley.offers(through_the_wire(sa))
    assert [(o.proposal.transforms[0].name, o.proposal.transforms[1].name, o.lifetime) for o in found] == [
        ("AES_CBC_128", "HMAC_SHA2_256_128", 28800),
        ("TRIPLE_DES", "HMAC_SHA1_96", 28800),
        ("AES_CBC_128", "HMAC_SHA1_96", 28800),
        ("AES_CBC_256", "HMAC_SHA2_256_128", 28800),
        ("AES_CBC_256", "HMAC_SHA1_96", 28800),
    ]
    assert {o.auth for o in found} == {OakleyAuth.PSK}


def test_what_phase_1_reads_matches_what_was_configured() -> None:
    ours = ike(AES128, SHA256, PRF256, MODP2048)
    sa = oakley.offer([ours], OakleyAuth.PSK, 0)
    assert sa is not None
    (found,) = oakley.offers(sa)
    agreed = match(oakley.reduced(ours), found.proposal)
    assert agreed is not None
    assert set(agreed.transforms) == set(found.proposal.transforms) == set(ours.transforms)
    assert found.lifetime == 0
    assert found.accept() == sa


def test_phase_1_leaves_out_what_ikev1_cannot_say() -> None:
    assert oakley.offer([ike(GCM, PRF256, MODP2048)], OakleyAuth.PSK, 0) is None
    many = ike(
        *(Transform(T.ENCR, EncrId.AES_CBC, n) for n in (128, 192, 256)),
        SHA1, SHA256, Transform(T.INTEG, IntegId.HMAC_SHA2_512_256),
        *(Transform(T.KE, k) for k in (14, 15, 16, 17, 18, 19, 31)),
    )  # fmt: skip
    sa = oakley.offer([many], OakleyAuth.PSK, 0)
    assert sa is not None
    assert len(oakley.offers(sa)) == oakley.MOST_TRANSFORMS
    assert len(body_of(sa)) < 1000


def test_aggressive_mode_offers_one_group() -> None:
    sa = oakley.offer([ike(AES128, SHA256, MODP2048, X25519)], OakleyAuth.PSK, 0, group=KeId.CURVE_25519)
    assert sa is not None
    assert [o.proposal.first(T.KE) for o in oakley.offers(sa)] == [X25519]


@pytest.mark.parametrize("number", oakley.ENCRYPTION)
def test_every_phase_1_cipher_survives(number: int) -> None:
    bits = 256 if oakley.ENCRYPTION[number] in oakley.VARIABLE_KEY else 0
    encr = Transform(T.ENCR, oakley.ENCRYPTION[number], bits)
    sa = oakley.offer([ike(encr, SHA256, MODP2048)], OakleyAuth.PSK, 0)
    assert sa is not None
    assert oakley.offers(sa)[0].proposal.first(T.ENCR) == encr


def test_a_long_lifetime_and_one_in_kilobytes_are_told_apart() -> None:
    attributes = (
        Attribute.of(11, 2), Attribute.of(12, 4_000_000), Attribute.of(11, 1), Attribute.of(12, 86400),
    )  # fmt: skip
    assert oakley.life_seconds(attributes, 11, 12) == 86400
    assert oakley.life_kilobytes(attributes, 11, 12) == 4_000_000


def test_phase_2_offers_come_back_as_the_configured_proposals() -> None:
    ours = [esp(AES128, SHA256, MODP2048), esp(GCM, MODP2048), esp(AES256, SHA1)]
    terms = ipsec_doi.Terms(Encapsulation.UDP_TUNNEL, 3600, 1000, ipsec_doi.pfs_group(ours))
    sa = ipsec_doi.offer(ours, b"\xc7\xcf\x7e\x98", terms)
    assert sa is not None
    found = ipsec_doi.offers(through_the_wire(sa))
    assert [o.proposal.transforms for o in found] == [
        (AES128, SHA256, MODP2048, NO_ESN),
        (GCM, MODP2048, NO_ESN),
    ]
    assert all(o.is_tunnel and (o.lifetime, o.kilobytes) == (3600, 1000) for o in found)
    assert [ipsec_doi.agree(ours, o.proposal) for o in found] == [o.proposal for o in found]
    answer = through_the_wire(found[1].accept(b"\1\2\3\4"))
    assert ipsec_doi.offers(answer)[0].proposal.spi == b"\1\2\3\4"


def test_a_pfs_group_we_did_not_ask_for_is_taken_only_where_told() -> None:
    theirs = ipsec_doi.reduced(esp(AES128, SHA256, MODP2048))
    assert ipsec_doi.agree([esp(AES128, SHA256)], theirs) is None
    assert ipsec_doi.agree([esp(AES128, SHA256)], theirs, any_group=True) == theirs
    assert ipsec_doi.agree([esp(AES128, SHA256, X25519)], theirs, any_group=True) is None
    plain = ipsec_doi.reduced(esp(AES128, SHA256))
    assert ipsec_doi.agree([esp(AES128, SHA256, MODP2048)], plain) is None


def test_sha256_with_96_bits_shares_its_number_and_stays_what_was_configured() -> None:
    short = Transform(T.INTEG, IntegId.HMAC_SHA2_256_96)
    sa = ipsec_doi.offer([esp(AES128, short)], b"abcd", ipsec_doi.Terms(Encapsulation.TUNNEL))
    assert sa is not None
    (found,) = ipsec_doi.offers(sa)
    assert found.proposal.first(T.INTEG) == SHA256
    agreed = ipsec_doi.agree([esp(AES128, short)], found.proposal)
    assert agreed is not None
    assert agreed.first(T.INTEG) == short


def test_esn_and_ah_survive() -> None:
    esn = Transform(T.ESN, EsnId.ESN)
    ah = esp(SHA256, esn, protocol=Protocol.AH)
    sa = ipsec_doi.offer([ah], b"abcd", ipsec_doi.Terms(Encapsulation.TUNNEL))
    assert sa is not None
    assert ipsec_doi.offers(sa)[0].proposal.transforms == (SHA256, esn)


@pytest.mark.parametrize("number", ipsec_doi.ESP)
def test_every_esp_cipher_survives(number: int) -> None:
    id = ipsec_doi.ESP[number]
    encr = Transform(T.ENCR, id, 0 if id in ipsec_doi.FIXED_KEY else 256)
    sa = ipsec_doi.offer([esp(encr, SHA256)], b"abcd", ipsec_doi.Terms(Encapsulation.TUNNEL))
    assert sa is not None
    found = ipsec_doi.offers(sa)[0].proposal
    assert found.first(T.ENCR) == encr
    assert (found.first(T.INTEG) is None) == (id in ipsec_doi.AEAD)


def test_bundles_and_proposals_without_a_spi_are_passed_over() -> None:
    transform = WireTransform(1, 12, (Attribute.of(DoiAttribute.AUTH_ALGORITHM, 2),))
    esp_proposal = WireProposal(1, 3, b"abcd", (transform,))
    ipcomp = WireProposal(1, 4, b"\0\2", (WireTransform(1, 2),))
    assert ipsec_doi.offers(Sa((esp_proposal, ipcomp))) == []
    assert ipsec_doi.offers(Sa((WireProposal(1, 3, b"", (transform,)),))) == []
    assert ipsec_doi.offers(Sa((WireProposal(1, 3, bytes(4), (transform,)),))) == []
    assert len(ipsec_doi.offers(Sa((esp_proposal,)))) == 1


def test_aes_without_a_key_length_has_128_bits() -> None:
    transform = WireTransform(1, 12, (Attribute.of(DoiAttribute.AUTH_ALGORITHM, 2),))
    (found,) = ipsec_doi.offers(Sa((WireProposal(1, 3, b"abcd", (transform,)),)))
    assert found.proposal.first(T.ENCR) == AES128


#: the texts whose MD5 a vendor ID is
TEXTS = {
    "FRAGMENTATION": b"FRAGMENTATION",
    "NAT-T (RFC 3947)": b"RFC 3947",
    "draft-ietf-ipsec-nat-t-ike-02\\n": b"draft-ietf-ipsec-nat-t-ike-02\n",
    "draft-ietf-ipsec-nat-t-ike-02": b"draft-ietf-ipsec-nat-t-ike-02",
    "draft-ietf-ipsec-nat-t-ike-03": b"draft-ietf-ipsec-nat-t-ike-03",
    "draft-ietf-ipsec-nat-t-ike-00": b"draft-ietf-ipsec-nat-t-ike-00",
    "draft-ietf-ipsec-nat-t-ike": b"draft-ietf-ipsec-nat-t-ike",
    "strongSwan": b"strongSwan",
}


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda v: v.name)
def test_every_vendor_id_is_recognised(vendor) -> None:  # type: ignore[no-untyped-def]
    assert identify(vendor.id) is vendor
    assert (identify(vendor.id + b"\x80\0\0\0") is vendor) == vendor.prefix
    if vendor.name in TEXTS:
        assert vendor.id == hashlib.md5(TEXTS[vendor.name]).digest()


def test_other_vendor_ids_are_nobodys() -> None:
    assert identify(b"") is None
    assert identify(bytes(16)) is None
    assert identify(FRAGMENTATION_SENT) is not None
