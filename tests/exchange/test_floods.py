"""First messages in other people's names: what they cost is bounded, and a real peer gets through."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address

import pytest

from cygnet.boundary.effects import Outcome, Send
from cygnet.boundary.events import Configure, Datagram, Initiate
from cygnet.boundary.notices import Log
from cygnet.engine.engine import Engine
from cygnet.engine.half_open import BEFORE_COOKIES, MOST_OF_ONE, MOST_STRANGERS
from cygnet.engine.ikev1.greylist import FROM, MOST, Greylist
from cygnet.engine.services import Services
from cygnet.model.config import Config, IkeVersion, Settings
from cygnet.testing.builders import FAR, OREGON, connection, psk
from cygnet.testing.entropy import SeededEntropy
from cygnet.testing.network import Faults
from cygnet.testing.pair import Pair
from cygnet.values.endpoint import Endpoint
from cygnet.wire.header import ExchangeType

SUITE = {"ike": "aes128-sha256-curve25519", "esp": "aes128gcm16"}
RATE = 3000  #: a second


def gateway(version: IkeVersion, **settings: object) -> Pair:
    """left may begin; right answers anybody."""
    near = connection(remote=FAR, version=version, **SUITE)
    far = connection(local=FAR, remote="%any", remote_ts="10.31.0.0/16", local_ts="10.77.0.0/16",
                     remote_id="%any", version=version, **SUITE)  # fmt: skip
    right = Config((far,), (psk(),), settings=Settings(**settings))  # type: ignore[arg-type]
    return Pair(Config((near,), (psk(),)), right, faults=Faults(delay=0.05), nat=False)


def first_message(version: IkeVersion) -> bytes:
    """Of somebody whom nobody knows."""
    scratch = gateway(version)
    scratch.left.up("oregon")
    return scratch.datagrams()[0]


def spoofed(count: int, message: bytes, begin: int = 1) -> Iterator[Datagram]:
    for n in range(begin, begin + count):
        source = Endpoint(ip_address(0x0B00_0000 + n), 500)
        yield Datagram(Endpoint.of(FAR), source, n.to_bytes(8) + message[8:])


def flood(pair: Pair, seconds: float, message: bytes, begin: int = 1, times: int = 1) -> list[Log]:
    """``RATE`` a second, ``times`` of the same sender in a row; what is said about them."""
    lines: list[Log] = []
    for datagram in spoofed(int(RATE * seconds / times), message, begin):
        for _ in range(times):
            pair.run(1 / RATE)
            before = len(pair.right.logs)
            pair.right.handle(datagram)
            lines += pair.right.logs[before:]
    return lines


def test_a_flood_of_main_mode_is_remembered_and_not_answered() -> None:
    pair, message = gateway(IkeVersion.V1), first_message(IkeVersion.V1)
    lines = flood(pair, 1.0, message)
    assert pair.right.snapshot.half_open == FROM
    assert all(line.stranger or line.ike_uid is None for line in lines)


def test_a_real_ikev1_peer_comes_through_a_flood_with_its_first_retransmission() -> None:
    pair, message = gateway(IkeVersion.V1), first_message(IkeVersion.V1)
    flood(pair, 0.2, message)
    ref = pair.left.up("oregon")
    flood(pair, 4.6, message, begin=10_000)
    assert pair.left.finished[ref].outcome is Outcome.OK


def test_who_says_everything_twice_fills_no_more_than_there_is_room_for() -> None:
    pair, message = gateway(IkeVersion.V1), first_message(IkeVersion.V1)
    flood(pair, 1.5, message, times=2)
    assert pair.right.snapshot.half_open == MOST_STRANGERS
    assert len(pair.right.engine._services.timers._at) <= MOST_STRANGERS + 10
    ref = pair.left.up("oregon")
    for n in range(12):  # its retransmissions come, and stay for the third of a second that it takes
        flood(pair, 1.0, message, begin=100_000 * (n + 1), times=2)
        if ref in pair.left.finished:
            break
    assert pair.left.finished[ref].outcome is Outcome.OK
    assert pair.right.snapshot.half_open <= MOST_STRANGERS


def test_the_memory_of_first_messages_is_bounded() -> None:
    services = Services(Config(), SeededEntropy("grey"))
    grey = services.part(Greylist)
    for n in range(3 * MOST):
        grey.passes(n.to_bytes(8), ip_address(n))
    assert len(grey._seen) + len(grey._before) <= 2 * MOST
    assert grey.passes((3 * MOST - 1).to_bytes(8), ip_address(3 * MOST - 1))


def test_a_flood_of_ikev2_is_asked_for_cookies() -> None:
    pair, message = gateway(IkeVersion.V2), first_message(IkeVersion.V2)
    lines = flood(pair, 1.0, message)
    assert pair.right.snapshot.half_open == Settings().cookie_threshold
    assert all(line.stranger or line.ike_uid is None for line in lines)
    ref = pair.left.up("oregon")
    flood(pair, 1.0, message, begin=10_000)
    assert pair.left.finished[ref].outcome is Outcome.OK


def test_what_follows_a_missing_cookie_is_not_read_and_may_be_anything() -> None:
    pair, message = gateway(IkeVersion.V2, cookie_threshold=1), first_message(IkeVersion.V2)
    junk = message.replace(b"\0\0\0\x08", b"\0\0\0\xff")
    for n, data in enumerate((message, message, junk, message[:60], message[:28] + b"\0\0\0\4" * 9000)):
        header = n.to_bytes(8, "little") + data[8:24] + len(data).to_bytes(4)
        pair.right.handle(Datagram(Endpoint.of(FAR), Endpoint.of("11.0.0.1"), b"x" + header[1:] + data[28:]))
    assert pair.right.snapshot.half_open == 1


def test_refused_proposals_of_strangers_make_lines_that_can_be_left_out() -> None:
    pair = gateway(IkeVersion.V2)
    message = first_message(IkeVersion.V2)
    other = connection(
        local=FAR, remote="%any", remote_id="%any", version=IkeVersion.V2, ike="aes256-sha512-ecp384"
    )
    pair.right.handle(Configure(replace(pair.right.config, connections=(other,))))
    before = len(pair.right.logs)
    for datagram in spoofed(3, message):
        pair.right.handle(datagram)
    said = [line for line in pair.right.logs[before:] if line.group == "CFG"]
    assert said and all(line.stranger for line in said)


def half_open_from_one_address(pair: Pair, count: int) -> int:
    """First messages of one host, with the cookie where one is asked for; how many were taken."""
    for n in range(count):
        engine = Engine(pair.left.config, SeededEntropy(f"one of many {n}"))
        engine.handle(Configure(pair.left.config), 0.0)
        effects = engine.handle(Initiate(1, "oregon"), 0.0)
        for _ in range(2):
            request = next((e for e in effects if isinstance(e, Send)), None)
            if request is None:
                break
            before = len(pair.right.effects)
            pair.right.handle(Datagram(request.remote, request.local, request.data))
            answers = [e.data for e in pair.right.effects[before:] if isinstance(e, Send)]
            effects = [
                e for d in answers for e in engine.handle(Datagram(request.local, request.remote, d), 0.1)
            ]
            effects = [e for e in effects if isinstance(e, Send) and e.data[18] == ExchangeType.IKE_SA_INIT]
    return pair.right.snapshot.half_open


def test_an_address_that_shows_its_cookie_is_not_cut_off_at_five() -> None:
    pair = gateway(IkeVersion.V2)
    assert half_open_from_one_address(pair, 20) == 20
    assert sum("N(COOKIE)" in line for line in pair.right.lines()) >= 20 - BEFORE_COOKIES


@pytest.mark.parametrize("limit", [3, 5])
def test_a_block_threshold_that_was_written_is_a_hard_limit(limit: int) -> None:
    pair = gateway(IkeVersion.V2, block_threshold=limit)
    assert half_open_from_one_address(pair, 20) == limit


def test_without_dos_protection_there_is_no_block_threshold() -> None:
    pair = gateway(IkeVersion.V2, block_threshold=3, dos_protection=False)
    assert half_open_from_one_address(pair, 20) == 20


def test_one_address_can_begin_only_so_much_however_many_cookies_it_shows() -> None:
    pair = gateway(IkeVersion.V2)
    half_open = pair.right.engine._registry.half_open
    for uid in range(MOST_OF_ONE):
        half_open.begin(-uid, ip_address(OREGON), proven=True)
    ref = pair.left.up("oregon")
    pair.run(1.0)
    assert ref not in pair.left.finished
    assert any("peer too aggressive" in line for line in pair.right.lines())
