"""A tunnel that is meant to be up comes up again, whatever kept it down, and stays single."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cygnet.boundary.events import Configure
from cygnet.boundary.notices import Alert
from cygnet.boundary.snapshot import WantedSnapshot
from cygnet.control.render.status import status
from cygnet.model.config import CloseAction, Config, Lifetime, StartAction, Unique
from cygnet.testing.builders import oregon, psk
from cygnet.testing.pair import Host, Pair
from cygnet.values.endpoint import Endpoint
from cygnet.wire.header import HEADER_LENGTH, NO_SPI, ExchangeType, Header
from tests.exchange.ikev2.story import tunnel

SUITE = {"ike": "aes128-sha256-curve25519", "esp": "aes128gcm16"}
VERSIONS = pytest.mark.parametrize("make", [oregon, tunnel], ids=["ikev1", "ikev2"])


def starting(make, child=None, **how) -> Pair:  # type: ignore[no-untyped-def]
    """Left has auto=start; right answers."""
    left, right = make(**SUITE, child={"start_action": StartAction.START, **(child or {})}, **how)
    children = tuple(replace(c, start_action=StartAction.NONE) for c in right.connections[0].children)
    passive = replace(right, connections=(replace(right.connections[0], children=children),))
    return Pair(left, passive, start=False)


def begin(pair: Pair, right: Config | None = None) -> None:
    if right is not None:
        pair.right.handle(Configure(right))
    pair.left.handle(Configure(Config(settings=pair.left.config.settings)))
    pair.left.handle(Configure(pair.left.config, start=True))


def logged(host: Host, text: str) -> bool:
    return any(text in line for line in host.lines())


def up(pair: Pair) -> bool:
    return all(len(h.installed()) == 1 and len(h.established()) == 1 for h in pair.hosts)


def wanted(host: Host) -> WantedSnapshot:
    (found,) = host.snapshot.wanted
    return found


@VERSIONS
def test_a_peer_whose_conn_is_loaded_late_is_called_again_until_it_answers(make) -> None:  # type: ignore[no-untyped-def]
    pair = starting(make)
    config = pair.right.config
    begin(pair, Config(secrets=config.secrets, settings=config.settings))
    pair.run(120)
    assert not up(pair)
    assert wanted(pair.left).down_since is not None and wanted(pair.left).failure
    assert any("auto=start, down for" in line for line in status(pair.left.snapshot))
    pair.right.handle(Configure(config))
    assert pair.run(40, lambda: up(pair))
    assert wanted(pair.left).down_since is None


@VERSIONS
def test_a_wrong_secret_that_is_mended_at_the_other_end_is_enough(make) -> None:  # type: ignore[no-untyped-def]
    pair = starting(make)
    config = pair.right.config
    begin(pair, replace(config, secrets=(psk("another one"),)))
    pair.run(60)
    assert not up(pair)
    pair.right.handle(Configure(config))
    assert pair.run(240, lambda: up(pair)), pair.left.lines()[-5:]


@VERSIONS
def test_traffic_flows_again_within_twelve_seconds_after_an_outage_of_any_length(make) -> None:  # type: ignore[no-untyped-def]
    for outage in (90.0, 400.0, 3_000.0, 40_000.0):
        pair = starting(
            make,
            dpd_delay=15.0,
            dpd_timeout=60.0,
            child={"dpd_action": CloseAction.START, "time": Lifetime(rekey=0, life=0)},
            reauth_time=0,
            rekey_time=0,
        )
        begin(pair)
        assert pair.run(20, lambda pair=pair: up(pair))  # type: ignore[misc]
        pair.network.filter = lambda s, d, data: None
        pair.run(outage)
        pair.network.filter = lambda s, d, data: data
        assert pair.run(12, lambda pair=pair: bool(pair.left.installed()) and bool(pair.right.installed())), (
            outage
        )  # type: ignore[misc]
        assert pair.run(200, lambda pair=pair: up(pair)), outage  # type: ignore[misc]


@VERSIONS
def test_a_user_who_takes_it_down_means_it(make) -> None:  # type: ignore[no-untyped-def]
    pair = starting(make)
    begin(pair)
    assert pair.run(20, lambda: up(pair))
    pair.left.down("oregon")
    pair.run(600)
    assert not pair.left.ike_sas and not pair.left.snapshot.wanted


@VERSIONS
def test_a_peer_that_closes_it_does_not_keep_it_down(make) -> None:  # type: ignore[no-untyped-def]
    pair = starting(make)
    begin(pair)
    assert pair.run(20, lambda: up(pair))
    pair.right.down("oregon")
    assert pair.run(10, lambda: not pair.left.installed())
    assert pair.run(20, lambda: up(pair))


@VERSIONS
def test_what_was_brought_up_by_hand_stays_closed_when_the_peer_closes_it(make) -> None:  # type: ignore[no-untyped-def]
    left, right = make(**SUITE, dpd_delay=15.0, child={"dpd_action": CloseAction.START})
    pair = Pair(left, right)
    pair.left.up("oregon")
    assert pair.run(20, lambda: up(pair))
    pair.right.down("oregon")
    pair.run(300)
    assert not pair.left.ike_sas and not pair.left.snapshot.wanted


@VERSIONS
def test_keyingtries_that_were_written_are_obeyed_and_the_record_says_so(make) -> None:  # type: ignore[no-untyped-def]
    pair = starting(make, keyingtries=2)
    connection = replace(pair.left.config.connections[0], keyingtries_written=True)
    pair.left.config = replace(pair.left.config, connections=(connection,))
    pair.right.vanish()
    begin(pair)
    pair.run(1_000)
    assert not pair.left.ike_sas
    assert wanted(pair.left).given_up == "keyingtries=2"
    assert any("no further try (keyingtries=2)" in line for line in status(pair.left.snapshot))


@VERSIONS
def test_an_up_tries_at_once_what_waits_for_its_next_try(make) -> None:  # type: ignore[no-untyped-def]
    pair = starting(make)
    config = pair.right.config
    begin(pair, Config(secrets=config.secrets, settings=config.settings))
    pair.run(200, lambda: wanted(pair.left).tries > 5)
    pair.right.handle(Configure(config))
    pair.left.up("oregon")
    assert pair.run(3, lambda: up(pair))


@VERSIONS
@pytest.mark.parametrize("conns", [1, 3])
def test_an_up_asks_a_silent_peer_at_once(make, conns: int) -> None:  # type: ignore[no-untyped-def]
    """The attempt that is under way, or that waits for another one's answer, sends its message again."""
    pair = starting(make)

    def several(config: Config) -> Config:
        found = [config.connections[0]]
        for n in range(1, conns):
            child = replace(found[0].children[0], name=f"c{n}")
            found.append(replace(found[0], name=f"c{n}", children=(child,)))
        return replace(config, connections=tuple(found))

    pair.left.config = several(pair.left.config)
    pair.network.filter = lambda s, d, data: None
    begin(pair)
    pair.run(63)
    sent = len(pair.network.log)
    pair.run(10, lambda: len(pair.network.log) > sent)  # the next one is seconds away
    pair.run(1.5)
    pair.network.filter = lambda s, d, data: data
    pair.left.up("oregon")
    assert pair.run(1, lambda: bool(pair.left.installed()))


def test_the_peer_of_a_wildcard_is_waited_for_and_not_called() -> None:
    left, right = tunnel(**SUITE, dpd_delay=15.0, child={"dpd_action": CloseAction.START})
    anybody = replace(
        right, connections=(replace(right.connections[0], remote_addrs=("%any",), unique=Unique.REPLACE),)
    )
    pair = Pair(left, anybody)
    pair.left.up("oregon")
    assert pair.run(20, lambda: up(pair))
    pair.network.filter = lambda s, d, data: None
    pair.run(1_000)
    assert not pair.right.ike_sas
    assert not any("unable to initiate to %any" in line for line in pair.right.lines())


@VERSIONS
def test_an_alert_is_told_once_and_again_after_it_was_well(make) -> None:  # type: ignore[no-untyped-def]
    pair = starting(make)
    config = pair.right.config
    wrong = replace(config, secrets=(psk("another one"),))

    def alerts() -> int:
        return sum(isinstance(e, Alert) and e.kind.startswith("peer-auth") for e in pair.right.effects)

    begin(pair, wrong)
    pair.run(600)
    assert alerts() == 1
    pair.right.handle(Configure(config))
    assert pair.run(240, lambda: up(pair))
    pair.left.down("oregon[]")
    pair.right.handle(Configure(wrong))
    pair.run(5)
    pair.left.up("oregon")
    pair.run(300)
    assert alerts() == 2


def half_begun(data: bytes) -> bool:
    """A message of a negotiation whose first message was answered; not of one that is established."""
    later = (ExchangeType.ID_PROT, ExchangeType.IKE_AUTH)
    if len(data) < HEADER_LENGTH:
        return False
    header = Header.decode(data)
    return header.exchange in later and (header.spi_r != NO_SPI)


@VERSIONS
def test_a_negotiation_that_the_peer_has_given_up_is_begun_anew(make) -> None:  # type: ignore[no-untyped-def]
    """The first message is answered, and then nothing passes for longer than a peer waits."""
    pair = starting(make)
    right = pair.network.public(pair.right.address)
    pair.network.filter = lambda s, d, data: None if s.address != right and half_begun(data) else data
    begin(pair)
    pair.run(33)
    assert logged(pair.right, "deleting half open IKE_SA") and not up(pair)
    pair.network.filter = lambda s, d, data: data
    assert pair.run(5, lambda: up(pair)), pair.left.lines()[-5:]


def test_one_that_has_inherited_a_child_is_begun_anew_as_well() -> None:
    """IKEv1: a reauthentication gets no further than its first answer. Meanwhile the peer closes the
    old IKE_SA, and the delete of the CHILD_SA is lost: that is left to the one that will never be."""
    lifetimes = {"reauth_time": 100, "rekey_time": 0, "over_time": 60, "rand_time": 0}
    pair = starting(oregon, **lifetimes)
    right = pair.network.public(pair.right.address)
    begin(pair)
    assert pair.run(20, lambda: up(pair))
    pair.network.filter = lambda s, d, data: None if s.address != right and half_begun(data) else data
    pair.run(200, lambda: logged(pair.left, "reauthenticating IKE_SA"))
    pair.run(2)
    before, seen = pair.network.filter, []

    def without_the_first(s: Endpoint, d: Endpoint, data: bytes) -> bytes | None:
        seen.append(data)
        return None if len(seen) == 1 else before(s, d, data)

    pair.network.filter = without_the_first
    pair.right.down("oregon")
    pair.run(31)
    assert pair.left.installed() and not pair.right.installed()
    pair.network.filter = lambda s, d, data: data
    assert pair.run(12, lambda: up(pair)), pair.left.lines()[-5:]
