"""The commands and events of the control socket."""

from __future__ import annotations

from collections.abc import Callable

from cygnet.control.outcomes import Decision, refused
from cygnet.control.vici.codec import Message
from cygnet.control.vici.handlers import (
    cygnet_list,
    cygnet_list_wanted,
    cygnet_purge_ike,
    cygnet_status,
    flush_certs,
    get_algorithms,
    get_authorities,
    get_conns,
    get_pools,
    initiate,
    install,
    list_authorities,
    list_certs,
    list_conns,
    list_policies,
    list_sas,
    redirect,
    rekey,
    reload_settings,
    stats,
    terminate,
    uninstall,
    version,
)
from cygnet.control.vici.handlers.arguments import BadRequest
from cygnet.control.view import View

Handler = Callable[[Message, View], Decision]

#: vici's names where strongSwan has the command; ours begin with "cygnet-"
COMMANDS: dict[str, Handler] = {
    "version": version.handle,
    "stats": stats.handle,
    "initiate": initiate.handle,
    "terminate": terminate.handle,
    "rekey": rekey.handle,
    "redirect": redirect.handle,
    "install": install.handle,
    "uninstall": uninstall.handle,
    "list-sas": list_sas.handle,
    "list-conns": list_conns.handle,
    "list-policies": list_policies.handle,
    "list-certs": list_certs.handle,
    "list-authorities": list_authorities.handle,
    "get-conns": get_conns.handle,
    "get-authorities": get_authorities.handle,
    "get-pools": get_pools.handle,
    "get-algorithms": get_algorithms.handle,
    "flush-certs": flush_certs.handle,
    "reload-settings": reload_settings.handle,
    "cygnet-list": cygnet_list.handle,
    "cygnet-list-wanted": cygnet_list_wanted.handle,
    "cygnet-purge-ike": cygnet_purge_ike.handle,
    "cygnet-status": cygnet_status.handle,
}

#: what a client may register for: streams of commands, then what happens by itself
EVENTS = frozenset(
    {
        "control-log",
        "list-sa",
        "list-conn",
        "list-policy",
        "list-cert",
        "list-authority",
        "cygnet-text",
        "cygnet-wanted",
        "log",
        "ike-updown",
        "ike-rekey",
        "child-updown",
        "child-rekey",
        "alert",
    }
)


def decide(command: str, request: Message, view: View) -> Decision | None:
    """What to do about an untrusted request; None: no such command."""
    handler = COMMANDS.get(command)
    if handler is None:
        return None
    try:
        return handler(request, view)
    except BadRequest as error:
        return refused(str(error))
