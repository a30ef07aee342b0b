"""What the user asks for: up, down, route, unroute, rekey. Each ends in Finish(ref)."""

from __future__ import annotations

import re
from difflib import get_close_matches

from cygnet.boundary.effects import Attach, Finish, Outcome
from cygnet.boundary.events import Initiate, PurgeIke, Redirect, Rekey, Route, Terminate, Unroute
from cygnet.engine import traps, wants
from cygnet.engine.addresses import fits
from cygnet.engine.child import ChildSa
from cygnet.engine.children import all_children
from cygnet.engine.initiate import wish_for
from cygnet.engine.registry import Registry
from cygnet.engine.sa import IkeSa
from cygnet.engine.services import Services
from cygnet.engine.wanted import WantedChildren, reason_to_want
from cygnet.engine.wish import Wish
from cygnet.model.config import Child, Connection
from cygnet.values.errors import RequestError
from cygnet.values.identity import Identity

NEAR = 0.7  #: 0..1: how alike a name must be to be offered in place of one that is not there


def find_children(services: Services, name: str) -> list[tuple[Connection, Child]]:
    """The child of that name, else every child of the connection of that name."""
    found = services.connections.with_child(name)
    if found is not None:
        return [found]
    named = services.connections.named(name)
    return [(named, child) for child in named.children] if named is not None else []


def _unknown(services: Services, ref: int, name: str) -> None:
    """Nothing is called so: a conn that was left out, or a slip of the user's?"""
    left_out = dict(services.config.left_out)
    known = {n for c in services.config.connections for n in (c.name, *(child.name for child in c.children))}
    near = get_close_matches(name, [*known, *left_out], n=1, cutoff=NEAR)
    misspelled = f"the name may be misspelled, there is '{near[0]}'" if near else ""
    text = f"no config named '{name}'"
    services.emit(Finish(ref, Outcome.NOT_FOUND, text, left_out.get(name, misspelled)))


def initiate(registry: Registry[IkeSa], event: Initiate) -> None:
    found = find_children(registry.services, event.name)
    if not found:
        _unknown(registry.services, event.ref, event.name)
        return
    registry.services.answers.expect(event.ref, len(found))
    for connection, child in found:
        if child.mode.is_shunt:
            _install(registry.services, event.ref, connection, child)
        else:
            if reason_to_want(child):
                registry.services.part(WantedChildren).want(connection, child, "up")
            wish_for(registry, connection, Wish(child, refs=[event.ref]))


def route(registry: Registry[IkeSa], event: Route) -> None:
    found = find_children(registry.services, event.name)
    if not found:
        _unknown(registry.services, event.ref, event.name)
        return
    registry.services.answers.expect(event.ref, len(found))
    for connection, child in found:
        _install(registry.services, event.ref, connection, child)


def _install(services: Services, ref: int, connection: Connection, child: Child) -> None:
    try:
        traps.install(services, connection, child)
    except RequestError as error:
        services.log("CHD", str(error))
        services.answers.give(Finish(ref, Outcome.FAILED, f"routing '{child.name}' failed", str(error)))
    else:
        mode = child.mode
        done = f"shunt {mode.value} policy installed" if mode.is_shunt else "routed"
        services.answers.give(Finish(ref, Outcome.OK, f"'{child.name}' {done}"))


def unroute(registry: Registry[IkeSa], event: Unroute) -> None:
    routed = traps.find(registry.services, event.name)
    if routed is None:
        registry.services.emit(
            Finish(event.ref, Outcome.NOT_FOUND, f"configuration '{event.name}' not found")
        )
        return
    traps.uninstall(registry.services, routed)
    text = (
        f"shunt policy '{event.name}' uninstalled" if routed.shunt else f"trap policy '{event.name}' unrouted"
    )
    registry.services.emit(Finish(event.ref, Outcome.OK, text))


# What a target names: "name", "name{}", "name[]", "name{3}", "name[3]", "{3}", "[3]", "{*}", "[*]".
_TARGET = re.compile(r"^(?P<name>[^\[\]{}]*)(?:(?P<open>[\[{])(?P<number>\d+|\*|)[\]}])?$")


def find_targets(registry: Registry[IkeSa], target: str) -> tuple[list[IkeSa], list[ChildSa]]:
    """IKE_SAs and CHILD_SAs a target names. Raises RequestError if it is not a target at all.

    A bare name is the first IKE_SA of that name, else every CHILD_SA of it.
    """
    match = _TARGET.match(target)
    if match is None or not target:
        raise RequestError(f"'{target}' is not a name, name[], name{{}}, [n], {{n}}, [*] or {{*}}")
    name, kind, number = match["name"], match["open"], match["number"]
    sas = [sa for sa in registry.ike_sas.values() if not name or sa.name == name]
    children = [c for _, c in all_children(registry) if not name or c.name == name]
    if kind is None:
        return (sas[:1], []) if sas else ([], children)
    if number and number != "*":
        sas = [sa for sa in registry.ike_sas.values() if sa.uid == int(number)]
        children = [c for _, c in all_children(registry) if c.uid == int(number)]
    elif not number:
        sas, children = sas[:1], children[:1]
    return (sas, []) if kind == "[" else ([], children)


def _owner(registry: Registry[IkeSa], child: ChildSa) -> IkeSa:
    return registry.ike_sas[child.owner_uid]


def terminate(registry: Registry[IkeSa], event: Terminate) -> None:
    try:
        sas, children = find_targets(registry, event.target)
    except RequestError as error:
        registry.services.emit(Finish(event.ref, Outcome.FAILED, str(error)))
        return
    if not sas and not children:
        registry.services.emit(Finish(event.ref, Outcome.NOT_FOUND, f"no SA matching '{event.target}' found"))
        return
    registry.services.answers.expect(event.ref, len(sas) + len(children))
    for sa in sas:
        registry.services.emit(Attach(event.ref, sa.uid))
        registry.services.answers.when_closed("ike", sa.uid, event.ref)
    for child in children:
        registry.services.emit(Attach(event.ref, child.owner_uid))
        registry.services.answers.when_closed("child", child.uid, event.ref)
    wanted = registry.services.part(WantedChildren)
    for name in [w.child.name for sa in sas for w in sa.wishes] + [
        c.name for sa in sas for c in sa.children.values()
    ]:
        wanted.drop(name)
    for child in children:
        wanted.drop(child.name)
    for sa in sas:
        sa.failure = "it was closed by the user"
        sa.do(wants.Delete())
    for child in children:
        _owner(registry, child).do(wants.DeleteChild(child))


def purge(registry: Registry[IkeSa], event: PurgeIke) -> None:
    """Delete what is established and carries nothing, nor is meant to at this moment."""
    idle = [sa for sa in registry.ike_sas.values() if sa.is_established and not sa.children and not sa.wishes]
    for sa in idle:
        sa.failure = "it was closed by the user"
        sa.do(wants.Delete())
    text = f"{len(idle)} IKE_SA{'' if len(idle) == 1 else 's'} without CHILD_SAs closed"
    registry.services.emit(Finish(event.ref, Outcome.OK, text))


def rekey(registry: Registry[IkeSa], event: Rekey) -> None:
    try:
        sas, children = find_targets(registry, event.target)
    except RequestError as error:
        registry.services.emit(Finish(event.ref, Outcome.FAILED, str(error)))
        return
    sas = [sa for sa in sas if sa.is_established]
    children = [c for c in children if c.is_up]
    if not sas and not children:
        registry.services.emit(Finish(event.ref, Outcome.NOT_FOUND, f"no SA matching '{event.target}' found"))
        return
    for sa in sas:
        if event.reauth:
            sa.do(wants.Reauthenticate())
        else:
            sa.do(wants.Rekey())
    for child in children:
        _owner(registry, child).do(wants.RekeyChild(child))
    count = len(sas) + len(children)
    registry.services.emit(
        Finish(event.ref, Outcome.OK, f"rekeying of {count} SA{'s' if count > 1 else ''} started")
    )


def redirect(registry: Registry[IkeSa], event: Redirect) -> None:
    try:
        sas = find_targets(registry, event.target)[0] if event.target else list(registry.ike_sas.values())
        wanted = Identity.parse(event.peer_id)
    except (RequestError, ValueError) as error:
        registry.services.emit(Finish(event.ref, Outcome.FAILED, str(error)))
        return
    matching = [
        sa
        for sa in sas
        if sa.is_established
        and (not event.peer or fits(event.peer, sa.remote.address))
        and sa.remote_id.matches(wanted)
    ]
    if not matching:
        registry.services.emit(Finish(event.ref, Outcome.NOT_FOUND, "no matching IKE_SA found"))
        return
    refused = []
    for sa in matching:
        try:
            sa.do(wants.Redirect(event.gateway))
        except RequestError as error:
            refused.append(f"{sa}: {error}")
    done = len(matching) - len(refused)
    text = "\n".join([f"redirecting {done} IKE_SA{'s' if done != 1 else ''} to {event.gateway}", *refused])
    registry.services.emit(
        Finish(event.ref, Outcome.FAILED if refused else Outcome.OK, text, "; ".join(refused))
    )
