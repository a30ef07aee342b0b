"""Distinguished names (X.501): DER to attributes, to text, to the form in which two are compared.

RFC 5280 §7.1 compares attribute by attribute: strings without regard to case, to the string type
they came in, and to how many blanks stand in a row; anything else byte by byte. ``canonical`` is
that form, so that two names are the same when theirs are equal.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from cygnet.values import der
from cygnet.values.der import DerError

#: bytes, and attributes, of a Name: many times what names have; more is meant to keep us busy
LONGEST, MOST_ATTRIBUTES = 8192, 100
#: bytes of a Name whose reading is remembered among thousands; longer ones, a few. Anybody can send
#: names, so what all that are remembered take is bounded (some 40 MB)
SHORT = 256

UTF8, NUMERIC, PRINTABLE, TELETEX, IA5 = 0x0C, 0x12, 0x13, 0x14, 0x16
VISIBLE, UNIVERSAL, BMP = 0x1A, 0x1C, 0x1E

#: string type -> codec. T.61 is read as Latin-1, which is what those who still write it mean.
_CODECS = {
    UTF8: "utf-8", NUMERIC: "ascii", PRINTABLE: "ascii", TELETEX: "latin-1", IA5: "ascii",
    VISIBLE: "ascii", UNIVERSAL: "utf-32-be", BMP: "utf-16-be",
}  # fmt: skip

EMAIL_ADDRESS = "1.2.840.113549.1.9.1"

#: object identifier -> how it is written, in strongSwan's spelling
ATTRIBUTES = {
    "2.5.4.3": "CN", "2.5.4.4": "SN", "2.5.4.5": "serialNumber", "2.5.4.6": "C", "2.5.4.7": "L",
    "2.5.4.8": "ST", "2.5.4.9": "STREET", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.12": "T",
    "2.5.4.13": "D", "2.5.4.17": "postalCode", "2.5.4.41": "N", "2.5.4.42": "G", "2.5.4.43": "I",
    "2.5.4.45": "ID", "2.5.4.46": "dnQualifier", "2.5.4.65": "pseudonym",
    "0.9.2342.19200300.100.1.1": "UID", "0.9.2342.19200300.100.1.25": "DC", EMAIL_ADDRESS: "E",
    "1.2.840.113549.1.9.2": "unstructuredName", "1.2.840.113549.1.9.8": "unstructuredAddress",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Attribute:
    oid: str
    tag: int  #: of the value: its string type
    value: bytes

    @property
    def text(self) -> str | None:
        """The value as text; None where it is no string, or not one of its own type."""
        codec = _CODECS.get(self.tag)
        try:
            return self.value.decode(codec) if codec else None
        except UnicodeDecodeError:
            return None

    @property
    def canonical(self) -> str | tuple[int, bytes]:
        text = self.text
        if text is None:
            return self.tag, self.value
        return " ".join(unicodedata.normalize("NFKC", text).casefold().split())

    def __str__(self) -> str:
        text = self.text
        shown = "#" + self.value.hex() if text is None else text
        return f"{ATTRIBUTES.get(self.oid, self.oid)}={printable(shown)}"


#: the attributes of one RDN (nearly always a single one)
Rdn = tuple[Attribute, ...]
Canonical = tuple[frozenset[tuple[str, str | tuple[int, bytes]]], ...]


def printable(text: str) -> str:
    """Fit for a log line: what is not printable is a '?'."""
    return "".join(c if c.isprintable() else "?" for c in text)


def rdns(name: bytes) -> tuple[Rdn, ...]:
    """The RDNs of a Name, in the order of the DER. DerError where it is none, or no name that is real."""
    if len(name) > LONGEST:
        raise DerError(f"a name of {len(name)} bytes is longer than {LONGEST}")
    return _rdns(name) if len(name) <= SHORT else _long_rdns(name)


def _read(name: bytes) -> tuple[Rdn, ...]:
    found = []
    left = MOST_ATTRIBUTES
    for rdn in der.sequence(name):
        if rdn.tag != der.SET:
            raise DerError("an RDN that is no SET")
        attributes = []
        for pair in der.elements(rdn.value):
            parts = list(der.elements(pair.value)) if pair.tag == der.SEQUENCE else []
            if len(parts) != 2 or parts[0].tag != der.OID:
                raise DerError("an attribute that is no type and value")
            attributes.append(Attribute(der.oid(parts[0].value), parts[1].tag, parts[1].value))
            left -= 1
            if left < 0:
                raise DerError(f"a name with more than {MOST_ATTRIBUTES} attributes")
        if not attributes:
            raise DerError("an empty RDN")
        found.append(tuple(attributes))
    return tuple(found)


def canonical(name: bytes) -> Canonical:
    """Equal for two names exactly when they are the same by RFC 5280 §7.1."""
    return _canonical(name) if len(name) <= SHORT else _long_canonical(name)


def _compared(name: bytes) -> Canonical:
    return tuple(frozenset((a.oid, a.canonical) for a in rdn) for rdn in rdns(name))


_rdns, _long_rdns = lru_cache(4096)(_read), lru_cache(64)(_read)
_canonical, _long_canonical = lru_cache(4096)(_compared), lru_cache(64)(_compared)


def text(name: bytes) -> str:
    """As strongSwan prints it: ``C=CH, O=strongSwan, CN=moon``. What is no name is shown as hex."""
    try:
        return ", ".join("+".join(map(str, rdn)) for rdn in rdns(name))
    except DerError:
        return "#" + name.hex()


def attributes(name: bytes, oid: str) -> list[str]:
    """The texts of all attributes of that type."""
    return [t for rdn in rdns(name) for a in rdn if a.oid == oid and (t := a.text) is not None]
