"""Reauthentication, RFC 7296 §2.8.3: IKEv2 has no exchange for it, so a new IKE_SA is made from scratch.

With ``make_before_break`` the new IKE_SA and all its CHILD_SAs stand before the old one is
deleted, so that no packet is lost; without it the old one goes first. An IKE_SA that carries
nothing is made anew only where the peer takes one without a CHILD_SA (RFC 6023), else it ends.
"""

from __future__ import annotations

from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.life import begin_between
from cygnet.engine.wants import Delete, Start
from cygnet.engine.wish import Wish


def begin(old: IkeSaV2) -> None:
    if not old.is_established or successor_of(old) is not None:
        return
    if old.remote_vips and not old.is_client:
        # its address and its credentials are its own affair; AUTH_LIFETIME has told it when
        old.log("IKE", f"reauthentication of {old} is left to the peer, which has a virtual IP of ours")
        return
    wishes = [*(Wish(child.config, child.reqid) for child in old.current_children()), *old.wishes]
    if not wishes and not old.peer.childless:
        old.log("IKE", f"closing IKE_SA {old}: there is no CHILD_SA for which to make it anew")
        old.do(Delete())
        return
    old.wishes = []
    new = old.anew()
    new.gateway = old.gateway
    new.log("IKE", f"reauthenticating IKE_SA {old}")
    for wish in wishes:
        new.wish(wish)
    if old.services.config.settings.make_before_break:
        new.reauthenticates = old.uid
    else:
        old.do(Delete())
    if old.is_client:
        new.do(Start())
    else:  # a peer that came to us is found where it is now, on whichever port its NAT has for it
        begin_between(new, old.local, old.remote)


def successor_of(old: IkeSaV2) -> IkeSaV2 | None:
    """The IKE_SA that is being made to replace ``old``, if any."""
    sas = old.registry.named.of(old.name)
    return next((s for s in sas if isinstance(s, IkeSaV2) and s.reauthenticates == old.uid), None)
