"""Certificates that run out are told of in the log and in status, over weeks, each time once."""

from __future__ import annotations

from dataclasses import replace

from cygnet.boundary.events import ClockSet, Configure
from cygnet.control.render.status import status
from cygnet.testing.pair import Host, Pair
from tests.certs import NOW, authority
from tests.exchange.certified import World, key_file, world

DAY = 86400


def expiring(days: float, **options: int) -> World:
    of = world()
    of.left = of.left_cas[0].issues(
        "oregon", names=["DNS:oregon.example.org"], until=int(NOW + days * DAY), **options
    )
    return of


def told(host: Host) -> list[str]:
    return [line for line in host.lines(0) if "put a new one there" in line]


def days_of(pair: Pair, days: float) -> None:
    pair.run(days * DAY)


def test_thirty_seven_and_one_day_before_and_when_it_is_too_late() -> None:
    pair = expiring(40).pair()
    days_of(pair, 9.9)
    assert told(pair.left) == []
    days_of(pair, 0.2)
    assert told(pair.left) == [
        "the certificate 'CN=oregon' (own) expires in 30 days, on 2027-02-24; "
        "put a new one there, then 'cygnet rereadall'"
    ]
    days_of(pair, 22)
    assert len(told(pair.left)) == 1
    days_of(pair, 1)
    assert "expires in 7 days" in told(pair.left)[1]
    days_of(pair, 6)
    assert "expires in 24 hours" in told(pair.left)[2]
    days_of(pair, 0.8)
    assert len(told(pair.left)) == 3
    days_of(pair, 0.2)
    assert "expired 0 seconds ago" in told(pair.left)[3] or "expired 1 second ago" in told(pair.left)[3]
    days_of(pair, 60)
    assert len(told(pair.left)) == 4
    assert told(pair.right) == []


def test_at_a_start_in_the_last_week_it_is_told_once_and_a_reload_does_not_repeat_it() -> None:
    pair = expiring(5).pair()
    pair.run(1)
    assert len(told(pair.left)) == 1 and "expires in 5 days" in told(pair.left)[0]
    pair.left.handle(Configure(pair.left.config))
    days_of(pair, 3)
    assert len(told(pair.left)) == 1
    text = "\n".join(status(pair.left.snapshot))
    assert "Certificates to renew:\n  the certificate 'CN=oregon' (own) expires in 47 hours" in text


def test_one_that_was_replaced_is_told_of_no_more() -> None:
    of = expiring(5)
    pair = of.pair()
    pair.run(1)
    of.left = of.left_cas[0].issues("oregon", names=["DNS:oregon.example.org"])
    ours, _ = of.configs()
    pair.left.handle(Configure(ours))
    days_of(pair, 20)
    assert len(told(pair.left)) == 1
    assert not pair.left.snapshot.expiring


def test_a_ca_counts_and_a_certificate_that_nothing_uses_does_not() -> None:
    of = world(root=authority("Root", until=NOW + 3 * DAY))
    stray = authority("Stray", until=NOW + DAY).issues("stray", until=NOW + DAY)
    ours, theirs = of.configs()
    ours = replace(
        ours,
        certificates=(
            *ours.certificates,
            replace(ours.certificates[0], der=stray.certificate.der, source="x"),
        ),
        keys=(*ours.keys, key_file(stray)),
    )
    pair = Pair(ours, theirs, unix=NOW)
    pair.run(1)
    (line,) = told(pair.left)
    assert line.startswith("the CA certificate 'CN=Root' (cacert) expires in 3 days")


def test_a_certificate_of_a_week_is_not_called_old_when_it_is_new() -> None:
    pair = expiring(6, since=NOW - DAY).pair()
    days_of(pair, 4.9)
    assert told(pair.left) == []
    days_of(pair, 0.2)
    assert "expires in 24 hours" in told(pair.left)[0]


def test_a_machine_that_learns_the_time_after_its_start_judges_by_it() -> None:
    pair = expiring(40).pair()
    pair.left.handle(ClockSet(0.0))
    days_of(pair, 100)
    assert told(pair.left) == []
    pair.left.handle(ClockSet(NOW + 35 * DAY - pair.now))
    assert "expires in 5 days" in told(pair.left)[0]
    days_of(pair, 6)
    assert "expires in 24 hours" in told(pair.left)[1] and "expired" in told(pair.left)[2]
