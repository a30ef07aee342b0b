"""RFC 7296 §3.6, §3.7. CERT and CERTREQ: what the peer has sent and wants, what goes along."""

from __future__ import annotations

from collections.abc import Iterable

from cygnet.crypto.crl import Crl
from cygnet.crypto.ocsp import OcspAnswer
from cygnet.crypto.publickey import public_key
from cygnet.crypto.x509 import Certificate, CertificateError
from cygnet.engine.certificates import MOST, Shown, chain_along, wants_certificate
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.revocation import own_answer
from cygnet.model.config import AuthRound, Connection, SendCert, Strict
from cygnet.values.der import DerError
from cygnet.wire.ikev2.cert import CertPayload
from cygnet.wire.ikev2.certreq import CertReqPayload
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.numbers import CertEncoding
from cygnet.wire.ikev2.payload import Payload

MOST_ASKED = 100  #: CAs named in a CERTREQ, 20 bytes each


def learn(sa: IkeSaV2, message: Message) -> None:
    """Take note of CERT and CERTREQ payloads. What cannot be read is said and passed over."""
    shown = sa.shaking.shown
    for request in message.all(CertReqPayload):
        if request.encoding in (CertEncoding.X509_SIGNATURE, CertEncoding.HASH_URL):
            shown.asked = True
            ids = request.authority[: 20 * 500]
            shown.authorities |= {ids[i : i + 20] for i in range(0, len(ids) - 19, 20)}
        elif request.encoding == CertEncoding.RAW_PUBLIC_KEY:
            shown.asked = True
        elif request.encoding == CertEncoding.OCSP:
            shown.asks_ocsp = True
    for payload in message.all(CertPayload):
        if shown.is_full:
            sa.log("IKE", f"peer sends more than {MOST} certificates, the rest is ignored")
            return
        if not shown.is_news(payload.data):
            continue
        try:
            _take(sa, shown, payload)
        except (CertificateError, DerError) as problem:
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
    return asked


def along(sa: IkeSaV2, round: AuthRound, certificate: Certificate) -> list[Payload]:
    chain = chain_along(sa, sa.shaking.shown, round, certificate)
    payloads: list[Payload] = [CertPayload(CertEncoding.X509_SIGNATURE, one.der) for one in chain]
    answer = own_answer(sa, certificate) if chain and sa.shaking.shown.asks_ocsp else None
    if answer is not None:
        sa.log("IKE", f'sending OCSP answer for "{certificate.name}"')
        payloads.append(CertPayload(CertEncoding.OCSP, answer.der))
    return payloads
