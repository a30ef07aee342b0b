"""What of a conn belongs to its IKE_SA: Conn to Connection, with its one child."""

from __future__ import annotations

from dataclasses import replace

from cygnet.config.authentication import rounds
from cygnet.config.child import child, family
from cygnet.config.credentials import Credentials
from cygnet.config.keywords.addresses import CONFIG_WORDS, is_single
from cygnet.config.lifetimes import limits
from cygnet.config.pools import Pools
from cygnet.config.proposing import offered
from cygnet.config.written import Written
from cygnet.model.config import Connection, IkeVersion, Settings
from cygnet.values.iana import Protocol

_IKE_PORT = 500


def connection(written: Written, settings: Settings, pools: Pools, credentials: Credentials) -> Connection:
    """The connection that a conn asks for; it counts only where ``written.errors`` stays empty."""
    conn, local, remote = written.conn, written.local, written.remote
    _check_virtual(written)
    if conn.auto in ("route", "start") and not conn.type.is_shunt:
        _check_reachable(written)
    life = limits(written, "ikelifetime", "margintime", "s")
    # IKEv1 has no rekeying of its own: a new IKE_SA is always an authentication.
    reauth = conn.reauth or conn.keyexchange is IkeVersion.V1
    return Connection(
        name=written.name,
        version=conn.keyexchange,
        local_addrs=local.host.hosts + (("%any",) if _allow_any(written, here=True) else ()),
        remote_addrs=remote.host.hosts,
        local_port=settings.port if local.ikeport == _IKE_PORT else local.ikeport,
        remote_port=remote.ikeport,
        proposals=offered(written, "ike", Protocol.IKE),
        local=rounds(written, credentials, here=True),
        remote=rounds(written, credentials, here=False),
        children=(child(written, settings),),
        aggressive=conn.aggressive,
        mobike=conn.mobike,
        force_encap=conn.forceencaps,
        fragmentation=conn.fragmentation,
        dscp=conn.ikedscp,
        childless=conn.childless,
        ppk_id=conn.ppk_id or "",
        ppk_required=conn.ppk_required,
        session_resumption=conn.resumption,
        redirect_to=conn.redirect_to or "",
        dpd_delay=0.0 if conn.dpdaction == "none" else float(conn.dpddelay),
        dpd_timeout=float(conn.dpdtimeout),
        keyingtries=conn.keyingtries,
        keyingtries_written=written.has("keyingtries"),
        unique=settings.unique,
        rekey_time=0 if reauth else life.rekey,
        reauth_time=life.rekey if reauth else 0,
        over_time=life.life - life.rekey,
        rand_time=life.jitter,
        vips=_virtual_ips(written),
        pools=pools.of(written),
        allow_any=_allow_any(written, here=False),
    )


def without_child(connection: Connection) -> Connection:
    """What two conns must agree in to be one connection."""
    return replace(connection, name="", children=())


def _allow_any(written: Written, here: bool) -> bool:
    end = written.local if here else written.remote
    return end.host.allow_any or end.allowany


def _check_reachable(written: Written) -> None:
    hosts = written.remote.host.hosts
    if not any(is_single(host) for host in hosts):
        said = f"{written.remote_side}={','.join(hosts)}"
        reason = f"the peer's address is not known ({said}), so this end cannot begin a negotiation"
        written.warn("auto", reason)


def _check_virtual(written: Written) -> None:
    if written.conn.keyexchange is not IkeVersion.V1:
        return
    for side in (written.local_side, written.remote_side):
        if written.has("sourceip", side):
            reason = (
                "virtual addresses with IKEv1 (Mode Config) are not supported yet; keyexchange=ikev2 has them"
            )
            written.refuse("sourceip", reason, side)


def _virtual_ips(written: Written) -> tuple[str, ...]:
    sources = written.local.sourceip or ()
    if sources and written.remote.sourceip:
        reason = "ignored: the other end has one too, and an end either gives addresses or asks for one"
        written.warn("sourceip", reason, written.local_side)
        return ()
    return tuple(_virtual_ip(written, source) for source in sources)


def _virtual_ip(written: Written, source: str) -> str:
    if source in CONFIG_WORDS:
        return CONFIG_WORDS[source] or ("::" if _inner_family(written) == 6 else "0.0.0.0")
    if source.startswith("%") or "/" in source or "-" in source:
        reason = f"'{source}' names a pool; this end asks for an address: %config or an IP address"
        written.refuse("sourceip", reason, written.local_side, source)
    return source


def _inner_family(written: Written) -> int:
    """The IP version of a virtual address that is asked for without saying which."""
    for end in (written.local, written.remote):
        for subnet in end.subnet or ():
            if not subnet.selector.dynamic:
                return subnet.selector.version
    return family(written)
