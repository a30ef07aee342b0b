"""Which certificates are watched."""

from __future__ import annotations

import pytest

from cygnet.credentials.expiry import OWN, in_use
from cygnet.credentials.store import Store
from cygnet.model.config import (
    AuthMethod,
    AuthRound,
    CertificateFile,
    Child,
    Config,
    Connection,
    Mode,
    OwnKey,
)
from tests.certs import authority

MOON = authority("Root").issues("moon")
STORE = Store(
    Config(
        certificates=(CertificateFile(MOON.certificate.der, "moon.pem"),),
        keys=(OwnKey(MOON.certificate.key.spki, "moon.pem"),),
    )
)
PUBKEY = (AuthRound(AuthMethod.PUBKEY, certs=("moon.pem",)),)
NET, SHUNT = Child("net"), Child("lan", mode=Mode.PASS)


@pytest.mark.parametrize(
    ("children", "watched"), [((NET,), True), ((NET, SHUNT), True), ((SHUNT,), False), ((), True)]
)
def test_what_authenticates_is_watched_and_a_shunt_does_not(
    children: tuple[Child, ...], watched: bool
) -> None:
    found = in_use(STORE, [Connection("x", local=PUBKEY, remote=PUBKEY, children=children)])
    assert [one.what for one in found] == ([OWN] if watched else [])
