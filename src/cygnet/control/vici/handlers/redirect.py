"""``redirect``: send the peers of IKEv2 IKE_SAs to another gateway (RFC 5685)."""

from __future__ import annotations

from cygnet.boundary.events import Redirect
from cygnet.control.outcomes import Ask, Decision
from cygnet.control.vici.codec import Message
from cygnet.control.vici.handlers.arguments import BadRequest, level, string, timeout
from cygnet.control.view import View


def handle(request: Message, view: View) -> Decision:
    gateway, name = string(request, "gateway"), string(request, "ike")
    number = string(request, "ike-id")
    if not gateway:
        raise BadRequest("missing target gateway")
    if number and not number.isdecimal():
        raise BadRequest(f"'ike-id' must be a number, not '{number[:32]}'")
    which = f"[{number}]" if number else f"{name}[*]" if name else ""
    peer, peer_id = string(request, "peer-ip"), string(request, "peer-id")
    return Ask(
        lambda ref: Redirect(ref, gateway, which, peer, peer_id),
        level(request),
        timeout(request),
        f"'{which or '[*]'}'",
        "redirected",
    )
