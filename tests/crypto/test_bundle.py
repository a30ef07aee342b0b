"""Certificate bundles (RFC 7296 §3.6): read, written, and what is none."""

from __future__ import annotations

import hashlib

import pytest

from cygnet.crypto.bundle import MOST, Bundle
from cygnet.values import der
from cygnet.values.errors import CygnetError
from tests.certs import authority

ROOT = authority("Root")
LEAF = ROOT.issues("leaf")
CRL = ROOT.crl()


def explicit(number: int, data: bytes) -> bytes:
    return der.encode(0xA0 | number, data)


def whole(*parts: bytes) -> bytes:
    return der.encode(0x30, *parts)


def test_certificates_and_lists_come_out_in_their_order() -> None:
    data = whole(explicit(0, LEAF.certificate.der), explicit(1, CRL.der), explicit(0, ROOT.certificate.der))
    bundle = Bundle.parse(data)
    assert bundle.certificates == (LEAF.certificate, ROOT.certificate)
    assert [one.der for one in bundle.crls] == [CRL.der]
    assert bundle.sha1 == hashlib.sha1(data).digest()


def test_what_is_written_is_read() -> None:
    made = Bundle(b"", (LEAF.certificate, ROOT.certificate), (CRL,)).encode()
    assert Bundle.parse(made).certificates == (LEAF.certificate, ROOT.certificate)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        LEAF.certificate.der,
        whole(explicit(1, CRL.der)),
        whole(explicit(0, CRL.der)),
        whole(explicit(2, LEAF.certificate.der)),
        whole(explicit(0, LEAF.certificate.der + b"\x05\x00")),
        whole(explicit(0, LEAF.certificate.der)) + b"\0",
        der.encode(der.SEQUENCE, explicit(0, LEAF.certificate.der) * (MOST + 1)),
    ],
    ids=["nothing", "certificate", "no certificate", "mislabelled", "tag", "two", "trailing", "too many"],
)
def test_what_is_no_bundle_is_refused(data: bytes) -> None:
    with pytest.raises(CygnetError):
        Bundle.parse(data)


def test_every_truncation_is_refused() -> None:
    data = whole(explicit(0, LEAF.certificate.der))
    for end in range(len(data)):
        with pytest.raises(CygnetError):
            Bundle.parse(data[:end])
