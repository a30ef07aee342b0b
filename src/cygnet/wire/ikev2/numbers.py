"""IANA "IKEv2 Parameters": the numbers that only IKEv2 has.

Algorithms are in ``values.iana``, exchange types in ``wire.header``.
"""

from __future__ import annotations

from cygnet.values.iana import OpenEnum


class PayloadType(OpenEnum):
    """RFC 7296 §3.2, RFC 7383 §2.5."""

    NONE = 0
    SA = 33
    KE = 34
    ID_I = 35
    ID_R = 36
    CERT = 37
    CERTREQ = 38
    AUTH = 39
    NONCE = 40
    NOTIFY = 41
    DELETE = 42
    VENDOR = 43
    TS_I = 44
    TS_R = 45
    SK = 46
    CP = 47
    EAP = 48
    SKF = 53


class AuthMethodId(OpenEnum):
    """RFC 7296 §3.8, RFC 4754, RFC 7427 §3, RFC 7619."""

    RSA_SIGNATURE = 1
    SHARED_KEY = 2
    DSS_SIGNATURE = 3
    ECDSA_256 = 9
    ECDSA_384 = 10
    ECDSA_521 = 11
    GENERIC_SECURE_PASSWORD = 12
    NULL = 13
    DIGITAL_SIGNATURE = 14


class CertEncoding(OpenEnum):
    """RFC 7296 §3.6, RFC 7670."""

    PKCS7 = 1
    PGP = 2
    DNS_SIGNED_KEY = 3
    X509_SIGNATURE = 4
    KERBEROS = 6
    CRL = 7
    ARL = 8
    SPKI = 9
    X509_ATTRIBUTE = 10
    HASH_URL = 12
    HASH_URL_BUNDLE = 13
    OCSP = 14
    RAW_PUBLIC_KEY = 15


class ConfigType(OpenEnum):
    """RFC 7296 §3.15."""

    REQUEST = 1
    REPLY = 2
    SET = 3
    ACK = 4


class ConfigAttribute(OpenEnum):
    """RFC 7296 §3.15.1, RFC 8598."""

    INTERNAL_IP4_ADDRESS = 1
    INTERNAL_IP4_NETMASK = 2
    INTERNAL_IP4_DNS = 3
    INTERNAL_IP4_NBNS = 4
    INTERNAL_IP4_DHCP = 6
    APPLICATION_VERSION = 7
    INTERNAL_IP6_ADDRESS = 8
    INTERNAL_IP6_DNS = 10
    INTERNAL_IP6_DHCP = 12
    INTERNAL_IP4_SUBNET = 13
    SUPPORTED_ATTRIBUTES = 14
    INTERNAL_IP6_SUBNET = 15
    INTERNAL_DNS_DOMAIN = 25
    INTERNAL_DNSSEC_TA = 26


class SelectorType(OpenEnum):
    """RFC 7296 §3.13.1, RFC 4595, RFC 9478."""

    IPV4_RANGE = 7
    IPV6_RANGE = 8
    FC_RANGE = 9
    SECLABEL = 10


class EapCode(OpenEnum):
    """RFC 3748 §4."""

    REQUEST = 1
    RESPONSE = 2
    SUCCESS = 3
    FAILURE = 4


class HashAlgorithm(OpenEnum):
    """RFC 7427 §7, RFC 8420: what SIGNATURE_HASH_ALGORITHMS lists."""

    SHA1 = 1
    SHA2_256 = 2
    SHA2_384 = 3
    SHA2_512 = 4
    IDENTITY = 5


class GatewayType(OpenEnum):
    """How a REDIRECT names the new gateway, RFC 5685 §7.2."""

    IPV4 = 1
    IPV6 = 2
    FQDN = 3
