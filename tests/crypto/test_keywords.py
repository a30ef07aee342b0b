"""Proposals in strongSwan's words: what each word means, what is added, and what is refused."""

from __future__ import annotations

import pytest

from cygnet.crypto import encr, integ, ke, prf
from cygnet.crypto.keywords import (
    KEYWORDS,
    UNSUPPORTED,
    default_proposals,
    known_keywords,
    parse_proposal,
    proposal_text,
    proposals_text,
    supported,
    transform_text,
)
from cygnet.crypto.rows import Use
from cygnet.values.iana import (
    EncrId,
    EsnId,
    IntegId,
    KeId,
    OpenEnum,
    PrfId,
    Protocol,
    TransformType,
)
from cygnet.values.proposal import Proposal, Transform, match

E, N, P, K = TransformType.ENCR, TransformType.INTEG, TransformType.PRF, TransformType.KE

#: strongSwan's words (``proposal_keywords_static.txt``) and the IANA numbers they stand for there
STRONGSWAN: dict[str, tuple[TransformType, OpenEnum, int]] = {
    "null": (E, EncrId.NULL, 0),
    "3des": (E, EncrId.TRIPLE_DES, 0),
    "aes": (E, EncrId.AES_CBC, 128),
    "camellia": (E, EncrId.CAMELLIA_CBC, 128),
    "chacha20poly1305": (E, EncrId.CHACHA20_POLY1305, 0),
    **{f"aes{b}": (E, EncrId.AES_CBC, b) for b in (128, 192, 256)},
    **{f"aes{b}ctr": (E, EncrId.AES_CTR, b) for b in (128, 192, 256)},
    **{f"aes{b}gmac": (E, EncrId.NULL_AUTH_AES_GMAC, b) for b in (128, 192, 256)},
    **{f"camellia{b}": (E, EncrId.CAMELLIA_CBC, b) for b in (128, 192, 256)},
    **{
        f"aes{b}{mode}{suffix}": (E, EncrId[f"AES_{mode.upper()}_{icv}"], b)
        for b in (128, 192, 256)
        for mode in ("ccm", "gcm")
        for icv, suffixes in ((8, (8, 64)), (12, (12, 96)), (16, (16, 128, "")))
        for suffix in suffixes
    },
    "sha": (N, IntegId.HMAC_SHA1_96, 0),
    "sha1": (N, IntegId.HMAC_SHA1_96, 0),
    "sha1_160": (N, IntegId.HMAC_SHA1_160, 0),
    "sha256": (N, IntegId.HMAC_SHA2_256_128, 0),
    "sha2_256": (N, IntegId.HMAC_SHA2_256_128, 0),
    "sha256_96": (N, IntegId.HMAC_SHA2_256_96, 0),
    "sha2_256_96": (N, IntegId.HMAC_SHA2_256_96, 0),
    "sha384": (N, IntegId.HMAC_SHA2_384_192, 0),
    "sha2_384": (N, IntegId.HMAC_SHA2_384_192, 0),
    "sha512": (N, IntegId.HMAC_SHA2_512_256, 0),
    "sha2_512": (N, IntegId.HMAC_SHA2_512_256, 0),
    "md5": (N, IntegId.HMAC_MD5_96, 0),
    "md5_128": (N, IntegId.HMAC_MD5_128, 0),
    "aesxcbc": (N, IntegId.AES_XCBC_96, 0),
    "aescmac": (N, IntegId.AES_CMAC_96, 0),
    "prfmd5": (P, PrfId.HMAC_MD5, 0),
    "prfsha1": (P, PrfId.HMAC_SHA1, 0),
    "prfsha256": (P, PrfId.HMAC_SHA2_256, 0),
    "prfsha384": (P, PrfId.HMAC_SHA2_384, 0),
    "prfsha512": (P, PrfId.HMAC_SHA2_512, 0),
    "prfaesxcbc": (P, PrfId.AES128_XCBC, 0),
    "prfaescmac": (P, PrfId.AES128_CMAC, 0),
    "modpnone": (K, KeId.NONE, 0),
    **{f"modp{n}": (K, KeId[f"MODP_{n}"], 0) for n in (768, 1024, 1536, 2048, 3072, 4096, 6144, 8192)},
    "modp1024s160": (K, KeId.MODP_1024_160, 0),
    "modp2048s224": (K, KeId.MODP_2048_224, 0),
    "modp2048s256": (K, KeId.MODP_2048_256, 0),
    **{f"ecp{n}": (K, KeId[f"ECP_{n}"], 0) for n in (192, 224, 256, 384, 521)},
    **{f"ecp{n}bp": (K, KeId[f"BRAINPOOL_{n}"], 0) for n in (256, 384, 512)},
    **dict.fromkeys(("curve25519", "x25519"), (K, KeId.CURVE_25519, 0)),
    **dict.fromkeys(("curve448", "x448"), (K, KeId.CURVE_448, 0)),
    "mlkem768": (K, KeId.ML_KEM_768, 0),
    "mlkem1024": (K, KeId.ML_KEM_1024, 0),
    "esn": (TransformType.ESN, EsnId.ESN, 0),
    "noesn": (TransformType.ESN, EsnId.NO_ESN, 0),
}


def refused(text: str, protocol: Protocol = Protocol.IKE, version: int = 0) -> str:
    with pytest.raises(ValueError) as caught:
        parse_proposal(text, protocol, version)
    return str(caught.value)


def text(words: str, protocol: Protocol = Protocol.IKE, version: int = 0) -> str:
    return proposal_text(parse_proposal(words, protocol, version))


def test_the_words_are_strongswans_and_mean_the_same() -> None:
    ours = {w: (k.transform.type, k.transform.id, k.transform.key_length) for w, k in KEYWORDS.items()}
    assert ours == STRONGSWAN
    assert set(known_keywords()) == set(STRONGSWAN)


def test_every_row_has_a_word_and_no_word_stands_in_two_rows() -> None:
    rows = [*encr.ROWS, *integ.ROWS, *prf.ROWS, *ke.ROWS]
    assert all(row.keywords for row in rows)
    patterns = [word for row in rows for word in row.keywords]
    assert len(patterns) == len(set(patterns))


def test_proposals_are_spelt_as_charon_logs_them() -> None:
    assert text("aes128-sha256-modp2048") == "AES_CBC_128/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_2048"
    assert text("aes256gcm16-prfsha384-ecp384bp") == "AES_GCM_16_256/PRF_HMAC_SHA2_384/ECP_384_BP"
    assert text("3des-md5-modp1024") == "3DES_CBC/HMAC_MD5_96/PRF_HMAC_MD5/MODP_1024"
    assert text("aes128gmac-esn", Protocol.ESP) == "NULL_AES_GMAC_128/EXT_SEQ"
    assert text("chacha20poly1305-x25519", Protocol.ESP) == "CHACHA20_POLY1305/CURVE_25519/NO_EXT_SEQ"
    assert (
        text("x25519-ke1_mlkem768-ke1_none-aes256-sha384-ke2_mlkem1024")
        == "AES_CBC_256/HMAC_SHA2_384_192/PRF_HMAC_SHA2_384/CURVE_25519/"
        "KE1_ML_KEM_768/KE1_KE_NONE/KE2_ML_KEM_1024"
    )
    both = [parse_proposal("aes128-sha1-modp1024", Protocol.IKE), parse_proposal("null-sha1", Protocol.ESP)]
    assert proposals_text(both) == (
        "IKE:AES_CBC_128/HMAC_SHA1_96/PRF_HMAC_SHA1/MODP_1024, ESP:NULL/HMAC_SHA1_96/NO_EXT_SEQ"
    )


def test_what_a_peer_sends_and_nobody_knows_is_spelt_too() -> None:
    odd = Proposal(
        Protocol.IKE,
        (
            Transform(TransformType.KE, 9999),
            Transform(TransformType.ENCR, 4711, 64),
            Transform(TransformType(77), 3),
        ),
    )
    assert proposal_text(odd) == "UNKNOWN_4711_64/UNKNOWN_9999/UNKNOWN_77_3"


def test_the_order_of_kinds_does_not_matter_and_that_within_a_kind_does() -> None:
    one = parse_proposal("aes256-aes128-sha512-sha256-modp2048-modp3072", Protocol.IKE)
    other = parse_proposal("modp2048-sha512-aes256-modp3072-sha256-aes128", Protocol.IKE)
    assert one == other
    assert one != parse_proposal("aes128-aes256-sha512-sha256-modp2048-modp3072", Protocol.IKE)


def test_a_word_said_twice_counts_once() -> None:
    twice = parse_proposal("aes128-aes-sha1-sha-modp1024-modp1024", Protocol.IKE)
    assert twice == parse_proposal("aes128-sha1-modp1024", Protocol.IKE)


def test_the_prf_follows_from_the_integrity_algorithms_unless_it_is_said() -> None:
    assert text("aes128-sha1-sha512-x25519").endswith("PRF_HMAC_SHA1/PRF_HMAC_SHA2_512/CURVE_25519")
    assert text("aes128-sha1-prfsha512-x25519").endswith("/HMAC_SHA1_96/PRF_HMAC_SHA2_512/CURVE_25519")
    assert text("aes128-aescmac-x25519") == "AES_CBC_128/AES_CMAC_96/PRF_AES128_CMAC/CURVE_25519"


def test_integrity_beside_an_aead_gives_the_prf_and_is_dropped() -> None:
    assert text("aes128gcm16-sha256-x25519") == "AES_GCM_16_128/PRF_HMAC_SHA2_256/CURVE_25519"


def test_a_prf_in_esp_is_dropped_and_noesn_is_meant() -> None:
    assert text("aes128-sha1-prfsha1", Protocol.ESP) == "AES_CBC_128/HMAC_SHA1_96/NO_EXT_SEQ"
    assert text("aes128-sha1-esn-noesn", Protocol.ESP) == "AES_CBC_128/HMAC_SHA1_96/EXT_SEQ/NO_EXT_SEQ"


def test_modpnone_makes_pfs_optional_in_esp_and_counts_for_nothing_in_ike() -> None:
    optional = parse_proposal("aes128-sha1-modp1024-modpnone", Protocol.ESP)
    assert [t.id for t in optional.of_type(K)] == [KeId.MODP_1024, KeId.NONE]
    assert match(optional, parse_proposal("aes128-sha1", Protocol.ESP)) is not None
    assert "needs a key exchange method" in refused("aes128-sha1-modpnone")


@pytest.mark.parametrize(
    ("words", "protocol", "reason"),
    [
        ("", Protocol.IKE, "the proposal is empty"),
        ("-", Protocol.IKE, "the proposal is empty"),
        ("aes128--sha1", Protocol.IKE, "an algorithm is missing"),
        ("aes128-sha1-", Protocol.ESP, "an algorithm is missing"),
        ("sha1-modp1024", Protocol.IKE, "an IKE proposal needs an encryption algorithm"),
        ("aes128-modp1024", Protocol.IKE, "'aes128' needs an integrity algorithm"),
        ("aes128-prfsha1-modp1024", Protocol.IKE, "'aes128' needs an integrity algorithm"),
        ("aes128gcm16-modp1024", Protocol.IKE, "an IKE proposal needs a prf"),
        ("aes128-sha1", Protocol.IKE, "an IKE proposal needs a key exchange method"),
        ("aes128-aes128gcm16-sha1-modp1024", Protocol.IKE, "separate them by a comma"),
        ("aes128-aes128gcm16-sha1", Protocol.ESP, "separate them by a comma"),
        ("aes128", Protocol.ESP, "'aes128' needs an integrity algorithm"),
        ("null", Protocol.ESP, "'null' needs an integrity algorithm"),
        ("sha1", Protocol.ESP, "an ESP proposal needs an encryption algorithm"),
        ("modp1024", Protocol.AH, "an AH proposal needs an integrity algorithm"),
        ("aes128-sha1", Protocol.AH, "'aes128' cannot be used in an AH proposal"),
        ("null-sha1-modp1024", Protocol.IKE, "'null' cannot be used in an IKE proposal"),
        ("aes128-sha256_96-modp1024", Protocol.IKE, "'sha256_96' cannot be used in an IKE proposal"),
        ("aes128-sha1-modp1024-esn", Protocol.IKE, "'esn' cannot be used in an IKE proposal"),
        ("aes128-sha1-modp1024-ke1_sha1", Protocol.IKE, "'sha1' is not a key exchange method"),
        ("aes128-sha1-modp1024-ke8_mlkem768", Protocol.IKE, "'ke8_mlkem768' is not a known algorithm"),
        ("aes128-sha1-modp1024-ke1_", Protocol.IKE, "'' is not a known algorithm"),
    ],
)
def test_what_cannot_be_a_proposal_is_refused_with_its_reason(
    words: str, protocol: Protocol, reason: str
) -> None:
    assert reason in refused(words, protocol)


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("ase128", "aes128"),
        ("AES256", "aes256"),
        ("sha257", "sha256"),
        ("modp2049", "modp2048"),
        ("aes256-gcm16"[:6] + "_gcm16", "aes256gcm16"),
        ("curve2519", "curve25519"),
        ("mlkem786", "mlkem768"),
    ],
)
def test_a_misspelt_word_is_named_with_the_nearest_known_ones(wrong: str, meant: str) -> None:
    said = refused(f"aes128-sha1-{wrong}")
    assert said.startswith(f"'{wrong}' is not a known algorithm; did you mean ")
    assert meant in said.partition("did you mean ")[2].rstrip("?").split(" or ")


def test_a_misspelt_method_behind_a_prefix_is_named_too() -> None:
    assert "did you mean mlkem768" in refused("aes128-sha1-x25519-ke1_mlkem867")


def test_what_looks_like_nothing_gets_no_suggestion_and_a_long_word_is_cut() -> None:
    assert refused("qqqqqqqq") == "'qqqqqqqq' is not a known algorithm"
    assert len(refused("q" * 100_000)) < 100


@pytest.mark.parametrize("word", sorted(UNSUPPORTED))
def test_strongswans_other_words_are_refused_with_why(word: str) -> None:
    assert word not in KEYWORDS
    assert refused(f"{word}-sha1-modp1024") == f"'{word}' is not supported: {UNSUPPORTED[word]}"


def test_ikev1_refuses_what_its_phase_1_cannot_carry() -> None:
    assert refused("aes128gcm16-prfsha1-modp1024", version=1).endswith("cannot be used in an IKEv1 proposal")
    assert "IKEv1 has no additional key exchanges" in refused("aes128-sha1-x25519-ke1_mlkem768", version=1)
    assert refused("aes128-sha1-mlkem768", Protocol.ESP, 1) == "'mlkem768' cannot be used with IKEv1"
    assert text("aes128gcm16-x25519", Protocol.ESP, 1) == "AES_GCM_16_128/CURVE_25519/NO_EXT_SEQ"
    assert text("aes128-sha1-modp1024", version=1) == text("aes128-sha1-modp1024", version=2)
    assert text("aes128gcm16-prfsha1-modp1024", version=2)


def test_the_defaults_are_strongswans() -> None:
    """Names and order as strongSwan logs them for ``proposals = default``, less what cygnet lacks."""
    classic, aead = default_proposals(Protocol.IKE, 2)
    assert proposal_text(classic).startswith(
        "AES_CBC_128/AES_CBC_192/AES_CBC_256/AES_CTR_128/AES_CTR_192/AES_CTR_256/"
        "CAMELLIA_CBC_128/CAMELLIA_CBC_192/CAMELLIA_CBC_256/3DES_CBC/"
        "HMAC_SHA2_256_128/HMAC_SHA2_384_192/HMAC_SHA2_512_256/HMAC_SHA1_96/AES_XCBC_96/AES_CMAC_96/"
        "PRF_HMAC_SHA2_256/PRF_HMAC_SHA2_384/PRF_HMAC_SHA2_512/PRF_AES128_XCBC/PRF_AES128_CMAC/PRF_HMAC_SHA1/"
    )
    assert proposal_text(aead).startswith("AES_GCM_16_128/AES_GCM_16_192/AES_GCM_16_256/")
    assert proposals_text(default_proposals(Protocol.ESP)) == (
        "ESP:AES_GCM_16_128/AES_GCM_16_192/AES_GCM_16_256/NO_EXT_SEQ, "
        "ESP:AES_CBC_128/AES_CBC_192/AES_CBC_256/HMAC_SHA2_256_128/HMAC_SHA2_384_192/HMAC_SHA2_512_256/"
        "HMAC_SHA1_96/AES_XCBC_96/NO_EXT_SEQ"
    )
    assert proposals_text(default_proposals(Protocol.AH)) == (
        "AH:HMAC_SHA2_256_128/HMAC_SHA2_384_192/HMAC_SHA2_512_256/HMAC_SHA1_96/AES_XCBC_96/NO_EXT_SEQ"
    )


def test_no_default_has_md5_des_a_group_below_2048_bits_or_one_of_rfc_5114() -> None:
    weak = {KeId.MODP_768, KeId.MODP_1024, KeId.MODP_1536, KeId.ECP_192, KeId.ECP_224}
    weak |= {KeId.MODP_1024_160, KeId.MODP_2048_224, KeId.MODP_2048_256}
    for protocol, version in ((Protocol.IKE, 1), (Protocol.IKE, 2), (Protocol.ESP, 2), (Protocol.AH, 2)):
        for proposal in default_proposals(protocol, version):
            assert not {t.id for t in proposal.of_type(K)} & weak
            assert "MD5" not in proposal_text(proposal)


def test_the_defaults_of_ikev1_are_what_its_phase_1_can_carry() -> None:
    (only,) = default_proposals(Protocol.IKE, 1)
    uses = {k.transform: k.use for k in KEYWORDS.values()}
    assert all(uses[t] & Use.IKEV1 for t in only.transforms if t.type != P)


def test_supported_tells_what_a_peer_may_offer() -> None:
    assert supported(Transform(E, EncrId.AES_CBC, 128))
    assert supported(Transform(TransformType.AKE3, KeId.ML_KEM_768))
    assert not supported(Transform(E, EncrId.AES_CBC, 0))
    assert not supported(Transform(K, KeId.ML_KEM_512))


@pytest.mark.parametrize("word", sorted(STRONGSWAN))
def test_every_word_is_spelt_without_a_surprise(word: str) -> None:
    spelt = transform_text(KEYWORDS[word].transform)
    assert "UNKNOWN" not in spelt and spelt == spelt.upper() and " " not in spelt
