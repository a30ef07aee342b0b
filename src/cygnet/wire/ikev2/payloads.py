"""Every payload type that is understood, by its number."""

from __future__ import annotations

from cygnet.wire.ikev2.auth import AuthPayload
from cygnet.wire.ikev2.cert import CertPayload
from cygnet.wire.ikev2.certreq import CertReqPayload
from cygnet.wire.ikev2.cp import CpPayload
from cygnet.wire.ikev2.delete import DeletePayload
from cygnet.wire.ikev2.eap import EapPayload
from cygnet.wire.ikev2.encrypted import SkfPayload, SkPayload
from cygnet.wire.ikev2.identification import IdIPayload, IdRPayload
from cygnet.wire.ikev2.ke import KePayload
from cygnet.wire.ikev2.nonce import NoncePayload
from cygnet.wire.ikev2.notify import NotifyPayload
from cygnet.wire.ikev2.numbers import PayloadType
from cygnet.wire.ikev2.payload import Decodable
from cygnet.wire.ikev2.sa import SaPayload
from cygnet.wire.ikev2.ts import TsIPayload, TsRPayload
from cygnet.wire.ikev2.vendor import VendorPayload

PAYLOADS: dict[int, type[Decodable]] = {
    PayloadType.SA: SaPayload,
    PayloadType.KE: KePayload,
    PayloadType.ID_I: IdIPayload,
    PayloadType.ID_R: IdRPayload,
    PayloadType.CERT: CertPayload,
    PayloadType.CERTREQ: CertReqPayload,
    PayloadType.AUTH: AuthPayload,
    PayloadType.NONCE: NoncePayload,
    PayloadType.NOTIFY: NotifyPayload,
    PayloadType.DELETE: DeletePayload,
    PayloadType.VENDOR: VendorPayload,
    PayloadType.TS_I: TsIPayload,
    PayloadType.TS_R: TsRPayload,
    PayloadType.SK: SkPayload,
    PayloadType.CP: CpPayload,
    PayloadType.EAP: EapPayload,
    PayloadType.SKF: SkfPayload,
}
