"""``flush-certs``: forget CRLs and OCSP answers that were fetched (`purgecrls`, `purgeocsp`).

Certificates of peers are never kept, so for other types there is nothing to do.
"""

from __future__ import annotations

from cygnet.boundary.events import Purge
from cygnet.control.outcomes import Answer, Ask, Decision
from cygnet.control.vici.codec import Message
from cygnet.control.vici.handlers.arguments import BadRequest, string
from cygnet.control.view import View

#: vici's types -> whether CRLs and OCSP answers go
TYPES = {
    "": (True, True),
    "ANY": (True, True),
    "X509_CRL": (True, False),
    "OCSP_RESPONSE": (False, True),
    "X509": (False, False),
    "X509_AC": (False, False),
    "PUBKEY": (False, False),
}


def handle(request: Message, view: View) -> Decision:
    kind = string(request, "type")
    if kind.upper() not in TYPES:
        raise BadRequest(f"invalid certificate type '{kind}'")
    crls, ocsp = TYPES[kind.upper()]
    if not crls and not ocsp:
        return Answer({"success": "yes"})
    return Ask(lambda ref: Purge(ref, crls, ocsp), what="certificates", done="flushed")
