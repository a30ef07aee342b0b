"""``config setup`` of ipsec.conf (COMPATIBILITY §2.2)."""

from __future__ import annotations

from cygnet.config.keywords import foreign
from cygnet.config.keywords.logging import CHARONDEBUG
from cygnet.config.keywords.row import Keyword, Status, by_name
from cygnet.config.keywords.types import TEXT, YES_NO, one_of, words
from cygnet.model.config import Unique

UNIQUE = words(
    {
        "yes": Unique.REPLACE,
        "no": Unique.NO,
        "replace": Unique.REPLACE,
        "keep": Unique.KEEP,
        "never": Unique.NEVER,
    },
    foreign.YES_NO,
)

_GONE = (
    "interfaces", "dumpdir", "charonstart", "plutostart", "klipsdebug", "plutodebug", "prepluto",
    "postpluto", "plutostderrlog", "fragicmp", "packetdefault", "hidetos", "overridemtu",
    "crlcheckinterval", "nocrsend", "nat_traversal", "keep_alive", "force_keepalive", "virtual_private",
    "pkcs11module", "pkcs11initargs", "pkcs11keepstate", "pkcs11proxy",
)  # fmt: skip

_INSTEAD = {
    "nat_traversal": "NAT traversal is always on",
    "charonstart": "the daemon always starts",
    "keep_alive": "use charon.keep_alive in strongswan.conf",
    "plutodebug": "use charondebug",
}

SETUP = (
    Keyword(
        "charondebug", CHARONDEBUG, None,
        "How much each subsystem logs: pairs of a group (dmn, mgr, ike, chd, job, cfg, knl, net, asn, enc, "
        "lib, esp, tls, tnc, imc, imv, pts, or any) and a level from -1 (silent) to 4.",
        "Settings.log_levels",
    ),
    Keyword(
        "uniqueids", UNIQUE, "yes",
        "What happens when a peer identity connects again: the new IKE_SA replaces the old one "
        "(yes, replace), is refused (keep), both stay unless the peer says INITIAL_CONTACT (no), or even "
        "then (never).",
        "Settings.unique, Connection.unique",
    ),
    Keyword(
        "cachecrls", YES_NO, "no", "Keep certificate revocation lists that were fetched in ipsec.d/crls, "
        "from where the next start loads them.",
        "Settings.cache_crls",
    ),
    Keyword(
        "strictcrlpolicy", one_of("yes", "no", "ifuri"), "no",
        "Refuse a peer whose certificate's revocation state is not known (ifuri: where it names a CRL or an "
        "OCSP responder).",
        "Settings.strict_crl",
    ),
    Keyword("also", TEXT, None, "Without effect here.", status=Status.DEPRECATED,
            note="config setup takes no settings from elsewhere"),
    *(
        Keyword(name, TEXT, None, "Of FreeS/WAN; without effect.", status=Status.DEPRECATED,
                note=_INSTEAD.get(name, ""))
        for name in _GONE
    ),
)  # fmt: skip

BY_NAME = by_name(SETUP)
