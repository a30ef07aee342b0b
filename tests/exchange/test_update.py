"""Another configuration under a tunnel that is up (COMPATIBILITY with strongSwan's update, made better)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cygnet.boundary.events import Configure
from cygnet.crypto.keywords import parse_proposal
from cygnet.engine.configure import Change, changes
from cygnet.model.config import Config, Connection, IkeVersion
from cygnet.testing import Pair, oregon
from cygnet.testing.pair import Host
from cygnet.values.iana import Protocol

VERSIONS = [IkeVersion.V1, IkeVersion.V2]


def tunnel(version: IkeVersion) -> Pair:
    pair = Pair(*oregon(version), seed="update")
    pair.left.up("oregon")
    assert pair.run(10, lambda: bool(pair.left.installed() and pair.right.installed()))
    pair.run(1)
    return pair


def update(host: Host, **fields: object) -> None:
    host.handle(Configure(with_fields(host.config, **fields)))


def with_fields(config: Config, **fields: object) -> Config:
    connection: Connection = config.connections[0]
    esp = fields.pop("esp", None)
    if esp is not None:
        proposals = (parse_proposal(str(esp), Protocol.ESP),)
        fields["children"] = (replace(connection.children[0], proposals=proposals),)
    return replace(config, connections=(replace(connection, **fields),))  # type: ignore[arg-type]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_same_configuration_again_changes_nothing(version: IkeVersion) -> None:
    pair = tunnel(version)
    sent = len(pair.datagrams())
    pair.left.handle(Configure(pair.left.config))
    pair.run(5)
    assert len(pair.datagrams()) == sent
    assert [s.uid for s in pair.left.ike_sas] == [1]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_changed_timer_is_taken_over_without_a_message(version: IkeVersion) -> None:
    pair = tunnel(version)
    sent = len(pair.datagrams())
    update(pair.left, dpd_delay=7.0, keyingtries=9)
    assert len(pair.datagrams()) == sent
    (sa,) = pair.left.ike_sas
    assert (sa.uid, sa.state) == (1, "ESTABLISHED")


@pytest.mark.parametrize("version", VERSIONS)
def test_other_terms_for_a_tunnel_that_is_up_replace_it_and_never_leave_two(version: IkeVersion) -> None:
    pair = tunnel(version)
    update(pair.right, esp="aes256-sha256")  # both ends at the same time, as an operator does
    update(pair.left, esp="aes256-sha256")
    assert pair.run(30, lambda: bool(pair.left.installed() and pair.right.installed()))
    pair.run(30)
    for host in pair.hosts:
        names = {t.name for c in host.installed() for t in (c.proposal.transforms if c.proposal else ())}
        assert "AES_CBC_256" in names and "AES_CBC_128" not in names, names
    assert len(pair.left.established()) == len(pair.right.established())


@pytest.mark.parametrize("version", VERSIONS)
def test_a_connection_that_is_gone_leaves_its_tunnel_running_as_an_orphan(version: IkeVersion) -> None:
    pair = tunnel(version)
    pair.left.handle(Configure(replace(pair.left.config, connections=())))
    (sa,) = pair.left.ike_sas
    assert (sa.state, sa.orphan) == ("ESTABLISHED", True)


def test_changes_names_what_differs_and_how() -> None:
    before, _ = oregon()
    assert list(changes(before, before)) == []
    assert list(changes(before, Config())) == [("oregon", Change.REMOVED)]
    assert list(changes(Config(), before)) == [("oregon", Change.ADDED)]
    assert list(changes(before, with_fields(before, dpd_delay=5.0))) == [("oregon", Change.IN_PLACE)]
    assert list(changes(before, with_fields(before, esp="aes256-sha256"))) == [("oregon", Change.REPLACED)]
