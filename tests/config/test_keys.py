"""Whether there is a pre-shared key for a conn: said only where there certainly is none."""

from __future__ import annotations

import pytest

from tests.config.reading import loaded, warnings

FIXED = "left=10.0.0.1;right=192.0.2.1"
NAMED = "left=%any;leftid=@us;right=gw.example.com;rightid=@them"
ROAMING = "left=10.0.0.1;right=%any"


def complaints(conn: str, secrets: str) -> list[str]:
    lines = "".join(f"  {line}\n" for line in conn.split(";"))
    return warnings(loaded(f"conn x\n{lines}  authby=psk\n  auto=add\n", secrets))


@pytest.mark.parametrize(
    ("conn", "secrets"),
    [
        (FIXED, ": PSK a"),
        (FIXED, "%any : PSK a"),
        (FIXED, "192.0.2.1 : PSK a"),
        (FIXED, "10.0.0.1 : PSK a"),
        (FIXED, "10.0.0.1 192.0.2.1 : PSK a"),
        (FIXED + ";rightid=@them", "192.0.2.1 : PSK a"),
        (NAMED, "@THEM : PSK a"),
        (NAMED, "@them @us : PSK a"),
        (NAMED, "192.0.2.7 : PSK a"),  # what gw.example.com may be
        (FIXED + ";rightid=carol@example.com", "*@example.com : PSK a"),
        (ROAMING, "@somebody : PSK a"),
        (ROAMING + ";rightid=@them", "192.0.2.7 : PSK a"),
    ],
)
def test_a_key_that_may_fit_is_enough(conn: str, secrets: str) -> None:
    assert complaints(conn, secrets) == []


@pytest.mark.parametrize(
    ("conn", "secrets", "wanted"),
    [
        (FIXED, "", "10.0.0.1 192.0.2.1"),
        (FIXED, "10.0.0.1 : EAP a", "10.0.0.1 192.0.2.1"),
        (FIXED, "192.0.2.2 : PSK a", "10.0.0.1 192.0.2.1"),
        (FIXED + ";rightid=@them", "@their : PSK a\n*@example.com : PSK b", "10.0.0.1 them"),
        (NAMED, "@peer : PSK a", "us them"),
        (ROAMING, "", "10.0.0.1 %any"),
        (ROAMING + ";rightid=@them", "@their : PSK a", "10.0.0.1 them"),
    ],
)
def test_where_no_key_can_fit_the_conn_is_named_with_the_line_that_would(
    conn: str, secrets: str, wanted: str
) -> None:
    assert complaints(conn, secrets) == [
        f"1:1: : conn x: no pre-shared key of ipsec.secrets fits; '{wanted} : PSK ...' would"
    ]


def test_a_shunt_needs_no_key() -> None:
    assert complaints("type=pass;rightsubnet=10.0.0.0/8", "") == []
