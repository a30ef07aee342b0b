"""`cygnet pki print`: what stands in a key, a certificate, a CRL or a request, as strongSwan shows it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from cygnet.cli import exits
from cygnet.cli.pki.files import name, read, read_certificate, read_key
from cygnet.cli.pki.parser import PRIVATE_TYPES, input_argument, passphrase_argument, type_argument
from cygnet.cli.pki.terms import now
from cygnet.cli.terminal import say
from cygnet.crypto.crl import Crl
from cygnet.crypto.general_name import GeneralName, NameKind
from cygnet.crypto.issuing.attribute import read_attribute_certificate
from cygnet.crypto.issuing.certificates import read_request
from cygnet.crypto.issuing.extensions import PURPOSES
from cygnet.crypto.issuing.keys import PrivateKey, PublicKey, describe, key_ids, load_public
from cygnet.crypto.issuing.revocation import entries_of
from cygnet.crypto.publickey import SignatureError
from cygnet.crypto.x509 import Certificate, KeyUse
from cygnet.values import dn

Lines = Iterator[str]


def arguments(parser: argparse.ArgumentParser) -> None:
    input_argument(parser, "what to show")
    type_argument(parser, ("x509", "crl", "ac", "pkcs10", "pub", *PRIVATE_TYPES), "x509")
    passphrase_argument(parser)


def run(options: argparse.Namespace) -> int:
    for line in _SHOWN.get(options.type, _private)(options):
        say(line)
    return exits.OK


def row(title: str, text: str) -> str:
    return f"  {title + ':':<11}{text}"


def named(title: str, name_: bytes) -> str:
    return f'  {title + ":":<10}"{dn.text(name_)}"'


def rows(title: str, texts: list[str], gap: str = "           ") -> Lines:
    """The first one beside the title, the others below it."""
    for at, text in enumerate(texts):
        yield row(title, text) if at == 0 else gap + text


# keys ----------------------------------------------------------------------------------


def _ids(key: PublicKey) -> Lines:
    subject, whole = key_ids(key)
    yield row("keyid", whole.hex(":"))
    yield row("subjkey", subject.hex(":"))


def _public(key: PublicKey) -> Lines:
    yield row("pubkey", _described(key))
    yield from _ids(key)


def _described(key: PublicKey | PrivateKey) -> str:
    """strongSwan shouts ED25519."""
    return describe(key).replace("Ed", "ED")


def _pub(options: argparse.Namespace) -> Lines:
    yield from _public(load_public(read(options.input), name(options.input)))


def _private(options: argparse.Namespace) -> Lines:
    key = read_key(options.input, options, options.type)
    yield row("privkey", _described(key))
    yield from _ids(key.public_key())


# times ---------------------------------------------------------------------------------

_UNITS = (("days", 86400), ("hours", 3600), ("minutes", 60), ("seconds", 1))


def moment(seconds: int) -> str:
    """In local time, as everything that strongSwan shows."""
    try:
        return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%b %d %H:%M:%S %Y")
    except (OverflowError, ValueError, OSError):
        return "at the end of time"


def span(seconds: int) -> str:
    """The largest unit of which there are more than two."""
    for unit, size in _UNITS:
        if seconds > 2 * size or size == 1:
            count = seconds // size
            return f"{count} {unit[:-1] if count == 1 else unit}"
    raise AssertionError


def _begins(at: int) -> str:
    wait = at - now()
    return f"{moment(at)}, " + (f"not valid yet (valid in {span(wait)})" if wait > 0 else "ok")


def _ends(at: int | None) -> str:
    if at is None:
        return "not said"
    left = at - now()
    state = f"ok (expires in {span(left)})" if left >= 0 else f"expired ({span(-left)} ago)"
    return f"{moment(at)}, {state}"


def _validity(begin: int, end: int) -> Lines:
    yield row("validity", f"not before {_begins(begin)}")
    yield f"             not after  {_ends(end)}"


# certificates --------------------------------------------------------------------------

#: in strongSwan's order
_ORDER = ("ocspSigning", "serverAuth", "clientAuth", "ikeIntermediate", "msSmartcardLogon")
_FLAGS = {PURPOSES[flag]: flag for flag in _ORDER}


def _certificate(options: argparse.Namespace) -> Lines:
    one = read_certificate(options.input)
    yield named("subject", one.subject.data)
    yield named("issuer", one.issuer.data)
    yield from _validity(one.not_before, one.not_after)
    yield row("serial", number(one.serial))
    if one.names:
        yield row("altNames", ", ".join(map(str, one.names)))
    yield row("flags", "".join(f"{flag} " for flag in _flags(one)))
    points = [f"{uri}{_by(point.issuers)}" for point in one.crl_points for uri in point.uris]
    yield from rows("CRL URIs", points)
    yield from rows("OCSP URIs", list(one.ocsp_uris))
    if one.path_length is not None:
        yield row("pathlen", str(one.path_length))
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
    if one.address_blocks is not None:
        blocks = ", ".join(str(block).replace("-", "..") for block in one.address_blocks)
        yield row("addresses", blocks)
    if one.unknown_critical:
        yield row("critical", f"unknown extensions {', '.join(one.unknown_critical)}")
    if one.authority_key_id:
        yield row("authkeyId", one.authority_key_id.hex(":"))
    if one.subject_key_id:
        yield row("subjkeyId", one.subject_key_id.hex(":"))
    yield from _public(load_public(one.key.spki, f"the key in {name(options.input)}"))


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


def _listed(title: str, texts: list[str], gap: str = "           ") -> Lines:
    if texts:
        yield f"  {title}:"
        yield from (gap + text for text in texts)


def number(value: int) -> str:
    """A serial number as its bytes."""
    size = max(1, (value.bit_length() + 7) // 8) if value >= 0 else 1 + value.bit_length() // 8
    return value.to_bytes(size, signed=value < 0).hex(":")


# the others ----------------------------------------------------------------------------


def _request(options: argparse.Namespace) -> Lines:
    asked = read_request(read(options.input), name(options.input))
    yield named("subject", asked.subject)
    if asked.names:
        yield row("altNames", ", ".join(asked.names))
    if asked.profile:
        yield row("profile", dn.printable(asked.profile))
    yield from _public(asked.key)


def _crl(options: argparse.Namespace) -> Lines:
    data = read(options.input)
    crl = Crl.parse(data)
    yield named("issuer", crl.issuer.data)
    yield row("update", f"this on {_begins(crl.this_update)}")
    yield f"             next on {_ends(crl.next_update)}"
    if crl.number is not None:
        yield row("serial", number(crl.number))
    if crl.base is not None:
        yield row("delta CRL", f"for serial {number(crl.base)}")
    if crl.authority_key_id:
        yield row("authKeyId", crl.authority_key_id.hex(":"))
    yield from rows("freshest", list(crl.delta_uris), "             ")
    entries = entries_of(data, name(options.input))
    yield f"  {len(entries)} revoked certificate{'' if len(entries) == 1 else 's'}{':' if entries else ''}"
    for one in entries:
        when = moment(int(one.when.timestamp()))
        yield f"    {number(one.serial)}: {when}, {_WORDS.get(one.reason, one.reason) or 'unspecified'}"


#: RFC 5280's words as strongSwan has them
_WORDS = {
    "keyCompromise": "key compromise", "cACompromise": "CA compromise",
    "affiliationChanged": "affiliation changed", "superseded": "superseded",
    "cessationOfOperation": "cessation of operation", "certificateHold": "certificate hold",
    "removeFromCRL": "remove from crl",
}  # fmt: skip


def _attribute(options: argparse.Namespace) -> Lines:
    one = read_attribute_certificate(read(options.input), name(options.input))
    if one.holder_name is not None:
        yield named("subject", one.holder_name)
    yield named("issuer", one.issuer)
    yield from _validity(int(one.not_before.timestamp()), int(one.not_after.timestamp()))
    yield row("serial", number(one.serial))
    if one.holder_issuer is not None and one.holder_serial is not None:
        yield named("hissuer", one.holder_issuer)
        yield row("hserial", number(one.holder_serial))
    yield from rows("groups", list(one.groups), "             ")
    if one.authority_key_id:
        yield "  authkey:  " + one.authority_key_id.hex(":")


_SHOWN: dict[str, Callable[[argparse.Namespace], Lines]] = {
    "x509": _certificate, "crl": _crl, "ac": _attribute, "pkcs10": _request, "pub": _pub,
}  # fmt: skip
