"""What is missing beside a certificate of ours, and the line to write or the file to put there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from cygnet.crypto.publickey import KeyKind, SignatureError
from cygnet.crypto.sign import SigningKey
from cygnet.crypto.x509 import Certificate
from cygnet.model.config import KeyFile, TokenKey
from cygnet.values import dn
from cygnet.values.errors import CygnetError

#: what ipsec.secrets calls a key of that kind
_KEYWORDS = {KeyKind.RSA: "RSA", KeyKind.ECDSA: "ECDSA"}
MOST_NAMED = 3  #: keys of others that are named; more would hide what is to be done


def missing_key(
    what: str,
    spki: bytes,
    keys: Mapping[bytes, KeyFile | TokenKey],
    certificates: Iterable[Certificate],
    unnamed: Iterable[tuple[str, bytes]],
) -> str:
    """Why the private key of ``what`` is not here. ``keys``: those that ipsec.secrets names, by
    SubjectPublicKeyInfo; ``unnamed``: files beside them."""
    for path, data in unnamed:
        key = _readable(data)
        if key is not None and key.public.spki == spki:
            line = f": {_KEYWORDS.get(key.public.kind, 'PKCS8')} {path.rpartition('/')[2]}"
            return f"no private key for '{what}'; {path} is it, so write '{line}' into ipsec.secrets"
    others = [f"{file.source} is of {_owner(of, certificates)}" for of, file in keys.items()]
    told = f" ({'; '.join(others[:MOST_NAMED])})" if others else ""
    line = f"': PIN {what} PIN'" if what.startswith("%smartcard") else "': RSA file' (ECDSA, PKCS8)"
    return (
        f"no private key for '{what}' among those that ipsec.secrets names{told}; "
        f"a line {line} of ipsec.secrets names it"
    )


def _readable(data: bytes) -> SigningKey | None:
    try:
        return SigningKey.load(data)
    except CygnetError:
        return None


def _owner(spki: bytes, certificates: Iterable[Certificate]) -> str:
    return next((f"'{c.name}'" for c in certificates if c.key.spki == spki), "no certificate here")


def chain_of(leaf: Certificate, cas: Sequence[Certificate]) -> tuple[Certificate, ...]:
    """The certificate and the CAs above it as far as they are here."""
    chain = [leaf]
    while not chain[-1].self_issued:
        above = next(_issuers(chain[-1], [ca for ca in cas if ca not in chain]), None)
        if above is None:
            break
        chain.append(above)
    return tuple(chain)


def _issuers(certificate: Certificate, cas: Iterable[Certificate]) -> Iterator[Certificate]:
    wanted = dn.canonical(certificate.issuer.data)
    for ca in cas:
        if dn.canonical(ca.subject.data) != wanted:
            continue
        try:
            certificate.verify_issued_by(ca)
        except SignatureError:
            continue
        yield ca


def missing_issuer(
    leaf: Certificate, cas: Sequence[Certificate], beside: Iterable[Certificate], directory: str
) -> str:
    """What is to be said of a chain of ours that breaks off; empty where it leads to a root.

    A file with a chain (``beside`` the leaf) mostly leaves out the root, which is the peer's to have:
    nothing is missing above what stands in it."""
    last = chain_of(leaf, cas)[-1]
    if last.self_issued or (last is not leaf and last in beside):
        return ""
    issuer = dn.text(last.issuer.data)
    if any(dn.canonical(ca.subject.data) == dn.canonical(last.issuer.data) for ca in cas):
        state = f"the '{issuer}' that is here has another key than the one that signed '{last.name}'"
    else:
        state = f"'{issuer}', which signed '{last.name}', is not here"
    return (
        f"{state}: a peer that does not have it either will refuse us; put its certificate into {directory}"
    )
