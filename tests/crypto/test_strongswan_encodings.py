"""Extensions as strongSwan 5.9.8's pki writes them against their RFCs: what is read all the same, and why.

The bytes were made with `pki --self --addrblock 10.1.0.5-10.1.0.9`, `--policy-explicit 1` and
`--policy-inhibit 2`.
"""

from __future__ import annotations

import pytest

from cygnet.crypto.x509 import CertificateError
from cygnet.values import der
from cygnet.values.der import DerError
from tests.crypto.test_x509 import with_extension

RANGE = bytes.fromhex("30183016040200013010300E0305000A0100050305010A010009")


def test_unused_bits_that_are_set_in_an_address_range_are_taken() -> None:
    """X.690 §11.2.1 wants them zero. What they are changes nothing of what is said (RFC 3779 §2.1.2 takes the
    bits before them), so nobody can show two readers two ranges, and a CA made with strongSwan's pki keeps
    working."""
    certificate = with_extension("1.3.6.1.5.5.7.1.7", RANGE)
    assert certificate.address_blocks is not None
    assert [str(block) for block in certificate.address_blocks] == ["10.1.0.5-10.1.0.9"]
    proper = with_extension("1.3.6.1.5.5.7.1.7", RANGE[:-1] + b"\x08")
    assert proper.address_blocks == certificate.address_blocks


def test_everywhere_else_they_are_refused() -> None:
    with pytest.raises(DerError, match="unused bits"):
        der.bits(b"\x01\x09")


@pytest.mark.parametrize("value", ["3005A003020101", "3005A103020102"], ids=["explicit", "inhibit"])
def test_policy_constraints_with_explicit_tags_are_refused(value: str) -> None:
    """RFC 5280 A.2 has implicit tags, so this is no PolicyConstraints but something of another form, in an
    extension that has to be critical: §4.2 wants a certificate refused whose critical extension cannot be
    processed. Guessing here could only loosen what a CA has forbidden."""
    with pytest.raises(CertificateError, match=r"2\.5\.29\.36: an element that does not belong here"):
        with_extension("2.5.29.36", bytes.fromhex(value))
