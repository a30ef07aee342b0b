"""``cygnet-purge-ike`` (ours): delete IKE_SAs that carry no CHILD_SA (`purgeike`)."""

from __future__ import annotations

from cygnet.boundary.events import PurgeIke
from cygnet.control.outcomes import Ask, Decision
from cygnet.control.vici.codec import Message
from cygnet.control.view import View


def handle(request: Message, view: View) -> Decision:
    return Ask(PurgeIke, what="IKE_SAs", done="purged")
