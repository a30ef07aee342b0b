"""ipsec.secrets: every form of an entry, and that one bad line costs only itself."""

from __future__ import annotations

import pytest

from cygnet.config.diagnostics import render
from cygnet.config.files import MAX_DEPTH, MemoryFiles
from cygnet.config.ipsec_secrets import Secrets, kinds, parse
from cygnet.model.config import SecretKind
from cygnet.values.identity import Identity

PATH = "/etc/ipsec.secrets"
HIDDEN = "hemmelig"  #: what no message may ever show


def read(text: str, **more: str) -> Secrets:
    return parse(MemoryFiles({PATH: text} | {f"/etc/{name}": t for name, t in more.items()}), PATH)


def secret(text: str) -> bytes:
    found = read(text)
    assert not found.errors, found.errors
    return found.secrets[0].secret.reveal()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ('"a b"', b"a b"),
        ("'a \"b\"'", b'a "b"'),
        ('"it\'s"', b"it's"),
        ("bare#1", b"bare#1"),
        ("0x4A6f", b"Jo"),
        ("0X4a:6f", b"Jo"),
        ("0xabc", b"\x0a\xbc"),
        ("0sSm8=", b"Jo"),
        ("0sSm8", b"Jo"),
        ('"0x4a6f"', b"0x4a6f"),
        ("k\u00e4se", "k\u00e4se".encode()),
        ("k\udce4se", b"k\xe4se"),  # a byte that is not UTF-8, as the file system hands it on
        ('"x" # a comment', b"x"),
    ],
)
def test_a_secret_is_quoted_hexadecimal_base64_or_bare(written: str, meant: bytes) -> None:
    assert secret(f": PSK {written}\n") == meant


def test_owners_stand_before_the_colon_in_every_form_of_an_identity() -> None:
    line = '192.0.2.1 2001:db8::1 @gw.example.com me@example.com @#0a0b "with blank" *.example.org : PSK x\n'
    assert read(line).secrets[0].owners == (
        Identity.parse("192.0.2.1"),
        Identity.parse("2001:db8::1"),
        Identity.parse("gw.example.com"),
        Identity.parse("me@example.com"),
        Identity.parse("@#0a0b"),
        Identity.parse("with blank"),
        Identity.parse("*.example.org"),
    )


@pytest.mark.parametrize("line", [": PSK x", " : PSK x", "%any : PSK x", "%any %any6 : PSK x", "\t:\tPSK\tx"])
def test_a_secret_without_owners_is_everybodys(line: str) -> None:
    found = read(line)
    assert found.secrets[0].owners == () and not found.errors


def test_every_type_is_read_and_those_for_later_are_kept() -> None:
    found = read(
        '@key : PPK 0x4a6f\nu : EAP "p"\nu : XAUTH "p"\nu : NTLM 0x00112233445566778899aabbccddeeff\n'
        ': RSA key.pem "pass"\n: ECDSA key.pem\n: PKCS8 "a b.pem" %prompt\n: P12 x.p12 pass\n'
        ": PIN %smartcard1@opensc:45 1234\n: PIN %smartcard:45 %prompt\n"
    )
    assert not found.errors
    assert [s.kind for s in found.secrets] == [
        SecretKind.PPK, SecretKind.EAP, SecretKind.EAP, SecretKind.NTLM, SecretKind.RSA, SecretKind.ECDSA,
        SecretKind.PKCS8, SecretKind.P12, SecretKind.PIN, SecretKind.PIN,
    ]  # fmt: skip
    assert [(s.file, s.secret.reveal()) for s in found.secrets[4:]] == [
        ("key.pem", b"pass"),
        ("key.pem", b""),
        ("a b.pem", b""),
        ("x.p12", b"pass"),
        ("%smartcard1@opensc:45", b"1234"),
        ("%smartcard:45", b""),
    ]
    assert sum("not supported yet" in w.reason for w in found.warnings) == 2  # prompts


def test_the_sweep_above_covers_every_type() -> None:
    assert set(kinds()) == {k.name for k in SecretKind} | {"XAUTH", "BLISS"}


def test_comments_and_empty_lines_say_nothing() -> None:
    assert read("# x : PSK y\n\n   \t\n  # z\n").secrets == []


def test_include_reads_more_files_beside_the_first() -> None:
    texts = {
        PATH: "include secrets.d/*.secrets\n: PSK last\n",
        "/etc/secrets.d/b.secrets": ": PSK b\r\n",
        "/etc/secrets.d/a.secrets": ": PSK a\n",
    }
    found = parse(MemoryFiles(texts), PATH)
    assert [s.secret.reveal() for s in found.secrets] == [b"a", b"b", b"last"] and not found.errors


def test_includes_are_bounded_and_circles_found_out() -> None:
    circle = read("include a\n: PSK x\n", a="include ipsec.secrets\n")
    assert "include each other" in circle.errors[0].reason and len(circle.secrets) == 1
    texts = {f"/etc/{n}": f"include {n + 1}\n: PSK {n}\n" for n in range(MAX_DEPTH + 3)}
    deep = parse(MemoryFiles(texts | {PATH: "include 0\n"}), PATH)
    assert len(deep.secrets) == MAX_DEPTH and "more than 10 deep" in deep.errors[0].reason


def test_a_missing_file_is_a_warning_with_its_name() -> None:
    found = parse(MemoryFiles({}), PATH)
    assert not found.errors and "cannot read the file" in found.warnings[0].reason
    assert found.warnings[0].place.file == PATH


BAD = {
    f'10.0.0.1 PSK "{HIDDEN}"': "a ':' with blanks around it must stand between the owners and the type",
    f'10.0.0.1: PSK "{HIDDEN}"': "a blank must stand before the ':'",
    f'10.0.0.1 :PSK "{HIDDEN}"': "a blank must stand behind the ':'",
    f'10.0.0.1 :{HIDDEN} "{HIDDEN}"': "a ':' with blanks around it must stand between",
    f"{HIDDEN}": "a ':' with blanks around it must stand between the owners and the type",
    f": {HIDDEN}": "what follows the ':' is not one of",
    f': "{HIDDEN}"': "what follows the ':' is not one of",
    f": PSKK {HIDDEN}": "did you mean 'PSK'?",
    f": psk {HIDDEN}": "did you mean 'PSK'?",
    ":": "a type must follow the ':'",
    ": PSK": "the secret is missing",
    ': PSK ""': "the secret is empty",
    f': PSK "{HIDDEN}': "the closing quote is missing",
    f": PSK '{HIDDEN}": "the closing quote is missing",
    f": PSK 0x{HIDDEN}": "must be hexadecimal digits",
    f": PSK 0s{HIDDEN}!": "must be base64",
    ": PSK 0x": "must be hexadecimal digits",
    ": RSA": "the name of the key file is missing",
    f": PIN {HIDDEN}": "%smartcard[slot][@module]:keyid must follow",
    ": PIN %smartcard:45": "the PIN is missing",
    f"u : NTLM {HIDDEN}": "an NTLM hash is 16 bytes",
    f": BLISS {HIDDEN}": "strongSwan has dropped this kind of key",
    f'@#zz : PSK "{HIDDEN}"': "'@#zz' is not an identity",
}


@pytest.mark.parametrize("line", BAD)
def test_a_bad_line_is_reported_and_the_lines_around_it_are_kept(line: str) -> None:
    found = read(f"a : PSK before\n{line}\nb : PSK after\n")
    assert [s.secret.reveal() for s in found.secrets] == [b"before", b"after"]
    assert len(found.errors) == 1
    assert BAD[line] in found.errors[0].reason
    assert found.errors[0].place.line == 2


@pytest.mark.parametrize(
    "line", [*BAD, f": PSK {HIDDEN} {HIDDEN}", f': PSK "{HIDDEN}" x', f": RSA f {HIDDEN}"]
)
def test_no_message_shows_a_secret_or_where_it_ends(line: str) -> None:
    found = read(line + "\n")
    for message in map(render, (*found.errors, *found.warnings)):
        assert HIDDEN not in message
        assert all(len(part) <= line.find(HIDDEN) + 20 for part in message.split("\n")[1:])
    assert HIDDEN not in repr(found)


def test_typographic_quotes_around_a_secret_are_warned_about() -> None:
    found = read(f": PSK \N{LEFT DOUBLE QUOTATION MARK}{HIDDEN}\N{RIGHT DOUBLE QUOTATION MARK}\n")
    assert len(found.secrets) == 1
    assert "begins with a typographic quote (U+201C)" in found.warnings[0].reason
    assert HIDDEN not in render(found.warnings[0])


def test_what_stands_behind_a_secret_is_warned_about() -> None:
    found = read(": PSK two words\n")
    assert found.secrets[0].secret.reveal() == b"two"
    assert "put it in double quotes" in found.warnings[0].reason
