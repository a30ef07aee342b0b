"""``connections.NAME.local*`` and ``remote*``: a round of authentication of one end each."""

from __future__ import annotations

from cygnet.config.keywords.authentication import AUTHORITY, IDENTITY
from cygnet.config.keywords.row import Keyword, Status, by_name
from cygnet.config.keywords.swanctl.types import AUTH, WORDS
from cygnet.config.keywords.types import OIDS, TEXT, integer, one_of

_P = Status.PLANNED
_BOTH = (
    Keyword("round", integer(0, 0xFFFF), "0", "Its place among the rounds of this end; 0: as it stands."),
    Keyword("auth", AUTH, "pubkey", "How this end authenticates; pubkey with constraints behind it."),
    Keyword("certs", WORDS, None, "Certificates, files of swanctl/x509 or paths."),
    Keyword("pubkeys", WORDS, None, "Raw public keys, files of swanctl/pubkey or paths."),
    Keyword("eap_id", TEXT, None, "EAP identity.", status=_P, note="EAP is not there yet"),
)

LOCAL = (
    Keyword("id", IDENTITY, None, "Who we are; without it the certificate's subject, or our address."),
    *_BOTH,
    Keyword("aaa_id", TEXT, None, "Identity of the EAP server.", status=_P, note="EAP is not there yet"),
    Keyword("xauth_id", TEXT, None, "XAuth user name.", status=_P, note="XAuth is not there yet"),
)

REMOTE = (
    Keyword("id", IDENTITY, "%any", "Who the peer has to be; wildcards are allowed."),
    *_BOTH,
    Keyword("cacerts", WORDS, None, "CAs one of which has to be in the path, files of swanctl/x509ca."),
    Keyword("ca_id", AUTHORITY, None, "Subject of a CA that has to be in the path."),
    Keyword("cert_policy", OIDS, None, "Policies one of which the path has to be valid for."),
    Keyword("groups", WORDS, None, "Groups one of which the peer has to be in.", status=_P),
    Keyword(
        "revocation",
        one_of("relaxed", "strict", "ifuri"),
        "relaxed",
        "What holds where a certificate's state is not known.",
        status=_P,
        note="strictcrlpolicy of ipsec.conf holds for all connections",
    ),
)

LOCAL_BY_NAME, REMOTE_BY_NAME = by_name(LOCAL), by_name(REMOTE)
#: Planned keywords without which the peer would be trusted more than was asked for.
DECISIVE = frozenset({"groups", "revocation"})
