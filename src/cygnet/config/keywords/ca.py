"""``ca`` sections of ipsec.conf (COMPATIBILITY §2.4). Certificates are not supported yet."""

from __future__ import annotations

from cygnet.config.keywords.row import Keyword, Status, by_name
from cygnet.config.keywords.types import TEXT, one_of

_P = Status.PLANNED

CA = (
    Keyword("also", TEXT, None, "Take the settings of another ca section, where this one has none."),
    Keyword("auto", one_of("ignore", "add", "route", "start"), "ignore",
            "Whether the authority is loaded; route and start are the same as add.", status=_P),
    Keyword("cacert", TEXT, None, "The authority's certificate file.", status=_P),
    Keyword("crluri", TEXT, None, "Where its revocation list is.", aliases=("crluri1",), status=_P),
    Keyword("crluri2", TEXT, None, "Another place of its revocation list.", status=_P),
    Keyword("ocspuri", TEXT, None, "Its OCSP responder.", aliases=("ocspuri1",), status=_P),
    Keyword("ocspuri2", TEXT, None, "Another OCSP responder of it.", status=_P),
    Keyword("certuribase", TEXT, None, "Base URL of certificates that are sent as hash and URL.", status=_P),
    Keyword("ldaphost", TEXT, None, "Without effect.", status=Status.DEPRECATED),
    Keyword("ldapbase", TEXT, None, "Without effect.", status=Status.DEPRECATED),
)  # fmt: skip

BY_NAME = by_name(CA)
