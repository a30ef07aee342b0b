"""swanctl.conf: grammar beyond strongswan.conf's, defaults, rounds, secrets, what is left out."""

from __future__ import annotations

from textwrap import dedent

import pytest

from cygnet.config import braces
from cygnet.config.diagnostics import render
from cygnet.config.files import MemoryFiles
from cygnet.config.load import IPSEC_CONF, IPSEC_SECRETS, SWANCTL_CONF, Loaded, load
from cygnet.config.swanctl import lower as swanctl
from cygnet.config.swanctl.reading import Problems
from cygnet.daemon.keeping import keep_last_good
from cygnet.model.config import (
    AuthMethod,
    CloseAction,
    Connection,
    IkeVersion,
    Lifetime,
    SecretKind,
    SendCert,
    StartAction,
    Unique,
)
from cygnet.values.identity import Identity
from tests.config.reading import Everything

PSK = "local { auth = psk }\nremote { auth = psk }\n"
SECRET = "secrets { ike { secret = x } }\n"


def read(text: str, **more: str) -> Loaded:
    texts = {SWANCTL_CONF: dedent(text), **{f"/etc/swanctl/{n}": t for n, t in more.items()}}
    return load(MemoryFiles(texts), swanctl_credentials=Everything)


def one(settings: str, rounds: str = PSK, children: str = "") -> Connection:
    text = f"connections {{ x {{\n{settings}\n{rounds}\nchildren {{ {children} }}\n}} }}\n"
    found = read(text + SECRET + "pools { p { addrs = 10.9.0.0/24 } }")
    assert not found.errors, found.errors
    return found.config.connections[0]


def child(settings: str, version: int = 0) -> object:
    return one(f"version = {version}", children=f"net {{\n{settings}\n}}").children[0]


def test_what_nothing_says_is_as_swanctl_has_it() -> None:
    found = one("", children="net { }")
    assert found.version is IkeVersion.ANY and found.remote_addrs == ("%any",)
    assert found.keyingtries == 1 and not found.keyingtries_written
    assert found.unique is Unique.NO and found.dpd_delay == 0
    assert (found.rekey_time, found.reauth_time, found.over_time, found.rand_time) == (14400, 0, 1440, 1440)
    net = found.children[0]
    assert net.time == Lifetime(rekey=3600, life=3960, jitter=360)
    assert net.bytes == Lifetime() and net.start_action is StartAction.NONE
    assert net.dpd_action is CloseAction.NONE


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("reauth_time = 3h", (0, 10800, 1080, 1080)),
        ("rekey_time = 1h\nreauth_time = 2h", (3600, 7200, 720, 720)),
        ("rekey_time = 0", (0, 0, 0, 0)),
        ("rekey_time = 100s\nover_time = 80s", (100, 0, 80, 50)),
        ("rekey_time = 100s\nrand_time = 0", (100, 0, 10, 0)),
        ("version = 1\nrekey_time = 4h", (0, 14400, 1440, 1440)),
        ("version = 1\nrekey_time = 4h\nreauth_time = 3h", (0, 10800, 1080, 1080)),
    ],
)
def test_lifetimes_of_an_ike_sa(settings: str, expected: tuple[int, ...]) -> None:
    found = one(settings)
    assert (found.rekey_time, found.reauth_time, found.over_time, found.rand_time) == expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("rekey_time = 30m", Lifetime(1800, 1980, 180)),
        ("life_time = 1000s", Lifetime(900, 1000, 100)),
        ("rekey_time = 0", Lifetime(0, 0, 0)),
        ("rekey_time = 10s\nlife_time = 100s", Lifetime(10, 100, 10)),
        ("rekey_time = 100s\nlife_time = 200s\nrand_time = 5s", Lifetime(100, 200, 5)),
    ],
)
def test_lifetimes_of_a_child_sa(settings: str, expected: Lifetime) -> None:
    assert child(settings).time == expected  # type: ignore[attr-defined]


def test_volumes_take_units() -> None:
    assert child("rekey_bytes = 10M").bytes == Lifetime(10 << 20, 11 << 20, 1 << 20)  # type: ignore[attr-defined]


def test_only_what_is_written_is_offered() -> None:
    assert len(one("proposals = aes128-sha256-x25519").proposals) == 1
    assert len(one("proposals = aes128-sha256-x25519, default").proposals) > 1


def test_rounds_stand_in_their_order_or_by_number() -> None:
    second = "remote2 { auth = pubkey\nround = 2\nid = b }"
    rounds = f"local-a {{ auth = psk }}\n{second}\nremote1 {{ auth = psk\nround = 1 }}"
    found = one("version = 2", rounds)
    assert [r.method for r in found.remote] == [AuthMethod.PSK, AuthMethod.PUBKEY]
    assert found.remote[1].id == Identity.parse("b")


def test_certificates_bring_the_identity() -> None:
    rounds = "local { certs = gw.pem }\nremote { cacerts = ca.pem\nid = '*.example.com' }"
    found = one("send_cert = always", rounds)
    assert found.local[0].certs == ("gw.pem",) and found.local[0].id == Identity.parse("CN=gw.pem")
    assert found.local[0].send_cert is SendCert.ALWAYS
    assert found.remote[0].authorities == (Identity.parse("CN=ca.pem"),)


def test_sections_take_what_others_have_and_unset_it() -> None:
    found = read(
        """
        base { dpd_delay = 10s
               mobike = no
               local { auth = psk }
               remote { auth = psk } }
        connections { a : base { mobike = yes }
                      b : connections.a, base { dpd_delay = } }
        """
        + SECRET
    ).config.connections
    assert [(c.name, c.dpd_delay, c.mobike) for c in found] == [("a", 10, True), ("b", 0, True)]


@pytest.mark.parametrize("text", ["a : a { }", "a : b { }\nb : a { x { } }", "a { b : a { c : a.b { } } }"])
def test_circles_of_references_end(text: str) -> None:
    assert braces.resolved(braces.parse(MemoryFiles({"f": text}), "f"), "a") is not None


def test_references_do_not_multiply() -> None:
    chain = "\n".join(f"s{n} : s{n + 1}, s{n + 1} {{ }}" for n in range(60))
    found = braces.resolved(braces.parse(MemoryFiles({"f": chain + "\ns60 { key = 1 }"}), "f"), "s0")
    assert found is not None and [s.value for s in found.settings] == ["1"]


def test_a_pattern_that_matches_nothing_is_fine() -> None:
    found = read("include conf.d/*.conf\nconnections { }\n")
    assert not found.errors and not [w for w in found.warnings if "conf.d" in w.reason]


def test_an_include_that_is_not_there_is_named() -> None:
    found = read("include more.conf\nconnections { }\n")
    assert [w.place.line for w in (*found.errors, *found.warnings) if "more.conf" in w.reason] == [1]


def test_sections_of_one_name_are_one() -> None:
    found = read(f"connections {{ x {{ {PSK} }} }}\nconnections {{ x {{ dpd_delay = 7s }} }}\n{SECRET}")
    assert [(c.name, c.dpd_delay) for c in found.config.connections] == [("x", 7)]


def test_secrets_of_every_kind() -> None:
    text = """
        secrets {
            ike-1 { id-a = a
                    id-b = @b
                    secret = one }
            eap-2 { id = u
                    secret = "two words" }
            xauth { id = v
                    secret = 0x0102 }
            ppk { id = k
                  secret = 0sAQID }
            ntlm { id = w
                   secret = 0x00112233445566778899aabbccddeeff }
            private-k { file = key.pem
                        secret = pass }
            pkcs12x { file = a.p12 }
            token { handle = 01
                    slot = 2
                    module = m
                    pin = 1234 }
        }
        """
    problems = Problems()
    found = swanctl.shared(braces.parse(MemoryFiles({"f": text}), "f"), problems)
    assert not problems.errors
    kinds = [s.kind for s in found]
    assert kinds == [SecretKind.PSK, SecretKind.EAP, SecretKind.EAP, SecretKind.PPK, SecretKind.NTLM,
                     SecretKind.PKCS8, SecretKind.P12, SecretKind.PIN]  # fmt: skip
    first, *_, token = found
    assert first.owners == (Identity.parse("a"), Identity.parse("b")) and first.name == "ike-1"
    assert token.file == "%smartcard2@m:01"


@pytest.mark.parametrize(
    "text",
    [
        "secrets { ike { secret = 0xhidden } }",
        "secrets { ike { secret = 0s!hidden } }",
        "secrets { ike { secrte = hidden } }",
        'secrets { ike { secret = "hidden\n } }',
        "secrets { ike { secret = hidden } } }",
        "secrets { ike { hidden } }",
        "connections { x { what } } secrets { ike { secret = hidden } }",
        "connections { x { proposals = what\n} }\nsecrets { ike { secret = hidden",
        "what {\nsecret = hidden\n",
        'secrets { ike { id = "@#hidden"\nsecret = hidden } }',
        "secrets { unknown { secret = hidden } }",
        "secrets { ntlm { secret = hidden } }",
        "secrets { token { pin = hidden } }",
        "secrets { ike { secret = x\n} hidden }",
    ],
)
def test_no_error_shows_a_secret(text: str) -> None:
    found = read(text)
    said = [render(e) for e in (*found.errors, *found.warnings)]
    assert any(":1:" in line or ":2:" in line for line in said)
    # "@#hidden" is an identity that is none, and not a secret
    assert not [line for line in said if "hidden" in line.replace("'@#hidden'", "")]


def test_a_connection_with_errors_is_left_out_and_the_others_load() -> None:
    good = f"good {{ {PSK} }}"
    found = read(f"connections {{ {good}\nbad {{ remote_addrs = a..b\n{PSK} }} }}\n{SECRET}")
    assert [c.name for c in found.config.connections] == ["good"] and found.ignored == ("bad",)
    assert dict(found.config.left_out)["bad"]


def test_a_line_that_cannot_be_read_spoils_its_own_connection_only() -> None:
    found = read(f"connections {{\ngood {{ {PSK} }}\nbad {{ {PSK}\nwhat is this\n}}\n}}\n{SECRET}")
    assert [c.name for c in found.config.connections] == ["good"] and found.ignored == ("bad",)


def test_one_name_in_both_files() -> None:
    texts = {
        IPSEC_CONF: "conn x\n left=10.0.0.1\n right=10.0.0.2\n authby=secret\n auto=add\n",
        IPSEC_SECRETS: ': PSK "x"\n',
        SWANCTL_CONF: f"connections {{ x {{ {PSK} }}\ny {{ {PSK} }} }}",
    }
    found = load(MemoryFiles(texts))
    assert [c.name for c in found.config.connections] == ["x", "y"]
    assert "conn of ipsec.conf" in found.errors[0].reason


def test_without_sections_ipsec_conf_has_to_be_there() -> None:
    assert read("# nothing\ninclude conf.d/*.conf\n").fatal
    assert not read("connections { }").fatal


def test_a_connection_that_was_good_before_stays_whole() -> None:
    text = f"connections {{ x {{ {PSK}children {{ a {{ }}\nb {{ }} }} }} }}\n{SECRET}"
    before, after = read(text), read(text.replace("a { }", "a { mode = tunel }"))
    kept, names = keep_last_good(before.config, after.config, after.ignored)
    assert names == ("x",) and kept.connections == before.config.connections
