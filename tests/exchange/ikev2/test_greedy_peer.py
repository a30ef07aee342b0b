"""A peer that is who it says it is, and asks for more than anybody needs: what we hold for it is bounded.

``ask`` sends requests of the right's that its own engine would never make.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from cygnet.boundary.events import Datagram, Rekey
from cygnet.crypto import ke
from cygnet.engine.ikev2.proposals import ike_proposals
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.ikev2.tasks import child_create
from cygnet.testing.pair import Host, Pair
from cygnet.values.iana import KeId
from cygnet.wire.header import ExchangeType
from cygnet.wire.ikev2.ke import KePayload
from cygnet.wire.ikev2.nonce import NoncePayload
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType
from cygnet.wire.ikev2.payload import Payload
from cygnet.wire.ikev2.sa import SaPayload
from cygnet.wire.ikev2.ts import TsIPayload, TsRPayload
from tests.exchange.ikev2.story import tunnel


def up() -> Pair:
    pair = Pair(*tunnel())
    pair.left.up("oregon")
    pair.run(5)
    return pair


def engine_sa(host: Host) -> IkeSaV2:
    sa = next(iter(host.engine._registry.ike_sas.values()))
    assert isinstance(sa, IkeSaV2)
    return sa


def ask(asking: Host, asked: Host, exchange: ExchangeType, *payloads: Payload) -> None:
    """The next request of ``asking``'s first IKE_SA; nothing but these payloads."""
    channel, there = engine_sa(asking).exchanges.channel, engine_sa(asked)
    request = channel.message(exchange, there.exchanges.window.peer_next, False, [*payloads])
    for data in channel.encode(request)[0]:
        asked.handle(Datagram(there.local, there.remote, data))


def test_one_new_ike_sa_of_the_peers_at_a_time() -> None:
    # --> CREATE_CHILD_SA {SA, Ni, KEi}, which the right never answers
    # <-- CREATE_CHILD_SA {SA, Ni, KEi}, again and again    --> N(TEMPORARY_FAILURE)
    pair = up()
    pair.network.filter = lambda source, destination, data: None
    pair.left.handle(Rekey(pair.left.ref(), "oregon[1]"))
    right = engine_sa(pair.right)
    for number in range(1, 11):
        proposal = replace(ike_proposals(right.connection)[0], spi=number.to_bytes(8))
        mine = ke.initiate(KeId.CURVE_25519, right.services.entropy.bytes)
        payloads = SaPayload((proposal,)), NoncePayload(bytes(32)), KePayload(mine.method, mine.public)
        ask(pair.right, pair.left, ExchangeType.CREATE_CHILD_SA, *payloads)
    assert len(pair.left.ike_sas) == 3  # the old one, ours, the peer's
    assert any("the peer has done so already" in line for line in pair.left.lines())


def test_one_path_at_a_time_is_tested_for_a_peer_that_moves_incessantly() -> None:
    # --> INFORMATIONAL {N(UPD_SA_ADDR)}, again and again; the left never answers N(COOKIE2)
    pair = up()
    pair.network.filter = lambda source, destination, data: None
    for _ in range(20):
        update = NotifyPayload(NotifyType.UPDATE_SA_ADDRESSES)
        ask(pair.left, pair.right, ExchangeType.INFORMATIONAL, update)
    assert len(pair.right.ike_sas[0].tasks_active) == len(pair.right.ike_sas[0].tasks_queued) == 1


def test_no_more_child_sas_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    # --> CREATE_CHILD_SA {SA, Ni, TSi, TSr}, again and again    <-- N(NO_ADDITIONAL_SAS)
    monkeypatch.setattr(child_create, "MAX_CHILDREN", 3)
    pair = up()
    child = pair.left.installed()[0]
    assert child.proposal is not None
    pair.network.filter = lambda source, destination, data: None
    for number in range(1, 11):
        proposal = replace(child.proposal, spi=number.to_bytes(4))
        selectors = TsIPayload(child.local_ts), TsRPayload(child.remote_ts)
        payloads = SaPayload((proposal,)), NoncePayload(bytes(32)), *selectors
        ask(pair.left, pair.right, ExchangeType.CREATE_CHILD_SA, *payloads)
    assert len(pair.right.installed()) == 3
    assert any("N(NO_ADD_SAS)" in line for line in pair.right.lines())


def test_one_replacement_of_the_peers_at_a_time_while_we_rekey_the_same_child_sa() -> None:
    # --> CREATE_CHILD_SA {N(REKEY_SA), ...}, which the right never answers
    # <-- CREATE_CHILD_SA {N(REKEY_SA), ...}, again and again    --> N(TEMPORARY_FAILURE)
    pair = up()
    (child,) = pair.right.installed()
    assert child.proposal is not None
    pair.network.filter = lambda source, destination, data: None
    pair.left.handle(Rekey(pair.left.ref(), "oregon{1}"))
    rekeyed = NotifyPayload(NotifyType.REKEY_SA, b"", child.proposal.protocol, child.spi_in.to_bytes(4))
    for number in range(1, 6):
        proposal = replace(child.proposal, spi=number.to_bytes(4))
        selectors = TsIPayload(child.local_ts), TsRPayload(child.remote_ts)
        payloads = rekeyed, SaPayload((proposal,)), NoncePayload(bytes(32)), *selectors
        ask(pair.right, pair.left, ExchangeType.CREATE_CHILD_SA, *payloads)
    assert len(engine_sa(pair.left).children) == 3  # the old one, ours, the peer's
    assert sum("is being rekeyed by both ends" in line for line in pair.left.lines()) == 4
