"""AUTH_LIFETIME (RFC 4478): the gateway says how long its authentication lasts, the client repeats it."""

from __future__ import annotations

from dataclasses import replace

from cygnet.testing.pair import Pair
from tests.exchange.ikev2.story import matching, tunnel


def test_the_client_reauthenticates_before_the_gateways_time_is_over() -> None:
    left, right = tunnel(rekey_time=0, reauth_time=0, over_time=20)
    gateway = replace(right.connections[0], reauth_time=100, over_time=30, rand_time=0)
    pair = Pair(left, replace(right, connections=(gateway,)))
    pair.left.up("oregon")
    pair.run(5)
    first = pair.left.established()[0].spi_i
    assert any("N(AUTH_LFT)" in line for line in pair.right.lines())
    assert "received AUTH_LIFETIME of 130s, scheduling reauthentication in 110s" in pair.left.lines()
    pair.run(115)
    matching(pair)
    assert pair.left.established()[0].spi_i != first
