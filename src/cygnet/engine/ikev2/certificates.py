"""RFC 7296 §3.6, §3.7. CERT and CERTREQ: what the peer has sent and wants, what goes along."""

from __future__ import annotations

from collections.abc import Iterable

from cygnet.boundary.effects import FetchKind
from cygnet.crypto.crl import Crl
from cygnet.crypto.ocsp import OcspAnswer
from cygnet.crypto.publickey import public_key
from cygnet.crypto.x509 import Certificate
from cygnet.engine import references
from cygnet.engine.certificates import MOST, Shown, chain_along, wants_certificate
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.revocation import own_answer
from cygnet.model.config import AuthRound, Connection, SendCert, Strict
from cygnet.values.errors import CygnetError
from cygnet.wire.ikev2.cert import CertPayload
from cygnet.wire.ikev2.certreq import CertReqPayload
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType
from cygnet.wire.ikev2.numbers import CertEncoding
from cygnet.wire.ikev2.payload import Payload

MOST_ASKED = 100  #: CAs named in a CERTREQ, 20 bytes each


def learn(sa: IkeSaV2, message: Message) -> None:
    """Take note of CERT and CERTREQ payloads. What cannot be read is said and passed over."""
    shown = sa.shaking.shown
    if message.notify(NotifyType.HTTP_CERT_LOOKUP_SUPPORTED) is not None:
        shown.looks_up = True
    for request in message.all(CertReqPayload):
        if request.encoding in (CertEncoding.X509_SIGNATURE, CertEncoding.HASH_URL):
            shown.asked = True
            ids = request.authority[: 20 * 500]
            shown.authorities |= {ids[i : i + 20] for i in range(0, len(ids) - 19, 20)}
        elif request.encoding == CertEncoding.RAW_PUBLIC_KEY:
            shown.asked = True
        elif request.encoding == CertEncoding.OCSP:
            shown.asks_ocsp = True
    shown.next_message()
    for payload in message.all(CertPayload):
        if shown.is_full:
            sa.log("IKE", f"peer sends more than {MOST} certificates, the rest is ignored")
            return
        if not shown.is_news(payload.data):
            continue
        try:
            _take(sa, shown, payload)
        except CygnetError as problem:
            sa.log("IKE", f"ignoring a certificate of the peer that cannot be read: {problem}")


def _take(sa: IkeSaV2, shown: Shown, payload: CertPayload) -> None:
    match payload.encoding:
        case CertEncoding.X509_SIGNATURE:
            shown.take(sa, Certificate.parse(payload.data))
        case CertEncoding.RAW_PUBLIC_KEY:
            shown.keys.append(public_key(payload.data))
        case CertEncoding.CRL:
            shown.crls.append(Crl.parse(payload.data))
        case CertEncoding.OCSP:
            shown.answers.append(OcspAnswer.parse(payload.data))
        case CertEncoding.HASH_URL | CertEncoding.HASH_URL_BUNDLE if shown.may_refer:
            bundle = payload.encoding == CertEncoding.HASH_URL_BUNDLE
            shown.refer(
                sa, references.read(payload.data, FetchKind.BUNDLE if bundle else FetchKind.CERTIFICATE)
            )
        case _:
            sa.log("IKE", f"received {payload.encoding} certificate, not supported, ignored")


def requests(sa: IkeSaV2, connections: Iterable[Connection]) -> list[Payload]:
    """CERTREQ where a peer that these connections are for may have to show a certificate."""
    rounds = [r for c in connections for r in c.remote if wants_certificate(r)]
    if not rounds or all(r.send_cert is SendCert.NEVER for r in rounds):
        return []
    ids = []
    for ca in sa.services.store.authorities(rounds)[:MOST_ASKED]:
        sa.log("IKE", f'sending cert request for "{ca.name}"')
        ids.append(ca.key.spki_keyid)
    if not ids:
        return []
    asked: list[Payload] = [CertReqPayload(CertEncoding.X509_SIGNATURE, b"".join(dict.fromkeys(ids)))]
    if sa.services.store.strict is not Strict.NO and sa.services.config.settings.use_ocsp:
        asked.append(CertReqPayload(CertEncoding.OCSP, b""))
    if sa.services.config.settings.hash_and_url:
        sa.shaking.shown.may_refer = True
        asked.append(NotifyPayload(NotifyType.HTTP_CERT_LOOKUP_SUPPORTED))
    return asked


def _certificate(sa: IkeSaV2, certificate: Certificate) -> CertPayload:
    url = sa.services.store.url(certificate) if sa.shaking.shown.looks_up else ""
    if not url:
        return CertPayload(CertEncoding.X509_SIGNATURE, certificate.der)
    return CertPayload(CertEncoding.HASH_URL, certificate.sha1 + url.encode())


def along(sa: IkeSaV2, round: AuthRound, certificate: Certificate) -> list[Payload]:
    chain = chain_along(sa, sa.shaking.shown, round, certificate)
    payloads: list[Payload] = [_certificate(sa, one) for one in chain]
    answer = own_answer(sa, certificate) if chain and sa.shaking.shown.asks_ocsp else None
    if answer is not None:
        sa.log("IKE", f'sending OCSP answer for "{certificate.name}"')
        payloads.append(CertPayload(CertEncoding.OCSP, answer.der))
    return payloads
