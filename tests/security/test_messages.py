"""Messages that brought other suites down, sent by a peer that has the keys (or has none)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from cygnet.boundary.events import Rekey
from cygnet.engine.ikev1.exchange import Exchange, Exchanges
from cygnet.engine.ikev1.keys import Phase1Keys
from cygnet.engine.ikev1.task import Outgoing
from cygnet.model.config import Config
from cygnet.testing.network import Faults
from cygnet.testing.pair import Pair
from cygnet.values.iana import IdType, Protocol
from cygnet.values.identity import Identity
from cygnet.wire.header import ExchangeType
from cygnet.wire.ikev1.delete import Delete
from cygnet.wire.ikev1.identification import Id
from cygnet.wire.ikev2 import sealing
from cygnet.wire.ikev2.chain import encode_chain
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType
from cygnet.wire.ikev2.payload import Payload
from tests.exchange.ikev1.stories import up as up_v1
from tests.exchange.ikev2.story import matching, tunnel

Change = Callable[[Exchange, list[Any]], list[Any]]


def lying_v1(monkeypatch: pytest.MonkeyPatch, change: Change) -> None:
    honest = Exchanges._transmit

    def transmit(self: Exchanges, exchange: Exchange, outgoing: Outgoing, expect: bool) -> None:
        payloads = change(exchange, list(outgoing.payloads))
        honest(self, exchange, replace(outgoing, payloads=payloads), expect)

    monkeypatch.setattr(Exchanges, "_transmit", transmit)


def comes_up_again(pair: Pair) -> None:
    pair.run(400)
    ref = pair.left.up("oregon")
    assert pair.run(60, lambda: ref in pair.left.finished)
    pair.run(2)
    assert pair.left.installed() and pair.right.installed()


@pytest.mark.parametrize("protocol", [0, 1, 2, 7, 255])
def test_a_rekeying_of_an_odd_protocol_is_refused(protocol: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """CVE-2023-38710: REKEY_SA for protocol 0 or 1."""

    def odd(payloads: Sequence[Payload]) -> bytes:
        return encode_chain(
            [
                replace(p, protocol=Protocol(protocol))
                if isinstance(p, NotifyPayload) and p.kind == NotifyType.REKEY_SA
                else p
                for p in payloads
            ]
        )

    pair = Pair(*tunnel())
    pair.left.up("oregon")
    pair.run(5)
    matching(pair)
    with monkeypatch.context() as patch:
        patch.setattr(sealing, "encode_chain", odd)
        pair.left.handle(Rekey(pair.left.ref(), "oregon{*}"))
        pair.run(5)
    assert pair.right.established()
    comes_up_again(pair)


@pytest.mark.parametrize(
    ("kind", "data"),
    [(IdType.FQDN, b"x.example.org"), (IdType.DER_ASN1_DN, b""), (IdType.KEY_ID, b"")],
)
def test_a_quick_mode_identity_that_is_no_network_is_refused(
    kind: IdType, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CVE-2023-38711: a name where Quick Mode wants an address."""

    def names(exchange: Exchange, payloads: list[Any]) -> list[Any]:
        if exchange.type != ExchangeType.QUICK_MODE:
            return payloads
        return [Id(Identity(kind, data)) if isinstance(p, Id) else p for p in payloads]

    pair = up_v1()
    with monkeypatch.context() as patch:
        lying_v1(patch, names)
        pair.left.handle(Rekey(pair.left.ref(), "oregon{*}"))
        pair.run(20)
    comes_up_again(pair)


def test_an_ike_sa_that_is_deleted_twice_in_one_message_is_deleted_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """CVE-2023-38712: something that acts on the IKE_SA stands behind its own delete."""

    def twice(exchange: Exchange, payloads: list[Any]) -> list[Any]:
        return payloads * 2 if any(isinstance(p, Delete) for p in payloads) else payloads

    pair = up_v1()
    with monkeypatch.context() as patch:
        lying_v1(patch, twice)
        pair.left.down("oregon[]")
        pair.run(20)
    assert not pair.left.ike_sas
    comes_up_again(pair)


def test_an_informational_message_of_ikev1_without_the_right_hash_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """CVE-2019-10155: the integrity of informational exchanges was not looked at."""
    pair = up_v1()
    before = [(sa.spi_i, sa.spi_r) for sa in pair.right.ike_sas]
    right = Phase1Keys.phase_2_hash
    honest = Exchanges._transmit

    def wrong(keys: Phase1Keys, message_id: int, data: bytes) -> bytes:
        made = right(keys, message_id, data)
        return made[:-1] + bytes((made[-1] ^ 1,))

    def transmit(self: Exchanges, *args: Any) -> None:
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(Phase1Keys, "phase_2_hash", wrong)
            honest(self, *args)

    monkeypatch.setattr(Exchanges, "_transmit", transmit)
    pair.left.down("oregon[]")
    pair.run(5)
    assert [(sa.spi_i, sa.spi_r) for sa in pair.right.ike_sas] == before and pair.right.installed()


def test_a_conn_without_its_secret_survives_repetitions() -> None:
    """CVE-2024-2357: no secret is found for a conn with authby=secret, and the request comes again."""
    ours, theirs = tunnel()
    right = Config(theirs.connections, ())
    pair = Pair(ours, right, faults=Faults(delay=0.05, duplicate=0.5, drop=0.3))
    pair.left.up("oregon")
    pair.run(60)
    assert not pair.left.established() and not pair.right.established()
