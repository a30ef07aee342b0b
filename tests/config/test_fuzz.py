"""Whatever stands in the files: load() returns, errors point into the files, and nothing raises."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cygnet.config.diagnostics import render
from cygnet.config.files import MemoryFiles
from cygnet.config.keywords.swanctl import authentication, child, connection, others
from cygnet.config.load import IPSEC_CONF, IPSEC_SECRETS, STRONGSWAN_CONF, SWANCTL_CONF, Loaded, load
from cygnet.config.reader import KEYWORDS
from tests.config.reading import Everything

GOLDEN = Path(__file__).parent / "golden"
PATHS = (IPSEC_CONF, IPSEC_SECRETS, STRONGSWAN_CONF, SWANCTL_CONF)

WORDS = [
    *sorted({*KEYWORDS["conn"], *KEYWORDS["config"], *KEYWORDS["ca"]}),
    *sorted({*connection.BY_NAME, *child.BY_NAME, *authentication.REMOTE_BY_NAME, *others.SECRETS}),
    *("connections {", "children {", "local", "remote", "secrets {", "pools {", "authorities {", "secret"),
    *("conn", "ca", "config setup", "include", "also", "%default", "=", '"', "'", "#", "\\", "\n", "\n "),
    *(" ", "\t", "{", "}", ":", " : ", "PSK", "RSA", "PIN", "0x", "0s", "%smartcard:45", "%prompt", "charon"),
    *("filelog", "port", "a", "b", "yes", "no", "10.0.0.0/8", "10.0.0.0/8[tcp/80]", "%any", "%config"),
    *("fe80::1", "1-2", "aes128-sha256", "aes128-sha256-x25519!", "9h", "100%", ",", "-", "/", "ipsec.conf"),
    *("*", "ipsec.secrets", "strongswan.conf", "start", "psk", "pass", "@#0a", "C=CH", "\x00", "\udcff"),
    *("\ufeff", "\r", "٣", "ikev1", "%forever", "-1"),
]

texts = st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=4)), max_size=60).map("".join)


def holds(conf: str, secrets: str, daemon: str, swanctl: str = "") -> Loaded:
    texts = dict(zip(PATHS, (conf, secrets, daemon, swanctl), strict=True))
    files = MemoryFiles(texts)
    found = load(files, is_local=lambda host: host.endswith("1"), swanctl_credentials=Everything)
    length = {path: text.count("\n") + 1 for path, text in texts.items()}
    for error in (*found.errors, *found.warnings):
        assert 0 <= error.place.line <= length[error.place.file]
        render(error).encode("utf-8")
    for name in found.ignored:
        name.encode("utf-8")
    assert bool(found.ignored) <= bool(found.errors), "what is left out has an error that says why"
    return found


@settings(max_examples=300, deadline=None, print_blob=True)
@given(conf=texts, secrets=texts, daemon=texts, swanctl=texts)
def test_any_soup_of_words_is_read_to_its_end(conf: str, secrets: str, daemon: str, swanctl: str) -> None:
    holds(conf, secrets, daemon, swanctl)


keys = st.sampled_from(sorted(KEYWORDS["conn"]))
values = st.one_of(st.sampled_from([w for w in WORDS if "\n" not in w]), st.text(max_size=12))
conns = st.lists(st.tuples(keys, values), max_size=12).map(
    lambda pairs: "".join(f"  {key}={value}\n" for key, value in pairs)
)


@settings(max_examples=300, deadline=None, print_blob=True)
@given(body=conns, base=conns)
def test_any_conn_is_read_or_left_out(body: str, base: str) -> None:
    head = "conn %default\n  authby=psk\n  auto=add\nconn a\n" + base + "conn b\n  also=a\n"
    holds(head + body, ": PSK x\n", "")


swanctl_keys = st.sampled_from(sorted({*connection.BY_NAME, *child.BY_NAME, *authentication.LOCAL_BY_NAME}))
swanctl_values = st.one_of(
    st.sampled_from([w for w in WORDS if not set(w) & set("\n{}")]), st.text(max_size=9)
)
settings_of_all = st.lists(st.tuples(swanctl_keys, swanctl_values), max_size=12).map(
    lambda pairs: "".join(f"{key} = {value}\n" for key, value in pairs)
)


@settings(max_examples=300, deadline=None, print_blob=True)
@given(conn=settings_of_all, here=settings_of_all, there=settings_of_all, net=settings_of_all)
def test_any_connection_of_swanctl_is_read_or_left_out(conn: str, here: str, there: str, net: str) -> None:
    rounds = f"local {{\n{here}\n}}\nremote {{\n{there}\n}}\n"
    holds("", "", "", f"connections {{\na {{\n{conn}\n{rounds}children {{\nn {{\n{net}\n}} }} }} }}\n")


@pytest.mark.parametrize("seed", range(20))
def test_a_golden_configuration_with_mistakes_sprinkled_in_is_read(seed: int) -> None:
    print(f"seed {seed}")
    chance = random.Random(seed)
    for case in sorted(p for p in GOLDEN.iterdir() if p.is_dir()):
        mutated = [_mutate((case / p.removeprefix("/etc/")), chance) for p in PATHS]
        holds(*mutated)


def _mutate(path: Path, chance: random.Random) -> str:
    text = path.read_bytes().decode("utf-8", "surrogateescape") if path.exists() else ""
    for _ in range(chance.randrange(1, 6)):
        at = chance.randrange(len(text) + 1)
        cut = chance.choice((0, 0, 1, 1, 5, 40))
        text = text[:at] + chance.choice((*WORDS, "")) + text[at + cut :]
    return text


@pytest.mark.parametrize(
    "text",
    [
        '"' * 200_000,
        'conn a\n  x="' * 20_000,
        "conn a\n  x=" + "\\" * 200_000,
        "{" * 200_000,
        "a {" * 40_000,
        'a = "\n' * 50_000,
        "include *\n" * 5_000,
        "#" * 500_000,
        "conn a\n" * 30_000,
        "conn a\n  also=a\n" * 10_000,
        "conn a\n  leftsubnet=" + "10.0.0.0/8," * 20_000 + "\n",
        "conn a\n  esp=" + "aes128-" * 20_000 + "\n",
        "a : b {\n" * 5_000,
        ": PSK " + "x" * 500_000,
        "x " * 200_000 + ": PSK y",
        " " * 500_000,
        "conn a\n  lifetime=" + "9" * 100_000,
        "connections { " + "a { local { auth = psk }\n} " * 10_000 + "}",
        "secrets { " + "ike { secret = x\n} " * 10_000 + "}",
    ],
    ids=lambda t: repr(t[:14]),
)
def test_large_nonsense_takes_no_more_than_its_size(text: str) -> None:
    """The file's time limit would catch what is quadratic in these hundred thousands of characters."""
    holds(text, text, text, text)
