"""AUTH with a pre-shared key, computed a second time from RFC 7296 §2.15's words."""

from __future__ import annotations

import hmac

import pytest

from cygnet.crypto.prf import prf
from cygnet.engine.ikev2.auth import SignedOctets, psk_auth, verify_psk
from cygnet.values.errors import PeerError
from cygnet.values.iana import IdType, PrfId
from cygnet.values.identity import Identity
from cygnet.values.secret import Secret
from cygnet.wire.ikev2.notify_types import NotifyType

SHA256 = prf(PrfId.HMAC_SHA2_256)
MOON = Identity(IdType.FQDN, b"moon.example")


def test_the_octets_are_message_nonce_and_maced_identity() -> None:
    octets = SignedOctets(SHA256, b"message", b"nonce of the other side").of(MOON, Secret(b"sk_p" * 8))
    maced = hmac.digest(b"sk_p" * 8, b"\x02\0\0\0moon.example", "sha256")
    assert octets == b"message" + b"nonce of the other side" + maced


def test_intermediate_exchanges_stand_behind_the_identity() -> None:
    plain = SignedOctets(SHA256, b"message", b"nonce").of(MOON, Secret(b"k"))
    assert SignedOctets(SHA256, b"message", b"nonce", b"IntAuth").of(MOON, Secret(b"k")) == plain + b"IntAuth"


def test_the_value_is_prf_of_padded_secret() -> None:
    key = hmac.digest(b"secret", b"Key Pad for IKEv2", "sha256")
    assert psk_auth(SHA256, Secret(b"secret"), b"octets") == hmac.digest(key, b"octets", "sha256")


def test_any_other_value_is_refused() -> None:
    good = psk_auth(SHA256, Secret(b"secret"), b"octets")
    verify_psk(SHA256, Secret(b"secret"), b"octets", good)
    for bad in (b"", good[:-1], good + b"\0", bytes(32)):
        with pytest.raises(PeerError) as caught:
            verify_psk(SHA256, Secret(b"secret"), b"octets", bad)
        assert caught.value.notify == NotifyType.AUTHENTICATION_FAILED
