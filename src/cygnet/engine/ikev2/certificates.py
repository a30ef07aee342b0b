"""RFC 7296 §3.6, §3.7. CERT and CERTREQ: which certificates go along, and what the peer has sent.

Whatever a peer sends is kept for its own IKE_SA and no longer, so what happens to it never depends
on who connected before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cygnet.credentials import match
from cygnet.credentials.judgement import Path, Settings, Verdict
from cygnet.crypto.crl import Crl
from cygnet.crypto.publickey import PublicKey, public_key
from cygnet.crypto.x509 import ANY_POLICY, Certificate, CertificateError
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.ikev2.shown import Shown
from cygnet.model.config import AuthMethod, AuthRound, Connection, SendCert
from cygnet.values import constraints
from cygnet.values.der import DerError
from cygnet.values.errors import PeerError
from cygnet.values.identity import Identity
from cygnet.wire.ikev2.cert import CertPayload
from cygnet.wire.ikev2.certreq import CertReqPayload
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.notify_types import NotifyType
from cygnet.wire.ikev2.numbers import CertEncoding
from cygnet.wire.ikev2.payload import Payload

MOST = 20  #: certificates of one peer; each is parsed, some 50 us
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
    for payload in message.all(CertPayload):
        if len(shown.certificates) + len(shown.keys) + len(shown.crls) >= MOST:
            sa.log("IKE", f"peer sends more than {MOST} certificates, the rest is ignored")
            return
        try:
            _take(sa, shown, payload)
        except (CertificateError, DerError) as problem:
            sa.log("IKE", f"ignoring a certificate of the peer that cannot be read: {problem}")


def _take(sa: IkeSaV2, shown: Shown, payload: CertPayload) -> None:
    match payload.encoding:
        case CertEncoding.X509_SIGNATURE:
            certificate = Certificate.parse(payload.data)
            what = "issuer cert" if shown.certificates else "end entity cert"
            sa.log("IKE", f'received {what} "{certificate.name}"')
            shown.certificates.append(certificate)
        case CertEncoding.RAW_PUBLIC_KEY:
            shown.keys.append(public_key(payload.data))
        case CertEncoding.CRL:
            shown.crls.append(Crl.parse(payload.data))
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
    return [CertReqPayload(CertEncoding.X509_SIGNATURE, b"".join(dict.fromkeys(ids)))] if ids else []


def wants_certificate(round: AuthRound) -> bool:
    return round.method in (AuthMethod.PUBKEY, AuthMethod.ANY)


def along(sa: IkeSaV2, round: AuthRound, certificate: Certificate) -> list[Payload]:
    """Our certificate and the intermediates above it, where they are to be sent."""
    asked = sa.shaking.shown.asked
    if round.send_cert is SendCert.NEVER or (round.send_cert is SendCert.IF_ASKED and not asked):
        return []
    chain = [certificate, *(ca for ca in sa.services.store.issuers(certificate) if not ca.self_issued)]
    for number, one in enumerate(chain):
        sa.log("IKE", f'sending {"issuer" if number else "end entity"} cert "{one.name}"')
    return [CertPayload(CertEncoding.X509_SIGNATURE, one.der) for one in chain]


@dataclass(frozen=True, slots=True)
class Proven:
    """A key that may speak for the peer: by a path to a CA, or because it is configured."""

    key: PublicKey
    path: Path | None = None


def keys_of(sa: IkeSaV2, round: AuthRound, identity: Identity) -> list[Proven]:
    """The keys that a peer of that identity may have signed with. PeerError(AUTHENTICATION_FAILED) with
    what is wrong with the certificate it has shown, or that there is none."""
    store, shown = sa.services.store, sa.shaking.shown
    wanted = round.id if round.loose_id else identity
    bare = store.bare(round)
    if bare:
        return [Proven(key) for key in bare]
    candidates = [*shown.certificates[:1], *store.of_peer(wanted, round)]
    pinned = store.named(round)
    if pinned:
        candidates = [c for c in candidates if c in pinned]
        if not candidates:
            raise _failed(f"the peer's certificate is not the one that '{sa.name}' has for it")
    if not candidates:
        raise _failed(f"the peer sent no certificate, and there is none here for '{identity}'")
    problems: list[str] = []
    proven: list[Proven] = []
    for certificate in dict.fromkeys(candidates):
        if not match.fits(certificate, wanted):
            problems.append(_other_name(certificate, wanted))
            continue
        verdict = _judged(sa, certificate, pinned, round)
        problem = _refusal(verdict, round)
        if problem:
            problems.append(problem)
        elif verdict.path is not None:
            sa.log("CFG", f'using trusted certificate "{certificate.name}"' if len(verdict.path.chain) == 1
                   else f'using trusted ca certificate "{verdict.path.anchor.name}"')  # fmt: skip
            proven.append(Proven(certificate.key, verdict.path))
    if not proven:
        raise _failed(f"no trusted certificate for '{identity}': {'; '.join(dict.fromkeys(problems))}")
    return proven


def _judged(
    sa: IkeSaV2, certificate: Certificate, pinned: tuple[Certificate, ...], round: AuthRound
) -> Verdict:
    store = sa.services.store
    settings = Settings(
        strict=store.strict,
        policies=frozenset(round.policies or (ANY_POLICY,)),
        explicit_policy=bool(round.policies),
    )
    return store.judge(
        certificate, sa.shaking.shown.certificates[1:], pinned, int(sa.services.unix_now), settings
    )


def _refusal(verdict: Verdict, round: AuthRound) -> str:
    """Why the path will not do; empty where it does."""
    path = verdict.path
    if path is None:
        return "; ".join(verdict.reasons)
    if round.authorities and not any(
        ca.subject.matches(name) for ca in path.chain[1:] for name in round.authorities
    ):
        return f"{path.leaf.name} is not of {' or '.join(map(str, round.authorities))}"
    wishes = constraints.parse(round.method_detail)
    if not wishes.takes(path.leaf.key.kind, path.leaf.key.bits):
        return f"{path.leaf.name} has a key of {path.leaf.key}, {wishes.keys_text} is wanted"
    weak = next((c for c in path.chain[:-1] if not wishes.takes_hash(c.algorithm.hash)), None)
    if weak is not None:
        return f"{weak.name} is signed with {weak.algorithm}, {'/'.join(wishes.hashes)} is wanted"
    return ""


def _other_name(certificate: Certificate, identity: Identity) -> str:
    names = ", ".join(map(str, (certificate.subject, *certificate.identities)))
    return f"the peer's certificate is for {names}, not for '{identity}'"


def _failed(text: str) -> PeerError:
    return PeerError(NotifyType.AUTHENTICATION_FAILED, text)
