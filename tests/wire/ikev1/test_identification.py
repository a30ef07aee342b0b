"""ID payloads as traffic selectors (RFC 2407 §4.6.2)."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from cygnet.values.errors import PeerError
from cygnet.values.iana import IdType
from cygnet.values.identity import Identity
from cygnet.values.selector import TrafficSelector
from cygnet.wire.ikev1.identification import Id
from cygnet.wire.ikev1.numbers import Notify


@pytest.mark.parametrize(
    ("selector", "kind"),
    [
        (TrafficSelector.of("10.31.0.0/16"), IdType.IPV4_ADDR_SUBNET),
        (TrafficSelector.of("10.31.1.185/32"), IdType.IPV4_ADDR),
        (TrafficSelector.of("0.0.0.0/0"), IdType.IPV4_ADDR_SUBNET),
        (TrafficSelector.of("10.0.0.0/8", 6, 80, 80), IdType.IPV4_ADDR_SUBNET),
        (TrafficSelector.of("2001:db8::/32"), IdType.IPV6_ADDR_SUBNET),
        (TrafficSelector.of("2001:db8::1/128", 17), IdType.IPV6_ADDR),
        (TrafficSelector(ip_address("10.0.0.1"), ip_address("10.0.0.9")), IdType.IPV4_ADDR_RANGE),
        (TrafficSelector(ip_address("2001:db8::1"), ip_address("2001:db8::9")), IdType.IPV6_ADDR_RANGE),
    ],
    ids=str,
)
def test_a_selector_becomes_an_id_and_the_same_selector_again(
    selector: TrafficSelector, kind: IdType
) -> None:
    id = Id.of_selector(selector)
    assert id.identity.type == kind
    assert id.selector() == selector
    assert str(id) == str(selector)


def test_a_range_of_ports_becomes_any_port_since_ikev1_has_no_words_for_it() -> None:
    id = Id.of_selector(TrafficSelector.of("10.0.0.0/8", 6, 80, 90))
    assert id.port == 0


@pytest.mark.parametrize(
    "identity",
    [
        Identity(IdType.FQDN, b"moon"),
        Identity(IdType.IPV4_ADDR_SUBNET, bytes.fromhex("0a000000ff00ff00")),
        Identity(IdType.IPV4_ADDR_RANGE, bytes.fromhex("0a0000090a000001")),
    ],
)
def test_what_is_no_range_of_addresses_is_invalid_id_information(identity: Identity) -> None:
    with pytest.raises(PeerError) as caught:
        Id(identity).selector()
    assert caught.value.notify == Notify.INVALID_ID_INFORMATION


def test_host_bits_beside_the_mask_are_ignored() -> None:
    id = Id(Identity(IdType.IPV4_ADDR_SUBNET, bytes.fromhex("0a1f01b9ffff0000")))
    assert id.selector() == TrafficSelector.of("10.31.0.0/16")
