"""``children.NAME``: a CHILD_SA, or a policy without one."""

from __future__ import annotations

from cygnet.config.keywords.swanctl.child import BY_NAME, DECISIVE
from cygnet.config.swanctl.offers import offered
from cygnet.config.swanctl.reading import Problems, Read, stray
from cygnet.config.tree import Section
from cygnet.model.config import Child, IkeVersion, Lifetime, Mode
from cygnet.values.iana import Protocol
from cygnet.values.selector import TrafficSelector, dynamic

_REKEY = 3600  #: seconds, where nothing is said


def child(section: Section, version: IkeVersion, family: int, problems: Problems) -> Child:
    read = Read(section, BY_NAME, problems, DECISIVE)
    stray(section.sections.values(), "none", problems)
    if read["mode"] is Mode.BEET:
        read.refuse("mode", "'beet' is not supported yet; tunnel and transport are", "beet")
    return Child(
        name=section.name,
        proposals=offered(read, "esp_proposals", Protocol.ESP, version),
        local_ts=_selectors(read, "local_ts", family, version),
        remote_ts=_selectors(read, "remote_ts", family, version),
        time=_limits(read, "time", _REKEY),
        bytes=_limits(read, "bytes", 0),
        packets=_limits(read, "packets", 0),
        **read.fields(),  # type: ignore[arg-type]  # the rows' types are the fields'
    )


def _selectors(read: Read, name: str, family: int, version: IkeVersion) -> tuple[TrafficSelector, ...]:
    value = read[name]
    found = value if isinstance(value, tuple) else ()
    if version is IkeVersion.V1 and len(found) > 1 and read["mode"] in (Mode.TUNNEL, Mode.TRANSPORT):
        reason = (
            f"IKEv1 negotiates one network at each end of a CHILD_SA; as initiator only {found[0]} is used"
        )
        read.warn(name, reason)
    return tuple(dynamic(family, s.protocol, *s.ports) if s.dynamic else s for s in found)


def _limits(read: Read, unit: str, default: int) -> Lifetime:
    """Soft and hard limit and jitter, each worked out from the others where it is not said."""
    rekey, life, rand = (read.number(f"{what}_{unit}") for what in ("rekey", "life", "rand"))
    if rekey is None and life is None:
        rekey = default
    if life is None:
        assert rekey is not None
        life = rekey + rekey // 10
    if rekey is None:
        rekey = life - life // 10
    if life and rekey > life:
        read.warn(f"life_{unit}", f"{life} is before rekey_{unit}={rekey}: it is never rekeyed, only closed")
        rekey = 0
    room = life - rekey if rekey else 0
    jitter = room if rand is None else rand
    if jitter > rekey:
        if rand is not None:
            read.warn(f"rand_{unit}", f"{rand} is longer than rekey_{unit}={rekey}; {rekey} is used")
        jitter = rekey
    return Lifetime(rekey=rekey, life=life, jitter=jitter)
