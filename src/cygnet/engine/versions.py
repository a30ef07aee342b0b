"""The two IKE versions as the shared engine knows them: who initiates, who answers."""

from __future__ import annotations

from collections.abc import Callable

from cygnet.boundary.events import Datagram
from cygnet.engine.context import Context
from cygnet.engine.ikev1 import responder as ikev1_responder
from cygnet.engine.ikev1.sa import IkeSaV1
from cygnet.engine.ikev2 import crash
from cygnet.engine.ikev2 import responder as ikev2_responder
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.sa import IkeSa
from cygnet.model.config import IkeVersion
from cygnet.wire.header import Header

Responder = Callable[[Context, Datagram, Header], IkeSa | None]

#: What initiates a connection of that version ("ike" initiates version 2)
SA_CLASSES: dict[IkeVersion, type[IkeSa]] = {
    IkeVersion.V1: IkeSaV1,
    IkeVersion.V2: IkeSaV2,
    IkeVersion.ANY: IkeSaV2,
}

#: By major version: makes the IKE_SA that answers a first message, or answers statelessly
#: (cookie, error notify) and returns None. The new IKE_SA is then given the message.
RESPONDERS: dict[int, Responder] = {1: ikev1_responder.respond, 2: ikev2_responder.respond}

#: What is said to a peer that speaks a version we do not
REFUSE_VERSION: Callable[[Context, Datagram, Header], None] = ikev2_responder.refuse_version

#: By major version: what is done about a message for an IKE_SA that is not here
STRANGERS: dict[int, Callable[[Context, Datagram, Header], None]] = {2: crash.answer_unknown}
