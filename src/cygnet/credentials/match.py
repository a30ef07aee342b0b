"""Does an identity fit a certificate? By strongSwan's rules.

A distinguished name is compared with the subject (and with directory names in subjectAltName) RDN by
RDN, a value of ``*`` standing for any; never as text, and never in part. A host name, an e-mail address or
an IP address has to stand in subjectAltName: a CN is no host name. A key id is the subjectKeyIdentifier,
or one of the two SHA-1 hashes of the public key. Wildcards count in the identity that is looked for, never
in the certificate: one for ``*.example.org`` is not one for ``vpn.example.org``.
"""

from __future__ import annotations

from enum import StrEnum

from cygnet.crypto.x509 import Certificate
from cygnet.values import dn
from cygnet.values.der import DerError
from cygnet.values.iana import IdType
from cygnet.values.identity import ANY, Identity


class RdnMatching(StrEnum):
    """charon.rdn_matching"""

    STRICT = "strict"  #: the same RDNs in the same order
    REORDERED = "reordered"  #: in any order
    RELAXED = "relaxed"  #: in any order, and those that the pattern leaves out are as wildcards


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


def key_ids(certificate: Certificate) -> tuple[bytes, ...]:
    """The KEY_IDs that mean this certificate."""
    return (
        *filter(None, (certificate.subject_key_id,)),
        certificate.key.keyid,
        certificate.key.spki_keyid,
    )


def dn_fits(name: bytes, pattern: bytes, rdn: RdnMatching = RdnMatching.STRICT) -> int:
    """How well a Name fits a pattern (both in DER): 0, 2 by wildcards, 3. What is no Name fits nothing."""
    try:
        ours, wanted = dn.rdns(name), dn.rdns(pattern)
    except DerError:
        return 0
    if not wanted:
        return 3 if not ours else 0
    if rdn is RdnMatching.STRICT:
        if len(ours) != len(wanted):
            return 0
        return min((_rdn_fits(one, other) for one, other in zip(ours, wanted)), default=0)
    best, left = 3, list(ours)
    for other in sorted(wanted, key=_is_wild):  # exact ones first, so that a wildcard takes none of theirs
        found = next((one for one in left if _rdn_fits(one, other)), None)
        if found is None:
            return 0
        left.remove(found)
        best = min(best, _rdn_fits(found, other))
    if left:
        return 2 if rdn is RdnMatching.RELAXED else 0
    return best


def _is_wild(rdn: dn.Rdn) -> bool:
    return any(attribute.text == "*" for attribute in rdn)


def _rdn_fits(ours: dn.Rdn, wanted: dn.Rdn) -> int:
    if len(ours) != len(wanted):
        return 0
    if len(ours) == 1:
        one, other = ours[0], wanted[0]
        if one.oid != other.oid:
            return 0
        return 3 if one.canonical == other.canonical else 2 if other.text == "*" else 0
    return 3 if {(a.oid, a.canonical) for a in ours} == {(a.oid, a.canonical) for a in wanted} else 0
