"""What the user asks for: up, down, route, unroute, rekey. Each ends in Finish(ref)."""

from __future__ import annotations

import re
from difflib import get_close_matches

from cygnet.boundary.effects import Attach, Finish, Outcome
from cygnet.boundary.events import Initiate, Redirect, Rekey, Route, Terminate, Unroute
from cygnet.engine import traps
from cygnet.engine.addresses import fits
from cygnet.engine.child import ChildSa
from cygnet.engine.context import Context, Wish
from cygnet.engine.initiate import wish_for
from cygnet.engine.sa import IkeSa
from cygnet.model.config import Child, Connection
from cygnet.values.errors import RequestError
from cygnet.values.identity import Identity

NEAR = 0.7  #: 0..1: how alike a name must be to be offered in place of one that is not there


def find_children(ctx: Context, name: str) -> list[tuple[Connection, Child]]:
    """The child of that name, else every child of the connection of that name."""
    found = ctx.connections.with_child(name)
    if found is not None:
        return [found]
    named = ctx.connections.named(name)
    return [(named, child) for child in named.children] if named is not None else []


def _unknown(ctx: Context, ref: int, name: str) -> None:
    """Nothing is called so: a conn that was left out, or a slip of the user's?"""
    left_out = dict(ctx.config.left_out)
    known = {n for c in ctx.config.connections for n in (c.name, *(child.name for child in c.children))}
    near = get_close_matches(name, [*known, *left_out], n=1, cutoff=NEAR)
    misspelled = f"the name may be misspelled, there is '{near[0]}'" if near else ""
    text = f"no config named '{name}'"
    ctx.emit(Finish(ref, Outcome.NOT_FOUND, text, left_out.get(name, misspelled)))


def initiate(ctx: Context, event: Initiate) -> None:
    found = find_children(ctx, event.name)
    if not found:
        _unknown(ctx, event.ref, event.name)
        return
    ctx.expect_parts(event.ref, len(found))
    for connection, child in found:
        if child.mode.is_shunt:
            _install(ctx, event.ref, connection, child)
        else:
            wish_for(ctx, connection, Wish(child, refs=[event.ref]))


def route(ctx: Context, event: Route) -> None:
    found = find_children(ctx, event.name)
    if not found:
        _unknown(ctx, event.ref, event.name)
        return
    ctx.expect_parts(event.ref, len(found))
    for connection, child in found:
        _install(ctx, event.ref, connection, child)


def _install(ctx: Context, ref: int, connection: Connection, child: Child) -> None:
    try:
        traps.install(ctx, connection, child)
    except RequestError as error:
        ctx.log("CHD", str(error))
        ctx.finish_part(Finish(ref, Outcome.FAILED, f"routing '{child.name}' failed", str(error)))
    else:
        mode = child.mode
        done = f"shunt {mode.value} policy installed" if mode.is_shunt else "routed"
        ctx.finish_part(Finish(ref, Outcome.OK, f"'{child.name}' {done}"))


def unroute(ctx: Context, event: Unroute) -> None:
    routed = traps.find(ctx, event.name)
    if routed is None:
        ctx.emit(Finish(event.ref, Outcome.NOT_FOUND, f"configuration '{event.name}' not found"))
        return
    traps.uninstall(ctx, routed)
    text = (
        f"shunt policy '{event.name}' uninstalled" if routed.shunt else f"trap policy '{event.name}' unrouted"
    )
    ctx.emit(Finish(event.ref, Outcome.OK, text))


# What a target names: "name", "name{}", "name[]", "name{3}", "name[3]", "{3}", "[3]", "{*}", "[*]".
_TARGET = re.compile(r"^(?P<name>[^\[\]{}]*)(?:(?P<open>[\[{])(?P<number>\d+|\*|)[\]}])?$")


def find_targets(ctx: Context, target: str) -> tuple[list[IkeSa], list[ChildSa]]:
    """IKE_SAs and CHILD_SAs a target names. Raises RequestError if it is not a target at all.

    A bare name is the first IKE_SA of that name, else every CHILD_SA of it.
    """
    match = _TARGET.match(target)
    if match is None or not target:
        raise RequestError(f"'{target}' is not a name, name[], name{{}}, [n], {{n}}, [*] or {{*}}")
    name, kind, number = match["name"], match["open"], match["number"]
    sas = [sa for sa in ctx.ike_sas.values() if not name or sa.name == name]
    children = [c for _, c in ctx.all_children() if not name or c.name == name]
    if kind is None:
        return (sas[:1], []) if sas else ([], children)
    if number and number != "*":
        sas = [sa for sa in ctx.ike_sas.values() if sa.uid == int(number)]
        children = [c for _, c in ctx.all_children() if c.uid == int(number)]
    elif not number:
        sas, children = sas[:1], children[:1]
    return (sas, []) if kind == "[" else ([], children)


def terminate(ctx: Context, event: Terminate) -> None:
    try:
        sas, children = find_targets(ctx, event.target)
    except RequestError as error:
        ctx.emit(Finish(event.ref, Outcome.FAILED, str(error)))
        return
    if not sas and not children:
        ctx.emit(Finish(event.ref, Outcome.NOT_FOUND, f"no SA matching '{event.target}' found"))
        return
    ctx.expect_parts(event.ref, len(sas) + len(children))
    for sa in sas:
        ctx.emit(Attach(event.ref, sa.uid))
        ctx.when_closed("ike", sa.uid, event.ref)
    for child in children:
        ctx.emit(Attach(event.ref, child.sa.uid))
        ctx.when_closed("child", child.uid, event.ref)
    for sa in sas:
        sa.failure = "it was closed by the user"
        sa.delete()
    for child in children:
        child.sa.delete_child(child)


def rekey(ctx: Context, event: Rekey) -> None:
    try:
        sas, children = find_targets(ctx, event.target)
    except RequestError as error:
        ctx.emit(Finish(event.ref, Outcome.FAILED, str(error)))
        return
    sas = [sa for sa in sas if sa.is_established]
    children = [c for c in children if c.is_up]
    if not sas and not children:
        ctx.emit(Finish(event.ref, Outcome.NOT_FOUND, f"no SA matching '{event.target}' found"))
        return
    for sa in sas:
        if event.reauth:
            sa.reauthenticate()
        else:
            sa.rekey()
    for child in children:
        child.sa.rekey_child(child)
    count = len(sas) + len(children)
    ctx.emit(Finish(event.ref, Outcome.OK, f"rekeying of {count} SA{'s' if count > 1 else ''} started"))


def redirect(ctx: Context, event: Redirect) -> None:
    try:
        sas = find_targets(ctx, event.target)[0] if event.target else list(ctx.ike_sas.values())
        wanted = Identity.parse(event.peer_id)
    except (RequestError, ValueError) as error:
        ctx.emit(Finish(event.ref, Outcome.FAILED, str(error)))
        return
    matching = [
        sa
        for sa in sas
        if sa.is_established
        and (not event.peer or fits(event.peer, sa.remote.address))
        and sa.remote_id.matches(wanted)
    ]
    if not matching:
        ctx.emit(Finish(event.ref, Outcome.NOT_FOUND, "no matching IKE_SA found"))
        return
    refused = []
    for sa in matching:
        try:
            sa.redirect(event.gateway)
        except RequestError as error:
            refused.append(f"{sa}: {error}")
    done = len(matching) - len(refused)
    text = "\n".join([f"redirecting {done} IKE_SA{'s' if done != 1 else ''} to {event.gateway}", *refused])
    ctx.emit(Finish(event.ref, Outcome.FAILED if refused else Outcome.OK, text, "; ".join(refused)))
