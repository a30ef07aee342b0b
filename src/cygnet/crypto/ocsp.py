"""RFC 6960. OCSP: asking for the state of one certificate, and reading what is answered."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from cygnet.crypto.publickey import PublicKey, SignatureAlgorithm, key_bits, signature_algorithm
from cygnet.crypto.x509 import (
    Certificate,
    CertificateError,
    name_identity,
    parse_certificate,
    read_extensions,
    seconds,
    signed,
)
from cygnet.values import der
from cygnet.values.der import DerError
from cygnet.values.identity import Identity

#: certificates taken along in one answer, and single answers in it; more are an attempt to keep us busy
MOST_CERTIFICATES, MOST_ANSWERS = 8, 256

_BASIC = "1.3.6.1.5.5.7.48.1.1"
_NONCE = "1.3.6.1.5.5.7.48.1.2"
_HASHES = {"sha1", "sha224", "sha256", "sha384", "sha512"}


@dataclass(frozen=True, slots=True)
class CertId:
    """Which certificate is meant: hashes of its issuer's name and key, and its number."""

    hash: str
    issuer_name_hash: bytes
    issuer_key_hash: bytes
    serial: int

    @classmethod
    def of(cls, certificate: Certificate, issuer: Certificate, hash_name: str = "sha1") -> CertId:
        """ValueError for a hash that is none of SHA-1 and SHA-2."""
        return cls(
            hash_name,
            _digest(hash_name, certificate.issuer.data),
            _digest(hash_name, key_bits(issuer.key.spki)),
            certificate.serial,
        )


def _digest(hash_name: str, data: bytes) -> bytes:
    if hash_name not in _HASHES:
        raise ValueError(f"OCSP has no hash {hash_name}")
    return hashlib.new(hash_name, data, usedforsecurity=False).digest()


@dataclass(frozen=True, slots=True)
class Status:
    """What an answer says of one certificate."""

    id: CertId
    state: str  #: "good", "revoked" or "unknown"
    this_update: int  #: unix seconds
    next_update: int | None
    revoked_at: int = 0  #: unix seconds
    reason: str = "unspecified"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OcspAnswer:
    der: bytes = field(repr=False)
    responder: Identity | None  #: by name, or
    responder_key: bytes | None  #: by the SHA-1 of its subjectPublicKey
    produced_at: int  #: unix seconds
    algorithm: SignatureAlgorithm
    statuses: tuple[Status, ...]
    certificates: tuple[Certificate, ...] = ()  #: the responder's, as it shows them
    nonce: bytes | None = None
    unknown_critical: tuple[str, ...] = ()
    _signed: bytes = field(repr=False)

    @classmethod
    def parse(cls, data: bytes) -> OcspAnswer:
        """From an OCSPResponse; CertificateError where it is none, or one that answers nothing."""
        return parse_answer(data)

    def status(self, certificate: Certificate, issuer: Certificate) -> Status | None:
        """What it says of that certificate; None: nothing."""
        for status in self.statuses:
            if status.id.serial == certificate.serial and status.id == CertId.of(
                certificate, issuer, status.id.hash
            ):
                return status
        return None

    def is_by(self, certificate: Certificate) -> bool:
        """Whether it says that this certificate's subject answers; no signature is checked."""
        if self.responder_key is not None:
            return self.responder_key == certificate.key.keyid
        return self.responder is not None and self.responder.data == certificate.subject.data

    def verify_signed_by(self, key: PublicKey) -> None:
        """Nothing, or SignatureError."""
        tbs, _, signature = signed(self._signed)
        key.verify(self.algorithm, signature, tbs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OcspAnswer) and other.der == self.der

    def __hash__(self) -> int:
        return hash(self.der)


def parse_answer(data: bytes) -> OcspAnswer:
    try:
        read = ocsp.load_der_ocsp_response(data)
        if read.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            raise CertificateError(f"the OCSP responder says {read.response_status.name.lower()}")
        statuses = _statuses(read)
        return _answer(data, seconds(read.produced_at_utc), statuses)
    except DerError as problem:
        raise CertificateError(f"no proper OCSP answer: {problem}") from None
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion) as problem:
        raise CertificateError(f"no proper OCSP answer: {str(problem)[:120]}") from None


def _statuses(read: ocsp.OCSPResponse) -> tuple[Status, ...]:
    found = []
    for number, single in enumerate(read.responses):
        if number == MOST_ANSWERS:
            raise CertificateError(f"an OCSP answer about more than {MOST_ANSWERS} certificates")
        hash_name = single.hash_algorithm.name
        cert_id = CertId(hash_name, single.issuer_name_hash, single.issuer_key_hash, single.serial_number)
        if hash_name not in _HASHES:
            continue
        after, when = single.next_update_utc, single.revocation_time_utc
        found.append(
            Status(
                cert_id,
                single.certificate_status.name.lower(),
                seconds(single.this_update_utc),
                seconds(after) if after else None,
                seconds(when) if when else 0,
                single.revocation_reason.value if single.revocation_reason else "unspecified",
            )
        )
    return tuple(found)


def _answer(data: bytes, produced_at: int, statuses: tuple[Status, ...]) -> OcspAnswer:
    response = der.Fields.of(data)
    response.need(der.ENUMERATED)
    content = der.Fields.of(response.need(der.context(0, True)).value)
    response.end()
    if der.oid(content.need(der.OID).value) != _BASIC:
        raise DerError("not of the basic type")
    basic = content.need(der.OCTET_STRING).value
    content.end()
    tbs, algorithm, _ = signed(basic)
    outer = der.Fields(der.sequence(basic)[3:])
    shown = outer.optional(der.context(0, True))
    outer.end()
    fields = der.Fields.of(tbs)
    fields.optional(der.context(0, True))
    by = fields.need(der.context(1, True), der.context(2, True))
    fields.need(0x18)
    singles = fields.need(der.SEQUENCE)
    extensions = fields.optional(der.context(1, True))
    fields.end()
    known, unknown = read_extensions(extensions.value if extensions else None, {_NONCE: _nonce})
    by_name = by.tag == der.context(1, True)
    return OcspAnswer(
        der=data,
        responder=name_identity(der.only(by.value, der.SEQUENCE)) if by_name else None,
        responder_key=None if by_name else der.only(by.value, der.OCTET_STRING).value,
        produced_at=produced_at,
        algorithm=signature_algorithm(algorithm),
        statuses=statuses,
        certificates=_certificates(shown),
        unknown_critical=unknown + _unknown_of_singles(singles),
        _signed=basic,
        **known,
    )


def _nonce(value: bytes) -> dict[str, bytes]:
    """RFC 8954 wants an OCTET STRING within; older responders write the bytes as they are."""
    try:
        return {"nonce": der.only(value, der.OCTET_STRING).value}
    except DerError:
        return {"nonce": value}


def _unknown_of_singles(singles: der.Tlv) -> tuple[str, ...]:
    unknown: tuple[str, ...] = ()
    for single in der.elements(singles.value):
        last = list(der.elements(single.value))[-1:]
        if last and last[0].tag == der.context(1, True):
            unknown += read_extensions(last[0].value, {})[1]
    return unknown


def _certificates(shown: der.Tlv | None) -> tuple[Certificate, ...]:
    if shown is None:
        return ()
    found = der.sequence(shown.value)
    if len(found) > MOST_CERTIFICATES:
        raise DerError(f"more than {MOST_CERTIFICATES} certificates")
    return tuple(parse_certificate(one.whole) for one in found)


# requests -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OcspRequest:
    id: CertId
    nonce: bytes | None

    @classmethod
    def parse(cls, data: bytes) -> OcspRequest:
        """From an OCSPRequest for one certificate; CertificateError where it is none."""
        try:
            read = ocsp.load_der_ocsp_request(data)
            name = read.hash_algorithm.name
            cert_id = CertId(name, read.issuer_name_hash, read.issuer_key_hash, read.serial_number)
            nonces = [e.value.nonce for e in read.extensions if isinstance(e.value, x509.OCSPNonce)]
        except (
            ValueError,
            NotImplementedError,
            UnsupportedAlgorithm,
            x509.DuplicateExtension,
            x509.UnsupportedGeneralNameType,
        ) as problem:
            raise CertificateError(f"no proper OCSP request: {str(problem)[:120]}") from None
        if name not in _HASHES:
            raise CertificateError(f"no proper OCSP request: hash {name}")
        return cls(cert_id, nonces[0] if nonces else None)


def ocsp_request(certificate: Certificate, issuer: Certificate, nonce: bytes | None = None) -> bytes:
    """The OCSPRequest that asks for ``certificate``; ``nonce`` of 1 to 32 bytes (RFC 8954) or None."""
    wanted = CertId.of(certificate, issuer)
    builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
        wanted.issuer_name_hash, wanted.issuer_key_hash, wanted.serial, hashes.SHA1()
    )
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return builder.build().public_bytes(Encoding.DER)
