"""RFC 5280 §4.2. What is wished of a certificate -> its extensions."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID

from cygnet.crypto.addrblock import IPV4, IPV6, Range, merged
from cygnet.crypto.issuing.errors import WishError
from cygnet.crypto.issuing.names import constraint, general_name, name_from_der
from cygnet.values import der

#: ``--flag``: extendedKeyUsage; strongSwan has the same words (crlSign, a keyUsage, is ``CRL_SIGN``)
PURPOSES: dict[str, str] = {
    "serverAuth": "1.3.6.1.5.5.7.3.1",
    "clientAuth": "1.3.6.1.5.5.7.3.2",
    "ikeIntermediate": "1.3.6.1.5.5.8.2.2",
    "ocspSigning": "1.3.6.1.5.5.7.3.9",
    "msSmartcardLogon": "1.3.6.1.4.1.311.20.2.2",
}
CRL_SIGN = "crlSign"

#: the profile of a request (Microsoft's certificate type name) -> what it stands for
PROFILE_OID = "1.3.6.1.4.1.311.20.2"
PROFILES: dict[str, tuple[str, ...]] = {
    "server": ("serverAuth",),
    "client": ("clientAuth",),
    "dual": ("serverAuth", "clientAuth"),
    "ocsp": ("ocspSigning",),
}


@dataclass(frozen=True, slots=True)
class Policy:
    oid: str
    cps_uri: str = ""
    notice: str = ""


@dataclass(frozen=True, slots=True)
class CrlPoint:
    uri: str
    issuer: bytes = b""  #: Name in DER, where it is not the certificate's issuer


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What is to stand in a certificate beside names, key, number and time; all as it is written."""

    names: tuple[str, ...] = ()  #: subjectAltNames
    ca: bool = False
    path_length: int | None = None
    flags: tuple[str, ...] = ()  #: of PURPOSES, or CRL_SIGN
    signs: bool = False  #: keyUsage digitalSignature, and nothing else; else an end's keyUsage is left open
    crls: tuple[CrlPoint, ...] = ()
    ocsp: tuple[str, ...] = ()  #: URIs
    permitted: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    policies: tuple[Policy, ...] = ()
    mappings: tuple[tuple[str, str], ...] = ()  #: issuer's policy, subject's policy
    explicit: int | None = None  #: requireExplicitPolicy
    inhibit: int | None = None  #: inhibitPolicyMapping
    any_policy: int | None = None  #: inhibitAnyPolicy
    blocks: tuple[str, ...] = ()  #: 10.0.0.0/8 or 192.0.2.1-192.0.2.9
    critical: tuple[str, ...] = ()  #: OIDs of critical extensions that nobody knows


Extension = tuple[x509.ExtensionType, bool]


def extensions(wishes: Wishes) -> Iterator[Extension]:
    """Each with whether it is critical. Key identifiers are not among them."""
    for make in _MAKERS:
        yield from make(wishes)


def _constraints(w: Wishes) -> Iterator[Extension]:
    if w.path_length is not None and not w.ca:
        raise WishError("a path length is for CAs only (--ca)")
    if w.ca:
        yield x509.BasicConstraints(ca=True, path_length=w.path_length), True


def _usage(w: Wishes) -> Iterator[Extension]:
    crl = w.ca or CRL_SIGN in w.flags
    if w.ca or crl or w.signs:
        yield (
            x509.KeyUsage(
                digital_signature=w.signs, content_commitment=False, key_encipherment=False,
                data_encipherment=False, key_agreement=False, key_cert_sign=w.ca, crl_sign=crl,
                encipher_only=False, decipher_only=False,
            ),
            True,
        )  # fmt: skip


def _purposes(w: Wishes) -> Iterator[Extension]:
    for flag in w.flags:
        if flag not in PURPOSES and flag != CRL_SIGN:
            raise WishError(f"'{flag}' is no flag; {', '.join((*PURPOSES, CRL_SIGN))} are")
    oids = [x509.ObjectIdentifier(PURPOSES[flag]) for flag in dict.fromkeys(w.flags) if flag != CRL_SIGN]
    if oids:
        yield x509.ExtendedKeyUsage(oids), False


def _names(w: Wishes) -> Iterator[Extension]:
    if w.names:
        yield x509.SubjectAlternativeName([general_name(text) for text in w.names]), False


def _crl_points(w: Wishes) -> Iterator[Extension]:
    if w.crls:
        yield x509.CRLDistributionPoints([_crl_point(point) for point in w.crls]), False


def _crl_point(point: CrlPoint) -> x509.DistributionPoint:
    issuer = [x509.DirectoryName(name_from_der(point.issuer))] if point.issuer else None
    return x509.DistributionPoint([uri(point.uri)], None, None, issuer)


def _ocsp(w: Wishes) -> Iterator[Extension]:
    if w.ocsp:
        how = AuthorityInformationAccessOID.OCSP
        yield x509.AuthorityInformationAccess([x509.AccessDescription(how, uri(u)) for u in w.ocsp]), False


def uri(text: str) -> x509.UniformResourceIdentifier:
    try:
        return x509.UniformResourceIdentifier(text)
    except ValueError as error:
        raise WishError(f"'{text}' is no URI: {error}") from None


def _trees(w: Wishes) -> Iterator[Extension]:
    permitted, excluded = ([constraint(text) for text in part] or None for part in (w.permitted, w.excluded))
    if permitted or excluded:
        yield x509.NameConstraints(permitted, excluded), True


def _policies(w: Wishes) -> Iterator[Extension]:
    if w.policies:
        yield x509.CertificatePolicies([_policy(policy) for policy in w.policies]), False


def _policy(policy: Policy) -> x509.PolicyInformation:
    qualifiers: list[str | x509.UserNotice] = [policy.cps_uri] if policy.cps_uri else []
    if policy.notice:
        qualifiers.append(x509.UserNotice(None, policy.notice))
    return x509.PolicyInformation(oid(policy.oid), qualifiers or None)


def _mappings(w: Wishes) -> Iterator[Extension]:
    if w.mappings:
        pairs = [der.encode(der.SEQUENCE, _oid_der(a), _oid_der(b)) for a, b in w.mappings]
        yield _raw("2.5.29.33", der.encode(der.SEQUENCE, *pairs)), False


def _policy_limits(w: Wishes) -> Iterator[Extension]:
    if w.explicit is not None or w.inhibit is not None:
        yield x509.PolicyConstraints(w.explicit, w.inhibit), True
    if w.any_policy is not None:
        yield x509.InhibitAnyPolicy(w.any_policy), True


def _blocks(w: Wishes) -> Iterator[Extension]:
    # RFC 3779 would have it critical; like strongSwan's it is not, so that peers that do not know
    # the extension go on to take the certificate
    if w.blocks:
        yield _raw("1.3.6.1.5.5.7.1.7", address_blocks(w.blocks)), False


def _critical(w: Wishes) -> Iterator[Extension]:
    for text in w.critical:
        yield _raw(text, b"\x05\x00"), True


_MAKERS: tuple[Callable[[Wishes], Iterator[Extension]], ...] = (
    _constraints, _usage, _purposes, _names, _crl_points, _ocsp, _trees, _policies, _mappings,
    _policy_limits, _blocks, _critical,
)  # fmt: skip


def oid(text: str) -> x509.ObjectIdentifier:
    _oid_der(text)
    return x509.ObjectIdentifier(text)


def _oid_der(text: str) -> bytes:
    try:
        return der.encode_oid(text)
    except ValueError:
        raise WishError(f"'{text}' is no object identifier (1.3.6.1 is one)") from None


def _raw(identifier: str, value: bytes) -> x509.UnrecognizedExtension:
    return x509.UnrecognizedExtension(oid(identifier), value)


# RFC 3779 §2.2.3 ------------------------------------------------------------------------


def address_blocks(blocks: Iterable[str]) -> bytes:
    """IPAddrBlocks in canonical form: in order, with what touches or overlaps made one."""
    ranges: dict[int, list[Range]] = {}
    for text in blocks:
        first, last = _ends(text)
        family = IPV4 if first.version == 4 else IPV6
        ranges.setdefault(family, []).append((int(first), int(last)))
    families = []
    for family, size in ((IPV4, 32), (IPV6, 128)):
        if family in ranges:
            found = [_block(*one, size) for one in merged(ranges[family])]
            head = der.encode(der.OCTET_STRING, family.to_bytes(2))
            families.append(der.encode(der.SEQUENCE, head, der.encode(der.SEQUENCE, *found)))
    return der.encode(der.SEQUENCE, *families)


_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _ends(text: str) -> tuple[_Address, _Address]:
    try:
        if "-" in text:
            first, last = (ipaddress.ip_address(part.strip()) for part in text.split("-"))
            if first.version == last.version and int(first) <= int(last):
                return first, last
        else:
            network = ipaddress.ip_network(text)
            return network[0], network[-1]
    except ValueError:
        pass
    raise WishError(f"'{text}' is no address block (10.0.0.0/8 and 192.0.2.1-192.0.2.9 are)")


def _block(first: int, last: int, size: int) -> bytes:
    """A prefix where the range is one (it has to be written so), else its ends without what is implied."""
    count = last - first + 1
    if count & (count - 1) == 0 and first % count == 0:
        return _bits(first, size, size - count.bit_length() + 1)
    low = size - (first & -first).bit_length() + 1 if first else 0
    rest = last ^ ((1 << size) - 1)  # the ones at the end of it are implied
    high = size - (rest & -rest).bit_length() + 1 if rest else 0
    return der.encode(der.SEQUENCE, _bits(first, size, low), _bits(last, size, high))


def _bits(address: int, size: int, kept: int) -> bytes:
    """The first ``kept`` bits as a BIT STRING."""
    count = (kept + 7) // 8
    unused = 8 * count - kept
    value = (address >> (size - kept)) << unused if kept else 0
    return der.encode(der.BIT_STRING, bytes((unused,)), value.to_bytes(count))
