"""What loads, but is likely not what was meant."""

from __future__ import annotations

import pytest

from cygnet.config.keywords.foreign import ALGORITHMS
from cygnet.config.lookalikes import lookalike
from cygnet.crypto.keywords import known_keywords
from tests.config.reading import errors, loaded, one, warnings

OFF = "without effect: dpdaction=none, so the peer is never asked (clear, hold, restart do)"

ADVICE = {
    "left=10.0.0.1/24": "5:10: left: this is the network 10.0.0.0/24; for the address write 10.0.0.1",
    "right=2001:db8::1/64;auto=add": "4:11: right: this is the network 2001:db8::/64; for the address write "
    "2001:db8::1",
    "rightsubnet=10.77.0.0": "6:17: rightsubnet: 10.77.0.0 without a mask is that one address only, not a "
    "network",
    "rightsubnet=10.1.0.0/16,fd00::[tcp]": "6:17: rightsubnet: fd00:: without a mask is that one address "
    "only, not a network",
    "leftsubnet=10.1.0.0/16,10.2.0.0/16;rightsubnet=10.2.0.0/16": "7:17: rightsubnet: 10.2.0.0/16 is on both "
    "ends: what is in it would never leave this one",
    "dpddelay=30s": f"6:14: dpddelay: {OFF}",
    "dpdtimeout=30s": f"6:16: dpdtimeout: {OFF}",
    "leftauth=psk;rightauth=psk": "4:12: authby: without effect: leftauth or rightauth is set",
    "keyexchange=ikev1;childless=force": "7:15: childless: without effect: only IKEv2 has it",
    "keyexchange=ikev2;ppk_id=@hub": "7:12: ppk_id: ipsec.secrets has no such key; '@hub : PPK ...' would "
    "be it",
    "right=%bogus;auto=add": "4:11: right: taken for a host 'bogus', in whose place any other may come; the "
    "words with a % are %any, %any4, %any6, %defaultroute",
    "right=%Any;auto=add": "4:11: right: taken for a host 'Any', in whose place any other may come; the "
    "words with a % are %any, %any4, %any6, %defaultroute; did you mean '%any'?",
    "left=%gw1,192.0.2.7": "5:10: left: taken for a host 'gw1', in whose place any other may come; the "
    "words with a % are %any, %any4, %any6, %defaultroute",
    "rekey=no;lifetime=1h": "7:14: lifetime: without effect: rekey=no takes every lifetime away, as in "
    "strongSwan",
}


@pytest.mark.parametrize("settings", ADVICE)
def test_advice_is_given_and_the_conn_loads(settings: str) -> None:
    found = one(settings)
    assert warnings(found) == [ADVICE[settings]]
    assert len(found.config.connections) == 1


@pytest.mark.parametrize(
    "settings",
    [
        "left=10.0.0.0/24",
        "left=10.0.0.1",
        "right=%gw.example.com",
        "right=%2001:db8::1",
        "right=%192.0.2.1,gw",
        "left=gw;leftallowany=yes",
        "left=%any",
        "left=%defaultroute",
        "rightsubnet=10.77.0.1",
        "rightsubnet=10.77.0.0/32",
        "rightsubnet=0.0.0.0/0;leftsubnet=0.0.0.0/0",
        "type=pass;rightsubnet=10.2.0.0/16;leftsubnet=10.2.0.0/16",
        "leftsubnet=%dynamic;rightsubnet=%dynamic",
        "dpddelay=30s;dpdaction=clear",
        "rekey=no",
    ],
)
def test_what_is_right_gets_no_advice(settings: str) -> None:
    assert warnings(one(settings)) == []


def test_advice_is_given_beside_errors_too() -> None:
    found = one("authby=rsasig;right=%bogus")
    assert [w.keyword for w in found.warnings] == ["right"] and [e.keyword for e in found.errors] == [
        "authby"
    ]


def test_what_many_inherit_is_mentioned_once() -> None:
    conns = "".join(f"conn c{n}\n  right=192.0.2.{n}\n" for n in range(1, 50))
    found = loaded("conn %default\n  authby=psk\n  auto=add\n  dpddelay=30s\n" + conns)
    assert [w.place.line for w in found.warnings] == [4]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("ike=aes256,sha256,modp2048", "aes256-sha256-modp2048"),
        ("ike=aes256-sha256;dh14", "aes256-sha256-modp2048"),
        ("ike=aes256/sha2_256/group19", "aes256-sha256-ecp256"),
        ("ike=AES256-SHA1-MODP1024", "aes256-sha1-modp1024"),
        ("ike=3des-md5-dh2!", "3des-md5-modp1024"),
        ("esp=aes_gcm256", "aes256gcm16"),
        ("esp=aes256 sha1", "aes256-sha1"),
    ],
)
def test_a_proposal_written_as_elsewhere_is_answered_with_ours(written: str, meant: str) -> None:
    key, _, value = written.partition("=")
    found = loaded(
        f'conn x\n  right=192.0.2.1\n  authby=psk\n  auto=add\n  {key}="{value.replace(";", ";")}"\n'
    )
    assert errors(found)[0].endswith(f"; did you mean '{meant}'?")


def test_what_algorithms_are_called_elsewhere_leads_to_words_that_exist() -> None:
    known = {*known_keywords(), *(f"ke1_{word}" for word in known_keywords())}
    assert {word for word in ALGORITHMS.values() if word not in known} == set()


def test_a_character_that_only_looks_like_a_blank_or_quote_is_pointed_at() -> None:
    found = one("leftid=\N{LEFT DOUBLE QUOTATION MARK}gw\N{RIGHT DOUBLE QUOTATION MARK}")
    (warning,) = warnings(found)
    assert warning.startswith("6:12: leftid: there is a typographic quote (U+201C) in this setting")
    assert lookalike("plain") == "" and lookalike("ä") == ""
    assert "U+2013" in warnings(one("esp=aes128\N{EN DASH}sha1"))[0]
