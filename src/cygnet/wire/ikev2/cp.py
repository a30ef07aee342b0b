"""RFC 7296 §3.15. Configuration payload."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from cygnet.wire.ikev2.numbers import ConfigAttribute, ConfigType, PayloadType
from cygnet.wire.ikev2.payload import TypedPayload
from cygnet.wire.reader import Reader

_SHORT_TYPES = {
    ConfigType.REQUEST: "CPRQ",
    ConfigType.REPLY: "CPRP",
    ConfigType.SET: "CPS",
    ConfigType.ACK: "CPA",
}
_SHORT_ATTRIBUTES = {
    ConfigAttribute.INTERNAL_IP4_ADDRESS: "ADDR",
    ConfigAttribute.INTERNAL_IP4_NETMASK: "MASK",
    ConfigAttribute.INTERNAL_IP4_DNS: "DNS",
    ConfigAttribute.INTERNAL_IP4_NBNS: "NBNS",
    ConfigAttribute.INTERNAL_IP4_DHCP: "DHCP",
    ConfigAttribute.APPLICATION_VERSION: "VER",
    ConfigAttribute.INTERNAL_IP6_ADDRESS: "ADDR6",
    ConfigAttribute.INTERNAL_IP6_DNS: "DNS6",
    ConfigAttribute.INTERNAL_IP6_DHCP: "DHCP6",
    ConfigAttribute.INTERNAL_IP4_SUBNET: "SUBNET",
    ConfigAttribute.SUPPORTED_ATTRIBUTES: "SUP",
    ConfigAttribute.INTERNAL_IP6_SUBNET: "SUBNET6",
    ConfigAttribute.INTERNAL_DNS_DOMAIN: "DOMAIN",
}


@dataclass(frozen=True, slots=True)
class ConfigItem:
    """``value`` empty in a request: "give me any"."""

    attribute: ConfigAttribute
    value: bytes = b""


@dataclass(frozen=True, slots=True)
class CpPayload(TypedPayload):
    TYPE: ClassVar = PayloadType.CP
    NAME: ClassVar = "CP"

    kind: ConfigType
    items: tuple[ConfigItem, ...] = ()

    @classmethod
    def decode(cls, reader: Reader) -> CpPayload:
        kind = ConfigType(reader.u8())
        reader.take(3)  # RESERVED
        items = []
        while reader.left:
            attribute = ConfigAttribute(reader.u16() & 0x7FFF)  # the highest bit is reserved
            items.append(ConfigItem(attribute, reader.take(reader.u16())))
        return cls(kind, tuple(items))

    def encode(self) -> bytes:
        items = (i.attribute.to_bytes(2) + len(i.value).to_bytes(2) + i.value for i in self.items)
        return self.kind.to_bytes(1) + bytes(3) + b"".join(items)

    def all(self, attribute: ConfigAttribute) -> list[bytes]:
        return [i.value for i in self.items if i.attribute == attribute]

    def __str__(self) -> str:
        """As strongSwan: ``CPRQ(ADDR DNS)``."""
        names = " ".join(_SHORT_ATTRIBUTES.get(i.attribute, str(i.attribute)) for i in self.items)
        return f"{_SHORT_TYPES.get(self.kind, 'CP')}({names})"
