"""``secrets``, ``pools`` and ``authorities``."""

from __future__ import annotations

from cygnet.config.keywords.addresses import ADDRESSES
from cygnet.config.keywords.row import Keyword, Status, by_name
from cygnet.config.keywords.swanctl.types import URIS, WORDS
from cygnet.config.keywords.types import TEXT
from cygnet.model.config import SecretKind

_P = Status.PLANNED
_TOKEN = "as %smartcard in ipsec.secrets"

POOL = (
    Keyword("addrs", TEXT, None, "A network, or a range of addresses."),
    Keyword("dns", ADDRESSES, None, "DNS servers that clients are told."),
    Keyword("nbns", ADDRESSES, None, "WINS servers that clients are told."),
    *(
        Keyword(name, WORDS, None, "An attribute that clients are told.", status=_P)
        for name in ("dhcp", "netmask", "server", "subnet", "p_cscf", "split_include", "split_exclude")
    ),
)

AUTHORITY = (
    Keyword(
        "cacert", TEXT, None, "The CA's certificate, a file of swanctl/x509ca or a path.", aliases=("file",)
    ),
    Keyword("handle", TEXT, None, "A certificate on a token.", status=_P),
    Keyword("slot", TEXT, None, "A certificate on a token.", status=_P),
    Keyword("module", TEXT, None, "A certificate on a token.", status=_P),
    Keyword("crl_uris", URIS, None, "Where its CRL is."),
    Keyword("ocsp_uris", URIS, None, "Where its OCSP responder is."),
    Keyword("cert_uri_base", TEXT, None, "Where its certificates are by their hash."),
)

#: The sections of ``secrets`` by what their names begin with.
SECRETS = {
    "eap": SecretKind.EAP,
    "xauth": SecretKind.EAP,
    "ntlm": SecretKind.NTLM,
    "ike": SecretKind.PSK,
    "ppk": SecretKind.PPK,
    "private": SecretKind.PKCS8,
    "rsa": SecretKind.RSA,
    "ecdsa": SecretKind.ECDSA,
    "pkcs8": SecretKind.PKCS8,
    "pkcs12": SecretKind.P12,
    "token": SecretKind.PIN,
}
#: Their keywords, for documentation: ids and secrets are read by their own rules.
SECRET = (
    Keyword("secret", TEXT, None, "The secret, or a key file's passphrase; 0x hexadecimal, 0s base64."),
    Keyword("id*", TEXT, None, "Whose it is (eap, xauth, ntlm, ike, ppk); without any, everybody's."),
    Keyword("file", TEXT, None, "The key file (private, rsa, ecdsa, pkcs8, pkcs12)."),
    Keyword("handle", TEXT, None, "The key on a token.", note=_TOKEN),
    Keyword("slot", TEXT, None, "The token's slot.", note=_TOKEN),
    Keyword("module", TEXT, None, "The token's module.", note=_TOKEN),
    Keyword("pin", TEXT, None, "The token's PIN.", note=_TOKEN),
)
POOL_BY_NAME, AUTHORITY_BY_NAME = by_name(POOL), by_name(AUTHORITY)
