"""What a peer has said it can do (notifies of IKE_SA_INIT and IKE_AUTH)."""

from __future__ import annotations

from dataclasses import dataclass

from cygnet.wire.ikev2.message import Message
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.notify_types import NotifyType as N
from cygnet.wire.ikev2.numbers import HashAlgorithm

#: notify -> field of Features that its presence sets
_FLAGS = {
    N.IKEV2_FRAGMENTATION_SUPPORTED: "fragmentation",
    N.CHILDLESS_IKEV2_SUPPORTED: "childless",
    N.MULTIPLE_AUTH_SUPPORTED: "multiple_auth",
    N.MOBIKE_SUPPORTED: "mobike",
    N.REDIRECT_SUPPORTED: "redirect",
    N.REDIRECTED_FROM: "redirect",
    N.INTERMEDIATE_EXCHANGE_SUPPORTED: "intermediate",
    N.USE_PPK: "ppk",
    N.EAP_ONLY_AUTHENTICATION: "eap_only",
    N.IKEV2_MESSAGE_ID_SYNC_SUPPORTED: "message_id_sync",
    N.ESP_TFC_PADDING_NOT_SUPPORTED: "no_tfc",
    N.TICKET_REQUEST: "wants_ticket",
}

#: what we can verify with a digital signature, in the order of preference (RFC 7427 §4)
SIGNATURE_HASHES = (
    HashAlgorithm.SHA2_256,
    HashAlgorithm.SHA2_384,
    HashAlgorithm.SHA2_512,
    HashAlgorithm.IDENTITY,
)


@dataclass(slots=True)
class Features:
    """All False until the peer says otherwise."""

    fragmentation: bool = False
    childless: bool = False
    multiple_auth: bool = False
    mobike: bool = False
    redirect: bool = False
    intermediate: bool = False
    ppk: bool = False
    eap_only: bool = False
    message_id_sync: bool = False
    no_tfc: bool = False
    wants_ticket: bool = False
    signature_hashes: tuple[HashAlgorithm, ...] = ()
    window: int = 1  #: SET_WINDOW_SIZE of the peer; noted, one request at a time is sent

    def learn(self, message: Message) -> None:
        for notify in message.all(NotifyPayload):
            flag = _FLAGS.get(notify.kind)
            if flag is not None:
                setattr(self, flag, True)
            elif notify.kind == N.SIGNATURE_HASH_ALGORITHMS:
                pairs = zip(notify.data[::2], notify.data[1::2])
                self.signature_hashes = tuple(HashAlgorithm(a << 8 | b) for a, b in pairs)
            elif notify.kind == N.SET_WINDOW_SIZE and len(notify.data) == 4:
                self.window = int.from_bytes(notify.data)


def signature_hash_notify() -> NotifyPayload:
    return NotifyPayload(N.SIGNATURE_HASH_ALGORITHMS, b"".join(h.to_bytes(2) for h in SIGNATURE_HASHES))
