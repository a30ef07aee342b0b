"""Which payload may stand in which message (RFC 7296 appendix C and the extensions' documents).

``RULES`` has a row for each exchange and direction: how often a payload may occur there.
What an exchange cannot do without is said by the tasks, which ask for it with
``Message.need``: it depends on the exchange's course (an EAP round, an error answer).
Notify and Vendor ID payloads may stand anywhere, as may types that we do not know.
"""

from __future__ import annotations

from cygnet.wire.header import ExchangeType as E
from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.numbers import PayloadType as P
from cygnet.wire.ikev2.payload import Payload, bad_syntax

MAX_NOTIFIES = 64  #: of a message; MOBIKE's list of addresses is the longest real one
MANY = 32  #: CERT, CERTREQ, Vendor ID, Delete: no message of a real peer comes near

EVERYWHERE = {P.NOTIFY: MAX_NOTIFIES, P.VENDOR: MANY}

RULES: dict[tuple[E, bool], dict[P, int]] = {
    # (exchange, response): payload type: at most
    (E.IKE_SA_INIT, False): {P.SA: 1, P.KE: 1, P.NONCE: 1},
    (E.IKE_SA_INIT, True): {P.SA: 1, P.KE: 1, P.NONCE: 1, P.CERTREQ: MANY},
    (E.IKE_SESSION_RESUME, False): {P.NONCE: 1},  # RFC 5723 §4.3.2
    (E.IKE_SESSION_RESUME, True): {P.NONCE: 1},
    (E.IKE_INTERMEDIATE, False): {P.KE: 1},  # RFC 9370 §2.2.2
    (E.IKE_INTERMEDIATE, True): {P.KE: 1},
    (E.IKE_AUTH, False): {
        P.ID_I: 1, P.CERT: MANY, P.CERTREQ: MANY, P.ID_R: 1, P.AUTH: 1, P.EAP: 1, P.CP: 1,
        P.SA: 1, P.TS_I: 1, P.TS_R: 1,
    },
    (E.IKE_AUTH, True): {
        P.ID_R: 1, P.CERT: MANY, P.AUTH: 1, P.EAP: 1, P.CP: 1, P.SA: 1, P.TS_I: 1, P.TS_R: 1,
    },
    (E.CREATE_CHILD_SA, False): {P.SA: 1, P.NONCE: 1, P.KE: 1, P.TS_I: 1, P.TS_R: 1, P.CP: 1},
    (E.CREATE_CHILD_SA, True): {P.SA: 1, P.NONCE: 1, P.KE: 1, P.TS_I: 1, P.TS_R: 1, P.CP: 1},
    (E.IKE_FOLLOWUP_KE, False): {P.KE: 1},  # RFC 9370 §2.2.4
    (E.IKE_FOLLOWUP_KE, True): {P.KE: 1},
    (E.INFORMATIONAL, False): {P.DELETE: MANY, P.CP: 1},
    (E.INFORMATIONAL, True): {P.DELETE: MANY, P.CP: 1},
}  # fmt: skip


def check_rules(message: Message) -> Message:
    """``message`` without payloads of known types that have no business in it.

    Those are passed over as unknown ones are, so that an extension's new use of an old payload
    does no harm. More of a payload than its exchange has is INVALID_SYNTAX: which of them is
    meant cannot be said.
    """
    allowed = RULES.get((message.exchange, message.response))
    if allowed is None:
        raise bad_syntax(f"no such exchange as {message.exchange}")
    counts: dict[P, int] = {}
    kept: list[Payload] = []
    for payload in message.payloads:
        kind = payload.type
        most = allowed.get(kind) or EVERYWHERE.get(kind)
        if most is None:
            continue
        counts[kind] = counts.get(kind, 0) + 1
        if counts[kind] > most:
            raise bad_syntax(f"{message.title} has more than {most} payloads of type {kind}")
        kept.append(payload)
    return message if len(kept) == len(message.payloads) else message.with_payloads(tuple(kept))
