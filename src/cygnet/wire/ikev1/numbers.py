"""Numbers of IKEv1 that IKEv2 does not share, with their RFC and the names charon prints."""

from __future__ import annotations

from cygnet.values.iana import OpenEnum


class PayloadType(OpenEnum):
    """RFC 2408 §3.1, RFC 3947 §3.2, and numbers that drafts and vendors took."""

    NONE = 0
    SA = 1
    PROPOSAL = 2  #: only inside SA
    TRANSFORM = 3  #: only inside PROPOSAL
    KE = 4
    ID = 5
    CERT = 6
    CERTREQ = 7
    HASH = 8
    SIG = 9
    NONCE = 10
    NOTIFY = 11
    DELETE = 12
    VENDOR_ID = 13
    ATTRIBUTES = 14  #: Mode Config
    NAT_D_DRAFT_15 = 15  #: draft-ietf-ipsec-nat-t-ike-04 to -08
    NAT_OA_DRAFT_16 = 16
    NAT_D = 20
    NAT_OA = 21
    NAT_D_DRAFT = 130  #: draft-ietf-ipsec-nat-t-ike-00 to -03
    NAT_OA_DRAFT = 131
    FRAGMENT = 132  #: Cisco's fragmentation


class Notify(OpenEnum):
    """RFC 2408 §3.14.1, RFC 2407 §4.6.3, RFC 3706 §5.3; below 16384 they are errors."""

    INVALID_PAYLOAD_TYPE = 1
    DOI_NOT_SUPPORTED = 2
    SITUATION_NOT_SUPPORTED = 3
    INVALID_IKE_SPI = 4  #: INVALID-COOKIE
    INVALID_MAJOR_VERSION = 5
    INVALID_MINOR_VERSION = 6
    INVALID_EXCHANGE_TYPE = 7
    INVALID_FLAGS = 8
    INVALID_MESSAGE_ID = 9
    INVALID_PROTOCOL_ID = 10
    INVALID_SPI = 11
    INVALID_TRANSFORM_ID = 12
    ATTRIBUTES_NOT_SUPPORTED = 13
    NO_PROPOSAL_CHOSEN = 14
    BAD_PROPOSAL_SYNTAX = 15
    PAYLOAD_MALFORMED = 16
    INVALID_KE_PAYLOAD = 17  #: INVALID-KEY-INFORMATION
    INVALID_ID_INFORMATION = 18
    INVALID_CERT_ENCODING = 19
    INVALID_CERTIFICATE = 20
    CERT_TYPE_UNSUPPORTED = 21
    INVALID_CERT_AUTHORITY = 22
    INVALID_HASH_INFORMATION = 23
    AUTHENTICATION_FAILED = 24
    INVALID_SIGNATURE = 25
    ADDRESS_NOTIFICATION = 26
    NOTIFY_SA_LIFETIME = 27
    CERTIFICATE_UNAVAILABLE = 28
    UNSUPPORTED_EXCHANGE_TYPE = 29
    UNEQUAL_PAYLOAD_LENGTHS = 30
    CONNECTED = 16384
    RESPONDER_LIFETIME = 24576
    REPLAY_STATUS = 24577
    INITIAL_CONTACT = 24578
    DPD_R_U_THERE = 36136
    DPD_R_U_THERE_ACK = 36137
    UNITY_LOAD_BALANCE = 40501

    @property
    def is_error(self) -> bool:
        return 0 < self._value_ < 16384


class OakleyAttribute(OpenEnum):
    """RFC 2409 appendix A: attributes of a phase 1 transform."""

    ENCRYPTION = 1
    HASH = 2
    AUTH_METHOD = 3
    GROUP = 4
    LIFE_TYPE = 11
    LIFE_DURATION = 12
    PRF = 13
    KEY_LENGTH = 14


class OakleyAuth(OpenEnum):
    """RFC 2409 appendix A, RFC 4754 §8.1, draft-beaulieu-ike-xauth-02."""

    PSK = 1
    DSS_SIG = 2
    RSA_SIG = 3
    ECDSA_256 = 9
    ECDSA_384 = 10
    ECDSA_521 = 11
    HYBRID_INIT_RSA = 64221
    HYBRID_RESP_RSA = 64222
    XAUTH_INIT_PSK = 65001
    XAUTH_RESP_PSK = 65002
    XAUTH_INIT_RSA = 65005
    XAUTH_RESP_RSA = 65006


class DoiAttribute(OpenEnum):
    """RFC 2407 §4.5, RFC 4304 §3: attributes of a phase 2 transform."""

    LIFE_TYPE = 1
    LIFE_DURATION = 2
    GROUP = 3
    ENCAPSULATION = 4
    AUTH_ALGORITHM = 5
    KEY_LENGTH = 6
    KEY_ROUNDS = 7
    ESN = 11


class Encapsulation(OpenEnum):
    """RFC 2407 §4.5, RFC 3947 §5.1; 61443 and 61444 in the drafts before."""

    TUNNEL = 1
    TRANSPORT = 2
    UDP_TUNNEL = 3
    UDP_TRANSPORT = 4
    UDP_TUNNEL_DRAFT = 61443
    UDP_TRANSPORT_DRAFT = 61444


class LifeType(OpenEnum):
    """RFC 2409 appendix A, RFC 2407 §4.5: the same two in both phases."""

    SECONDS = 1
    KILOBYTES = 2


DOI_IPSEC = 1
SITUATION_IDENTITY_ONLY = 1  #: RFC 2407 §4.2.1; the others carry secrecy labels
PROTO_ISAKMP = 1
KEY_IKE = 1  #: RFC 2407 §4.4.2, the transform id of phase 1
