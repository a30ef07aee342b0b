"""`cygnet status` and `cygnet statusall`: the text of `ipsec status`, line for line.

Names stand right-aligned in twelve columns; ``[n]`` numbers an IKE_SA, ``{n}`` a CHILD_SA.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cygnet.boundary.snapshot import ChildSnapshot, IkeSnapshot, RoutedSnapshot, Snapshot, WantedSnapshot
from cygnet.boundary.specs import SaUsage
from cygnet.control.view import Usages
from cygnet.crypto.names import proposal_text
from cygnet.model.config import AuthMethod, Connection
from cygnet.values.iana import EsnId, TransformType
from cygnet.values.identity import Identity
from cygnet.values.proposal import Proposal
from cygnet.values.selector import TrafficSelector
from cygnet.values.span import span

METHODS = {
    AuthMethod.PSK: "pre-shared key",
    AuthMethod.PUBKEY: "public key",
    AuthMethod.EAP: "EAP",
    AuthMethod.XAUTH: "XAuth",
    AuthMethod.ANY: "any",
}

#: CHILD_SA states with SPIs in status, and those that show when they end instead
WITH_SPIS = frozenset({"INSTALLED"})
ENDING = frozenset({"REKEYING", "REKEYED"})


def selectors(ours: tuple[TrafficSelector, ...], theirs: tuple[TrafficSelector, ...]) -> str:
    return f"{' '.join(map(str, ours))} === {' '.join(map(str, theirs))}"


def status(snapshot: Snapshot, name: str = "", usages: Usages | None = None) -> Iterator[str]:
    """The lines of `status`; with ``usages`` (which may be empty) those of `statusall`.

    ``name`` keeps only IKE_SAs, CHILD_SAs, traps and shunts of that name.
    """
    yield from _shunts(snapshot, name)
    yield from _traps(snapshot, name)
    yield from _unmet(snapshot, name)
    if snapshot.expiring and not name:
        yield "Certificates to renew:"
        yield from (f"  {row.text}" for row in snapshot.expiring)
    waiting = connecting(snapshot.ike_sas)  # of all, as strongSwan counts, also where a name is given
    yield f"Security Associations ({len(snapshot.ike_sas) - waiting} up, {waiting} connecting):"
    methods = {c.name: "+".join(METHODS[r.method] for r in c.local) for c in snapshot.connections}
    found = False
    for sa in snapshot.ike_sas:
        children = sa.children if not name or sa.name == name else ()
        children = children or tuple(c for c in sa.children if c.name == name)
        if name and sa.name != name and not children:
            continue
        found = True
        yield _ike_line(sa, snapshot.now)
        if usages is not None:
            yield from _ike_details(sa, snapshot.now, methods.get(sa.name, "pre-shared key"))
        for child in children:
            yield from _child(child, snapshot.now, usages)
    if not found:
        yield "  no match" if name else "  none"


def connecting(sas: Sequence[IkeSnapshot]) -> int:
    """How many are not up yet."""
    return sum(sa.state in ("CREATED", "CONNECTING") for sa in sas)


def _shunts(snapshot: Snapshot, name: str) -> Iterator[str]:
    rows = [r for r in snapshot.routed if r.shunt and name in ("", r.name)]
    if rows:
        yield "Shunted Connections:"
    for row in rows:
        yield f"{row.name:>12}:  {selectors(row.local_ts, row.remote_ts)} {row.mode}"


def _traps(snapshot: Snapshot, name: str) -> Iterator[str]:
    rows: list[RoutedSnapshot] = [r for r in snapshot.routed if not r.shunt and name in ("", r.name)]
    if rows:
        yield "Routed Connections:"
    for row in rows:
        yield f"{row.name:>12}{{{row.uid}}}:  ROUTED, {row.mode}, reqid {row.reqid}"
        yield f"{row.name:>12}{{{row.uid}}}:   {selectors(row.local_ts, row.remote_ts)}"


def _unmet(snapshot: Snapshot, name: str) -> Iterator[str]:
    """What is meant to be up and is not, once an attempt has failed: since when, why, what comes next."""
    rows = [
        w
        for w in snapshot.wanted
        if w.down_since is not None
        and w.failure
        and name in ("", w.name)
        and (w.tries or w.given_up or snapshot.now - w.down_since > FIRST_TRY)
    ]
    if rows:
        yield "Wanted Connections that are down:"
    for row in rows:
        age = span(snapshot.now - (row.down_since or 0.0))
        yield f"{row.name:>12}:  {row.why}, down for {age}, {_next(row, snapshot.now)}"
        yield f"{row.name:>12}:   {row.failure}"


#: seconds that a first try may take before it is told as trouble
FIRST_TRY = 5.0


def _next(row: WantedSnapshot, now: float) -> str:
    if row.trying:
        return "being tried now"
    if row.given_up:
        return f"no further try ({row.given_up})"
    return (
        f"next try in {span(max(0.0, row.next_try - now))}"
        if row.next_try is not None
        else "waiting for the peer"
    )


def _ike_line(sa: IkeSnapshot, now: float) -> str:
    age = f" {span(now - sa.established_at)} ago" if _is_up(sa) and sa.established_at is not None else ""
    return (
        f"{sa.name:>12}[{sa.uid}]: {sa.state}{age}, "
        f"{sa.local.address}[{sa.local_id}]...{sa.remote.address}[{sa.remote_id}]"
    )


def _is_up(sa: IkeSnapshot) -> bool:
    return sa.state == "ESTABLISHED"


def _ike_details(sa: IkeSnapshot, now: float, method: str) -> Iterator[str]:
    head = f"{sa.name:>12}[{sa.uid}]:"
    ours, theirs = ("*", "") if sa.initiator else ("", "*")
    line = f"{head} IKEv{sa.version} SPIs: {_spi(sa.spi_i)}_i{ours} {_spi(sa.spi_r)}_r{theirs}"
    if _is_up(sa):
        if sa.rekey_at is not None:
            line += f", rekeying in {span(sa.rekey_at - now)}"
        if sa.reauth_at is not None:
            line += f", {method} reauthentication in {span(sa.reauth_at - now)}"
        if sa.rekey_at is None and sa.reauth_at is None:
            line += ", rekeying disabled"
    yield line
    if sa.proposal:
        yield f"{head} IKE proposal: {proposal_text(sa.proposal)}"
    if sa.tasks_queued:
        yield f"{head} Tasks queued: {' '.join(sa.tasks_queued)}"
    if sa.tasks_active:
        yield f"{head} Tasks active: {' '.join(sa.tasks_active)}"
    if sa.waiting:
        yield f"{head} Waiting: {sa.waiting}"
    if sa.orphan:
        yield f"{head} No configuration: it is not loaded any more, this SA runs on"


def _spi(spi: bytes) -> str:
    return spi.hex().rjust(16, "0")


def _child(child: ChildSnapshot, now: float, usages: Usages | None) -> Iterator[str]:
    head = f"{child.name:>12}{{{child.uid}}}:"
    line = f"{head}  {child.state}, {child.mode}, reqid {child.reqid}"
    if child.state in WITH_SPIS:
        encap = " in UDP" if child.encap else ""
        line += f", {child.protocol}{encap} SPIs: {child.spi_in:08x}_i {child.spi_out:08x}_o"
        if usages is not None:
            yield line
            line = f"{head}  {_child_details(child, now, usages)}"
    elif child.state in ENDING and child.expires_at is not None:
        line += f", expires in {span(child.expires_at - now)}"
    yield line
    if child.local_ts or child.remote_ts:
        yield f"{head}   {selectors(child.local_ts, child.remote_ts)}"


def _child_details(child: ChildSnapshot, now: float, usages: Usages) -> str:
    parts = [child_proposal(child.proposal)] if child.proposal else []
    parts.append(_volume(usages.get(child.sa_in) if child.sa_in else None, "i"))
    parts.append(_volume(usages.get(child.sa_out) if child.sa_out else None, "o"))
    if child.rekey_at is None:
        parts.append("rekeying disabled")
    elif now > child.rekey_at:
        parts.append("rekeying active")
    else:
        parts.append(f"rekeying in {span(child.rekey_at - now)}")
    return ", ".join(parts)


def _volume(usage: SaUsage | None, direction: str) -> str:
    if usage is None:
        return f"0 bytes_{direction}"
    text = f"{usage.bytes} bytes_{direction}"
    if usage.idle is not None:
        text += f" ({usage.packets} pkt{'' if usage.packets == 1 else 's'}, {int(usage.idle)}s ago)"
    return text


def child_proposal(proposal: Proposal) -> str:
    """``AES_CBC_128/HMAC_SHA2_256_128/MODP_2048``, with ``/ESN`` where it is used."""
    esn = proposal.first(TransformType.ESN)
    text = proposal_text(proposal.without(TransformType.ESN))
    return f"{text}/ESN" if esn is not None and esn.id == EsnId.ESN else text


def connection(conn: Connection) -> Iterator[str]:
    """The lines of one connection under ``Connections:`` in `statusall`."""
    versions = {"ike": "IKEv1/2", "ikev1": "IKEv1", "ikev2": "IKEv2"}
    line = (
        f"{conn.name:>12}:  {','.join(conn.local_addrs)}...{','.join(conn.remote_addrs)}  "
        f"{versions[conn.version.value]}"
    )
    if conn.version.value == "ikev1" and conn.aggressive:
        line += " Aggressive"
    if conn.dpd_delay:
        line += f", dpddelay={int(conn.dpd_delay)}s"
    yield line
    ends = (("local: ", conn.local, conn.local_addrs), ("remote:", conn.remote, conn.remote_addrs))
    for side, rounds, addresses in ends:
        for round in rounds:
            identity = _expected(round.id, addresses)
            yield f"{conn.name:>12}:   {side}{identity} uses {METHODS[round.method]} authentication"
    for child in conn.children:
        line = f"{child.name:>12}:   child:  {selectors(child.local_ts, child.remote_ts)} {child.mode.value}"
        if conn.dpd_delay:
            line += f", dpdaction={DPD_ACTIONS[child.dpd_action.value]}"
        yield line


def _expected(id: Identity, addresses: tuple[str, ...]) -> str:
    """`` [id]``: the one that is configured, else the end's address where that is known."""
    if not id.is_any:
        return f" [{id}]"
    return f" [{addresses[0]}]" if len(addresses) == 1 and addresses[0][:1] != "%" else ""


#: strongSwan's names of the actions in `statusall`
DPD_ACTIONS = {"none": "clear", "trap": "hold", "start": "restart"}
