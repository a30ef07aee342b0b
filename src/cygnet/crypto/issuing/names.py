"""Names as the certificate library wants them: of subjects, in subjectAltName, in name constraints."""

from __future__ import annotations

import ipaddress
import warnings
from collections.abc import Callable

from cryptography import x509
from cryptography.x509.name import _ASN1Type

from cygnet.crypto.issuing.errors import WishError
from cygnet.values import dn, dn_text
from cygnet.values.der import DerError
from cygnet.values.iana import IdType
from cygnet.values.identity import Identity


def parse_name(text: str) -> x509.Name:
    """From ``C=CH, O=strongSwan, CN=moon``."""
    try:
        return name_from_der(dn_text.parse(text))
    except ValueError as error:
        raise WishError(str(error)) from None


def name_from_der(name: bytes) -> x509.Name:
    """Which the library writes with the same bytes again; WishError where it would not."""
    try:
        # that X.520 has limits for lengths it says as a warning; strongSwan and openssl pass over them
        with warnings.catch_warnings(action="ignore"):
            made = x509.Name(
                [x509.RelativeDistinguishedName([_attribute(a) for a in rdn]) for rdn in dn.rdns(name)]
            )
    except (ValueError, DerError) as error:
        raise WishError(f"the name '{dn.text(name)}' cannot be written: {error}") from None
    if made.public_bytes() != name:  # an issuer's name has to be in what it issues as it is in its own
        raise WishError(f"the name '{dn.text(name)}' is in an encoding (T.61?) that is not written here")
    return made


def _attribute(found: dn.Attribute) -> x509.NameAttribute[str]:
    if found.text is None:
        raise ValueError(f"{found} is no text")
    kind = _ASN1Type(found.tag)
    return x509.NameAttribute(x509.ObjectIdentifier(found.oid), found.text, kind, _validate=False)


def general_name(text: str) -> x509.GeneralName:
    """A subjectAltName, by the rules for identities; ``uri:`` is one of ours."""
    if text.lower().startswith("uri:"):
        return x509.UniformResourceIdentifier(text[4:])
    if dn_text.is_name(text):
        return x509.DirectoryName(parse_name(text))
    try:
        identity = Identity.parse(text)
        if identity.type in (IdType.IPV4_ADDR, IdType.IPV6_ADDR):
            return x509.IPAddress(ipaddress.ip_address(identity.data))
        if identity.type == IdType.FQDN:
            return x509.DNSName(identity.data.decode())
        if identity.type == IdType.USER_FQDN:
            return x509.RFC822Name(identity.data.decode())
    except ValueError as error:  # a prefix whose value does not fit, or a name that is not ASCII
        raise WishError(f"'{text}' cannot be a subjectAltName: {error}") from None
    raise WishError(
        f"'{text}' cannot be a subjectAltName; an address, a host name, an e-mail address, "
        "uri:... or a distinguished name can"
    )


_TREES: dict[str, Callable[[str], x509.GeneralName]] = {
    "dns": x509.DNSName, "fqdn": x509.DNSName, "email": x509.RFC822Name, "rfc822": x509.RFC822Name,
    "userfqdn": x509.RFC822Name, "uri": x509.UniformResourceIdentifier,
}  # fmt: skip


def constraint(text: str) -> x509.GeneralName:
    """RFC 5280 §4.2.1.10: a network, or what host names, e-mail addresses, URIs or DNs have to end with."""
    if dn_text.is_name(text):
        return x509.DirectoryName(parse_name(text))
    prefix, colon, rest = text.partition(":")
    try:
        if colon and prefix.lower() in _TREES:
            return _TREES[prefix.lower()](rest)
        try:
            return x509.IPAddress(ipaddress.ip_network(text))
        except ValueError:
            if "/" in text or ":" in text:
                raise
        return x509.RFC822Name(text) if "@" in text else x509.DNSName(text)
    except ValueError as error:
        raise WishError(f"'{text}' cannot be a name constraint: {error}") from None
