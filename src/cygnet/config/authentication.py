"""How both ends authenticate: leftauth and leftid, or the legacy authby, as rounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cygnet.config.credentials import Credentials, refusal
from cygnet.config.keywords.addresses import is_single
from cygnet.config.keywords.authentication import Auth
from cygnet.config.reader import MIDDLE
from cygnet.config.records import End
from cygnet.config.written import Written
from cygnet.model.config import AuthMethod, AuthRound, IkeVersion, SendCert
from cygnet.values.identity import ANY, Identity

#: authby words: the method of both ends, and whether XAuth follows.
_AUTHBY = {
    "psk": (AuthMethod.PSK, False),
    "secret": (AuthMethod.PSK, False),
    "xauthpsk": (AuthMethod.PSK, True),
    "xauthrsasig": (AuthMethod.PUBKEY, True),
}
_SEND = {
    "always": SendCert.ALWAYS,
    "yes": SendCert.ALWAYS,
    "ifasked": SendCert.IF_ASKED,
    "never": SendCert.NEVER,
    "no": SendCert.NEVER,
}
_WORKS = (AuthMethod.PSK, AuthMethod.PUBKEY)


@dataclass(frozen=True, slots=True)
class _Side:
    """One end of a conn, and what stands beside the conn in files."""

    written: Written
    credentials: Credentials
    end: End
    side: str  #: "left" or "right"
    here: bool

    def ready(self, keyword: str, names: tuple[str, ...], load: Callable[[str], object]) -> tuple[str, ...]:
        """Those of the names that can be loaded; the others refuse the conn."""
        good = []
        for name in names:
            if reason := refusal(load, name):
                self.written.refuse(keyword, reason, self.side, name)
            else:
                good.append(name)
        return tuple(good)


def rounds(written: Written, credentials: Credentials, here: bool) -> tuple[AuthRound, ...]:
    """The authentication of one end. What cannot be done yet refuses the conn."""
    end = written.local if here else written.remote
    side = written.local_side if here else written.remote_side
    if written.conn.type.is_shunt:  # nothing is negotiated
        return (AuthRound(AuthMethod.PSK, ANY),)
    auth, keyword, where = _method(written, end, side, here)
    found = _Side(written, credentials, end, side, here)
    if auth.method not in _WORKS and not (auth.method is AuthMethod.ANY and not here):
        said = f"authentication by {auth.detail or auth.method.value}"
        reason = f"{said} is not supported yet; pubkey and psk are"
        written.refuse(
            keyword, reason.replace("psk are", "secret are") if keyword == "authby" else reason, where
        )
    first = _round(found, auth, end.cert or (), end.ca, identity(end), end.id is None)
    if here and first.method is AuthMethod.PUBKEY and not written.errors:
        first = _own(found, first, keyword, where)
    elif (
        not here
        and not written.errors
        and first.method is AuthMethod.PUBKEY
        and not first.certs
        and not credentials.has_authorities()
    ):
        unsaid = "" if written.has(keyword, where) else "not set, so a certificate is wanted of the peer: "
        reason = f"{unsaid}no CA is in ipsec.d/cacerts and {side}cert names nothing, so none will be trusted"
        written.warn(keyword, reason, where)
    return (first, *_second(found))


def _round(
    of: _Side, auth: Auth, certs: tuple[str, ...], ca: Identity | None, who: Identity, defaulted: bool
) -> AuthRound:
    end, names = of.end, certs
    certs = of.ready("cert", certs, of.credentials.certificate)
    if end.sigkey is not None and not names:
        certs = of.ready("sigkey", (end.sigkey,), of.credentials.public_key)
    elif certs and defaulted:
        who = of.credentials.certificate(certs[0])
    elif certs and not of.here and not who.is_any and not any(of.credentials.fits(c, who) for c in certs):
        owner = of.credentials.certificate(certs[0])
        reason = f"the certificate is for '{owner}' and not for '{who}', so no peer fits"
        of.written.warn("id", f'{reason}; {of.side}id="{owner}" would', of.side)
    return AuthRound(
        auth.method,
        who,
        auth.detail,
        certs=certs,
        authorities=_authorities(of, ca),
        policies=end.certpolicy or (),
        loose_id=not of.here and end.id is not None and end.id.loose,
        send_cert=_SEND[end.sendcert],
    )


def _authorities(of: _Side, ca: Identity | None, keyword: str = "ca") -> tuple[Identity, ...]:
    if ca is None:
        return ()
    if not ca.is_any:
        return (ca,)
    other = of.written.remote if of.here else of.written.local  # %same
    certs = of.ready(keyword, (other.cert or ())[:1], of.credentials.certificate)
    if not certs:
        of.written.refuse(keyword, "%same: the other end names no certificate", of.side, "%same")
    return tuple(map(of.credentials.issuer, certs))


def _own(of: _Side, round: AuthRound, keyword: str, where: str) -> AuthRound:
    """Our own end with a certificate: it has to have a key and to be for leftid."""
    credentials, written = of.credentials, of.written
    if round.certs:
        name = round.certs[0]
        said = "sigkey" if of.end.cert is None else "cert"
        if not any(credentials.has_key(c) for c in round.certs):
            written.warn(said, credentials.missing_key(name), of.side)
        for cert in round.certs if said == "cert" and round.send_cert is not SendCert.NEVER else ():
            if reason := credentials.missing_issuer(cert):
                written.warn(said, reason, of.side)
        if said == "cert" and not credentials.fits(name, round.id):
            owner = credentials.certificate(name)
            names = credentials.names(name)
            which = " and ".join(f"'{one}'" for one in (owner, *names))
            line = f"{of.side}id={names[0]}" if names else f'{of.side}id="{owner}"'
            reason = (
                f"'{round.id}' is not in the certificate, which is for {which}: '{owner}' is taken instead; "
                f"write {line}, or have it issued with '{round.id}' in subjectAltName (pki issue --san)"
            )
            written.warn("id", reason, of.side)
            return AuthRound(
                round.method, owner, round.method_detail, certs=round.certs, send_cert=round.send_cert
            )
    elif not credentials.has_certificate_of(round.id):
        unsaid = "" if written.has(keyword, where) else "not set, so certificates are meant, and there is "
        reason = (
            f"{unsaid}no certificate with a private key for '{round.id}'; {of.side}cert=FILE names one, "
            "'cygnet pki gateway' makes one; authby=secret is with a pre-shared key"
        )
        written.refuse(keyword, reason, where)
    return round


def _second(of: _Side) -> tuple[AuthRound, ...]:
    """leftauth2: another round behind the first (RFC 4739); without leftid2 by the same identity."""
    end, written = of.end, of.written
    if end.auth2 is None:
        return ()
    if end.auth2.method not in _WORKS:
        said = end.auth2.detail or end.auth2.method.value
        reason = f"a second authentication by {said} is not supported yet; pubkey and psk are"
        written.refuse("auth2", reason, of.side)
    elif written.conn.keyexchange is IkeVersion.V1:
        reason = "IKEv1 has no second authentication of that kind; keyexchange=ikev2 has"
        written.refuse("auth2", reason, of.side)
    certs = of.ready("cert2", end.cert2 or (), of.credentials.certificate)
    who = end.id2.identity if end.id2 else ANY
    if certs and end.id2 is None:
        who = of.credentials.certificate(certs[0])
    return (
        AuthRound(
            end.auth2.method,
            who,
            end.auth2.detail,
            certs=certs,
            authorities=_authorities(of, end.ca2, "ca2"),
            send_cert=_SEND[end.sendcert],
        ),
    )


def _method(written: Written, end: End, side: str, here: bool) -> tuple[Auth, str, str]:
    """The method, and the keyword and side that said it (or would have)."""
    if written.local.auth or written.remote.auth:
        return end.auth or Auth(AuthMethod.PUBKEY), "auth", side
    method, xauth = _AUTHBY.get(written.conn.authby, (AuthMethod.PUBKEY, False))
    if written.conn.authby == "never" and here:
        reason = "nothing is to be negotiated, but the conn is no shunt (type=passthrough)"
        written.refuse("authby", reason)
    if xauth and here:
        written.refuse("authby", "XAuth is not supported yet; authby=secret is (a pre-shared key)")
    return Auth(method), "authby", MIDDLE


def identity(end: End) -> Identity:
    """leftid; without it the end's address or name where there is just one; else ANY."""
    if end.id is not None:
        return end.id.identity
    if len(end.host.hosts) == 1 and is_single(end.host.hosts[0]):
        return Identity.parse(end.host.hosts[0])
    return ANY
