"""Nothing comes before the proof: what an end may do before the other one has authenticated itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cygnet.engine.ikev2.task import Draft
from cygnet.engine.ikev2.tasks.ike_auth import IkeAuth
from cygnet.model.config import AuthMethod, AuthRound
from cygnet.testing.builders import psk
from cygnet.testing.pair import Pair
from cygnet.values.iana import Protocol
from cygnet.values.identity import Identity
from cygnet.wire.header import ExchangeType, Header
from cygnet.wire.ikev2.delete import DeletePayload
from cygnet.wire.ikev2.ke import KePayload
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.nonce import NoncePayload
from cygnet.wire.ikev2.payload import Payload
from cygnet.wire.ikev2.sa import SaPayload
from tests.certs import NOW
from tests.exchange.certified import world


def first_payloads(pair: Pair) -> list[Payload]:
    """SA, KE and nonce of the first message: what rekeys an IKE_SA, too."""
    data = pair.datagrams()[0]
    message = Message.decode(data, Header.decode(data))
    return [message.need(kind) for kind in (SaPayload, KePayload, NoncePayload)]


@pytest.mark.parametrize("what", ["rekey", "delete", "nothing", "intermediate", "rekey as IKE_AUTH"])
def test_nothing_but_authentication_is_taken_before_it(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """CVE-2014-2338: an IKE_SA rekeyed before it was authenticated counted as established."""
    pair = world().pair()

    def build(self: IkeAuth) -> Draft:
        payloads = first_payloads(pair)
        return {
            "rekey": Draft(ExchangeType.CREATE_CHILD_SA, payloads),
            "delete": Draft(ExchangeType.INFORMATIONAL, [DeletePayload(Protocol.IKE)]),
            "nothing": Draft(ExchangeType.INFORMATIONAL, []),
            "intermediate": Draft(ExchangeType.IKE_INTERMEDIATE, payloads),
            "rekey as IKE_AUTH": Draft(ExchangeType.IKE_AUTH, payloads),
        }[what]

    monkeypatch.setattr(IkeAuth, "build", build)
    pair.left.up("oregon")
    for _ in range(50):
        pair.run(0.2)
        for host in pair.hosts:
            assert not host.established() and not host.installed()
            assert not [sa for sa in host.ike_sas if sa.state == "ESTABLISHED"]


def test_the_responder_is_held_against_the_conn_before_our_next_round() -> None:
    """CVE-2015-4171: the user's proof went to whoever had any certificate of the CA."""
    user = Identity.parse("@user.example")
    secret = psk("of the user", "@user.example", "CN=far", "CN=oregon", "CN=near")

    def story(expected: str) -> Pair:
        ours, theirs = world().configs()
        (one,), (two,) = ours.connections, theirs.connections
        second = AuthRound(AuthMethod.PSK, user)
        wanted = replace(one.remote[0], id=Identity.parse(expected))
        one = replace(one, local=(*one.local, second), remote=(wanted,))
        two = replace(two, remote=(*two.remote, second))
        pair = Pair(
            replace(ours, connections=(one,), secrets=(secret,)),
            replace(theirs, connections=(two,), secrets=(secret,)),
            unix=NOW,
        )
        pair.left.up("oregon")
        pair.run(20)
        return pair

    def asked(pair: Pair) -> int:
        return sum("generating IKE_AUTH request" in line for line in pair.left.lines())

    pair = story("CN=far")
    assert pair.left.established() and asked(pair) == 2
    pair = story("CN=near")
    assert not pair.left.established() and not pair.right.established()
    assert asked(pair) <= 1 and not any("user.example" in line for line in pair.right.lines())
