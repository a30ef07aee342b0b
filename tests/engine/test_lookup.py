"""Which connection a negotiation belongs to, among thousands: the short way finds what the long one does."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from cygnet.engine.lookup import among, by_address, by_identity
from cygnet.engine.services import Services
from cygnet.model.config import Config, Connection, IkeVersion
from cygnet.testing.builders import FAR, OREGON, connection
from cygnet.testing.entropy import SeededEntropy
from cygnet.values.endpoint import Endpoint
from cygnet.values.identity import Identity

HERE, THERE = Endpoint.of(FAR).address, Endpoint.of(OREGON).address
WANTED = (
    "@a.example",
    "@A.Example",
    "@b.example",
    "*.example",
    "@*.example",
    "%any",
    "10.0.0.1",
    "@#6162",
    "a@example",
)


def services_with(*connections: Connection) -> Services:
    return Services(Config(connections), SeededEntropy("lookup"))


def wanting(name: str, identity: str) -> Connection:
    made = connection(name, local=FAR, remote=OREGON, version=IkeVersion.V2)
    return replace(made, remote=(replace(made.remote[0], id=Identity.parse(identity)),))


@pytest.mark.parametrize("seed", range(30))
def test_the_short_way_to_an_identity_finds_what_the_long_one_does(seed: int) -> None:
    chance = random.Random(seed)
    connections = [wanting(f"c{n}", chance.choice(WANTED)) for n in range(40)]
    services = services_with(*connections)
    candidates = chance.sample(connections, 30)
    for word in WANTED:
        if "*" not in word:
            identity = Identity.parse(word)
            found = by_identity(among(services, candidates, identity), None, identity)
            assert found == by_identity(candidates, None, identity), f"seed {seed}"


def test_the_best_of_them_is_the_first_in_the_file() -> None:
    services = services_with(*(wanting(f"c{n}", "@a.example") for n in range(5)))
    identity = Identity.parse("@a.example")
    candidates = by_address(services, HERE, THERE, 2)
    assert by_identity(among(services, candidates, identity), None, identity)[0].name == "c0"


def test_what_two_addresses_mean_is_kept_until_something_changes() -> None:
    named = connection("named", local=FAR, remote="oregon.example", version=IkeVersion.V2)
    services = services_with(named)
    assert by_address(services, HERE, THERE, 2) == []
    services.resolve("oregon.example", (THERE,))
    assert by_address(services, HERE, THERE, 2) == [named]
    other = connection("other", local=FAR, remote=OREGON, version=IkeVersion.V2)
    services.load(Config((other,)))
    assert by_address(services, HERE, THERE, 2) == [other]
    assert by_address(services, HERE, THERE, 1) == []


def test_no_more_is_kept_than_a_few_answers() -> None:
    services = services_with(connection("any", local=FAR, remote="%any", version=IkeVersion.V2))
    for n in range(1_000):
        by_address(services, HERE, Endpoint.of(f"10.9.{n // 250}.{n % 250}").address, 2)
    assert len(services.connections.between) <= 64
