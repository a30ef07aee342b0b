"""Distinguished names as they are written in configurations and on command lines: text to DER.

``C=CH, O=strongSwan, CN=moon`` or ``/C=CH/O=strongSwan/CN=moon``, as strongSwan reads them: there is no
way to write the separator into a value (of the other one there is no need), nor several attributes
in one RDN. A ``*`` as value makes a pattern.
"""

from __future__ import annotations

import re

from cygnet.values import der, dn

#: spellings that strongSwan takes beside those that it prints (``dn.ATTRIBUTES``)
_ALIASES = {
    "S": "2.5.4.4", "Email": dn.EMAIL_ADDRESS, "emailAddress": dn.EMAIL_ADDRESS,
    "UN": "1.2.840.113549.1.9.2", "UA": "1.2.840.113549.1.9.8", "dmdName": "2.5.4.54",
    "EN": "2.16.840.1.113730.3.1.3", "employeeNumber": "2.16.840.1.113730.3.1.3",
    "ND": "0.2.262.1.10.7.20", "TCGID": "1.3.6.1.4.1.1201.1.1.2.2.75",
}  # fmt: skip
_OIDS = {name.lower(): oid for oid, name in dn.ATTRIBUTES.items()} | {
    name.lower(): oid for name, oid in _ALIASES.items()
}

#: RFC 5280 §A.1 and RFC 4519 §2.4 have these as IA5String
_IA5 = {dn.EMAIL_ADDRESS, "0.9.2342.19200300.100.1.25"}
_PRINTABLE = re.compile(r"[A-Za-z0-9 '()+,\-./:=?]*")
_DOTTED = re.compile(r"\d+(\.\d+)+")
_PREFIX = re.compile(r"(fqdn|dns|email|userfqdn|rfc822|keyid|ipv4|ipv6|uri):", re.IGNORECASE)


def is_name(text: str) -> bool:
    """Whether ``text`` is spelled as a distinguished name (which it need not be)."""
    return text.lower().startswith("asn1dn:") or ("=" in text and not _PREFIX.match(text))


def parse(text: str) -> bytes:
    """The Name in DER; ValueError says which part is wrong. ``asn1dn:#hex`` is taken as it is."""
    if text.lower().startswith("asn1dn:#"):
        name = bytes.fromhex(text[8:])
        try:
            dn.rdns(name)
        except der.DerError as problem:
            raise ValueError(f"'{text}' is no distinguished name: {problem}") from None
        return name
    separator = "/" if text.lstrip().startswith("/") else ","
    parts = text.strip().removeprefix("/" if separator == "/" else "").split(separator)
    if len(parts) > 1 and not parts[-1].strip():  # one separator at the end does no harm
        parts.pop()
    return der.encode(der.SEQUENCE, *(_rdn(part.strip(), text) for part in parts))


def _rdn(part: str, whole: str) -> bytes:
    key, equals, value = (piece.strip() for piece in part.partition("="))
    oid = _OIDS.get(key.lower()) or (key if _DOTTED.fullmatch(key) else "")
    if not equals or not oid:
        raise ValueError(f"'{part}' in the name '{whole}' is no attribute (CN=moon is one)")
    if oid in _IA5 and value.isascii():
        tag = dn.IA5
    else:
        tag = dn.PRINTABLE if _PRINTABLE.fullmatch(value) else dn.UTF8
    pair = der.encode(der.SEQUENCE, der.encode_oid(oid), der.encode(tag, value.encode()))
    return der.encode(der.SET, pair)
