"""A conn with errors stays as it was loaded before."""

from __future__ import annotations

from dataclasses import replace

from cygnet.daemon.keeping import keep_last_good
from cygnet.model.config import Child, Config, Connection, StartAction

OREGON = Connection("oregon", remote_addrs=("192.0.2.1",), children=(Child("oregon"), Child("second")))
OTHER = Connection("other", remote_addrs=("192.0.2.2",), children=(Child("other"),))


def test_a_broken_conn_keeps_its_last_good_version() -> None:
    before = Config((OREGON, OTHER))
    config, kept = keep_last_good(before, Config((OTHER,)), ["oregon", "second"])
    assert kept == ("oregon", "second")
    assert config.connection("oregon") == OREGON
    assert config.connection("other") == OTHER


def test_a_broken_child_comes_back_beside_its_siblings_in_the_order_of_before() -> None:
    after = Config((replace(OREGON, children=(Child("second"),)),))
    config, _ = keep_last_good(Config((OREGON,)), after, ["oregon"])
    assert config.connections == (OREGON,)


def test_a_broken_child_of_a_connection_that_goes_elsewhere_now_gets_one_of_its_own() -> None:
    moved = replace(OREGON, remote_addrs=("192.0.2.9",), children=(Child("oregon"),))
    config, _ = keep_last_good(Config((OREGON,)), Config((moved,)), ["second"])
    assert config.connection("oregon") == moved
    alone = config.connection("second")
    assert alone is not None and alone.remote_addrs == ("192.0.2.1",)
    assert [c.name for c in alone.children] == ["second"]


def test_a_broken_conn_that_was_never_loaded_stays_out() -> None:
    config, kept = keep_last_good(Config((OTHER,)), Config((OTHER,)), ["new"])
    assert (config, kept) == (Config((OTHER,)), ())


def test_what_is_not_broken_is_taken_as_it_is_now() -> None:
    now = replace(OTHER, children=(replace(OTHER.children[0], start_action=StartAction.TRAP),))
    config, _ = keep_last_good(Config((OREGON, OTHER)), Config((now,)), ["oregon", "second"])
    assert config.connection("other") == now
