"""Numbers of the IANA registries for IKEv1 and IKEv2, as open enums.

An open enum has a name for each registered number that cygnet knows and takes any other
number too: ``EncrId(9999).name == "UNKNOWN_9999"``. So a value read from a peer is always
of its type, and printing it never raises.

Algorithms are numbered as in IKEv2 everywhere in cygnet; ``wire.ikev1`` and
``engine.ikev1`` translate to IKEv1's attribute values at the edge.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Self


class OpenEnum(IntEnum):
    """An IntEnum without a closed set. Unknown members are made on the fly and not kept."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, int) or value < 0:
            return None
        member = int.__new__(cls, value)
        member._name_ = f"UNKNOWN_{value}"
        member._value_ = value
        return member

    @property
    def known(self) -> bool:
        return self._value_ in type(self)._value2member_map_

    def __str__(self) -> str:
        return self._name_


class Protocol(OpenEnum):
    """RFC 7296 §3.3.1; the same numbers in IKEv1 (RFC 2407 §4.4.1) but for IPCOMP."""

    NONE = 0
    IKE = 1
    AH = 2
    ESP = 3


class TransformType(OpenEnum):
    """RFC 7296 §3.3.2, RFC 9370 §2.2.2."""

    ENCR = 1
    PRF = 2
    INTEG = 3
    KE = 4
    ESN = 5
    AKE1 = 6
    AKE2 = 7
    AKE3 = 8
    AKE4 = 9
    AKE5 = 10
    AKE6 = 11
    AKE7 = 12


class EncrId(OpenEnum):
    """Transform type 1."""

    DES = 2
    TRIPLE_DES = 3
    CAST = 6
    BLOWFISH = 7
    NULL = 11
    AES_CBC = 12
    AES_CTR = 13
    AES_CCM_8 = 14
    AES_CCM_12 = 15
    AES_CCM_16 = 16
    AES_GCM_8 = 18
    AES_GCM_12 = 19
    AES_GCM_16 = 20
    NULL_AUTH_AES_GMAC = 21
    CAMELLIA_CBC = 23
    CAMELLIA_CTR = 24
    CAMELLIA_CCM_8 = 25
    CAMELLIA_CCM_12 = 26
    CAMELLIA_CCM_16 = 27
    CHACHA20_POLY1305 = 28


class PrfId(OpenEnum):
    """Transform type 2."""

    HMAC_MD5 = 1
    HMAC_SHA1 = 2
    HMAC_TIGER = 3
    AES128_XCBC = 4
    HMAC_SHA2_256 = 5
    HMAC_SHA2_384 = 6
    HMAC_SHA2_512 = 7
    AES128_CMAC = 8


class IntegId(OpenEnum):
    """Transform type 3. 1024 is strongSwan's private number for the 96-bit truncation."""

    NONE = 0
    HMAC_MD5_96 = 1
    HMAC_SHA1_96 = 2
    DES_MAC = 3
    KPDK_MD5 = 4
    AES_XCBC_96 = 5
    HMAC_MD5_128 = 6
    HMAC_SHA1_160 = 7
    AES_CMAC_96 = 8
    AES_128_GMAC = 9
    AES_192_GMAC = 10
    AES_256_GMAC = 11
    HMAC_SHA2_256_128 = 12
    HMAC_SHA2_384_192 = 13
    HMAC_SHA2_512_256 = 14
    HMAC_SHA2_256_96 = 1024


class KeId(OpenEnum):
    """Transform type 4, key exchange methods; the group numbers are IKEv1's too."""

    NONE = 0
    MODP_768 = 1
    MODP_1024 = 2
    MODP_1536 = 5
    MODP_2048 = 14
    MODP_3072 = 15
    MODP_4096 = 16
    MODP_6144 = 17
    MODP_8192 = 18
    ECP_256 = 19
    ECP_384 = 20
    ECP_521 = 21
    MODP_1024_160 = 22
    MODP_2048_224 = 23
    MODP_2048_256 = 24
    ECP_192 = 25
    ECP_224 = 26
    BRAINPOOL_224 = 27
    BRAINPOOL_256 = 28
    BRAINPOOL_384 = 29
    BRAINPOOL_512 = 30
    CURVE_25519 = 31
    CURVE_448 = 32
    ML_KEM_512 = 35
    ML_KEM_768 = 36
    ML_KEM_1024 = 37


class EsnId(OpenEnum):
    """Transform type 5."""

    NO_ESN = 0
    ESN = 1


class IdType(OpenEnum):
    """Identification types, RFC 7296 §3.5 and RFC 2407 §4.6.2.1 (IKEv1 adds subnets and ranges)."""

    ANY = 0
    IPV4_ADDR = 1
    FQDN = 2
    USER_FQDN = 3  #: RFC 7296 calls it RFC822_ADDR
    IPV4_ADDR_SUBNET = 4
    IPV6_ADDR = 5
    IPV6_ADDR_SUBNET = 6
    IPV4_ADDR_RANGE = 7
    IPV6_ADDR_RANGE = 8
    DER_ASN1_DN = 9
    DER_ASN1_GN = 10
    KEY_ID = 11


TRANSFORM_IDS: dict[int, type[OpenEnum]] = {
    TransformType.ENCR: EncrId,
    TransformType.PRF: PrfId,
    TransformType.INTEG: IntegId,
    TransformType.KE: KeId,
    TransformType.ESN: EsnId,
    **dict.fromkeys(range(TransformType.AKE1, TransformType.AKE7 + 1), KeId),
}
