"""The private keys of the virtual world, by their public parts: whoever has ``held`` one of these keys in its
configuration gets its signatures. They are the same each time, so that a run can be repeated."""

from __future__ import annotations

from cygnet.boundary.effects import Sign
from cygnet.boundary.events import Signed
from cygnet.crypto.sign import SigningKey
from cygnet.model.config import OwnKey
from cygnet.values.secret import Secret

_KEYS: dict[bytes, SigningKey] = {}


def held(private: Secret, source: str = "key") -> OwnKey:
    """For ``Config.keys``: the key of PKCS#8, SEC 1 or PKCS#1 data, DER or PEM."""
    key = SigningKey.load(private.reveal(), repeatable=True)
    _KEYS[key.public.spki] = key
    return OwnKey(key.public.spki, source)


def signed(effect: Sign) -> Signed:
    key = _KEYS[effect.key]
    try:
        return Signed(effect.ref, key.perform(effect.scheme, effect.raw, effect.data))
    except ValueError as problem:
        return Signed(effect.ref, b"", str(problem))
