"""The two IKE versions as the shared engine knows them: who initiates, who answers."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from cygnet.boundary.events import Datagram
from cygnet.engine.context import Context
from cygnet.engine.sa import IkeSa
from cygnet.model.config import IkeVersion
from cygnet.wire.header import Header

Responder = Callable[[Context, Datagram, Header], IkeSa | None]

#: What initiates a connection of that version ("ike" initiates version 2)
SA_CLASSES: dict[IkeVersion, type[IkeSa]] = {}

#: By major version: makes the IKE_SA that answers a first message, or answers statelessly
#: (cookie, error notify) and returns None. The new IKE_SA is then given the message.
RESPONDERS: dict[int, Responder] = {}

# TEMPORARY while both versions are being written in parallel: whichever is there is used.
for _major, _versions in ((1, (IkeVersion.V1,)), (2, (IkeVersion.V2, IkeVersion.ANY))):
    try:
        _sa = import_module(f"cygnet.engine.ikev{_major}.sa")
        _responder = import_module(f"cygnet.engine.ikev{_major}.responder")
    except ModuleNotFoundError:
        continue
    for _version in _versions:
        SA_CLASSES[_version] = getattr(_sa, f"IkeSaV{_major}")
    RESPONDERS[_major] = _responder.respond
