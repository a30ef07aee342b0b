"""RFC 5280 §4.2.1.10. Name constraints: which names the certificates below a CA may have."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from cygnet.crypto.general_name import GeneralName, NameKind
from cygnet.crypto.x509 import Certificate, NameConstraints
from cygnet.values import dn

#: names times constraints in one path: several times what an honest CA needs
MOST_COMPARISONS = 50_000

_HOST = re.compile(r"[a-z0-9_*]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?\Z")


def names_of(certificate: Certificate) -> list[GeneralName]:
    """All that a certificate calls its subject: DN, subjectAltNames, and e-mail addresses in the DN."""
    found = list(certificate.names)
    if dn.rdns(certificate.subject.data):
        found.append(GeneralName(NameKind.DIRECTORY, certificate.subject.data))
    addresses = dn.attributes(certificate.subject.data, dn.EMAIL_ADDRESS)
    return found + [GeneralName(NameKind.EMAIL, one.encode("ascii", "replace")) for one in addresses]


def broken(constraints: NameConstraints, names: list[GeneralName]) -> str | None:
    """What is wrong with the first of ``names`` that the constraints do not allow; None: nothing."""
    for name in names:
        permitted = [base for base in constraints.permitted if base.kind is name.kind]
        excluded = [base for base in constraints.excluded if base.kind is name.kind]
        if not permitted and not excluded:
            continue
        rule = _RULES.get(name.kind)
        if rule is None:
            return f"has a name of kind {name.kind.name}, whose constraints cannot be checked"
        within, touches = rule
        if not _well_formed(name):
            return f"has the name {name}, which cannot be held against constraints"
        if permitted and not any(within(name.value, base.value) for base in permitted):
            return f"has the name {name}, which is outside what is permitted"
        if any(touches(name.value, base.value) for base in excluded):
            return f"has the name {name}, which is excluded"
    return None


def _well_formed(name: GeneralName) -> bool:
    if name.kind is NameKind.EMAIL:
        local, _, host = name.text.rpartition("@")
        return bool(local) and "@" not in local and bool(_HOST.match(host.lower()))
    if name.kind is NameKind.URI:
        return bool(_HOST.match(_uri_host(name.value))) and not _uri_host(name.value)[-1].isdigit()
    if name.kind is NameKind.DNS:
        return bool(_HOST.match(name.text.lower()))
    return True


def _host(value: bytes) -> str:
    return value.decode("ascii").lower().removesuffix(".")


def _below(host: str, domain: str) -> bool:
    """Whether ``host`` is in ``domain``; a domain with a dot in front does not hold its own name."""
    if domain.startswith("."):
        return host.endswith(domain)
    return not domain or host == domain or host.endswith("." + domain)


def _dns_within(name: bytes, base: bytes) -> bool:
    return _below(_host(name), _host(base))


def _dns_touches(name: bytes, base: bytes) -> bool:
    """``*.example.org`` touches all that stands below example.org."""
    host, domain = _host(name), _host(base)
    return _below(host, domain) or (host.startswith("*.") and domain.lstrip(".").endswith(host[1:]))


def _host_within(host: str, base: str) -> bool:
    """§4.2.1.10 for e-mail and URI: a host is itself, a domain begins with a dot."""
    return host.endswith(base) if base.startswith(".") else host == base or not base


def _email_within(name: bytes, base: bytes) -> bool:
    local, _, host = name.decode("ascii").rpartition("@")
    if b"@" in base:
        wanted, _, at = base.decode("ascii").rpartition("@")
        return wanted == local and at.lower().removesuffix(".") == host.lower().removesuffix(".")
    return _host_within(host.lower().removesuffix("."), _host(base))


def _email_touches(name: bytes, base: bytes) -> bool:
    """As within, but a mailbox is excluded in whatever case it is written."""
    return _email_within(name.lower(), base.lower())


def _uri_host(value: bytes) -> str:
    try:
        return (urlsplit(value.decode("ascii")).hostname or "").removesuffix(".")
    except ValueError:
        return ""


def _uri_within(name: bytes, base: bytes) -> bool:
    return _host_within(_uri_host(name), _host(base))


def _ip_within(name: bytes, base: bytes) -> bool:
    if len(base) != 2 * len(name):
        return False
    net, mask = base[: len(name)], base[len(name) :]
    return all(n & m == b & m for n, b, m in zip(name, net, mask))


def _dn_within(name: bytes, base: bytes) -> bool:
    wanted = dn.canonical(base)
    return dn.canonical(name)[: len(wanted)] == wanted


Compare = Callable[[bytes, bytes], bool]

#: kind -> whether a name is in a permitted subtree, whether it has to do with an excluded one
_RULES: dict[NameKind, tuple[Compare, Compare]] = {
    NameKind.DNS: (_dns_within, _dns_touches),
    NameKind.EMAIL: (_email_within, _email_touches),
    NameKind.URI: (_uri_within, _uri_within),
    NameKind.IP: (_ip_within, _ip_within),
    NameKind.DIRECTORY: (_dn_within, _dn_within),
}
