"""The NIST Public Key Interoperability Test Suite, where the package `cryptography-vectors` is installed.

Each path is judged among all certificates and CRLs of the suite at once; the names of the files say what
has to come out.
"""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from cygnet.credentials.judgement import Evidence, Settings
from cygnet.credentials.path import judge
from cygnet.crypto.crl import Crl
from cygnet.crypto.x509 import Certificate, CertificateError
from cygnet.model.config import Strict

vectors = pytest.importorskip("cryptography_vectors")

SUITE = Path(vectors.__file__).parent / "x509" / "PKITS_data"
NOW = 1_325_376_000  #: 2012-01-01, when the suite is valid
#: as old as the suite is; its bad certificates stand side by side, so that more signatures are looked at
SETTINGS = Settings(strict=Strict.YES, sha1=True, max_signatures=1000)
#: indirect CRLs and DSA are not supported: valid there, refused here
REFUSED = {"DSASignaturesTest4", "DSAParameterInheritanceTest5"} | {
    f"IDPwithindirectCRLTest{n}" for n in (22, 24, 25)
} | {f"cRLIssuerTest{n}" for n in (28, 29, 30, 33)}  # fmt: skip


@functools.cache
def evidence() -> Evidence:
    certificates, crls = [], []
    for file in sorted((SUITE / "certs").glob("*[!E].crt")):  # all but the end entities
        try:
            certificates.append(Certificate.parse(file.read_bytes()))
        except CertificateError:
            continue
    for file in sorted((SUITE / "crls").glob("*.crl")):
        try:
            crls.append(Crl.parse(file.read_bytes()))
        except CertificateError:
            continue
    anchor = Certificate.parse((SUITE / "certs" / "TrustAnchorRootCertificate.crt").read_bytes())
    return Evidence((anchor,), known=tuple(certificates), crls=tuple(crls))


@pytest.mark.parametrize(
    "file", sorted((SUITE / "certs").glob("*alid*Test*EE.crt")), ids=lambda file: file.stem.removesuffix("EE")
)
def test_a_path_of_pkits_comes_out_as_the_suite_says(file: Path) -> None:
    valid, _, what = file.stem.removesuffix("EE").partition("alid")
    try:
        found = judge(Certificate.parse(file.read_bytes()), evidence(), NOW, SETTINGS)
    except CertificateError:
        assert valid == "Inv" or what in REFUSED
        return
    assert (found.path is not None) == (valid == "V" and what not in REFUSED), found.reasons
