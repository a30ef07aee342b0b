"""RFC 7296 §2.19, §3.15. Internal addresses by configuration payload, asked for and assigned.

    request   CP(CFG_REQUEST) {INTERNAL_IP4_ADDRESS, INTERNAL_IP4_DNS}
    response  CP(CFG_REPLY) {INTERNAL_IP4_ADDRESS 10.9.0.1, INTERNAL_IP4_DNS 10.9.0.254}
              or N(INTERNAL_ADDRESS_FAILURE) in place of the CHILD_SA

Both stand in IKE_AUTH. A dynamic traffic selector then means the internal address.
"""

from __future__ import annotations

from ipaddress import ip_address

from cygnet.boundary.effects import VirtualIp
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.pools import OwnVirtualIps, Pools
from cygnet.model.config import Pool
from cygnet.values.endpoint import Address
from cygnet.values.errors import PeerError
from cygnet.wire.ikev2.cp import ConfigItem, CpPayload
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.notify_types import NotifyType
from cygnet.wire.ikev2.numbers import ConfigAttribute as A
from cygnet.wire.ikev2.numbers import ConfigType
from cygnet.wire.ikev2.payload import Payload

_ADDRESS = {4: A.INTERNAL_IP4_ADDRESS, 6: A.INTERNAL_IP6_ADDRESS}
_DNS = {4: A.INTERNAL_IP4_DNS, 6: A.INTERNAL_IP6_DNS}
#: pool attribute -> its configuration attribute, by IP version
_SERVERS = {"dns": _DNS, "nbns": {4: A.INTERNAL_IP4_NBNS}}
PREFIX_LENGTH = 128  #: behind an internal IPv6 address (§3.15.1)
MAX_REQUESTED = 4  #: addresses of one request that are answered


def asks(sa: IkeSaV2) -> bool:
    return bool(sa.connection.vips)


# client -------------------------------------------------------------------------------


def request(sa: IkeSaV2) -> list[Payload]:
    """CFG_REQUEST for each configured virtual IP ("0.0.0.0" and "::": any) and the DNS servers."""
    wanted = [ip_address(v) for v in sa.connection.vips]
    if not wanted:
        return []
    items = [ConfigItem(_ADDRESS[a.version], b"" if a.is_unspecified else _encoded(a)) for a in wanted]
    items += [ConfigItem(_DNS[version]) for version in sorted({a.version for a in wanted})]
    return [CpPayload(ConfigType.REQUEST, tuple(items))]


def _encoded(address: Address) -> bytes:
    return address.packed + (bytes((PREFIX_LENGTH,)) if address.version == 6 else b"")


def take_reply(sa: IkeSaV2, message: Message) -> None:
    """Install what we were given."""
    if not asks(sa):
        return
    payload = message.first(CpPayload)
    given = _addresses(payload) if payload is not None and payload.kind == ConfigType.REPLY else []
    own = sa.services.part(OwnVirtualIps)
    for address in given:
        sa.log("IKE", f"installing new virtual IP {address}")
        sa.local_vips.append(address)
        if own.add(address):
            sa.services.emit(VirtualIp(address, add=True))
    for version, attribute in _DNS.items():
        for data in payload.all(attribute) if payload is not None else ():
            if len(data) == (4 if version == 4 else 16):
                sa.log("IKE", f"peer names DNS server {ip_address(data)}")


def need(sa: IkeSaV2) -> None:
    """Raises PeerError where we asked for an address and have none: a tunnel would be for nobody."""
    if asks(sa) and not sa.local_vips:
        raise PeerError(NotifyType.FAILED_CP_REQUIRED, "peer assigned no virtual IP")


def _addresses(payload: CpPayload) -> list[Address]:
    """The well-formed addresses of a payload, MAX_REQUESTED at most."""
    four = [ip_address(data) for data in payload.all(A.INTERNAL_IP4_ADDRESS) if len(data) == 4]
    six = [ip_address(data[:16]) for data in payload.all(A.INTERNAL_IP6_ADDRESS) if len(data) == 17]
    return [a for a in four + six if not a.is_unspecified][:MAX_REQUESTED]


# server -------------------------------------------------------------------------------


def assign(sa: IkeSaV2, message: Message) -> list[Payload]:
    """CFG_REPLY for the peer's request, out of the connection's pools. Nothing where it asks for
    nothing, or we give nothing out. Raises PeerError(INTERNAL_ADDRESS_FAILURE)."""
    payload = message.first(CpPayload)
    if payload is None or payload.kind != ConfigType.REQUEST or not sa.connection.pools:
        return []
    items: list[ConfigItem] = []
    pools: list[Pool] = []
    for version, attribute in _ADDRESS.items():
        for data in payload.all(attribute)[:1]:
            asked = ip_address(data[: 4 if version == 4 else 16]) if len(data) in (4, 17) else "%any"
            sa.log("IKE", f"peer requested virtual IP {asked}")
            found = _lease(sa, version)
            if found is None:
                sa.log("IKE", f"no virtual IP found for {asked} requested by '{sa.remote_id}'")
                continue
            address, pool = found
            sa.log("IKE", f"assigning virtual IP {address} to peer '{sa.remote_id}'")
            sa.remote_vips.append(address)
            items.append(ConfigItem(attribute, _encoded(address)))
            pools.append(pool)
    if not items:
        raise PeerError(
            NotifyType.INTERNAL_ADDRESS_FAILURE, "no virtual IP found, sending INTERNAL_ADDRESS_FAILURE"
        )
    return [CpPayload(ConfigType.REPLY, (*items, *_servers(sa, pools)))]


def _lease(sa: IkeSaV2, version: int) -> tuple[Address, Pool] | None:
    pools = sa.services.part(Pools)
    for name in sa.connection.pools:
        leases = pools.find(name)
        if leases is not None and leases.first.version == version:
            address = leases.take(sa.remote_id)
            if address is not None:
                return address, leases.pool
            sa.log("CFG", f"pool '{name}' is full, unable to assign address")
    return None


def _servers(sa: IkeSaV2, pools: list[Pool]) -> list[ConfigItem]:
    settings = sa.services.config.settings
    words: list[tuple[str, str]] = [("dns", w) for w in settings.dns] + [("nbns", w) for w in settings.nbns]
    words += [(name, w) for pool in pools for name, values in pool.attributes for w in values]
    items = []
    for name, word in dict.fromkeys(words):
        address = ip_address(word)
        attribute = _SERVERS.get(name, {}).get(address.version)
        if attribute is not None:
            items.append(ConfigItem(attribute, address.packed))
    return items
