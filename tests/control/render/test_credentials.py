"""listcerts and its sisters: what is shown of certificates, keys, CRLs and OCSP answers."""

from __future__ import annotations

import json

import pytest

from cygnet.control.outcomes import Answer, Ask
from cygnet.control.render.credentials import LISTS
from cygnet.control.vici.codec import Message, blob, encode
from cygnet.control.vici.handlers.table import decide
from cygnet.credentials.held import Held
from cygnet.credentials.store import Store
from cygnet.crypto.x509 import Certificate
from cygnet.model.config import Authority, CertificateFile, CertificateUse, Config
from tests.certs import NOW, authority
from tests.control.states import FakeView
from tests.exchange.certified import key_file

DAY = 86400
ROOT = authority("Root")
MOON = ROOT.issues("moon", names=["DNS:moon.example.org"], until=NOW + 5 * DAY)
SUN = ROOT.issues("sun", until=NOW - 3 * DAY)
RAW = authority("raw")


def held() -> Held:
    files = (
        CertificateFile(MOON.certificate.der, "/etc/ipsec.d/certs/moon.pem"),
        CertificateFile(MOON.certificate.der, "moon.pem"),
        CertificateFile(SUN.certificate.der, "/etc/ipsec.d/certs/sun.pem"),
        CertificateFile(ROOT.certificate.der, "ca.pem", CertificateUse.CA),
        CertificateFile(RAW.certificate.key.spki, "raw.pem", bare=True),
    )
    told = Authority("mine", "ca.pem", ("http://crl.example.org/a.crl",), ("http://ocsp.example.org",))
    config = Config(certificates=files, keys=(key_file(MOON),), authorities=(told,))
    crl = ROOT.crl({SUN.certificate.serial: "keyCompromise"}, until=NOW - 3600)
    answer = ROOT.answers(MOON.certificate, ROOT)
    return Store(config).everything(NOW, (crl,), (answer,))


VIEW = FakeView(credentials=held())


def shown(what: str, **more: str) -> str:
    decision = decide("cygnet-list", {"what": what, **more}, VIEW)
    assert isinstance(decision, Answer)
    return "".join(str(message["text"]) for _, message in decision.events)


def test_certificates_are_shown_with_their_keys_and_files_and_those_that_run_out_are_marked() -> None:
    text = shown("listcerts", utc="yes")
    moon, sun = text.split("\n\n")[1:]
    assert text.startswith("List of X.509 End Entity Certificates\n\n")
    assert '  subject:  "CN=moon"\n  issuer:   "CN=Root"\n' in moon
    assert "not after  Jan 20 08:00:00 UTC 2027, EXPIRES SOON (expires in 5 days)" in moon
    assert "  pubkey:    ECDSA 256 bits, has private key\n" in moon
    assert moon.endswith("  file:      /etc/ipsec.d/certs/moon.pem")
    assert "expired (3 days ago)" in sun and "has private key" not in sun


def test_the_other_lists() -> None:
    assert '  subject:  "CN=Root"' in shown("listcacerts") and "self-signed" in shown("listcacerts")
    assert "List of Raw Public Keys\n\n  pubkey:    ECDSA 256 bits\n" in shown("listpubkeys")
    crls = shown("listcrls")
    assert (
        "expired (60 minutes ago)" in crls
        and "  1 revoked certificate:\n    " in crls
        and "key compromise" in crls
    )
    assert ", good\n  update:    this on " in shown("listocsp")
    infos = shown("listcainfos")
    assert '  authname: "CN=Root"' in infos and "'http://ocsp.example.org'" in infos
    for empty in ("listaacerts", "listocspcerts", "listacerts"):
        assert shown(empty).endswith("\n  none\n")


def test_listall_has_what_there_is_and_the_algorithms() -> None:
    text = shown("listall")
    headings = [line for line in text.splitlines() if line.startswith("List of")]
    assert headings == [
        "List of Raw Public Keys", "List of X.509 End Entity Certificates", "List of X.509 CA Certificates",
        "List of CA Information Sections", "List of X.509 CRLs", "List of OCSP Responses",
        "List of registered IKE algorithms:",
    ]  # fmt: skip


def test_json_has_the_same() -> None:
    every = json.loads(shown("listall", json="yes"))
    assert set(every) == {listed.key for listed in LISTS.values()} | {"algorithms"}
    moon, sun = every["certificates"]
    assert (moon["state"], sun["state"]) == ("expires soon", "expired")
    assert moon["has_private_key"] and moon["names"] == ["moon.example.org"]
    assert moon["not_after"] == NOW + 5 * DAY and moon["files"] == ["/etc/ipsec.d/certs/moon.pem"]
    assert every["crls"][0]["revoked"] == 1 and every["crls"][0]["state"] == "expired"
    assert every["ocsp_responses"][0]["answers"][0]["status"] == "good"
    for verb, listed in LISTS.items():
        assert json.loads(shown(verb, json="yes")) == {listed.key: every[listed.key]}


def list_certs(**request: str) -> list[Message]:
    decision = decide("list-certs", dict(request), VIEW)
    assert isinstance(decision, Answer)
    found = []
    for name, event in decision.events:
        assert name == "list-cert" and encode(event)
        found.append(event)
    return found


def test_vicis_list_certs_has_charons_keys() -> None:
    moon = list_certs(subject="moon.example.org")[0]
    assert (moon["type"], moon["flag"], moon["has_privkey"]) == ("X509", "NONE", "yes")
    assert isinstance(moon["data"], str) and Certificate.parse(blob(moon["data"])) == MOON.certificate
    assert moon["subject"] == "CN=moon" and "2027" in str(moon["not-after"])
    assert [c["type"] for c in list_certs()] == [
        "X509", "X509", "X509", "PUBKEY", "X509_CRL", "OCSP_RESPONSE",
    ]  # fmt: skip
    (root,) = list_certs(type="x509", flag="ca")
    assert root["flag"] == "CA" and "has_privkey" not in root
    assert len(list_certs(type="PUBKEY")) == len(list_certs(type="X509_CRL")) == 1


@pytest.mark.parametrize("request_", [{"type": "X509_XX"}, {"flag": "ROOT"}])
def test_types_and_flags_that_are_none_are_named(request_: Message) -> None:
    decision = decide("list-certs", request_, VIEW)
    assert isinstance(decision, Answer) and "invalid certificate" in str(decision.message["errmsg"])


def test_vicis_list_authorities() -> None:
    for name, number in (("", 1), ("mine", 1), ("other", 0)):
        decision = decide("list-authorities", {"name": name}, VIEW)
        assert isinstance(decision, Answer)
        events = list(decision.events)
        assert len(events) == number
    decision = decide("list-authorities", {}, VIEW)
    assert isinstance(decision, Answer)
    assert list(decision.events) == [
        (
            "list-authority",
            {
                "mine": {
                    "cacert": "CN=Root",
                    "crl_uris": ["http://crl.example.org/a.crl"],
                    "ocsp_uris": ["http://ocsp.example.org"],
                }
            },
        )
    ]


def test_purgeike_is_a_request_to_the_engine() -> None:
    assert isinstance(decide("cygnet-purge-ike", {}, VIEW), Ask)


def test_vicis_get_authorities() -> None:
    assert decide("get-authorities", {}, VIEW) == Answer({"authorities": ["mine"]})
