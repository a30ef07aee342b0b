"""The two IKE versions as the shared engine knows them: who initiates, who answers, what does what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cygnet.boundary.events import Datagram
from cygnet.engine.ikev1 import hints as ikev1_hints
from cygnet.engine.ikev1 import incoming as ikev1_incoming
from cygnet.engine.ikev1 import operations as ikev1
from cygnet.engine.ikev1 import responder as ikev1_responder
from cygnet.engine.ikev1.sa import IkeSaV1
from cygnet.engine.ikev2 import hints as ikev2_hints
from cygnet.engine.ikev2 import incoming as ikev2_incoming
from cygnet.engine.ikev2 import operations as ikev2
from cygnet.engine.ikev2 import responder as ikev2_responder
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.engine.operations import Deadlines
from cygnet.engine.registry import Operations, Registry, TellSpi
from cygnet.engine.sa import IkeSa
from cygnet.model.config import IkeVersion
from cygnet.wire.header import Header

Responder = Callable[[Registry[IkeSa], Datagram, Header], IkeSa | None]

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
REFUSE_VERSION: Callable[[Registry[IkeSa], Datagram, Header], None] = ikev2_responder.refuse_version

#: By major version: what is done about a message for an IKE_SA that is not here
STRANGERS: dict[int, Callable[[Registry[IkeSa], Datagram, Header], None]] = {
    1: ikev1_hints.stranger,
    2: ikev2_hints.stranger,
}

#: By major version: tells a peer that its ESP has an SPI that is not here
TELL_SPI: dict[int, TellSpi] = {1: ikev1_hints.tell_in_the_clear, 2: ikev2_hints.tell_in_the_clear}

#: By major version: takes a message for an IKE_SA of that version
RECEIVERS: dict[int, Callable[[Any, Datagram, Header], None]] = {
    1: ikev1_incoming.receive,
    2: ikev2_incoming.receive,
}

#: By major version: what an IKE_SA can want done, and its deadlines
OPERATIONS: dict[int, Operations] = {1: ikev1.OPERATIONS, 2: ikev2.OPERATIONS}
DEADLINES: dict[int, Deadlines] = {1: ikev1.DEADLINES, 2: ikev2.DEADLINES}
