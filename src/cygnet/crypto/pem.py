"""Files with certificates and what is kept beside them: PEM, DER, PKCS#7."""

from __future__ import annotations

import base64
import binascii
import re

from cygnet.crypto.x509 import Certificate, CertificateError
from cygnet.values import der
from cygnet.values.der import DerError
from cygnet.values.errors import CygnetError

_BEGIN = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----[ \t]*\r?\n")
#: labels without an end in one file; looking for each takes a walk through all of it
MOST_ENDLESS = 8
MOST_IN_PKCS7 = 1000  #: certificates; the lists of public CAs have some 150
_CERTIFICATE_LABELS = {b"CERTIFICATE", b"X509 CERTIFICATE", b"TRUSTED CERTIFICATE"}


def pem_blocks(data: bytes) -> list[tuple[bytes, bytes]]:
    """Label and DER of each PEM block, whatever stands around them; [] where ``data`` is no PEM.

    CertificateError where a block is no base64.
    """
    found: list[tuple[bytes, bytes]] = []
    endless: set[bytes] = set()
    at = 0
    while (begin := _BEGIN.search(data, at)) is not None and len(endless) < MOST_ENDLESS:
        label, at = begin[1], begin.end()
        end = -1 if label in endless else data.find(b"-----END " + label + b"-----", at)
        if end < 0:
            endless.add(label)
            continue
        body, at = data[at:end], end
        if b":" in body:  # headers, up to an empty line (RFC 1421): of encrypted keys
            body = re.split(rb"\r?\n[ \t]*\r?\n", body, maxsplit=1)[-1]
        try:
            found.append((label, base64.b64decode(b"".join(body.split()), validate=True)))
        except (binascii.Error, ValueError):
            raise CertificateError(f"PEM block {len(found) + 1} is no base64") from None
    return found


def certificates_in(data: bytes) -> tuple[Certificate, ...]:
    """All certificates of a file: PEM blocks (CRLF, a BOM and text around them do no harm), DER or PKCS#7.

    In the order of the file, each once. Blocks that are something else (keys, CRLs) are passed over.
    CertificateError where there is none, or where one cannot be read (it says which).
    """
    blocks = pem_blocks(data)
    if not blocks:
        return _der_certificates(data.removeprefix(b"\xef\xbb\xbf"))
    found: list[Certificate] = []
    for number, (label, content) in enumerate(blocks, 1):
        try:
            if label in _CERTIFICATE_LABELS:
                whole = der.read(content)[0].whole if label.startswith(b"TRUSTED") else content
                found.append(Certificate.parse(whole))
            elif label in (b"PKCS7", b"CMS"):
                found += _pkcs7(content)
        except CygnetError as problem:
            raise CertificateError(f"PEM block {number}: {problem}") from None
    if not found:
        labels = ", ".join(sorted({label.decode() for label, _ in blocks}))
        raise CertificateError(f"no certificate in it, only {labels}")
    return tuple(dict.fromkeys(found))


def _der_certificates(data: bytes) -> tuple[Certificate, ...]:
    try:
        first = der.sequence(data)[:1]
    except DerError:
        raise CertificateError("neither PEM nor DER") from None
    if first and first[0].tag == der.OID:
        return tuple(dict.fromkeys(_pkcs7(data)))
    return (Certificate.parse(data),)


def _pkcs7(data: bytes) -> list[Certificate]:
    """RFC 2315 §9: those of a SignedData, in its order, which is rarely the one that DER wants of a SET."""
    try:
        content = der.Fields.of(data)
        content.need(der.OID)
        fields = der.Fields.of(content.need(der.context(0, True)).value)
        fields.need(der.INTEGER)
        fields.need(der.SET)
        fields.need(der.SEQUENCE)
        held = fields.optional(der.context(0, True))
        found = [one for one in der.elements(held.value) if one.tag == der.SEQUENCE] if held else []
    except DerError as problem:
        raise CertificateError(f"no PKCS#7 with certificates: {problem}") from None
    if len(found) > MOST_IN_PKCS7:
        raise CertificateError(f"a PKCS#7 with more than {MOST_IN_PKCS7} certificates")
    return [Certificate.parse(one.whole) for one in found]
