"""Look-ups by shared keys, and which connections a peer may belong to."""

from __future__ import annotations

from ipaddress import ip_address

from cygnet.engine.index import Connections, Index
from cygnet.model.config import Child, Config, Connection


def test_an_index_lists_what_shares_a_key_and_forgets_empty_keys() -> None:
    index: Index[str, int] = Index()
    index.add("oregon", 1, 10)
    index.add("oregon", 2, 20)
    assert index.of("oregon") == [10, 20]
    index.discard("oregon", 1)
    index.discard("oregon", 2)
    index.discard("oregon", 3)
    assert index.of("oregon") == []
    assert not index._of


def test_what_is_found_may_be_discarded_while_it_is_walked() -> None:
    index: Index[str, int] = Index()
    for uid in range(4):
        index.add("k", uid, uid)
    for uid in index.of("k"):
        index.discard("k", uid)
    assert index.of("k") == []


def test_a_peer_s_address_finds_fixed_and_open_connections_in_file_order() -> None:
    config = Config(
        (
            Connection("any"),
            Connection("here", remote_addrs=("192.0.2.1",)),
            Connection("there", remote_addrs=("192.0.2.2",)),
            Connection("subnet", remote_addrs=("192.0.2.0/24",)),
            Connection("named", remote_addrs=("gw.example",)),
            Connection("roams", remote_addrs=("198.51.100.1",), allow_any=True),
        )
    )
    found = Connections(config).perhaps_with(ip_address("192.0.2.1"))
    assert [c.name for c in found] == ["any", "here", "subnet", "named", "roams"]


def test_names_find_connections_and_the_first_child_of_that_name() -> None:
    one, two = Connection("one", children=(Child("web"),)), Connection("two", children=(Child("web"),))
    connections = Connections(Config((one, two)))
    assert connections.named("two") is two
    assert connections.with_child("web") == (one, Child("web"))
    assert connections.named("web") is None
