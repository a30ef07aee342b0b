"""Keys and certificates on tokens, through PKCS#11 and the Python package ``python-pkcs11``.

What ipsec.conf and ipsec.secrets name is ``%smartcard[slot][@module]:keyid``: the key id is hexadecimal
(CKA_ID); without a slot or a module all are looked through, but no PIN is shown to a token before it is known
that the key is there. A PIN that a token has refused is not shown to it again while this process lives:
tokens lock themselves after a few. Whoever logs in does so for the whole process, so calls take turns.
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from cygnet.boundary.effects import Sign
from cygnet.crypto.hash import digest
from cygnet.crypto.issuing.keys import load_public, spki
from cygnet.crypto.publickey import KeyKind, SignatureAlgorithm, public_key
from cygnet.crypto.sign import Scheme, from_raw
from cygnet.crypto.x509 import Certificate
from cygnet.values.errors import CygnetError
from cygnet.values.secret import Secret

T = TypeVar("T")

NAME = re.compile(r"%smartcard(?P<slot>\d+)?(@(?P<module>[^:]+))?:(?P<id>([0-9a-fA-F]{2})+)")
_SETTING = "charon.plugins.pkcs11.modules.NAME.path in strongswan.conf names one"


class TokenError(CygnetError):
    """The token, or what is wanted of it, cannot be had; the text is for the user."""


@dataclass(frozen=True, slots=True)
class Name:
    slot: int | None
    module: str
    key_id: bytes

    @classmethod
    def parse(cls, written: str) -> Name:
        found = NAME.fullmatch(written)
        if found is None:
            raise TokenError("it is not %smartcard[slot][@module]:keyid, with the key id in hexadecimal")
        slot = int(found["slot"]) if found["slot"] else None
        return cls(slot, found["module"] or "", bytes.fromhex(found["id"]))


@dataclass(frozen=True, slots=True)
class Place:
    """A slot with a token in it."""

    path: str  #: of the module
    slot: Any

    @property
    def key(self) -> tuple[str, int]:
        return self.path, self.slot.slot_id

    def __str__(self) -> str:
        return f"slot {self.slot.slot_id} of {self.path}"


class Tokens:
    """All of this process."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._modules: dict[str, str] = {}
        self._sessions: dict[tuple[str, int], Any] = {}
        self._logged_in: set[tuple[str, int]] = set()
        self._refused: set[tuple[tuple[str, int], Secret]] = set()

    def use(self, modules: Sequence[tuple[str, str]]) -> None:
        """Names and paths of modules, from here on."""
        with self._lock:
            self._modules = dict(modules)

    def certificate(self, written: str) -> bytes:
        """The certificate of that key id, in DER. Raises TokenError."""
        name = Name.parse(written)
        return self._retried(lambda: self._certificate(name))

    def public(self, written: str, pin: Secret) -> bytes:
        """The SubjectPublicKeyInfo of that key, whose private part is there for that PIN. TokenError."""
        name = Name.parse(written)
        return self._retried(lambda: self._public(name, pin))

    def sign(self, written: str, pin: Secret, asked: Sign) -> bytes:
        """Raises TokenError."""
        name = Name.parse(written)
        return self._retried(lambda: self._sign(name, pin, asked))

    def _retried(self, action: Callable[[], T]) -> T:
        """Once more with a new session where the old one is of no use (the token was out meanwhile)."""
        try:
            import pkcs11
        except ImportError:
            raise TokenError(
                "keys on tokens need the Python package python-pkcs11: "
                "install it with pip where cygnet is installed"
            ) from None
        with self._lock:
            stale = bool(self._sessions)
            try:
                return action()
            except pkcs11.PKCS11Error as problem:
                self.close()
                if not stale:
                    raise _said(problem) from None
            try:
                return action()
            except pkcs11.PKCS11Error as problem:
                self.close()
                raise _said(problem) from None

    def close(self) -> None:
        """No session and nobody logged in, as at the beginning."""
        with self._lock:
            for session in self._sessions.values():
                with contextlib.suppress(Exception):  # the token is out: there is nothing to close
                    session.close()
            self._sessions.clear()
            self._logged_in.clear()

    # looking ------------------------------------------------------------------------

    def _places(self, name: Name) -> Iterator[Place]:
        import pkcs11

        if not self._modules:
            raise TokenError(f"no PKCS#11 module is set; {_SETTING}")
        if name.module and name.module not in self._modules:
            raise TokenError(f"there is no PKCS#11 module '{name.module}'; {_SETTING}")
        for path in [self._modules[name.module]] if name.module else self._modules.values():
            try:
                slots = pkcs11.lib(path).get_slots(token_present=True)
            except (RuntimeError, OSError) as problem:
                raise TokenError(f"the PKCS#11 module {path} cannot be loaded: {problem}") from None
            for slot in slots:
                if name.slot is None or slot.slot_id == name.slot:
                    yield Place(path, slot)

    def _session(self, place: Place) -> Any:
        if place.key not in self._sessions:
            self._sessions[place.key] = place.slot.get_token().open()
        return self._sessions[place.key]

    def _objects(self, place: Place, kind: str, name: Name) -> list[Any]:
        from pkcs11 import Attribute, ObjectClass

        wanted = {Attribute.CLASS: ObjectClass[kind], Attribute.ID: name.key_id}
        return list(self._session(place).get_objects(wanted))

    def _found(self, name: Name, *kinds: str) -> tuple[Place, Any] | None:
        """What anybody may see of that key id."""
        for place in self._places(name):
            for kind in kinds:
                for one in self._objects(place, kind, name):
                    return place, one
        return None

    def _absent(self, what: str, name: Name) -> TokenError:
        places = list(self._places(name))
        if not places:
            where = f"slot {name.slot}" if name.slot is not None else "any slot"
            return TokenError(f"there is no token in {where}")
        return TokenError(f"no {what} with the id {name.key_id.hex()} is in {', '.join(map(str, places))}")

    def _certificate(self, name: Name) -> bytes:
        from pkcs11 import Attribute

        found = self._found(name, "CERTIFICATE")
        if found is None:
            raise self._absent("certificate", name)
        return bytes(found[1][Attribute.VALUE])

    def _public(self, name: Name, pin: Secret) -> bytes:
        place, _ = self._private(name, pin)
        for kind in ("CERTIFICATE", "PUBLIC_KEY"):
            for one in self._objects(place, kind, name):
                return _spki(kind, one)
        raise self._absent("certificate or public key", name)

    def _private(self, name: Name, pin: Secret) -> tuple[Place, Any]:
        found = self._found(name, "PRIVATE_KEY", "CERTIFICATE", "PUBLIC_KEY")
        if found is not None:
            place = found[0]
        else:
            places = list(self._places(name))
            if len(places) > 1:
                slots = ", ".join(map(str, places))
                raise TokenError(f"which token has the key is not seen without a PIN; name one of {slots}")
            if not places:
                raise self._absent("key", name)
            place = places[0]
        self._log_in(place, pin)
        for key in self._objects(place, "PRIVATE_KEY", name):
            return place, key
        raise self._absent("private key", name)

    def _log_in(self, place: Place, pin: Secret) -> None:
        import pkcs11

        if place.key in self._logged_in:
            return
        if (place.key, pin) in self._refused:
            raise TokenError(f"{place} has refused this PIN before; it is not tried again before a restart")
        try:
            session = place.slot.get_token().open(user_pin=pin.reveal().decode("utf-8", "surrogateescape"))
        except pkcs11.exceptions.UserAlreadyLoggedIn:  # with a session that has been given up
            session = place.slot.get_token().open()
        except pkcs11.exceptions.PinLocked:
            raise TokenError(f"the PIN of {place} is locked: too many wrong ones") from None
        except (pkcs11.exceptions.PinIncorrect, pkcs11.exceptions.PinLenRange, pkcs11.exceptions.PinInvalid):
            self._refused.add((place.key, pin))
            raise TokenError(f"{place} refuses the PIN; it is not tried again") from None
        before = self._sessions.pop(place.key, None)
        self._sessions[place.key] = session
        self._logged_in.add(place.key)
        if before is not None:
            before.close()

    # signing ------------------------------------------------------------------------

    def _sign(self, name: Name, pin: Secret, asked: Sign) -> bytes:
        from pkcs11 import Mechanism

        _, key = self._private(name, pin)
        make = partial(key.sign, mechanism=Mechanism.RSA_PKCS)
        if not asked.scheme:
            kind = KeyKind.ECDSA if key.key_type.name == "EC" else KeyKind.RSA
            make = partial(key.sign, mechanism=Mechanism.ECDSA) if kind is KeyKind.ECDSA else make
            return bytes(make(asked.data))
        algorithm = Scheme(asked.scheme).algorithm
        if algorithm.kind is KeyKind.RSA:
            return bytes(key.sign(asked.data, **_rsa(algorithm)))
        if algorithm.kind is not KeyKind.ECDSA:
            raise TokenError(f"keys on tokens do not sign with {algorithm} here")
        raw = bytes(key.sign(digest(algorithm.hash, asked.data), mechanism=Mechanism.ECDSA))
        return raw if asked.raw else from_raw(raw, public_key(asked.key))


def _rsa(algorithm: SignatureAlgorithm) -> dict[str, Any]:
    """The mechanism: it hashes by itself."""
    from pkcs11 import MGF, Mechanism

    hashed = algorithm.hash.upper()
    if algorithm.pss is None:
        return {"mechanism": Mechanism[f"{hashed}_RSA_PKCS"]}
    plain = Mechanism["SHA_1" if hashed == "SHA1" else hashed]
    parameters = (plain, MGF[algorithm.pss.mgf_hash.upper()], algorithm.pss.salt_length)
    return {"mechanism": Mechanism[f"{hashed}_RSA_PKCS_PSS"], "mechanism_param": parameters}


def _spki(kind: str, found: Any) -> bytes:
    from pkcs11 import Attribute
    from pkcs11.util.ec import encode_ec_public_key
    from pkcs11.util.rsa import encode_rsa_public_key

    if kind == "CERTIFICATE":
        return Certificate.parse(bytes(found[Attribute.VALUE])).key.spki
    encode = encode_ec_public_key if found.key_type.name == "EC" else encode_rsa_public_key
    return spki(load_public(encode(found), "the public key on the token"))


def _said(problem: Exception) -> TokenError:
    text = str(problem) or type(problem).__name__
    return TokenError(f"the token cannot be used: {text}")


TOKENS = Tokens()
