"""``local*`` and ``remote*`` sections: how each end authenticates, round by round."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from cygnet.config.credentials import Credentials, refusal
from cygnet.config.keywords.authentication import Auth
from cygnet.config.keywords.swanctl.authentication import DECISIVE, LOCAL_BY_NAME, REMOTE_BY_NAME
from cygnet.config.swanctl.reading import Problems, Read, stray
from cygnet.config.tree import Section
from cygnet.model.config import AuthMethod, AuthRound, IkeVersion, SendCert
from cygnet.values.identity import ANY, Identity

_WORKS = (AuthMethod.PSK, AuthMethod.PUBKEY)


def rounds(
    connection: Section,
    here: bool,
    version: IkeVersion,
    send: SendCert,
    held: Credentials,
    problems: Problems,
) -> tuple[AuthRound, ...]:
    """All rounds of one end, at least one: without a section it is pubkey, as in strongSwan."""
    end = "local" if here else "remote"
    table = LOCAL_BY_NAME if here else REMOTE_BY_NAME
    found = [
        Read(section, table, problems, DECISIVE)
        for name, section in connection.sections.items()
        if name.startswith(end)
    ]
    for read in found:
        stray(read.section.sections.values(), "none: certificates on tokens are not supported yet", problems)
    if not found:
        problems.errors.append(
            connection.error(
                f"a section '{end}' is missing in '{connection.name}': how this end authenticates"
            )
        )
        return (AuthRound(AuthMethod.PUBKEY),)
    found.sort(key=lambda read: read.number("round") or 0)
    if version is IkeVersion.V1 and len(found) > 1:
        found[1].refuse("auth", "IKEv1 has no second authentication of that kind; version=2 has")
    return tuple(_Round(read, held, here).made(send) for read in found)


class _Round:
    def __init__(self, read: Read, held: Credentials, here: bool) -> None:
        self.read, self.held, self.here = read, held, here

    def made(self, send: SendCert) -> AuthRound:
        read, auth = self.read, self.read["auth"]
        assert isinstance(auth, Auth)
        stray(
            read.section.sections.values(), "none: certificates on tokens are not supported yet", Problems()
        )
        if auth.method not in _WORKS and not (auth.method is AuthMethod.ANY and not self.here):
            read.refuse("auth", f"authentication by {auth.detail or auth.method.value} is not supported yet; "
                                "pubkey and psk are")  # fmt: skip
        certs = self._ready("certs", read.words("certs"), self.held.certificate)
        keys = self._ready("pubkeys", read.words("pubkeys"), self.held.public_key)
        who = self._identity(certs)
        if self.here and auth.method is AuthMethod.PUBKEY:
            who = self._own(certs, keys, who)
        return AuthRound(
            auth.method,
            who,
            auth.detail,
            certs=(*certs, *keys),
            authorities=() if self.here else tuple(self._authorities()),
            policies=() if self.here else read.words("cert_policy"),
            send_cert=send,
        )

    def _ready(self, name: str, written: Iterable[str], load: Callable[[str], object]) -> tuple[str, ...]:
        """Those that can be loaded; the others refuse the connection."""
        good = []
        for one in written:
            if reason := refusal(load, one):
                self.read.refuse(name, reason, one)
            else:
                good.append(one)
        return tuple(good)

    def _identity(self, certs: tuple[str, ...]) -> Identity:
        said = self.read["id"]
        if isinstance(said, Identity) and (self.read.said("id") or not certs):
            return said
        return self.held.certificate(certs[0]) if certs else ANY

    def _own(self, certs: tuple[str, ...], keys: tuple[str, ...], who: Identity) -> Identity:
        """Our end with a certificate has to have its key, and to be for ``id``."""
        held, read = self.held, self.read
        for one in (*certs, *keys)[:1]:
            if not any(held.has_key(name) for name in (*certs, *keys)):
                name = "certs" if certs else "pubkeys"
                read.warn(name, f"no private key for '{one}' is in swanctl/private, rsa, ecdsa or pkcs8", one)
        if certs and not any(held.fits(name, who) for name in certs):
            owner = held.certificate(certs[0])
            read.warn(
                "id", f"'{who}' is not in the certificate, which is for '{owner}': that is taken instead"
            )
            return owner
        named = read.words("certs") or read.words("pubkeys")
        if not named and not held.has_certificate_of(who):
            read.refuse("certs", f"no certificate with a private key for '{who}'; certs=FILE names one, "
                                 "auth=psk is with a pre-shared key")  # fmt: skip
        return who

    def _authorities(self) -> Iterator[Identity]:
        if isinstance(said := self.read["ca_id"], Identity):
            yield said
        names = self.read.words("cacerts")
        for name in self._ready("cacerts", names, self.held.authority):
            yield self.held.subject(name)
