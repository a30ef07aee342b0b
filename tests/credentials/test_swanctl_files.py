"""Certificates and keys beside swanctl.conf: every key there is, passphrases by section and file."""

from __future__ import annotations

import pytest

from cygnet.config.files import MemoryFiles
from cygnet.credentials.files import SWANCTL, CredentialFiles
from cygnet.model.config import CertificateUse, SecretKind, SharedSecret
from cygnet.values.secret import Secret
from tests.certs import authority
from tests.peers.certified import key_text, pem

ROOT = authority("Root")
MOON, SUN = ROOT.issues("moon"), ROOT.issues("sun")


def held(files: dict[str, str], *secrets: SharedSecret) -> CredentialFiles:
    paths = {f"/etc/swanctl/{name}": text for name, text in files.items()}
    return CredentialFiles(MemoryFiles(paths), "/etc/swanctl", secrets, layout=SWANCTL)


def passphrase(section: str, file: str, secret: str) -> SharedSecret:
    return SharedSecret(SecretKind.PKCS8, (), Secret(secret.encode()), file, section)


def test_every_directory_has_its_use_and_keys_need_no_secret() -> None:
    found = held(
        {
            "x509/moon.pem": pem(MOON),
            "x509ca/root.pem": pem(ROOT),
            "private/a": key_text(MOON),
            "ecdsa/b": key_text(SUN),
        }
    )
    assert not found.problems
    assert str(found.certificate("moon.pem")) == "CN=moon" and found.has_key("moon.pem")
    found.authority("root.pem")
    assert str(found.subject("root.pem")) == "CN=Root"
    certificates, keys, _ = found.contents()
    assert len(keys) == 2 and {c.use for c in certificates} == {CertificateUse.END, CertificateUse.CA}


def test_a_passphrase_goes_with_the_directory_its_section_is_named_after() -> None:
    files = {"private/k.pem": key_text(MOON, Secret(b"one")), "pkcs8/k.pem": key_text(SUN, Secret(b"two"))}
    secrets = passphrase("private-1", "k.pem", "one"), passphrase("pkcs8-x", "k.pem", "two")
    found = held(files, *secrets)
    assert not found.problems and len(found.contents()[1]) == 2


@pytest.mark.parametrize("secrets", [(), (passphrase("rsa", "k.pem", "one"),)])
def test_a_key_whose_passphrase_is_missing_is_named(secrets: tuple[SharedSecret, ...]) -> None:
    found = held({"private/k.pem": key_text(MOON, Secret(b"one"))}, *secrets)
    assert "/etc/swanctl/private/k.pem" in str(found.problems[-1 if not secrets else 0])
    assert not found.contents()[1]


def test_a_secret_for_a_file_that_is_not_there_is_named() -> None:
    found = held({}, passphrase("private", "gone.pem", "x"))
    assert "/etc/swanctl/private/gone.pem" in str(found.problems[0])
