"""Traffic selectors: what is inside, what is common, how they read."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.values.selector import OPAQUE, TrafficSelector, dynamic, narrow


def test_narrowing_takes_the_smaller_network() -> None:
    ours, theirs = TrafficSelector.of("10.0.0.0/8"), TrafficSelector.of("10.31.0.0/16")
    assert ours.narrow(theirs) == theirs
    assert theirs.narrow(ours) == theirs


def test_narrowing_takes_the_protocol_and_ports_that_one_side_names() -> None:
    web = TrafficSelector.of("10.31.0.0/16", 6, 80, 80)
    assert TrafficSelector.of("10.0.0.0/8").narrow(web) == web


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (TrafficSelector.of("10.0.0.0/16"), TrafficSelector.of("10.1.0.0/16")),
        (TrafficSelector.of("10.0.0.0/16", 6), TrafficSelector.of("10.0.0.0/16", 17)),
        (TrafficSelector.of("10.0.0.0/16", 6, 80, 80), TrafficSelector.of("10.0.0.0/16", 6, 443, 443)),
        (TrafficSelector.of("::/0"), TrafficSelector.of("0.0.0.0/0")),
        (TrafficSelector.of("::/0", 6, *OPAQUE), TrafficSelector.of("::/0", 6, 80, 80)),
    ],
)
def test_nothing_in_common_is_none(one: TrafficSelector, other: TrafficSelector) -> None:
    assert one.narrow(other) is None
    assert narrow([one], [other]) == ()


def test_several_selectors_narrow_to_every_common_part_without_repeats() -> None:
    ours = [TrafficSelector.of("10.0.0.0/8"), TrafficSelector.of("192.168.0.0/16")]
    theirs = [TrafficSelector.of("10.1.0.0/16"), TrafficSelector.of("0.0.0.0/0")]
    assert [str(t) for t in narrow(ours, theirs)] == ["10.0.0.0/8", "192.168.0.0/16"]


def test_a_dynamic_selector_takes_its_end_s_address() -> None:
    ts = dynamic(4, 6, 22, 22).set_address(ip_address("192.0.2.7"))
    assert str(ts) == "192.0.2.7/32[tcp/22]"
    assert not ts.dynamic


@pytest.mark.parametrize(
    ("selector", "text"),
    [
        (TrafficSelector.of("10.31.0.0/16"), "10.31.0.0/16"),
        (TrafficSelector(ip_address("10.0.0.1"), ip_address("10.0.0.6")), "10.0.0.1..10.0.0.6"),
        (TrafficSelector.of("10.0.0.1/32", 17, 53, 53), "10.0.0.1/32[udp/53]"),
        (TrafficSelector.of("10.0.0.1/32", 17), "10.0.0.1/32[udp]"),
        (TrafficSelector.of("2001:db8::/32", 6, 1000, 2000), "2001:db8::/32[tcp/1000-2000]"),
        (TrafficSelector.of("10.0.0.1/32", 6, *OPAQUE), "10.0.0.1/32[tcp/OPAQUE]"),
    ],
)
def test_a_selector_reads_as_status_shows_it(selector: TrafficSelector, text: str) -> None:
    assert str(selector) == text


@pytest.mark.parametrize("bad", [{"start_port": 70000}, {"protocol": 256}, {"end_port": -1}])
def test_what_cannot_be_encoded_cannot_be_made(bad: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="not in"):
        TrafficSelector(ip_address("10.0.0.1"), ip_address("10.0.0.1"), **bad)
    with pytest.raises(ValueError, match="not a range"):
        TrafficSelector(ip_address("10.0.0.2"), ip_address("10.0.0.1"))


addresses = st.integers(0, 255).map(lambda n: ip_address(f"10.0.0.{n}"))


@st.composite
def selectors(draw: st.DrawFn) -> TrafficSelector:
    low, high = sorted([draw(addresses), draw(addresses)])
    first, last = sorted([draw(st.integers(0, 20)), draw(st.integers(0, 20))])
    return TrafficSelector(low, high, draw(st.sampled_from([0, 6, 17])), first, last)


@given(selectors(), selectors(), addresses, st.sampled_from([6, 17, 47]), st.integers(0, 20))
def test_a_packet_is_in_the_narrowed_selector_exactly_when_it_is_in_both(
    one: TrafficSelector, other: TrafficSelector, address: object, protocol: int, port: int
) -> None:
    packet = (address, protocol, port)
    common = one.narrow(other)
    inside = common is not None and common.covers(*packet)  # type: ignore[arg-type]
    assert inside == (one.covers(*packet) and other.covers(*packet))  # type: ignore[arg-type]
