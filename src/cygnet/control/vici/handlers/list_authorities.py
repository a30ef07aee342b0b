"""``list-authorities``: stream the ``ca`` sections as list-authority events; ``name``: that one only."""

from __future__ import annotations

from cygnet.control.outcomes import Answer, Decision
from cygnet.control.vici.codec import Message
from cygnet.control.vici.handlers.arguments import string
from cygnet.control.view import View
from cygnet.credentials.held import HeldAuthority


def handle(request: Message, view: View) -> Decision:
    name = string(request, "name")
    found = [one for one in view.held().authorities if name in ("", one.told.name)]
    return Answer(events=(("list-authority", {one.told.name: _row(one)}) for one in found))


def _row(one: HeldAuthority) -> Message:
    row: Message = {"cacert": str(one.certificate.subject) if one.certificate else ""}
    row["crl_uris"], row["ocsp_uris"] = list(one.told.crl_uris), list(one.told.ocsp_uris)
    if one.told.cert_uri_base:
        row["cert_uri_base"] = one.told.cert_uri_base
    return row
