"""RFC 7296 §2.15. What the AUTH payload covers, and its value with a pre-shared key."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from cygnet.crypto.prf import Prf
from cygnet.values.errors import PeerError
from cygnet.values.identity import Identity
from cygnet.values.secret import Secret
from cygnet.wire.ikev2.identification import IdIPayload
from cygnet.wire.ikev2.notify_types import NotifyType

KEY_PAD = b"Key Pad for IKEv2"  #: 17 bytes, without a null at the end


@dataclass(frozen=True, slots=True)
class SignedOctets:
    """RealMessage | Nonce of the other side | prf(SK_p, IDx') [| IntAuth | IKE_AUTH message ID].

    ``message`` is the signer's own IKE_SA_INIT message as it was sent, ``nonce`` the other
    side's. ``intermediate`` is what RFC 9242 §3.3.2 adds, empty without IKE_INTERMEDIATE.
    """

    prf: Prf
    message: bytes
    nonce: bytes
    intermediate: bytes = b""

    def of(self, identity: Identity, sk_p: Secret) -> bytes:
        maced = self.prf.compute(sk_p.reveal(), IdIPayload(identity).encode())
        return self.message + self.nonce + maced + self.intermediate


def psk_auth(prf: Prf, secret: Secret, octets: bytes) -> bytes:
    """AUTH = prf(prf(Shared Secret, "Key Pad for IKEv2"), octets)."""
    return prf.compute(prf.compute(secret.reveal(), KEY_PAD), octets)


def verify_psk(prf: Prf, secret: Secret, octets: bytes, received: bytes) -> None:
    """Raises PeerError(AUTHENTICATION_FAILED) on another value; in constant time."""
    if not hmac.compare_digest(psk_auth(prf, secret, octets), received):
        raise PeerError(
            NotifyType.AUTHENTICATION_FAILED,
            "the pre-shared keys differ: tried 1 shared key, but MAC mismatched",
        )
