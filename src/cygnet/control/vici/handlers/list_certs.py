"""``list-certs``: stream what is held of certificates, raw keys, CRLs and OCSP answers as list-cert events.

``data`` is left out where it is longer than a value may be (a large CRL).
"""

from __future__ import annotations

from collections.abc import Iterator

from cygnet.control.outcomes import Answer, Decision
from cygnet.control.vici.codec import MAX_VALUE, Message, text
from cygnet.control.vici.handlers.arguments import BadRequest, string
from cygnet.control.view import View
from cygnet.credentials import match
from cygnet.credentials.held import Held
from cygnet.credentials.printing import Times
from cygnet.model.config import CertificateUse
from cygnet.values.identity import Identity

TYPES = ("ANY", "X509", "X509_AC", "X509_CRL", "OCSP_RESPONSE", "PUBKEY")
FLAGS = {
    "NONE": CertificateUse.END,
    "CA": CertificateUse.CA,
    "AA": CertificateUse.AA,
    "OCSP": CertificateUse.OCSP,
}
_NAMES = {use: flag for flag, use in FLAGS.items()}


def handle(request: Message, view: View) -> Decision:
    kind = string(request, "type", "ANY").upper()
    flag = string(request, "flag", "ANY").upper()
    if kind not in TYPES:
        raise BadRequest(f"invalid certificate type '{kind[:32]}'; {', '.join(TYPES)} are valid")
    if flag not in ("ANY", *FLAGS):
        raise BadRequest(f"invalid certificate flag '{flag[:32]}'; ANY, {', '.join(FLAGS)} are valid")
    subject = string(request, "subject")
    try:
        wanted = Identity.parse(subject) if subject else None
    except ValueError as error:
        raise BadRequest(f"subject: {error}") from None
    return Answer(events=_events(view.held(), kind, FLAGS.get(flag), wanted))


def _events(
    held: Held, kind: str, use: CertificateUse | None, wanted: Identity | None
) -> Iterator[tuple[str, Message]]:
    times = Times(held.now)
    if kind in ("ANY", "X509"):
        for one in held.certificates:
            if use in (None, one.use) and (wanted is None or match.fits(one.certificate, wanted)):
                certificate = one.certificate
                yield (
                    "list-cert",
                    {
                        "type": "X509",
                        "flag": _NAMES[one.use],
                        **_has_key(one.has_key),
                        **_data(certificate.der),
                        "not-before": times.moment(certificate.not_before),
                        "not-after": times.moment(certificate.not_after),
                        "subject": str(certificate.subject),
                    },
                )
    if wanted is None and kind in ("ANY", "PUBKEY"):
        for key in held.keys:
            yield "list-cert", {"type": "PUBKEY", **_has_key(key.has_key), **_data(key.key.spki)}
    if kind in ("ANY", "X509_CRL"):
        for crl in held.crls:
            if wanted is None or crl.issuer.matches(wanted):
                yield "list-cert", {"type": "X509_CRL", **_data(crl.der)}
    if wanted is None and kind in ("ANY", "OCSP_RESPONSE"):
        for answer in held.answers:
            yield "list-cert", {"type": "OCSP_RESPONSE", **_data(answer.der)}


def _has_key(has: bool) -> Message:
    return {"has_privkey": "yes"} if has else {}


def _data(der: bytes) -> Message:
    return {"data": text(der)} if len(der) <= MAX_VALUE else {}
