"""``reload-settings``: read the configuration files again, as `cygnet update` does.

The answer has what strongSwan's has (success, errmsg), and for the terminal of the user
``text``: every diagnostic, one a line.
"""

from __future__ import annotations

from dataclasses import replace

from cygnet.control.outcomes import Decision, Reload
from cygnet.control.vici.codec import Message
from cygnet.control.vici.handlers.arguments import BadRequest, boolean, string
from cygnet.control.view import View

#: our argument ``what``: update changes what changed, reload takes everything anew; the others are what
#: `reread...` names. A new private key mostly comes with a new certificate.
KINDS = {
    "update": Reload(),
    "reload": Reload(fresh=True),
    "secrets": Reload(connections=False, parts=("secrets", "certs")),
    **{
        part: Reload(connections=False, parts=(part,))
        for part in ("cacerts", "aacerts", "ocspcerts", "acerts", "crls")
    },
    "all": Reload(connections=False),
}


def handle(request: Message, view: View) -> Decision:
    what = string(request, "what", "update")
    if what not in KINDS:
        raise BadRequest(f"'what' must be one of {', '.join(KINDS)}, not '{what[:32]}'")
    kind = KINDS[what]
    return replace(kind, apply=boolean(request, "apply"))
