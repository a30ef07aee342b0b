"""Certificates, CRLs and OCSP answers for tests: a small CA in a few lines.

    root = authority("Root")
    sub = root.issues("Sub", ca=True, path_length=0)
    leaf = sub.issues("moon", names=["DNS:moon.example.org"])

All are valid from a year before to a year after ``NOW``, with P-256 keys, unless told otherwise.
Extensions that the library cannot make go in as bytes (``raw``).
"""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, mldsa, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import NameOID

from cygnet.crypto.crl import Crl
from cygnet.crypto.ocsp import OcspAnswer
from cygnet.crypto.x509 import Certificate
from cygnet.values import der

NOW = 1_800_000_000  #: 2027-01-15
YEAR = 365 * 86400
_SERIALS = itertools.count(1000)


def moment(seconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


def new_key(kind: str = "p256") -> Any:
    match kind.partition("-"):
        case ("rsa", _, bits):
            return rsa.generate_private_key(65537, int(bits))
        case ("ed25519", _, _):
            return ed25519.Ed25519PrivateKey.generate()
        case ("ed448", _, _):
            return ed448.Ed448PrivateKey.generate()
        case ("mldsa65", _, _):
            return mldsa.MLDSA65PrivateKey.generate()
    curves: dict[str, type[ec.EllipticCurve]] = {
        "p192": ec.SECP192R1, "p256": ec.SECP256R1, "p384": ec.SECP384R1, "p521": ec.SECP521R1,
        "bp256": ec.BrainpoolP256R1,
    }  # fmt: skip
    return ec.generate_private_key(curves[kind]())


def name(text: str) -> x509.Name:
    """``moon``: CN=moon; ``C=CH, O=x, CN=moon`` as it stands; empty: the empty Name."""
    oids = {
        "C": NameOID.COUNTRY_NAME, "O": NameOID.ORGANIZATION_NAME, "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
        "CN": NameOID.COMMON_NAME, "E": NameOID.EMAIL_ADDRESS,
    }  # fmt: skip
    pairs = [p.partition("=")[::2] for p in text.split(", ")] if "=" in text else [("CN", text)]
    return x509.Name([x509.NameAttribute(oids[k], v) for k, v in pairs if v])


def general(text: str) -> x509.GeneralName:
    kind, _, value = text.partition(":")
    match kind:
        case "DNS":
            return x509.DNSName(value)
        case "EMAIL":
            return x509.RFC822Name(value)
        case "URI":
            return x509.UniformResourceIdentifier(value)
        case "IP":
            return x509.IPAddress(
                ipaddress.ip_network(value) if "/" in value else ipaddress.ip_address(value)
            )
        case "DN":
            return x509.DirectoryName(name(value))
        case "RID":
            return x509.RegisteredID(x509.ObjectIdentifier(value))
    raise ValueError(text)


def key_usage(*uses: str) -> x509.KeyUsage:
    every = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
        "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{use: use in uses for use in every})


def oids(dotted: Iterable[str]) -> list[x509.ObjectIdentifier]:
    return [x509.ObjectIdentifier(one) for one in dotted]


@dataclass
class Holder:
    """A certificate with its private key."""

    certificate: Certificate
    key: Any = field(repr=False)

    @property
    def read(self) -> x509.Certificate:
        return x509.load_der_x509_certificate(self.certificate.der)

    def issues(self, subject: str, **options: Any) -> Holder:
        return make(subject, issuer=self, **options)

    def crl(
        self,
        revoked: dict[int, str] | None = None,
        *,
        since: int = NOW - 3600,
        until: int | None = NOW + 3600,
        number: int | None = 1,
        base: int | None = None,
        scope: x509.IssuingDistributionPoint | None = None,
        issuer: str | None = None,
        extra: Sequence[tuple[x509.ExtensionType, bool]] = (),
        digest: Any = None,
    ) -> Crl:
        """``revoked``: serial number -> reason."""
        entries = []
        for serial, reason in (revoked or {}).items():
            entry = x509.RevokedCertificateBuilder(serial, moment(since - 60))
            if reason:
                entry = entry.add_extension(x509.CRLReason(x509.ReasonFlags(reason)), False)
            entries.append(entry.build())
        builder = x509.CertificateRevocationListBuilder(
            name(issuer) if issuer else self.read.subject,
            moment(since),
            moment(until) if until is not None else None,
            [],
            entries,
        )
        extensions = list(extra)
        if number is not None:
            extensions.append((x509.CRLNumber(number), False))
        if base is not None:
            extensions.append((x509.DeltaCRLIndicator(base), True))
        if scope is not None:
            extensions.append((scope, True))
        for value, critical in extensions:
            builder = builder.add_extension(value, critical)
        made = builder.sign(self.key, digest or digest_for(self.key))
        return Crl.parse(made.public_bytes(Encoding.DER))

    def answers(
        self,
        about: Certificate,
        issuer: Holder,
        state: str = "good",
        *,
        since: int = NOW - 60,
        until: int | None = NOW + 3600,
        shown: Sequence[Holder] = (),
        by_name: bool = False,
        reason: str = "keyCompromise",
    ) -> OcspAnswer:
        status = ocsp.OCSPCertStatus[state.upper()]
        gone = status is ocsp.OCSPCertStatus.REVOKED
        builder = ocsp.OCSPResponseBuilder().add_response(
            x509.load_der_x509_certificate(about.der),
            issuer.read,
            hashes.SHA1(),
            status,
            moment(since),
            moment(until) if until is not None else None,
            moment(since - 60) if gone else None,
            x509.ReasonFlags(reason) if gone else None,
        )
        encoding = ocsp.OCSPResponderEncoding.NAME if by_name else ocsp.OCSPResponderEncoding.HASH
        builder = builder.responder_id(encoding, self.read)
        if shown:
            builder = builder.certificates([one.read for one in shown])
        made = builder.sign(self.key, digest_for(self.key))
        return OcspAnswer.parse(made.public_bytes(Encoding.DER))


def digest_for(key: Any) -> hashes.HashAlgorithm | None:
    return hashes.SHA256() if isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)) else None


def authority(subject: str, **options: Any) -> Holder:
    return make(subject, ca=True, **options)


def make(
    subject: str,
    *,
    issuer: Holder | None = None,
    key: Any = "p256",
    ca: bool = False,
    path_length: int | None = None,
    since: int = NOW - YEAR,
    until: int = NOW + YEAR,
    names: Sequence[str] = (),
    uses: Sequence[str] | None = None,
    purposes: Sequence[str] = (),
    permitted: Sequence[str] = (),
    excluded: Sequence[str] = (),
    policies: Sequence[str] = (),
    mappings: Sequence[tuple[str, str]] = (),
    constraints: tuple[int | None, int | None] | None = None,
    inhibit_any: int | None = None,
    crls: Sequence[str] = (),
    responders: Sequence[str] = (),
    raw: Sequence[tuple[str, bytes, bool]] = (),
    key_ids: bool = True,
    basic: bool = True,
    digest: Any = None,
    padding: Any = None,
    issuer_name: str | None = None,
    serial: int | None = None,
) -> Holder:
    """A certificate by ``issuer`` (None: self-signed). ``uses`` None: what fits a CA; () : no keyUsage."""
    private = new_key(key) if isinstance(key, str) else key
    signer = issuer.key if issuer else private
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer_name) if issuer_name else issuer.read.subject if issuer else name(subject))
        .public_key(private.public_key())
        .serial_number(serial or next(_SERIALS))
        .not_valid_before(moment(since))
        .not_valid_after(moment(until))
    )
    extensions: list[tuple[x509.ExtensionType, bool]] = []
    if ca and basic:
        extensions.append((x509.BasicConstraints(True, path_length), True))
    if uses is None and ca:
        uses = ("key_cert_sign", "crl_sign")
    if uses:
        extensions.append((key_usage(*uses), True))
    if purposes:
        extensions.append((x509.ExtendedKeyUsage(oids(purposes)), False))
    if names:
        extensions.append((x509.SubjectAlternativeName([general(n) for n in names]), not subject))
    if permitted or excluded:
        trees = [[general(n) for n in part] or None for part in (permitted, excluded)]
        extensions.append((x509.NameConstraints(*trees), True))
    if policies:
        extensions.append(
            (x509.CertificatePolicies([x509.PolicyInformation(o, None) for o in oids(policies)]), False)
        )
    if constraints:
        extensions.append((x509.PolicyConstraints(*constraints), True))
    if inhibit_any is not None:
        extensions.append((x509.InhibitAnyPolicy(inhibit_any), True))
    if crls:
        points = [x509.DistributionPoint([general("URI:" + u)], None, None, None) for u in crls]
        extensions.append((x509.CRLDistributionPoints(points), False))
    if responders:
        method = x509.ObjectIdentifier("1.3.6.1.5.5.7.48.1")
        infos = [x509.AccessDescription(method, general("URI:" + u)) for u in responders]
        extensions.append((x509.AuthorityInformationAccess(infos), False))
    if key_ids:
        extensions.append((x509.SubjectKeyIdentifier.from_public_key(private.public_key()), False))
        extensions.append((x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False))
    if mappings:
        pairs = [
            der.encode(der.SEQUENCE, der.encode_oid(ours), der.encode_oid(theirs))
            for ours, theirs in mappings
        ]
        raw = [*raw, ("2.5.29.33", der.encode(der.SEQUENCE, *pairs), True)]
    for oid, value, critical in raw:
        extensions.append((x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), value), critical))
    for value, critical in extensions:
        builder = builder.add_extension(value, critical)
    made = builder.sign(signer, digest or digest_for(signer), rsa_padding=padding)
    return Holder(Certificate.parse(made.public_bytes(Encoding.DER)), private)


def resigned(made: Holder, signer: Holder, find: bytes, replace: bytes, digest: Any = None) -> Certificate:
    """The certificate with some bytes of the same number changed, and signed again (PKCS#1 or ECDSA)."""
    from cryptography.hazmat.primitives.asymmetric import padding

    tbs, algorithm, _ = (part.whole for part in der.sequence(made.certificate.der))
    assert len(find) == len(replace) and find in tbs
    tbs = tbs.replace(find, replace)
    hashed = digest or hashes.SHA256()
    if isinstance(signer.key, rsa.RSAPrivateKey):
        signature = signer.key.sign(tbs, padding.PKCS1v15(), hashed)
    else:
        signature = signer.key.sign(tbs, ec.ECDSA(hashed))
    return Certificate.parse(
        der.encode(
            der.SEQUENCE,
            tbs,
            algorithm.replace(find, replace),
            der.encode(der.BIT_STRING, b"\0", signature),
        )
    )


def spki(key: Any) -> bytes:
    data: bytes = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return data
