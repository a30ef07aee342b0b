"""Keys and certificates on tokens of SoftHSM2. A module is initialised once in a process, so what needs
tokens of its own runs against those that one fixture has made."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from cygnet.boundary.effects import Sign
from cygnet.config.load import Loaded, load
from cygnet.credentials.files import CredentialFiles
from cygnet.crypto import sign
from cygnet.crypto.publickey import public_key
from cygnet.crypto.sign import Scheme, verify, verify_digest
from cygnet.daemon.signing import Signers
from cygnet.daemon.tokens import TOKENS, TokenError, Tokens
from cygnet.model.config import TokenKey
from cygnet.values.secret import Secret
from tests.certs import Holder, authority
from tests.config.reading import MemoryFiles
from tests.daemon.softhsm import MODULE, PIN, configured, needs_softhsm, store, store_certificate, token
from tests.daemon.test_signing import answer

pytest.importorskip("pkcs11")
pytestmark = needs_softhsm

STRONGSWAN = """charon {
    plugins {
        pkcs11 {
            modules {
                soft {
                    path = %s
                }
            }
        }
    }
}
"""
RIGHT = Secret(PIN.encode())


@dataclass
class Bench:
    slots: tuple[str, str]
    holders: dict[str, Holder]  #: by key id; 50: RSA, 51: ECDSA, both in the first slot; 60: in the second
    root: Holder


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    directory = tmp_path_factory.mktemp("softhsm")
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(configured(directory))
    root = authority("Root")
    holders = {
        "50": root.issues("moon", key="rsa-2048"),
        "51": root.issues("sun", key="p256"),
        "60": root.issues("venus", key="p384"),
    }
    slots = token(directory, "first"), token(directory, "second")
    for key_id, holder in holders.items():
        slot = slots[1] if key_id == "60" else slots[0]
        store(slot, holder.key, key_id, directory)
        store_certificate(slot, holder.certificate.der, key_id)
    yield Bench(slots, holders, root)
    os.environ.pop("SOFTHSM2_CONF")
    if before is not None:
        os.environ["SOFTHSM2_CONF"] = before


MADE: list[Tokens] = []


def tokens(modules: tuple[tuple[str, str], ...] = (("soft", MODULE),)) -> Tokens:
    """As of a new process: nobody is logged in."""
    while MADE:
        MADE.pop().close()
    TOKENS.close()
    MADE.append(Tokens())
    MADE[0].use(modules)
    return MADE[0]


def test_certificates_are_read_without_a_pin(bench: Bench) -> None:
    for key_id, holder in bench.holders.items():
        for name in (f"%smartcard:{key_id}", f"%smartcard@soft:{key_id}"):
            assert tokens().certificate(name) == holder.certificate.der
    assert tokens().certificate(f"%smartcard{bench.slots[1]}@soft:60")
    with pytest.raises(TokenError, match="no certificate with the id 60 is in slot"):
        tokens().certificate(f"%smartcard{bench.slots[0]}:60")


@pytest.mark.parametrize("hash", ["sha1", "sha256", "sha384", "sha512"])
def test_a_token_signs_what_openssl_verifies(bench: Bench, hash: str) -> None:
    held = tokens()
    for key_id, identifiers in {
        "50": [sign.rsa_pkcs1(hash), *([sign.rsa_pss(hash)] if hash != "sha1" else [])],
        "51": [sign.ecdsa(hash)],
        "60": [sign.ecdsa(hash)],
    }.items():
        name = f"%smartcard:{key_id}"
        spki = held.public(name, RIGHT)
        assert spki == bench.holders[key_id].certificate.key.spki
        for identifier in identifiers:
            for raw in (False, True) if key_id != "50" else (False,):
                made = held.sign(name, RIGHT, Sign(1, spki, identifier, raw, b"octets"))
                verify(public_key(spki), Scheme(identifier, raw), made, b"octets")


def test_a_token_signs_bare_digests_for_ikev1(bench: Bench) -> None:
    held = tokens()
    for key_id, size in (("50", 32), ("51", 32), ("60", 48)):
        key = bench.holders[key_id].certificate.key
        hashed = bytes(range(size))
        made = held.sign(f"%smartcard:{key_id}", RIGHT, Sign(1, key.spki, b"", True, hashed))
        verify_digest(key, made, hashed)


def test_a_wrong_pin_is_shown_to_the_token_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    held, wrong = tokens(), Secret(b"0815 falsch")
    with pytest.raises(TokenError, match="refuses the PIN; it is not tried again") as first:
        held.public("%smartcard:50", wrong)
    with pytest.raises(TokenError, match="before a restart") as second:
        held.public("%smartcard:50", wrong)
    assert "0815" not in str(first.value) + str(second.value) + repr(held.__dict__)
    assert held.public("%smartcard:50", RIGHT), "the right one is taken"


def test_what_is_not_there_is_said(bench: Bench) -> None:
    with pytest.raises(TokenError, match="there is no token in slot 7"):
        tokens().certificate("%smartcard7:50")
    with pytest.raises(TokenError, match=r"no PKCS#11 module 'opensc'; charon.plugins.pkcs11.modules"):
        tokens().certificate("%smartcard@opensc:50")
    with pytest.raises(TokenError, match=r"no PKCS#11 module is set"):
        tokens(()).certificate("%smartcard:50")
    none = tokens((("none", "/nowhere/lib.so"),))
    with pytest.raises(TokenError, match=r"/nowhere/lib.so cannot be loaded"):
        none.certificate("%smartcard:50")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the library's own
def test_a_session_that_has_died_is_opened_anew(bench: Bench) -> None:
    held, key = tokens(), bench.holders["51"].certificate.key
    held.public("%smartcard:51", RIGHT)
    for session in held._sessions.values():
        session.close()  # as if the token had been out and in again
    made = held.sign("%smartcard:51", RIGHT, Sign(1, key.spki, b"", True, bytes(32)))
    verify_digest(key, made, bytes(32))


def read(bench: Bench, name: str, held: Any) -> Loaded:
    texts = {
        "/etc/ipsec.conf": f"conn moon\n    left=192.0.2.1\n    leftcert={name}\n    right=192.0.2.2\n"
        '    rightid="CN=sun"\n    keyexchange=ikev2\n    auto=add\n'
        "conn other\n    left=192.0.2.1\n    authby=secret\n    right=192.0.2.3\n    auto=add\n",
        "/etc/ipsec.secrets": f': PIN {name} "{PIN}"\n: PSK "anybody\'s"\n',
        "/etc/strongswan.conf": STRONGSWAN % MODULE,
        "/etc/ipsec.d/cacerts/root.pem": bench.root.read.public_bytes(Encoding.PEM).decode(),
    }
    files = MemoryFiles(texts)

    def credentials(secrets: Any, settings: Any) -> CredentialFiles:
        held.use(settings.pkcs11_modules)
        return CredentialFiles(files, "/etc/ipsec.d", secrets, held)

    return load(files, credentials=credentials)


def test_a_conn_with_a_token_loads_and_its_key_signs(bench: Bench) -> None:
    loaded = read(bench, "%smartcard:50", tokens())
    assert not loaded.errors and not loaded.warnings, (loaded.errors, loaded.warnings)
    moon = loaded.config.connections[0]
    assert str(moon.local[0].id) == "CN=moon" and moon.local[0].certs == ("%smartcard:50",)
    (key,) = loaded.private
    assert isinstance(key, TokenKey) and key.spki == loaded.config.keys[0].spki
    assert PIN not in repr(loaded) and RIGHT not in [s.secret for s in loaded.config.secrets]
    signers = Signers()
    tokens().close()
    TOKENS.use(loaded.config.settings.pkcs11_modules)
    signers.use(loaded.private)
    made = answer(signers, Sign(3, key.spki, sign.rsa_pss("sha256"), False, b"octets"))
    assert not made.error
    verify(public_key(key.spki), Scheme(sign.rsa_pss("sha256")), made.signature, b"octets")


def test_a_token_that_is_absent_refuses_its_conn_only(bench: Bench) -> None:
    loaded = read(bench, "%smartcard7:50", tokens())
    assert [c.name for c in loaded.config.connections] == ["other"] and loaded.ignored == ("moon",)
    (error,) = loaded.errors
    assert "there is no token in slot 7" in str(error)
    assert any("there is no token in slot 7" in str(w) for w in loaded.warnings), "the PIN's line"
