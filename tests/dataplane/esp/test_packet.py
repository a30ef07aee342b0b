"""ESP packets against scapy, an implementation that shares nothing with ours."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6
from scapy.layers.ipsec import ESP, SecurityAssociation

from cygnet.boundary.specs import SaSpec
from cygnet.dataplane.drops import Drop
from cygnet.dataplane.esp.packet import open, seal
from cygnet.dataplane.esp.sa import InboundSa, OutboundSa
from cygnet.values.proposal import Transform
from tests.dataplane.packets import (
    CBC,
    CHACHA,
    CTR,
    GCM,
    MD5,
    NULL,
    SHA1,
    SHA256,
    SUITES,
    TRIPLE_DES,
    mirror,
    pair,
    ping,
    suite_name,
)  # fmt: skip

Suite = tuple[Transform, Transform | None]

#: ours -> scapy's names
SCAPY: list[tuple[Suite, str, str | None]] = [
    ((GCM, None), "AES-GCM", None),
    ((CHACHA, None), "CHACHA20-POLY1305", None),
    ((CBC, SHA256), "AES-CBC", "SHA2-256-128"),
    ((CBC, SHA1), "AES-CBC", "HMAC-SHA1-96"),
    ((CTR, SHA256), "AES-CTR", "SHA2-256-128"),
    ((NULL, SHA256), "NULL", "SHA2-256-128"),
    ((TRIPLE_DES, MD5), "3DES", "HMAC-MD5-96"),
]
NAMES = [suite_name(suite) for suite, _, _ in SCAPY]


def scapy_sa(spec: SaSpec, crypt: str, auth: str | None) -> Any:
    return SecurityAssociation(
        ESP,
        spi=spec.spi,
        crypt_algo=crypt,
        crypt_key=spec.encr_key.reveal(),
        auth_algo=auth,
        auth_key=spec.integ_key.reveal() if auth else None,
        tunnel_header=IP(src="192.0.2.1", dst="198.51.100.7"),
        esn_en=spec.esn,
        esn=0,
    )


@pytest.mark.parametrize(("suite", "crypt", "auth"), SCAPY, ids=NAMES)
def test_scapy_opens_what_we_seal(suite: Suite, crypt: str, auth: str | None) -> None:
    spec = pair(*suite).out
    sealed = seal(OutboundSa(spec), ping(), 4)
    assert sealed is not None
    outer = IP(src="192.0.2.1", dst="198.51.100.7", proto=50) / ESP(sealed)
    assert bytes(scapy_sa(spec, crypt, auth).decrypt(IP(bytes(outer)))) == ping()


@pytest.mark.parametrize("six", [False, True], ids=["ipv4", "ipv6"])
@pytest.mark.parametrize(("suite", "crypt", "auth"), SCAPY, ids=NAMES)
def test_we_open_what_scapy_seals(suite: Suite, crypt: str, auth: str | None, six: bool) -> None:
    spec = pair(*suite).out
    packet = ping("fd01::5", "fd02::9") if six else ping()
    sealed = scapy_sa(spec, crypt, auth).encrypt((IPv6 if six else IP)(packet))
    opened = open(InboundSa(mirror(spec)), bytes(sealed[ESP]))
    # scapy counts the hop limit down, as a router does: the last bytes are the same.
    assert not isinstance(opened, Drop)
    assert opened[0][40:] == packet[40:]
    assert opened[1] == (41 if six else 4)


@pytest.mark.parametrize("suite", SUITES, ids=suite_name)
@pytest.mark.parametrize("esn", [False, True], ids=["32-bit", "esn"])
def test_every_length_comes_back(suite: Suite, esn: bool) -> None:
    spec = pair(*suite, esn=esn).out
    out, into = OutboundSa(spec), InboundSa(mirror(spec))
    for length in (*range(40), 1399, 1400, 1401):
        payload = bytes(range(256)) * 6
        sealed = seal(out, payload[:length], 4)
        assert sealed is not None
        assert open(into, sealed) == (payload[:length], 4)


@pytest.mark.parametrize("suite", SUITES, ids=suite_name)
def test_a_changed_bit_anywhere_is_noticed(suite: Suite) -> None:
    spec = pair(*suite).out
    sealed = seal(OutboundSa(spec), ping(), 4)
    assert sealed is not None
    for at in range(4, len(sealed)):  # the SPI is what the SA was found by
        changed = bytearray(sealed)
        changed[at] ^= 0x10
        assert open(InboundSa(mirror(spec)), bytes(changed)) in (Drop.FORGED, Drop.REPLAYED)


@pytest.mark.parametrize("suite", SUITES, ids=suite_name)
def test_every_truncation_is_refused(suite: Suite) -> None:
    spec = pair(*suite).out
    sealed = seal(OutboundSa(spec), ping(), 4)
    assert sealed is not None
    for length in range(len(sealed)):
        assert isinstance(open(InboundSa(mirror(spec)), sealed[:length]), Drop)


def test_a_forged_packet_does_not_move_the_window() -> None:
    spec = pair().out
    out, into = OutboundSa(spec), InboundSa(mirror(spec))
    first, second = seal(out, ping(), 4), seal(out, ping(), 4)
    assert first
    assert second
    forged = second[:-1] + bytes((second[-1] ^ 1,))
    assert open(into, forged) is Drop.FORGED
    assert into.replay.highest == 0
    assert not isinstance(open(into, first), Drop)
    assert open(into, first) is Drop.REPLAYED
    assert not isinstance(open(into, second), Drop)


def test_extended_numbers_go_over_2_to_the_32_and_old_ones_stop_there() -> None:
    last = (1 << 32) - 1
    long, short = OutboundSa(pair(esn=True).out), OutboundSa(pair().out)
    into = InboundSa(mirror(pair(esn=True).out))
    into.replay.accept(last - 1)
    long.sequence = short.sequence = last - 1
    for expected in (last, last + 1, last + 2):
        sealed = seal(long, ping(), 4)
        assert sealed is not None
        assert not isinstance(open(into, sealed), Drop)
        assert into.replay.highest == expected
    assert seal(short, ping(), 4) is not None
    assert short.spent
    assert seal(short, ping(), 4) is None


def test_traffic_flow_padding_makes_all_packets_equally_long() -> None:
    spec = replace(pair().out, tfc_padding=500)
    out = OutboundSa(spec)
    lengths = {len(seal(out, ping(size=size), 4) or b"") for size in (10, 100, 400)}
    assert len(lengths) == 1
    # RFC 4303 §2.7: what follows the packet's own length is the filler.
    opened = open(InboundSa(mirror(spec)), seal(out, ping(), 4) or b"")
    assert not isinstance(opened, Drop)
    assert opened[0] == ping() + bytes(500 - len(ping()))


def test_the_largest_packet_for_a_path_fills_it_and_no_more() -> None:
    for suite in SUITES:
        for encap in (True, False):
            sa = OutboundSa(pair(*suite, encap=encap).out, mtu=1500)
            overhead = 20 + (8 if encap else 0)
            assert len(seal(sa, bytes(sa.inner_limit), 4) or b"") + overhead <= 1500
            assert len(seal(sa, bytes(sa.inner_limit + 1), 4) or b"") + overhead > 1500
