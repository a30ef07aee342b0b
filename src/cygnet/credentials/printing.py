"""Certificates, CRLs, OCSP answers and keys as lines of text, as strongSwan shows them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cygnet.credentials.expiry import is_soon
from cygnet.crypto.crl import Crl
from cygnet.crypto.general_name import GeneralName, NameKind
from cygnet.crypto.issuing.errors import IssuingError
from cygnet.crypto.issuing.extensions import PURPOSES
from cygnet.crypto.issuing.keys import PrivateKey, PublicKey, describe, key_ids, load_public
from cygnet.crypto.ocsp import OcspAnswer, Status
from cygnet.crypto.publickey import SignatureError
from cygnet.crypto.x509 import Certificate, KeyUse
from cygnet.values import dn
from cygnet.values.span import span

Lines = Iterator[str]


def row(title: str, text: str) -> str:
    return f"  {title + ':':<11}{text}"


def named(title: str, name: bytes) -> str:
    return f'  {title + ":":<10}"{dn.text(name)}"'


def rows(title: str, texts: Sequence[str], gap: str = "           ") -> Lines:
    """The first one beside the title, the others below it."""
    for at, text in enumerate(texts):
        yield row(title, text) if at == 0 else gap + text


def _listed(title: str, texts: list[str], gap: str = "           ") -> Lines:
    if texts:
        yield f"  {title}:"
        yield from (gap + text for text in texts)


def number(value: int) -> str:
    """A serial number as its bytes."""
    size = max(1, (value.bit_length() + 7) // 8) if value >= 0 else 1 + value.bit_length() // 8
    return value.to_bytes(size, signed=value < 0).hex(":")


# times ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Times:
    """How moments are shown: against ``now`` (unix seconds), in local time unless ``utc``."""

    now: int
    utc: bool = False

    def moment(self, seconds: int) -> str:
        try:
            when = datetime.fromtimestamp(seconds, UTC)
            if self.utc:
                return when.strftime("%b %d %H:%M:%S UTC %Y")
            return when.astimezone().strftime("%b %d %H:%M:%S %Y")
        except (OverflowError, ValueError, OSError):
            return "at the end of time"

    def begins(self, at: int) -> str:
        wait = at - self.now
        state = f"not valid yet (valid in {span(wait)})" if wait > 0 else "ok"
        return f"{self.moment(at)}, {state}"

    def ends(self, at: int | None, soon: bool = False) -> str:
        if at is None:
            return "not said"
        left = at - self.now
        if left < 0:
            state = f"expired ({span(-left)} ago)"
        else:
            state = f"{'EXPIRES SOON' if soon else 'ok'} (expires in {span(left)})"
        return f"{self.moment(at)}, {state}"

    def validity(self, begin: int, end: int) -> Lines:
        yield row("validity", f"not before {self.begins(begin)}")
        yield f"             not after  {self.ends(end, is_soon(begin, end, self.now))}"


# keys ----------------------------------------------------------------------------------


def public(key: PublicKey, has_private: bool = False) -> Lines:
    yield row("pubkey", described(key) + (", has private key" if has_private else ""))
    yield from ids(key)


def ids(key: PublicKey) -> Lines:
    subject, whole = key_ids(key)
    yield row("keyid", whole.hex(":"))
    yield row("subjkey", subject.hex(":"))


def described(key: PublicKey | PrivateKey) -> str:
    """strongSwan shouts ED25519."""
    return describe(key).replace("Ed", "ED")


# certificates --------------------------------------------------------------------------

#: in strongSwan's order
_ORDER = ("ocspSigning", "serverAuth", "clientAuth", "ikeIntermediate", "msSmartcardLogon")
_FLAGS = {PURPOSES[flag]: flag for flag in _ORDER}


def certificate(one: Certificate, times: Times, has_private: bool = False) -> Lines:
    yield named("subject", one.subject.data)
    yield named("issuer", one.issuer.data)
    yield from times.validity(one.not_before, one.not_after)
    yield row("serial", number(one.serial))
    if one.names:
        yield row("altNames", ", ".join(map(str, one.names)))
    yield row("flags", "".join(f"{flag} " for flag in _flags(one)))
    points = [f"{uri}{_by(point.issuers)}" for point in one.crl_points for uri in point.uris]
    yield from rows("CRL URIs", points)
    yield from rows("OCSP URIs", one.ocsp_uris)
    if one.path_length is not None:
        yield row("pathlen", str(one.path_length))
    yield from _limits(one)
    if one.address_blocks is not None:
        blocks = ", ".join(str(block).replace("-", "..") for block in one.address_blocks)
        yield row("addresses", blocks)
    if one.unknown_critical:
        yield row("critical", f"unknown extensions {', '.join(one.unknown_critical)}")
    if one.authority_key_id:
        yield row("authkeyId", one.authority_key_id.hex(":"))
    if one.subject_key_id:
        yield row("subjkeyId", one.subject_key_id.hex(":"))
    try:
        yield from public(load_public(one.key.spki, f"the key of {one.name}"), has_private)
    except IssuingError:
        yield row("pubkey", "of a kind that is not known")


def _limits(one: Certificate) -> Lines:
    if one.name_constraints:
        yield from _listed("permitted nameConstraints", [_tree(n) for n in one.name_constraints.permitted])
        yield from _listed("excluded nameConstraints", [_tree(n) for n in one.name_constraints.excluded])
    yield from _listed("certificatePolicies", list(one.policies or ()), "             ")
    yield from _listed("policyMappings", [f"{a} => {b}" for a, b in one.policy_mappings])
    limits = {
        "requireExplicitPolicy": one.require_explicit_policy,
        "inhibitPolicyMapping": one.inhibit_policy_mapping,
        "inhibitAnyPolicy": one.inhibit_any_policy,
    }
    yield from _listed("policyConstraints", [f"{k}: {v}" for k, v in limits.items() if v is not None])


def _flags(one: Certificate) -> Lines:
    if one.is_ca:
        yield "CA"
    if KeyUse.CRL_SIGN in (one.key_usage or ()):
        yield "CRLSign"
    yield from (flag for oid, flag in _FLAGS.items() if oid in (one.extended_key_usage or ()))
    try:
        one.verify_issued_by(one)
        yield "self-signed"
    except SignatureError:
        pass


def _by(issuers: tuple[GeneralName, ...]) -> str:
    return f" (CRL issuer: {', '.join(map(str, issuers))})" if issuers else ""


def _tree(one: GeneralName) -> str:
    if one.kind is NameKind.IP:
        half = len(one.value) // 2
        bits = int.from_bytes(one.value[half:]).bit_count()
        return f"{GeneralName(NameKind.IP, one.value[:half])}/{bits}"
    return str(one)


# what is said of certificates ------------------------------------------------------------

#: RFC 5280's words as strongSwan has them
REASONS = {
    "keyCompromise": "key compromise", "cACompromise": "CA compromise",
    "affiliationChanged": "affiliation changed", "superseded": "superseded",
    "cessationOfOperation": "cessation of operation", "certificateHold": "certificate hold",
    "removeFromCRL": "remove from crl",
}  # fmt: skip


def reason(word: str) -> str:
    return REASONS.get(word, word)


def crl(one: Crl, times: Times, most: int | None = None) -> Lines:
    """``most``: with so many entries at most they are listed, and with more only counted."""
    yield named("issuer", one.issuer.data)
    yield row("update", f"this on {times.begins(one.this_update)}")
    yield f"             next on {times.ends(one.next_update)}"
    if one.number is not None:
        yield row("serial", number(one.number))
    if one.base is not None:
        yield row("delta CRL", f"for serial {number(one.base)}")
    if one.authority_key_id:
        yield row("authKeyId", one.authority_key_id.hex(":"))
    yield from rows("freshest", one.delta_uris, "             ")
    listed = most is None or len(one) <= most
    yield f"  {len(one)} revoked certificate{'' if len(one) == 1 else 's'}{':' if one and listed else ''}"
    for entry in one.entries() if listed else ():
        yield f"    {number(entry.serial)}: {times.moment(entry.at)}, {reason(entry.reason)}"


def ocsp(one: OcspAnswer, times: Times) -> Lines:
    if one.responder is not None:
        yield named("signer", one.responder.data)
    elif one.responder_key is not None:
        yield row("signer", f"key {one.responder_key.hex(':')}")
    yield row("produced", times.moment(one.produced_at))
    for status in one.statuses:
        yield row("serial", f"{number(status.id.serial)}, {_state(status, times)}")
        yield row("update", f"this on {times.begins(status.this_update)}")
        yield f"             next on {times.ends(status.next_update)}"


def _state(status: Status, times: Times) -> str:
    if status.state != "revoked":
        return status.state
    return f"revoked on {times.moment(status.revoked_at)}, {reason(status.reason)}"
