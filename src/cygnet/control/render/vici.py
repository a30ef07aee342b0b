"""Snapshots as vici messages: the sections of list-sa, list-policy, list-conn and cygnet-wanted
events."""

from __future__ import annotations

from dataclasses import replace

from cygnet.boundary.snapshot import ChildSnapshot, IkeSnapshot, RoutedSnapshot, WantedSnapshot
from cygnet.boundary.specs import SaId
from cygnet.control.vici.codec import Message, Value
from cygnet.control.view import Usages
from cygnet.crypto.names import transform_text
from cygnet.model.config import AuthMethod, AuthRound, Connection, IkeVersion
from cygnet.values.iana import EsnId, TransformType
from cygnet.values.proposal import Proposal
from cygnet.values.selector import TrafficSelector


def ike_sa(sa: IkeSnapshot, now: float, usages: Usages, children: bool = True) -> Message:
    """One IKE_SA as list-sa shows it; without its CHILD_SAs for ike-updown events."""
    section: Message = {
        "uniqueid": str(sa.uid),
        "version": str(sa.version),
        "state": sa.state,
        "local-host": str(sa.local.address),
        "local-port": str(sa.local.port),
        "local-id": str(sa.local_id),
        "remote-host": str(sa.remote.address),
        "remote-port": str(sa.remote.port),
        "remote-id": str(sa.remote_id),
    }
    if sa.initiator:
        section["initiator"] = "yes"
    section["initiator-spi"] = sa.spi_i.hex().rjust(16, "0")
    section["responder-spi"] = sa.spi_r.hex().rjust(16, "0")
    for key, value in (("nat-local", sa.local_behind_nat), ("nat-remote", sa.remote_behind_nat)):
        if value:
            section[key] = "yes"
            section["nat-any"] = "yes"
    section.update(_algorithms(sa.proposal))
    for key, moment in (
        ("established", sa.established_at),
        ("rekey-time", sa.rekey_at),
        ("reauth-time", sa.reauth_at),
    ):
        if moment is not None:
            section[key] = str(int(abs(moment - now)))
    lists: tuple[tuple[str, list[str]], ...] = (
        ("local-vips", [str(a) for a in sa.local_vips]),
        ("remote-vips", [str(a) for a in sa.remote_vips]),
        ("tasks-queued", list(sa.tasks_queued)),
        ("tasks-active", list(sa.tasks_active)),
    )
    section.update({key: items for key, items in lists if items})
    if children:
        section["child-sas"] = {f"{c.name}-{c.uid}": child_sa(c, now, usages) for c in sa.children}
    return section


def child_sa(child: ChildSnapshot, now: float, usages: Usages) -> Message:
    section: Message = {
        "name": child.name,
        "uniqueid": str(child.uid),
        "reqid": str(child.reqid),
        "state": child.state,
        "mode": child.mode,
    }
    if child.spi_in or child.spi_out:
        section["protocol"] = child.protocol
        if child.encap:
            section["encap"] = "yes"
        section["spi-in"], section["spi-out"] = f"{child.spi_in:08x}", f"{child.spi_out:08x}"
        section.update(_algorithms(child.proposal))
        section.update(_counters("in", child.sa_in, usages))
        section.update(_counters("out", child.sa_out, usages))
    for key, moment in (("rekey-time", child.rekey_at), ("life-time", child.expires_at)):
        if moment is not None:
            section[key] = str(int(moment - now))
    if child.installed_at is not None:
        section["install-time"] = str(int(now - child.installed_at))
    section.update(_selectors(child.local_ts, child.remote_ts))
    return section


def _selectors(ours: tuple[TrafficSelector, ...], theirs: tuple[TrafficSelector, ...]) -> Message:
    return {"local-ts": [str(t) for t in ours], "remote-ts": [str(t) for t in theirs]}


def _counters(direction: str, id: SaId | None, usages: Usages) -> Message:
    usage = usages.get(id) if id else None
    if usage is None:
        return {}
    section: Message = {f"bytes-{direction}": str(usage.bytes), f"packets-{direction}": str(usage.packets)}
    if usage.idle is not None:
        section[f"use-{direction}"] = str(int(usage.idle))
    return section


#: transform type -> vici's key of the algorithm, and of its key size
_ALGORITHM_KEYS = {
    TransformType.ENCR: ("encr-alg", "encr-keysize"),
    TransformType.INTEG: ("integ-alg", "integ-keysize"),
    TransformType.PRF: ("prf-alg", ""),
    TransformType.KE: ("dh-group", ""),
    **{TransformType(n): (f"ake{n - 5}-alg", "") for n in range(TransformType.AKE1, TransformType.AKE7 + 1)},
}


def _algorithms(proposal: Proposal | None) -> Message:
    section: Message = {}
    for transform in proposal.transforms if proposal else ():
        if transform.type == TransformType.ESN and transform.id == EsnId.ESN:
            section["esn"] = "1"
        keys = _ALGORITHM_KEYS.get(transform.type)
        if keys is None or transform.id == 0:
            continue
        section[keys[0]] = _without_round(transform_text(replace(transform, key_length=0)))
        if transform.key_length and keys[1]:
            section[keys[1]] = str(transform.key_length)
    return section


def _without_round(name: str) -> str:
    """``ML_KEM_768`` of ``KE1_ML_KEM_768``: vici's key says which round it is."""
    head, _, rest = name.partition("_")
    return rest if head[:2] == "KE" and head[2:].isdigit() else name


def policy(routed: RoutedSnapshot) -> Message:
    return {
        "child": routed.name,
        "mode": routed.mode,
        **_selectors(routed.local_ts, routed.remote_ts),
    }


def wanted(one: WantedSnapshot, now: float) -> Message:
    """Seconds as list-sa has them; what is down has the rest."""
    section: Message = {
        "ike": one.connection,
        "child": one.name,
        "why": one.why,
        "wanted": str(int(now - one.since)),
        "up": "yes" if one.down_since is None else "no",
    }
    if one.down_since is None:
        return section
    section |= {
        "down": str(int(now - one.down_since)),
        "trying": "yes" if one.trying else "no",
        "failed-tries": str(one.tries),
    }
    if one.failure:
        section["failure"] = one.failure
    if one.next_try is not None:
        section["next-try"] = str(max(0, int(one.next_try - now)))
    if one.given_up:
        section["given-up"] = one.given_up
    return section


_CLASSES = {
    AuthMethod.PSK: "pre-shared key",
    AuthMethod.PUBKEY: "public key",
    AuthMethod.EAP: "EAP",
    AuthMethod.XAUTH: "XAuth",
    AuthMethod.ANY: "any",
}
_VERSIONS = {IkeVersion.ANY: "IKEv1/2", IkeVersion.V1: "IKEv1", IkeVersion.V2: "IKEv2"}


def connection(conn: Connection) -> Message:
    section: Message = {
        "local_addrs": list(conn.local_addrs),
        "remote_addrs": list(conn.remote_addrs),
        "local_port": str(conn.local_port),
        "remote_port": str(conn.remote_port),
        "version": _VERSIONS[conn.version],
        "reauth_time": str(conn.reauth_time),
        "rekey_time": str(conn.rekey_time),
        "unique": f"UNIQUE_{conn.unique.name}",
    }
    if conn.dpd_delay:
        section["dpd_delay"] = str(int(conn.dpd_delay))
    for side, rounds in (("local", conn.local), ("remote", conn.remote)):
        for number, round in enumerate(rounds, 1):
            section[f"{side}-{number}"] = _round(round)
    children: dict[str, Value] = {}
    for child in conn.children:
        children[child.name] = {
            "mode": child.mode.value,
            "rekey_time": str(child.time.rekey),
            "rekey_bytes": str(child.bytes.rekey),
            "rekey_packets": str(child.packets.rekey),
            "dpd_action": child.dpd_action.value,
            "close_action": child.close_action.value,
            **_selectors(child.local_ts, child.remote_ts),
        }
    section["children"] = children
    return section


def _round(round: AuthRound) -> Message:
    section: Message = {"class": _CLASSES[round.method]}
    if not round.id.is_any:
        section["id"] = str(round.id)
    if not round.eap_id.is_any:
        section["eap_id"] = str(round.eap_id)
    return section
