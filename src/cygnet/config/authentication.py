"""How both ends authenticate: leftauth and leftid, or the legacy authby, as rounds."""

from __future__ import annotations

from cygnet.config.keywords.addresses import is_single
from cygnet.config.keywords.authentication import Auth
from cygnet.config.reader import MIDDLE
from cygnet.config.records import End
from cygnet.config.written import Written
from cygnet.model.config import AuthMethod, AuthRound, IkeVersion
from cygnet.values.identity import ANY, Identity

#: authby words: the method of both ends, and whether XAuth follows.
_AUTHBY = {
    "psk": (AuthMethod.PSK, False),
    "secret": (AuthMethod.PSK, False),
    "xauthpsk": (AuthMethod.PSK, True),
    "xauthrsasig": (AuthMethod.PUBKEY, True),
}


def rounds(written: Written, here: bool) -> tuple[AuthRound, ...]:
    """The authentication of one end. What cannot be done yet refuses the conn."""
    end = written.local if here else written.remote
    side = written.local_side if here else written.remote_side
    auth, keyword, where = _method(written, end, side, here)
    if written.conn.type.is_shunt:  # nothing is negotiated
        return (AuthRound(AuthMethod.PSK, ANY),)
    method = auth.method
    if method is AuthMethod.ANY and not here:
        method = AuthMethod.PSK  # of the methods that there are
    if method is not AuthMethod.PSK:
        works = "authby=secret" if keyword == "authby" else f"{where}auth=psk"
        said = f"authentication by {auth.detail or method.value}"
        if not written.has(keyword, where):
            said = f"not set, and {said} in its place"
        written.refuse(keyword, f"{said} is not supported yet; {works} is (a pre-shared key)", where)
    return (AuthRound(method, identity(end), auth.detail), *_second(written, end, side))


def _second(written: Written, end: End, side: str) -> tuple[AuthRound, ...]:
    """leftauth2: another round behind the first (RFC 4739); without leftid2 by the same identity."""
    if end.auth2 is None:
        return ()
    if end.auth2.method is not AuthMethod.PSK:
        said = end.auth2.detail or end.auth2.method.value
        written.refuse("auth2", f"a second authentication by {said} is not supported yet; psk is", side)
    elif written.conn.keyexchange is IkeVersion.V1:
        reason = "IKEv1 has no second authentication with a pre-shared key; keyexchange=ikev2 has"
        written.refuse("auth2", reason, side)
    return (AuthRound(end.auth2.method, end.id2.identity if end.id2 else ANY, end.auth2.detail),)


def _method(written: Written, end: End, side: str, here: bool) -> tuple[Auth, str, str]:
    """The method, and the keyword and side that said it (or would have)."""
    if written.local.auth or written.remote.auth:
        return end.auth or Auth(AuthMethod.PUBKEY), "auth", side
    method, xauth = _AUTHBY.get(written.conn.authby, (AuthMethod.PUBKEY, False))
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
