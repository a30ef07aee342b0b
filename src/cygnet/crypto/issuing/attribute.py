"""RFC 5755. Attribute certificates: groups that the holder of a certificate is in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from cygnet.crypto.issuing.certificates import check_pair
from cygnet.crypto.issuing.errors import IssuingError, WishError
from cygnet.crypto.issuing.keys import Signing, sign
from cygnet.crypto.pem import pem_blocks
from cygnet.crypto.x509 import Certificate, authority_key_id, read_extensions, signed
from cygnet.values import der, dn
from cygnet.values.der import DerError

_GROUP = "1.3.6.1.5.5.7.10.4"  #: id-aca-group
_AUTHORITY_KEY, _NO_REVOCATION = "2.5.29.35", "2.5.29.56"
UTF8, GENERALIZED_TIME = 0x0C, 0x18


def _sequence(*parts: bytes) -> bytes:
    return der.encode(der.SEQUENCE, *parts)


def _integer(value: int) -> bytes:
    return der.encode(der.INTEGER, value.to_bytes(value.bit_length() // 8 + 1))


def _time(when: datetime) -> bytes:
    return der.encode(GENERALIZED_TIME, when.strftime("%Y%m%d%H%M%SZ").encode())


def _names(name: bytes) -> bytes:
    """The value of GeneralNames with one directoryName, without the tag of the SEQUENCE."""
    return der.encode(der.context(4, True), name)


def attribute_certificate(
    holder: Certificate,
    issuer: Certificate,
    how: Signing,
    groups: tuple[str, ...],
    serial: int,
    not_before: datetime,
    not_after: datetime,
) -> bytes:
    """DER. As strongSwan's: the holder by issuer and number and by name; no revocation data (§4.3.6)."""
    check_pair(issuer, how, "the issuer's certificate")
    if not_after < not_before:
        raise WishError("the attribute certificate would end before it begins")
    algorithm = _algorithm(how)
    held = _sequence(
        der.encode(der.context(0, True), _sequence(_names(holder.issuer.data)), _integer(holder.serial)),
        der.encode(der.context(1, True), _names(holder.subject.data)),
    )
    issued = der.encode(der.context(0, True), _sequence(_names(issuer.subject.data)))
    values = _sequence(_sequence(*(der.encode(UTF8, group.encode()) for group in groups)))
    group_attribute = _sequence(der.encode_oid(_GROUP), der.encode(der.SET, values))
    attributes = _sequence(group_attribute) if groups else _sequence()
    validity = _sequence(_time(not_before), _time(not_after))
    key = der.encode(der.context(0), issuer.subject_key_id or issuer.key.keyid)
    extensions = _sequence(
        _sequence(der.encode_oid(_AUTHORITY_KEY), der.encode(der.OCTET_STRING, _sequence(key))),
        _sequence(der.encode_oid(_NO_REVOCATION), der.encode(der.OCTET_STRING, b"\x05\x00")),
    )
    info = _sequence(_integer(1), held, issued, algorithm, _integer(serial), validity, attributes, extensions)
    return _sequence(info, algorithm, der.encode(der.BIT_STRING, b"\0", sign(how, info)))


def _algorithm(how: Signing) -> bytes:
    """The AlgorithmIdentifier, from something that the library signs in the same way."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    try:
        made = builder.sign(how.key, how.hash, rsa_padding=how.pss)  # type: ignore[arg-type]
    except ValueError as error:
        raise IssuingError(f"the attribute certificate cannot be signed: {error}") from None
    return signed(made.public_bytes(Encoding.DER))[1]


# reading -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AttributeCertificate:
    """What `print` shows; nothing is checked."""

    holder_name: bytes | None
    holder_issuer: bytes | None
    holder_serial: int | None
    issuer: bytes
    serial: int
    not_before: datetime
    not_after: datetime
    groups: tuple[str, ...]
    authority_key_id: bytes | None


def read_attribute_certificate(data: bytes, what: str) -> AttributeCertificate:
    blocks = [content for label, content in pem_blocks(data) if label == b"ATTRIBUTE CERTIFICATE"]
    try:
        return _read(signed(blocks[0] if blocks else data)[0])
    except (DerError, ValueError) as error:
        raise IssuingError(f"{what} is no attribute certificate that can be read: {error}") from None


def _read(info: bytes) -> AttributeCertificate:
    fields = der.Fields.of(info)
    fields.need(der.INTEGER)
    held = der.Fields.of(fields.need(der.SEQUENCE).whole)
    issued = fields.need(der.context(0, True))
    fields.need(der.SEQUENCE)
    serial = der.integer(fields.need(der.INTEGER).value)
    begin, end = (_moment(one) for one in der.elements(fields.need(der.SEQUENCE).value))
    attributes = fields.need(der.SEQUENCE)
    fields.optional(der.BIT_STRING)
    extensions = fields.optional(der.SEQUENCE)
    known, _ = read_extensions(extensions.whole if extensions else None, {_AUTHORITY_KEY: authority_key_id})
    base, entity = held.optional(der.context(0, True)), held.optional(der.context(1, True))
    base_parts = list(der.elements(base.value)) if base else []
    return AttributeCertificate(
        holder_name=_name(entity.value) if entity else None,
        holder_issuer=_name(base_parts[0].value) if base_parts else None,
        holder_serial=der.integer(base_parts[1].value) if len(base_parts) > 1 else None,
        issuer=_name(der.only(issued.value, der.SEQUENCE).value),
        serial=serial,
        not_before=begin,
        not_after=end,
        groups=tuple(_groups(attributes)),
        authority_key_id=known.get("authority_key_id"),
    )


def _name(names: bytes) -> bytes:
    for one in der.elements(names):
        if one.tag == der.context(4, True):
            dn.rdns(one.value)
            return one.value
    raise DerError("no name")


def _moment(element: der.Tlv) -> datetime:
    if element.tag != GENERALIZED_TIME:
        raise DerError("no GeneralizedTime")
    return datetime.strptime(element.value.decode("ascii"), "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _groups(attributes: der.Tlv) -> list[str]:
    found: list[str] = []
    for attribute in der.elements(attributes.value):
        parts = der.sequence(attribute.whole)
        if len(parts) == 2 and der.oid(parts[0].value) == _GROUP:
            for syntax in der.elements(parts[1].value):
                for values in der.sequence(syntax.whole):
                    if values.tag == der.SEQUENCE:
                        found += [dn.printable(one.value.decode("utf-8", "replace"))
                                  for one in der.elements(values.value)]  # fmt: skip
    return found
