"""``ca`` sections of ipsec.conf (COMPATIBILITY §2.4)."""

from __future__ import annotations

from cygnet.config.keywords.row import Keyword, Status, by_name
from cygnet.config.keywords.types import TEXT, one_of

CA = (
    Keyword("also", TEXT, None, "Take the settings of another ca section, where this one has none."),
    Keyword("auto", one_of("ignore", "add", "route", "start"), "ignore",
            "Whether the authority is loaded; route and start are the same as add.", "Config.authorities"),
    Keyword("cacert", TEXT, None, "The authority's certificate file.", "Authority.source"),
    Keyword("crluri", TEXT, None, "Where its revocation list is.", "Authority.crl_uris",
            aliases=("crluri1",)),
    Keyword("crluri2", TEXT, None, "Another place of its revocation list.", "Authority.crl_uris"),
    Keyword("ocspuri", TEXT, None, "Its OCSP responder.", "Authority.ocsp_uris", aliases=("ocspuri1",)),
    Keyword("ocspuri2", TEXT, None, "Another OCSP responder of it.", "Authority.ocsp_uris"),
    Keyword("certuribase", TEXT, None, "Base URL of certificates that are sent as hash and URL.",
            "Authority.cert_uri_base"),
    Keyword("ldaphost", TEXT, None, "Without effect.", status=Status.DEPRECATED),
    Keyword("ldapbase", TEXT, None, "Without effect.", status=Status.DEPRECATED),
)  # fmt: skip

BY_NAME = by_name(CA)
