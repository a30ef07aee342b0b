"""Which payload may stand in which exchange, how often, and whether only encrypted.

RFC 2409 §5, RFC 2408 §4, RFC 3947 §3 and §5; a payload beyond these rules makes the message
malformed. Payloads of unknown type are passed over (RFC 2408 §3.2 leaves it open; every
implementation does). Which of the allowed payloads a step needs is the task's affair.
"""

from __future__ import annotations

from collections import Counter

from cygnet.values.errors import PeerError
from cygnet.wire.header import ExchangeType
from cygnet.wire.ikev1.message import PAYLOADS, Chain
from cygnet.wire.ikev1.numbers import Notify, PayloadType

T = PayloadType
_NAT_D = {T.NAT_D: 10, T.NAT_D_DRAFT: 10, T.NAT_D_DRAFT_15: 10}
_NAT_OA = {T.NAT_OA: 2, T.NAT_OA_DRAFT: 2, T.NAT_OA_DRAFT_16: 2}
_PHASE_1 = {
    T.SA: 1, T.KE: 1, T.NONCE: 1, T.ID: 1, T.HASH: 1, T.SIG: 1, T.CERT: 20, T.CERTREQ: 20, T.VENDOR_ID: 40,
    T.NOTIFY: 20, T.FRAGMENT: 1, **_NAT_D,
}  # fmt: skip

#: exchange -> payload type -> the most of it in one message
RULES: dict[ExchangeType, dict[PayloadType, int]] = {
    ExchangeType.ID_PROT: _PHASE_1,
    ExchangeType.AGGRESSIVE: _PHASE_1,
    ExchangeType.QUICK_MODE: {
        T.HASH: 1, T.SA: 2, T.NONCE: 1, T.KE: 1, T.ID: 2, T.NOTIFY: 20, T.VENDOR_ID: 20, T.FRAGMENT: 1,
        **_NAT_OA,
    },
    ExchangeType.INFORMATIONAL_V1: {T.HASH: 1, T.NOTIFY: 20, T.DELETE: 20, T.VENDOR_ID: 20, T.FRAGMENT: 1},
    ExchangeType.TRANSACTION: {T.HASH: 1, T.ATTRIBUTES: 1, T.NOTIFY: 20, T.FRAGMENT: 1},
}  # fmt: skip

#: exchange -> payloads that count only when they were encrypted
ENCRYPTED_ONLY: dict[ExchangeType, frozenset[PayloadType]] = {
    ExchangeType.ID_PROT: frozenset({T.ID, T.HASH, T.SIG, T.CERT}),
    ExchangeType.AGGRESSIVE: frozenset(),
    ExchangeType.QUICK_MODE: frozenset({T.HASH, T.SA, T.NONCE, T.KE, T.ID, T.NOTIFY}),
    ExchangeType.INFORMATIONAL_V1: frozenset({T.HASH, T.DELETE}),
    ExchangeType.TRANSACTION: frozenset({T.HASH, T.ATTRIBUTES}),
}


def check(exchange: ExchangeType, chain: Chain, encrypted: bool) -> None:
    """Raises PeerError where the payloads break the rules of their exchange."""
    rules = RULES.get(exchange)
    if rules is None:
        raise PeerError(Notify.INVALID_EXCHANGE_TYPE, f"exchange type {exchange} is not supported")
    for kind, count in Counter(p.type for p in chain.payloads).items():
        if kind not in PAYLOADS:
            continue
        most = rules.get(kind, 0)
        if count > most:
            raise PeerError(
                Notify.PAYLOAD_MALFORMED,
                f"payload of type {kind} more than {most} times ({count}) in {exchange}",
            )
        if not encrypted and kind in ENCRYPTED_ONLY[exchange]:
            raise PeerError(Notify.PAYLOAD_MALFORMED, f"payload type {kind} was not encrypted")
