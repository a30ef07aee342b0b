"""A sweep over every keyword row: good values arrive in the model, bad ones are errors.

The tables below must name every row: a keyword that is added without its values fails here.
"""

from __future__ import annotations

from dataclasses import fields

import pytest

from cygnet.config.diagnostics import BadValue
from cygnet.config.files import MemoryFiles
from cygnet.config.keywords.ca import CA
from cygnet.config.keywords.conn import CONN
from cygnet.config.keywords.end import END
from cygnet.config.keywords.row import Keyword, Status
from cygnet.config.keywords.setup import SETUP
from cygnet.config.load import IPSEC_CONF, Loaded, load
from cygnet.config.reader import KEYWORDS
from cygnet.config.records import Conn, End
from cygnet.model.config import Authority, AuthRound, Child, Config, Connection, Pool, Settings
from tests.config.reading import Everything, errors, one

SUPPORTED, PLANNED, DEPRECATED = Status.SUPPORTED, Status.PLANNED, Status.DEPRECATED

#: For each keyword of a conn: values that are taken (the first is not the default), then values
#: that are not.
CONN_VALUES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "also": (("y",), ("nothing",)),
    "auto": (("start", "ignore", "add", "route"), ("up", "Start", "yes")),
    "keyexchange": (("ikev1", "ike", "ikev2"), ("ikev3", "IKEv1")),
    "type": (("transport", "tunnel", "passthrough", "pass", "drop", "reject"),
             ("tunel", "beet", "transport_proxy")),
    "authby": (("psk", "secret"), ("psk|rsasig", "pks")),
    "ike": (("aes256-sha512-modp4096", "aes128-sha1-modp1024!", "aes128-sha256-ecp256,3des-sha1-modp1024",
             "aes128gcm16-prfsha256-x25519-ke1_mlkem768"),
            ("aes129-sha1-modp1024", "aes128", "aes128-sha256", ",", "!", "aes128-sha256-modp2048,")),
    "esp": (("aes256-sha512", "aes128gcm16-x25519!", "null-sha1", "aes128-sha1-modp2048-esn-noesn"),
            ("aes128-sha3", "sha1", "modp2048")),
    "ah": ((), ("sha256", "sha1-modp2048!", "sha1x-modp2048", "aes128")),
    "aggressive": (("yes", "no"), ("true", "1")),
    "mobike": (("no", "yes"), ("off",)),
    "forceencaps": (("yes", "no"), ("",  "si")),
    "fragmentation": (("force", "no", "accept", "yes"), ("maybe",)),
    "childless": (("force", "allow", "prefer", "never"), ("yes", "always")),
    "ppk_id": (("hub-key", "@hub-key", "key@hub.example.com"), ("@#0a0b", "192.0.2.1", "%any", "*")),
    "ppk_required": (("yes", "no"), ("must",)),
    "resumption": (("yes", "no"), ("ticket",)),
    "redirect_to": (("198.51.100.9", "gw2.example.com", "2001:db8::9"), ("198.51.100.300", "a b", "%any")),
    "ikedscp": (("101110", "0"), ("46", "1011101", "0b1")),
    "ikelifetime": (("28800s", "4h", "1d", "30m", "7200"), ("3hours", "1.5h", "-1", "9" * 11, "1w", "h")),
    "lifetime": (("30m", "2h"), ("forever", "٣h")),
    "margintime": (("3m", "0s"), ("10%",)),
    "rekeyfuzz": (("50%", "0%", "200%"), ("50", "%", "-5%", "10001%")),
    "lifebytes": (("1000000", "0", "18446744073709551615"), ("1M", "18446744073709551616", "1e6")),
    "marginbytes": (("1000",), ("10%",)),
    "lifepackets": (("1000",), ("many",)),
    "marginpackets": (("10",), ("-1",)),
    "keyingtries": (("5", "%forever", "0"), ("forever", "%never", "x")),
    "rekey": (("no", "yes"), ("never",)),
    "reauth": (("no", "yes"), ("never",)),
    "compress": (("yes", "no"), ("lzs",)),
    "installpolicy": (("no", "yes"), ("0",)),
    "dpdaction": (("hold", "none", "clear", "restart"), ("trap", "reboot")),
    "dpddelay": (("10s", "1m"), ("often",)),
    "dpdtimeout": (("60s",), ("5 s",)),
    "closeaction": (("restart", "none", "clear", "hold"), ("start",)),
    "inactivity": (("10m", "0"), ("idle",)),
    "sha256_96": (("yes", "no"), ("96",)),
    "modeconfig": (("push", "pull"), ("pul",)),
    "xauth": (("server", "client"), ("peer",)),
    "xauth_identity": (("carol",), ("@#xyz",)),
    "eap_identity": (("%identity", "carol@example.com"), ("@#xyz",)),
    "aaa_identity": (("aaa.example.com",), ("@#xyz",)),
    "mediation": (("yes", "no"), ("1",)),
    "mediated_by": (("med",), ()),
    "me_peerid": (("peer@example.com",), ("@#x",)),
    "reqid": (("42",), ("-1", "4294967296")),
    "replay_window": (("64", "0", "-1"), ("-2", "65537", "all")),
    "mark": (("42", "0x2a/0xff", "%unique", "%unique-dir", "%unique/0xff"), ("red", "1/2/3", "4294967296")),
    "mark_in": (("1",), ("-1",)),
    "mark_out": (("1",), ("1_0",)),
    "tfc": (("100", "%mtu"), ("mtu", "70000")),
    "pfs": (("yes",), ()),
    "eap": (("md5",), ()),
}  # fmt: skip

END_VALUES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "": (("198.51.100.7", "%any", "%any4", "%any6", "%defaultroute", "2001:db8::7", "gw.example.com",
          "%gw.example.com", "198.51.100.1,198.51.100.2", "198.51.100.0/24", "198.51.100.1-198.51.100.9",
          "2001:db8::/64", "2001:db8::1-2001:db8::9", "gw1.example.com, 198.51.100.1",
          "xn--bcher-kva.example"),
         ("256.1.1.1", "1.2.3", "%defaultrout", "a b", "host_name!", "198.51.100.0/33", "1.2.3.9-1.2.3.1",
          ",", "2001:db8::1::2")),
    "ikeport": (("4711",), ("0", "65536", "isakmp")),
    "subnet": (("10.9.0.0/16", "10.9.0.1", "10.9.0.0/16,10.10.0.0/16", "fd00::/64", "%dynamic",
                "10.9.0.0/16[tcp/http]", "10.9.0.0/16[udp/1000-2000],%dynamic[gre]", "0.0.0.0/0",
                "10.9.0.0/16[/53]", "10.9.0.1-10.9.0.77", "10.9.0.0/16[%any/%any]", "%dynamic[tcp/%opaque]"),
               ("10.9.0.0/33", "10.9.0/16x", "10.9.0.0/16[tpc]", "10.9.0.0/16[tcp/htp]", "vhost:%no", "%dyn",
                "10.9.0.0/16[tcp", "10.9.0.0/16[tcp/9-1]", "10.9.0.9-10.9.0.1")),
    "protoport": (("tcp/80", "udp", "17/1701", "%any/%any", "icmp/8", "%any", "tcp/%opaque", "udp/1-9"),
                  ("tpc/80", "tcp/70000", "256", "tcp/9-1", "tcp/x-y")),
    "sourceip": ((), ("10.9.0.0/33", "256.0.0.1", "poolname")),
    "dns": (("10.0.0.53,2001:db8::53", "%config4"), ("ns.example.com",)),
    "auth": ((), ("pks", "psk-sha256", "xauthh")),
    "auth2": ((), ("pks",)),
    "id": (("gw@example.com", "@gw", "@#0a0b", "%any", "198.51.100.9", "keyid:k", "fqdn:x",
            "%gw.example.com"),
           ("@#xyz",)),
    "id2": (("gw",), ("@#xyz",)),
    "cert": (("gw.pem",), ()),
    "cert2": (("gw.pem",), ()),
    "sigkey": (("0sAQ",), ()),
    "ca": (("C=CH",), ()),
    "ca2": (("C=CH",), ()),
    "certpolicy": (("1.2.3",), ()),
    "groups": (("admin",), ()),
    "groups2": (("admin",), ()),
    "sendcert": (("always", "yes", "never", "no", "ifasked"), ("seldom",)),
    "allowany": (("yes", "no"), ("any",)),
    "hostaccess": (("yes", "no"), ("any",)),
    "firewall": (("yes", "no"), ("iptables",)),
    "updown": (("/etc/updown.sh -x",), ()),
    "nexthop": (("%direct",), ()),
}  # fmt: skip

SETUP_VALUES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "charondebug": (
        ("ike 2, knl 3", "any -1", "ike 2 chd 4"),
        ("ike", "ike 5", "ikee 2", "2 ike", "ike two"),
    ),
    "uniqueids": (("keep", "yes", "no", "replace", "never"), ("replac", "true")),
    "cachecrls": (("yes", "no"), ("1",)),
    "strictcrlpolicy": (("ifuri", "yes", "no"), ("maybe",)),
    **{row.name: (("x",), ()) for row in SETUP if row.status is DEPRECATED},
}

CA_VALUES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "auto": (("add", "route", "start", "ignore"), ("load",)),
    **{row.name: (("x",), ()) for row in CA if row.name not in ("auto", "also")},
}


def setup(line: str) -> Loaded:
    return load(MemoryFiles({IPSEC_CONF: f"config setup\n    {line}\n", "/etc/ipsec.secrets": ""}))


def authority(line: str) -> Loaded:
    return load(
        MemoryFiles({IPSEC_CONF: f"ca x\n    cacert=ca.pem\n    {line}\n", "/etc/ipsec.secrets": ""}),
        credentials=Everything,
    )


def conn(line: str) -> Loaded:
    return one(line, also="conn y\n    auto=ignore\n", credentials=Everything)


def quote(value: str) -> str:
    return f'"{value}"'


def cases(good: bool):  # type: ignore[no-untyped-def]
    tables = [(SETUP, SETUP_VALUES, setup, ("",)), (CA, CA_VALUES, authority, ("",)),
              (CONN, CONN_VALUES, conn, ("",)), (END, END_VALUES, conn, ("left", "right"))]  # fmt: skip
    for rows, values, read, sides in tables:
        for row in rows:
            for value in values.get(row.name, ((), ()))[0 if good else 1]:
                for name in (row.name, *row.aliases):
                    for side in sides:
                        yield pytest.param(read, row, side + name, value, id=f"{side}{name}={value}")


@pytest.mark.parametrize(
    ("rows", "values"),
    [(SETUP, SETUP_VALUES), (CONN, CONN_VALUES), (END, END_VALUES), (CA, CA_VALUES | {"also": ((), ())})],
    ids=["setup", "conn", "end", "ca"],
)
def test_the_sweep_names_every_row_and_no_other(rows, values) -> None:  # type: ignore[no-untyped-def]
    assert {row.name for row in rows} == set(values)


@pytest.mark.parametrize(("read", "row", "key", "value"), list(cases(good=True)))
def test_a_good_value_is_taken_or_said_to_be_of_no_effect(read, row, key, value) -> None:  # type: ignore[no-untyped-def]
    found = read(f"{key}={quote(value)}")
    assert not errors(found), (key, value)
    spoken = [w for w in found.warnings if w.keyword == key and row.status.value in w.reason]
    usual = row.default is not None and row.type.parse(value) == row.default_value()
    if row.status is not SUPPORTED:
        assert bool(spoken) == (row.status is DEPRECATED or (not usual and read is not authority))


@pytest.mark.parametrize(("read", "row", "key", "value"), list(cases(good=False)))
def test_a_bad_value_is_an_error_of_its_keyword_at_its_place(read, row, key, value) -> None:  # type: ignore[no-untyped-def]
    found = read(f"{key}={quote(value)}")
    assert [e.keyword for e in found.errors] == [key]
    error = found.errors[0]
    assert error.source.strip() == f"{key}={quote(value)}"
    assert error.place.column > error.source.index("="), "the caret is on the value, not on the keyword"


MODELS = (Config, Connection, Child, Pool, Settings, AuthRound, Authority)


@pytest.mark.parametrize("row", [*SETUP, *CONN, *END, *CA], ids=lambda r: r.name)
def test_a_row_says_what_it_is_and_where_it_goes(row: Keyword) -> None:
    assert row.doc.endswith(".") and row.type.accepts
    if row.default is not None:
        row.default_value()
    models = {m.__name__: {f.name for f in fields(m)} for m in MODELS}
    if row.status is SUPPORTED and row.name != "also":
        owner = ""
        for part in row.target.split(", "):
            owner, _, field = part.rpartition(".") if "." in part else (owner, "", part)
            assert field in models[owner], f"{row.name}: {part}"
    else:
        assert not row.target or row.name in ("also",)


def test_no_two_rows_share_a_name() -> None:
    for rows in (SETUP, CONN, END, CA):
        names = [name for row in rows for name in (row.name, *row.aliases)]
        assert len(names) == len(set(names))
    conn_names = [n for row in CONN for n in (row.name, *row.aliases)]
    assert not set(conn_names) & {
        s + n for row in END for n in (row.name, *row.aliases) for s in ("left", "right")
    }
    assert len(KEYWORDS["conn"]) == len(conn_names) + 2 * sum(1 + len(row.aliases) for row in END)


def test_the_records_have_a_field_for_every_supported_row_and_no_other() -> None:
    supported = {r.attribute for r in CONN if r.status is SUPPORTED and r.name != "also"}
    assert {f.name for f in fields(Conn)} == supported | {"left", "right"}
    assert {f.name for f in fields(End)} == {r.attribute for r in END if r.status is SUPPORTED}


@pytest.mark.parametrize("name", sorted(CONN_VALUES))
def test_a_keyword_of_a_conn_is_refused_in_config_setup(name: str) -> None:
    found = setup(f"{name}=x")
    if name == "also":
        assert not found.errors and "takes no settings" in found.warnings[0].reason
    else:
        assert [e.reason for e in found.errors] == [
            "this keyword belongs into a conn section, not into config setup"
        ]
        assert found.fatal


def test_bad_values_never_hold_their_text_without_bound() -> None:
    for row in (*SETUP, *CONN, *END):
        try:
            row.type.parse("9" * 100_000)
        except BadValue as why:
            assert len(why.reason) < 400, row.name
