"""Does an identity fit a certificate? By strongSwan's rules.

A distinguished name is compared with the subject (and with directory names in subjectAltName) RDN by
RDN, a value of ``*`` standing for any; never as text, and never in part. A host name, an e-mail address or
an IP address has to stand in subjectAltName: a CN is no host name. A key id is the subjectKeyIdentifier,
or one of the two SHA-1 hashes of the public key. Wildcards count in the identity that is looked for, never
in the certificate: one for ``*.example.org`` is not one for ``vpn.example.org``.
"""

from __future__ import annotations

from cygnet.crypto.x509 import Certificate
from cygnet.model.config import AuthRound
from cygnet.values import dn
from cygnet.values.dn_match import RdnMatching, dn_fits
from cygnet.values.iana import IdType
from cygnet.values.identity import ANY, Identity


def default_identity(certificate: Certificate) -> Identity:
    """Who the owner is where nothing else is said: the subject, or the first name there is."""
    if dn.rdns(certificate.subject.data):
        return certificate.subject
    return next(iter(certificate.identities), ANY)


def fits(certificate: Certificate, wanted: Identity, rdn: RdnMatching = RdnMatching.STRICT) -> int:
    """How well the certificate is one of ``wanted``: 0 not at all, 1 by %any, 2 by wildcard, 3 exactly."""
    if wanted.is_any:
        return 1
    if wanted.type == IdType.KEY_ID:
        return 3 if wanted.data in key_ids(certificate) else 0
    named = [one for one in certificate.identities if one.type == wanted.type]
    if wanted.type == IdType.DER_ASN1_DN:
        return max(dn_fits(one.data, wanted.data, rdn) for one in (certificate.subject, *named))
    return max((one.matches(wanted) for one in named), default=0)


def least(round: AuthRound) -> int:
    """How well a peer's certificate has to fit. Wildcards are for configurations: a peer that calls itself
    ``*`` is not somebody else for it; only where its own word does not count they are ours."""
    return 1 if round.loose_id else 3


def key_ids(certificate: Certificate) -> tuple[bytes, ...]:
    """The KEY_IDs that mean this certificate."""
    return (
        *filter(None, (certificate.subject_key_id,)),
        certificate.key.keyid,
        certificate.key.spki_keyid,
    )
