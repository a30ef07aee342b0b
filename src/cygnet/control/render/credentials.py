"""`cygnet listcerts` and its sisters: what is held of certificates, keys and revocation data.

One row for each list: its heading, and what of ``Held`` stands in it as text and as JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any, NamedTuple

from cygnet.control.render import json as as_json
from cygnet.control.render.listalgs import listalgs
from cygnet.control.view import Facts
from cygnet.credentials import printing
from cygnet.credentials.expiry import is_soon
from cygnet.credentials.held import Held, HeldAuthority, HeldCertificate, HeldKey
from cygnet.credentials.printing import Lines, Times, named, row, rows
from cygnet.crypto.crl import Crl
from cygnet.crypto.issuing.keys import load_public
from cygnet.crypto.ocsp import OcspAnswer
from cygnet.model.config import CertificateUse

Json = dict[str, object]
MOST_ENTRIES = 100  #: of a CRL that are shown; `pki print` shows all of a file


class Listed(NamedTuple):
    heading: str
    key: str  #: in JSON
    of: Callable[[Held], tuple[Any, ...]]
    text: Callable[[Any, Times], Lines]
    json: Callable[[Any, int], Json]


def _of_use(use: CertificateUse) -> Callable[[Held], tuple[HeldCertificate, ...]]:
    return lambda held: tuple(one for one in held.certificates if one.use is use)


def _certificate(one: HeldCertificate, times: Times) -> Lines:
    yield from printing.certificate(one.certificate, times, one.has_key)
    yield from rows("file", one.files, "             ")


def _certificate_json(one: HeldCertificate, now: int) -> Json:
    certificate = one.certificate
    begin, end = certificate.not_before, certificate.not_after
    return {
        "subject": str(certificate.subject),
        "issuer": str(certificate.issuer),
        "serial": f"{certificate.serial:x}",
        "names": [str(name) for name in certificate.names],
        "not_before": begin,
        "not_after": end,
        "state": _state(begin, end, now),
        "ca": certificate.is_ca,
        "key": {"type": str(certificate.key.kind), "bits": certificate.key.bits},
        "keyid": certificate.key.keyid.hex(),
        "sha256": certificate.fingerprint,
        "has_private_key": one.has_key,
        "crl_uris": list(certificate.crl_uris),
        "ocsp_uris": list(certificate.ocsp_uris),
        "files": list(one.files),
    }


def _state(begin: int, end: int, now: int) -> str:
    if now < begin:
        return "not yet valid"
    if now > end:
        return "expired"
    return "expires soon" if is_soon(begin, end, now) else "valid"


def _key(one: HeldKey, _: Times) -> Lines:
    yield from printing.public(load_public(one.key.spki, one.source), one.has_key)
    yield row("file", one.source)


def _key_json(one: HeldKey, _: int) -> Json:
    return {
        "key": {"type": str(one.key.kind), "bits": one.key.bits},
        "keyid": one.key.keyid.hex(),
        "has_private_key": one.has_key,
        "file": one.source,
    }


def _crl(one: Crl, times: Times) -> Lines:
    return printing.crl(one, times, MOST_ENTRIES)


def _crl_json(one: Crl, now: int) -> Json:
    return {
        "issuer": str(one.issuer),
        "number": one.number,
        "delta_of": one.base,
        "this_update": one.this_update,
        "next_update": one.next_update,
        "state": "valid" if one.next_update is None or now <= one.next_update else "expired",
        "revoked": len(one),
    }


def _ocsp_json(one: OcspAnswer, now: int) -> Json:
    return {
        "signer": str(one.responder) if one.responder else None,
        "signer_key": one.responder_key.hex() if one.responder_key else None,
        "produced_at": one.produced_at,
        "answers": [
            {
                "serial": f"{status.id.serial:x}",
                "status": status.state,
                "this_update": status.this_update,
                "next_update": status.next_update,
                "state": "valid" if status.next_update is None or now <= status.next_update else "expired",
            }
            for status in one.statuses
        ],
    }


def _authority(one: HeldAuthority, _: Times) -> Lines:
    yield row("section", one.told.name)
    if one.certificate is None:
        yield row("authname", f"there is no certificate in {one.told.source}")
    else:
        yield named("authname", one.certificate.subject.data)
        yield row("authkey", one.certificate.key.keyid.hex(":"))
    yield from rows("crluris", [f"'{uri}'" for uri in one.told.crl_uris])
    yield from rows("ocspuris", [f"'{uri}'" for uri in one.told.ocsp_uris])
    if one.told.cert_uri_base:
        yield row("certuribase", f" '{one.told.cert_uri_base}'")


def _authority_json(one: HeldAuthority, _: int) -> Json:
    return {
        "section": one.told.name,
        "subject": str(one.certificate.subject) if one.certificate else None,
        "keyid": one.certificate.key.keyid.hex() if one.certificate else None,
        "crl_uris": list(one.told.crl_uris),
        "ocsp_uris": list(one.told.ocsp_uris),
        "cert_uri_base": one.told.cert_uri_base or None,
    }


def _certificates(title: str, key: str, use: CertificateUse) -> Listed:
    return Listed(f"List of X.509 {title} Certificates", key, _of_use(use), _certificate, _certificate_json)


#: verb -> its list, in the order of `listall`
LISTS: dict[str, Listed] = {
    "listpubkeys": Listed("List of Raw Public Keys", "public_keys", lambda h: h.keys, _key, _key_json),
    "listcerts": _certificates("End Entity", "certificates", CertificateUse.END),
    "listcacerts": _certificates("CA", "ca_certificates", CertificateUse.CA),
    "listocspcerts": _certificates("OCSP Signer", "ocsp_certificates", CertificateUse.OCSP),
    "listaacerts": _certificates("AA", "aa_certificates", CertificateUse.AA),
    "listacerts": Listed(
        "List of X.509 Attribute Certificates", "attribute_certificates", lambda _: (), _certificate,
        _certificate_json,
    ),
    "listcainfos": Listed(
        "List of CA Information Sections", "ca_infos", lambda h: h.authorities, _authority, _authority_json
    ),
    "listcrls": Listed("List of X.509 CRLs", "crls", lambda h: h.crls, _crl, _crl_json),
    "listocsp": Listed(
        "List of OCSP Responses", "ocsp_responses", lambda h: h.answers, printing.ocsp, _ocsp_json
    ),
}  # fmt: skip


def one_list(verb: str, held: Held, utc: bool = False) -> Iterator[str]:
    listed, times = LISTS[verb], Times(held.now, utc)
    yield listed.heading
    found = listed.of(held)
    for one in found:
        yield ""
        yield from listed.text(one, times)
    if not found:
        yield "  none"


def every_list(held: Held, facts: Facts, utc: bool = False) -> Iterator[str]:
    """Those with something in them, then the algorithms."""
    for verb in LISTS:
        if LISTS[verb].of(held):
            yield from one_list(verb, held, utc)
            yield ""
    yield from listalgs(facts)


def json_list(verb: str, held: Held) -> Iterator[str]:
    return as_json.lines(_json(LISTS[verb], held))


def every_json(held: Held, facts: Facts) -> Iterator[str]:
    lists = chain.from_iterable(_json(listed, held).items() for listed in LISTS.values())
    return as_json.lines({**dict(lists), "algorithms": as_json.listalgs(facts)})


def _json(listed: Listed, held: Held) -> dict[str, object]:
    return {listed.key: (listed.json(one, held.now) for one in listed.of(held))}
