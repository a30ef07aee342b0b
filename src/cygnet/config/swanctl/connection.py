"""``connections.NAME``: an IKE_SA with its children."""

from __future__ import annotations

from cygnet.config.credentials import Credentials
from cygnet.config.keywords.addresses import is_single
from cygnet.config.keywords.swanctl.connection import BY_NAME
from cygnet.config.swanctl.child import child
from cygnet.config.swanctl.offers import offered
from cygnet.config.swanctl.reading import Problems, Read, stray
from cygnet.config.swanctl.rounds import rounds
from cygnet.config.tree import Section
from cygnet.model.config import AuthMethod, AuthRound, Connection, IkeVersion, SendCert, Settings, StartAction
from cygnet.values.iana import Protocol

_REKEY = 4 * 3600  #: seconds, where neither rekey_time nor reauth_time is said
_IKE_PORT = 500


def connection(section: Section, settings: Settings, held: Credentials, problems: Problems) -> Connection:
    """The connection; it counts only where ``problems`` has no new error."""
    read = Read(section, BY_NAME, problems)
    version, send = read["version"], read["send_cert"]
    assert isinstance(version, IkeVersion) and isinstance(send, SendCert)
    ends = [s for name, s in section.sections.items() if not name.startswith(("local", "remote"))]
    stray((s for s in ends if s.name != "children"), "local..., remote... and children", problems)
    family = 6 if _version6(read) else 4
    below = section.sections.get("children")
    children = tuple(child(s, version, family, problems) for s in (below.sections.values() if below else ()))
    both: tuple[tuple[AuthRound, ...], ...]
    if children and all(c.mode.is_shunt for c in children):
        both = ((AuthRound(AuthMethod.PSK),),) * 2  # nothing is negotiated
    else:
        both = tuple(rounds(section, here, version, send, held, problems) for here in (True, False))
    if version is IkeVersion.V1 and (read["vips"] or read["pools"]):
        name = "vips" if read["vips"] else "pools"
        read.refuse(
            name, "virtual addresses with IKEv1 (Mode Config) are not supported yet; version=2 has them"
        )
    starts = any(c.start_action is not StartAction.NONE and not c.mode.is_shunt for c in children)
    if starts and not any(is_single(host) for host in read.words("remote_addrs")):
        said = f"remote_addrs={','.join(read.words('remote_addrs'))}"
        read.warn("remote_addrs", f"the peer's address is not known ({said}), so this end cannot begin")
    fields = read.fields()
    if read.number("local_port") == _IKE_PORT:
        fields["local_port"] = settings.port
    return Connection(
        name=section.name,
        proposals=offered(read, "proposals", Protocol.IKE, version),
        local=both[0],
        remote=both[1],
        children=children,
        keyingtries_written=read.said("keyingtries"),
        **(fields | _lifetimes(read, version)),  # type: ignore[arg-type]  # the rows' types are the fields'
    )


def _lifetimes(read: Read, version: IkeVersion) -> dict[str, object]:
    """strongSwan's rules: 4 h of rekeying where nothing is said, else only what is."""
    rekey, reauth = read.number("rekey_time"), read.number("reauth_time")
    if rekey is None and reauth is None:
        rekey = _REKEY
    rekey, reauth = rekey or 0, reauth or 0
    if version is IkeVersion.V1:  # which has no rekeying: a new IKE_SA is an authentication
        rekey, reauth = 0, min(filter(None, (rekey, reauth)), default=0)
    longest = max(rekey, reauth)
    over, rand = read.number("over_time"), read.number("rand_time")
    over = longest // 10 if over is None else over
    rand = min(over, longest // 2) if rand is None else rand
    return {"rekey_time": rekey, "reauth_time": reauth, "over_time": over, "rand_time": min(rand, longest)}


def _version6(read: Read) -> bool:
    hosts = (*read.words("local_addrs"), *read.words("remote_addrs"))
    return any(host == "%any6" or ":" in host for host in hosts)
