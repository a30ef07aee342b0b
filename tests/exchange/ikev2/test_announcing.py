"""What ends tell each other that they can and cannot: RFC 9593, RFC 7427, RFC 7296 §1.3.1 and §2.3."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cygnet.boundary.events import Rekey
from cygnet.boundary.specs import Direction
from cygnet.engine.ikev2 import announced, child_terms
from cygnet.engine.ikev2.features import SIGNATURE_HASHES, Features
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.model.config import Settings
from cygnet.testing.pair import Host, Pair
from cygnet.wire.header import ExchangeType
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType as N
from tests.exchange.ikev2.story import matching, plane, tunnel


def up(announcing: bool = False, **changes: Any) -> Pair:
    settings = Settings(announce_auth_methods=announcing)
    left, right = (replace(config, settings=settings) for config in tunnel(**changes))
    pair = Pair(left, right)
    pair.left.up("oregon")
    pair.run(5)
    matching(pair)
    return pair


def inside(host: Host) -> IkeSaV2:
    sa = next(iter(host.engine._registry.ike_sas.values()))
    assert isinstance(sa, IkeSaV2)
    return sa


def said(host: Host, part: str) -> bool:
    return any(part in line for line in host.lines())


def test_methods_are_announced_where_that_is_asked_for() -> None:
    # <-- IKE_SA_INIT {..., N(SUPPORTED_AUTH_METHODS)}   --> IKE_AUTH {..., N(SUPPORTED_AUTH_METHODS)}
    pair = up(announcing=True)
    assert any("parsed IKE_SA_INIT response" in line and "N(SUP_AUTH)" in line for line in pair.left.lines())
    assert any("parsed IKE_AUTH request" in line and "N(SUP_AUTH)" in line for line in pair.right.lines())
    assert not said(pair.left, "peer announces") and not said(pair.right, "peer announces")
    assert not any(said(h, "SUP_AUTH") for h in up().hosts)


@pytest.mark.parametrize("data", [b"\x03\x00\x01", b"\x02\x0d", b"\x03\x00\x01\x07\x00\x0e\x30\x00\x01\x02"])
def test_a_method_of_ours_that_is_not_announced_is_tried_and_the_log_warns(
    data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announced, "offer", lambda sa: [NotifyPayload(N.SUPPORTED_AUTH_METHODS, data)])
    pair = up()
    for host in pair.hosts:
        assert said(host, "and not SHARED_KEY, by which we authenticate: it may refuse us")


@pytest.mark.parametrize("data", [b"\x00", b"\x05\x01", b"\x01" * 200])
def test_a_broken_list_of_methods_is_ignored(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announced, "offer", lambda sa: [NotifyPayload(N.SUPPORTED_AUTH_METHODS, data)])
    assert all(said(h, "ignoring the peer's list of authentication methods") for h in up().hosts)


def test_the_hashes_for_signatures_are_understood() -> None:
    pair = up()
    for host in pair.hosts:
        assert inside(host).peer.signature_hashes == SIGNATURE_HASHES


def learned(*notifies: NotifyPayload) -> Features:
    features = Features()
    features.learn(Message(bytes(8), bytes(8), ExchangeType.IKE_AUTH, 1, True, False, notifies))
    return features


def test_a_larger_window_is_accepted_and_not_used() -> None:
    assert learned(NotifyPayload(N.SET_WINDOW_SIZE, (16).to_bytes(4))).window == 16
    assert learned(NotifyPayload(N.SET_WINDOW_SIZE, b"\x10")).window == 1


def test_eap_only_and_multiple_authentication_are_noted() -> None:
    features = learned(NotifyPayload(N.EAP_ONLY_AUTHENTICATION), NotifyPayload(N.MULTIPLE_AUTH_SUPPORTED))
    assert features.eap_only and features.multiple_auth


def test_who_cannot_take_tfc_padding_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    # <-- IKE_AUTH without a word: padded; <-- CREATE_CHILD_SA {..., N(ESP_TFC_PADDING_NOT_SUPPORTED)}: not
    pair = up(child={"tfc_padding": 1000})
    assert padding(pair.left) == [1000]
    answer = child_terms.answer_payloads

    def without_tfc(*args: Any, **keywords: Any) -> Any:
        return [*answer(*args, **keywords), NotifyPayload(N.ESP_TFC_PADDING_NOT_SUPPORTED)]

    monkeypatch.setattr(child_terms, "answer_payloads", without_tfc)
    pair.left.handle(Rekey(pair.left.ref(), "{1}"))
    pair.run(12)
    matching(pair)
    assert padding(pair.left) == [0] and padding(pair.right) == [1000]


def padding(host: Host) -> list[int]:
    return [s.tfc_padding for s in plane(host).sas.values() if s.direction is Direction.OUT]
