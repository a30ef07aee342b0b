"""Messages that several tests speak about."""

from __future__ import annotations

from cygnet.values.iana import EncrId, IntegId, KeId, PrfId, Protocol, TransformType
from cygnet.values.proposal import Proposal, Transform
from cygnet.wire.header import ExchangeType
from cygnet.wire.ikev2.ke import KePayload
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.nonce import NoncePayload
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType
from cygnet.wire.ikev2.sa import SaPayload

PROPOSAL = Proposal(
    Protocol.IKE,
    (
        Transform(TransformType.ENCR, EncrId.AES_CBC, 128),
        Transform(TransformType.ENCR, EncrId.AES_CBC, 256),
        Transform(TransformType.INTEG, IntegId.HMAC_SHA2_256_128),
        Transform(TransformType.INTEG, IntegId.HMAC_SHA1_96),
        Transform(TransformType.PRF, PrfId.HMAC_SHA2_256),
        Transform(TransformType.PRF, PrfId.HMAC_SHA1),
        Transform(TransformType.KE, KeId.MODP_2048),
        Transform(TransformType.KE, KeId.CURVE_25519),
    ),
    number=1,
)

#: an IKE_SA_INIT request of 500 bytes or so
INIT = Message(
    b"initiato",
    bytes(8),
    ExchangeType.IKE_SA_INIT,
    0,
    True,
    False,
    (
        SaPayload((PROPOSAL,)),
        KePayload(KeId.MODP_2048, bytes(range(256))),
        NoncePayload(bytes(range(32))),
        NotifyPayload(NotifyType.NAT_DETECTION_SOURCE_IP, b"s" * 20),
        NotifyPayload(NotifyType.NAT_DETECTION_DESTINATION_IP, b"d" * 20),
        NotifyPayload(NotifyType.IKEV2_FRAGMENTATION_SUPPORTED),
        NotifyPayload(NotifyType.SIGNATURE_HASH_ALGORITHMS, bytes((0, 2, 0, 3, 0, 4, 0, 5))),
        NotifyPayload(NotifyType.REDIRECT_SUPPORTED),
    ),
)
