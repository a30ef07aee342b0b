"""Certificates and keys from ipsec.d: what is found, what is said of what cannot be used."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PublicFormat
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates

from cygnet.config.files import MemoryFiles
from cygnet.credentials.files import CredentialFiles
from cygnet.credentials.store import Store
from cygnet.model.config import CertificateUse, Config, SecretKind, SharedSecret
from cygnet.values.errors import CygnetError
from cygnet.values.identity import Identity
from cygnet.values.secret import Secret
from tests.certs import Holder, authority
from tests.peers.certified import key_text, pem

ROOT = authority("Root")
SUB = ROOT.issues("Sub", ca=True)
MOON = SUB.issues("moon", names=["DNS:moon.example.org"])


def key_secret(file: str, passphrase: str = "", kind: SecretKind = SecretKind.ECDSA) -> SharedSecret:
    return SharedSecret(kind, (), Secret(passphrase.encode()), file=file)


def found(files: dict[str, Any], *secrets: SharedSecret) -> CredentialFiles:
    paths = {f"/etc/ipsec.d/{name}": data for name, data in files.items()}
    texts = {path: data for path, data in paths.items() if isinstance(data, str)}
    more = {path: data for path, data in paths.items() if isinstance(data, bytes)}
    return CredentialFiles(MemoryFiles(texts, more), "/etc/ipsec.d", secrets)


def store_of(held: CredentialFiles) -> Store:
    certificates, keys, crls = held.contents()
    return Store(Config(certificates=certificates, keys=keys, crls=crls))


def problems(held: CredentialFiles) -> list[str]:
    return [str(problem) for problem in held.problems]


def test_every_directory_has_its_use() -> None:
    held = found(
        {"cacerts/root.pem": pem(ROOT), "cacerts/sub.der": SUB.certificate.der, "certs/moon.pem": pem(MOON),
         "ocspcerts/o.pem": pem(MOON), "aacerts/a.pem": pem(MOON), "crls/r.crl": crl(ROOT),
         "private/moon.pem": key_text(MOON)},
        key_secret("moon.pem"),
    )  # fmt: skip
    assert not problems(held)
    uses = [file.use for file in held.contents()[0]]
    assert {use: uses.count(use) for use in CertificateUse} == {
        CertificateUse.END: 1, CertificateUse.CA: 2, CertificateUse.AA: 1, CertificateUse.OCSP: 1,
    }  # fmt: skip
    store = store_of(held)
    assert store.anchors == (ROOT.certificate,) and store.known == (SUB.certificate,)
    assert store.key_of(MOON.certificate.key) is not None and len(store.crls) == 1


def crl(holder: Holder) -> bytes:
    return holder.crl().der


def test_a_chain_in_one_file_in_any_order_with_everything_around_it() -> None:
    text = "\ufeffsubject=moon\r\n" + (pem(SUB) + pem(MOON) + pem(MOON)).replace("\n", "\r\n")
    held = found(
        {"certs/full.pem": text, "private/k": key_text(MOON), "cacerts/r": pem(ROOT)}, key_secret("k")
    )
    assert str(held.certificate("full.pem")) == "CN=moon" and held.has_key("full.pem")
    store = store_of(held)
    assert store.issuers(MOON.certificate) == (SUB.certificate, ROOT.certificate)


def test_the_certificate_of_a_file_is_the_one_whose_key_is_here() -> None:
    other = SUB.issues("other")
    held = found({"certs/two.pem": pem(other) + pem(MOON), "private/k": key_text(MOON)}, key_secret("k"))
    assert str(held.certificate("two.pem")) == "CN=moon"
    assert held.fits("two.pem", Identity.parse("moon.example.org"))
    assert not held.fits("two.pem", Identity.parse("sun.example.org"))


def test_passphrases_open_keys_and_wrong_ones_are_told_without_being_shown() -> None:
    locked = key_text(MOON, Secret(b"open sesame"))
    held = found({"certs/m": pem(MOON), "private/k": locked}, key_secret("k", "open sesame"))
    held.certificate("m")
    assert held.has_key("m") and not problems(held)
    for passphrase in ("close sesame", ""):
        held = found({"private/k": locked}, key_secret("k", passphrase))
        (problem,) = problems(held)
        assert problem.startswith("/etc/ipsec.d/private/k:1:") and "passphrase" in problem
        assert "sesame" not in problem


def test_pkcs12_brings_key_certificate_and_cas() -> None:
    data = serialize_key_and_certificates(
        b"moon", MOON.key, MOON.read, [SUB.read, ROOT.read], BestAvailableEncryption(b"pass")
    )
    held = found({"private/moon.p12": data}, key_secret("moon.p12", "pass", SecretKind.P12))
    assert not problems(held) and held.has_certificate_of(Identity.parse("moon.example.org"))
    store = store_of(held)
    assert store.anchors == (ROOT.certificate,)
    assert store.issuers(MOON.certificate) == (SUB.certificate, ROOT.certificate)


def test_what_cannot_be_read_is_a_warning_and_the_rest_is_there() -> None:
    held = found(
        {"cacerts/broken.pem": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
         "cacerts/text": "no certificate", "cacerts/moon.pem": pem(MOON), "cacerts/root.pem": pem(ROOT),
         "crls/x": b"\x30\x00"},
        key_secret("missing.pem"),
    )  # fmt: skip
    said = "\n".join(problems(held))
    for path in ("cacerts/broken.pem", "cacerts/text", "crls/x", "private/missing.pem"):
        assert f"/etc/ipsec.d/{path}:1:" in said
    assert "CN=moon is no CA" in said
    assert store_of(held).anchors == (ROOT.certificate,)


def test_raw_public_keys_from_files_and_from_the_configuration() -> None:
    info = MOON.certificate.key.spki
    text = MOON.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    held = found({"certs/key.pem": text, "private/k": key_text(MOON)}, key_secret("k"))
    for written in ("key.pem", "0x" + info.hex()):
        held.public_key(written)
        assert held.has_key(written)
    rsa = authority("RSA", key="rsa-2048")
    numbers = rsa.key.public_key().public_numbers()
    held.public_key("dns:0x03" + numbers.e.to_bytes(3).hex() + numbers.n.to_bytes(256).hex())
    bare = [file.der for file in held.contents()[0] if file.bare]
    assert bare == [info, info, rsa.certificate.key.spki]
    for bad in ("0sA?", "dns:0x00", "0x3000"):
        with pytest.raises((ValueError, CygnetError)):
            held.public_key(bad)


def test_a_file_is_read_once_however_many_conns_name_it(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def counted(of: MemoryFiles, path: str) -> bytes:
        read.append(path)
        return read_bytes(of, path)

    read_bytes = MemoryFiles.read_bytes
    monkeypatch.setattr(MemoryFiles, "read_bytes", counted)
    held = found({"certs/moon.pem": pem(MOON), "cacerts/root.pem": pem(ROOT)})
    for _ in range(3):
        assert str(held.certificate("moon.pem")) == "CN=moon"
        held.authority("root.pem")
    assert sorted(read) == ["/etc/ipsec.d/cacerts/root.pem", "/etc/ipsec.d/certs/moon.pem"]
