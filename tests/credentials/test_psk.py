"""Which secret is taken for which two ends (strongSwan's rules)."""

from __future__ import annotations

import itertools
import random
from ipaddress import ip_address

import pytest

from cygnet.credentials.psk import find_psk, find_shared, keyring
from cygnet.model.config import SecretKind, SharedSecret
from cygnet.values.iana import IdType
from cygnet.values.identity import ANY, Identity
from cygnet.values.secret import Secret

US, THEM, OTHER = ip_address("192.0.2.1"), ip_address("192.0.2.2"), ip_address("192.0.2.9")
EAST, WEST = Identity.parse("@east"), Identity.parse("@west")


def entry(owners: str, secret: str, kind: SecretKind = SecretKind.PSK) -> SharedSecret:
    return SharedSecret(
        kind, tuple(Identity.parse(o) for o in owners.split()), Secret(secret.encode()), name=secret
    )


def chosen(secrets: list[SharedSecret], local: Identity | None, remote: Identity | None) -> str | None:
    found = find_psk(secrets, local, remote, US, THEM)
    return found.reveal().decode() if found else None


def test_the_secret_of_both_ends_beats_that_of_everybody_and_that_beats_our_own_ends() -> None:
    secrets = [entry("", "everybody"), entry("192.0.2.1", "us"), entry("192.0.2.1 192.0.2.2", "both")]
    assert chosen(secrets, None, None) == "both"
    assert chosen(secrets[::-1], None, None) == "both"
    assert chosen(secrets[:2], None, None) == "everybody"
    assert chosen(secrets[1:2], None, None) == "us"


def test_a_better_fit_of_the_other_end_counts_more_than_one_of_our_own() -> None:
    assert chosen([entry("@east", "ours"), entry("@west", "theirs")], EAST, WEST) == "theirs"


def test_an_exact_owner_beats_a_wildcard_and_a_wildcard_beats_any() -> None:
    road = Identity.parse("carol@example.org")
    secrets = [
        entry("%any", "any"),
        entry("@@*@example.org", "domain"),
        entry("@@carol@example.org", "carol"),
    ]
    assert chosen(secrets, EAST, road) == "carol"
    assert chosen(secrets[:2], EAST, road) == "domain"
    assert chosen(secrets[:1], EAST, road) == "any"


def test_of_two_that_fit_equally_the_first_written_wins() -> None:
    assert chosen([entry("@west", "first"), entry("@west", "second")], EAST, WEST) == "first"


def test_addresses_are_tried_where_the_identities_have_no_secret() -> None:
    secrets = [entry("192.0.2.1 192.0.2.2", "by address")]
    assert chosen(secrets, EAST, WEST) == "by address"
    assert chosen([*secrets, entry("@east @west", "by name")], EAST, WEST) == "by name"


@pytest.mark.parametrize("unknown", [None, ANY])
def test_an_end_that_is_not_known_yet_is_taken_to_be_its_address(unknown: Identity | None) -> None:
    assert chosen([entry("@west", "name"), entry("192.0.2.2", "address")], None, unknown) == "address"


def test_nothing_that_fits_is_none() -> None:
    assert chosen([entry("192.0.2.9", "stranger")], None, None) is None
    assert chosen([], EAST, WEST) is None


def test_a_secret_of_another_kind_is_not_a_psk() -> None:
    secrets = [entry("", "password", SecretKind.EAP), entry("", "ppk", SecretKind.PPK)]
    assert chosen(secrets, EAST, WEST) is None


def test_eap_and_ppk_secrets_are_found_by_their_own_identity() -> None:
    secrets = [
        entry("carol", "carols password", SecretKind.EAP),
        entry("dave", "daves password", SecretKind.EAP),
        entry("group1", "quantum", SecretKind.PPK),
    ]
    carol = find_shared(secrets, SecretKind.EAP, Identity.parse("carol"))
    assert carol is not None and carol.reveal() == b"carols password"
    ppk = find_shared(secrets, SecretKind.PPK, Identity.parse("group1"))
    assert ppk is not None and ppk.reveal() == b"quantum"
    assert find_shared(secrets, SecretKind.PPK, Identity.parse("group2")) is None


def test_a_ten_thousand_entry_file_has_its_last_entry_found() -> None:
    secrets = [entry(f"@host{i}", f"secret{i}") for i in range(10_000)]
    assert chosen(secrets, EAST, Identity.parse("@host9999")) == "secret9999"
    assert find_psk(secrets, None, None, US, OTHER) is None


def test_names_fit_whatever_their_case_and_key_ids_only_as_they_are() -> None:
    secrets = [entry("@East.Example", "name"), entry("@#4142", "key id")]
    assert chosen(secrets, None, Identity.parse("@eAST.example")) == "name"
    assert chosen(secrets, None, Identity(IdType.KEY_ID, b"AB")) == "key id"
    assert chosen(secrets, None, Identity(IdType.KEY_ID, b"ab")) is None


@pytest.mark.parametrize("seed", range(60))
def test_the_index_finds_what_looking_at_every_entry_finds(seed: int) -> None:
    drawn = random.Random(seed)
    names = ["@a", "@b", "@A", "%any", "@*.example", "@x.example", "192.0.2.1", "192.0.2.2", "@#6161", "c@d"]
    secrets = tuple(
        entry(" ".join(drawn.sample(names, drawn.randint(0, 3))), f"secret {i}") for i in range(12)
    )
    for ours, theirs in itertools.product(map(Identity.parse, names), repeat=2):
        found = find_shared(secrets, SecretKind.PSK, ours, theirs)
        assert found == by_looking_at_every_entry(secrets, ours, theirs), f"seed {seed}"


def by_looking_at_every_entry(
    secrets: tuple[SharedSecret, ...], ours: Identity, theirs: Identity
) -> Secret | None:
    def fit(identity: Identity, secret: SharedSecret) -> int:
        return max(identity.matches(owner) for owner in secret.owners or (ANY,))

    ranked = [((0 if theirs.is_any else fit(theirs, s)), fit(ours, s)) for s in secrets]
    return secrets[ranked.index(max(ranked))].secret if max(ranked) > (0, 0) else None


def test_a_configurations_index_is_kept_and_at_most_two_linger() -> None:
    first, second, third = ((entry("", f"{i}"),) for i in range(3))
    ring = keyring(first)
    assert keyring(first) is ring
    assert keyring(second) is not ring
    assert keyring(first) is ring
    keyring(third)
    keyring(second)
    assert keyring(first) is not ring
    assert keyring([entry("", "a list may change")]) is not keyring([entry("", "a list may change")])
