"""Which IKE_SAs one engine has, and how they are found.

It knows no kind of IKE_SA, so that the IKE_SA can know it: an engine's is ``Registry[IkeSa]``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from cygnet.engine.half_open import HalfOpen
from cygnet.engine.index import Index
from cygnet.engine.services import Services
from cygnet.values.endpoint import Address, Endpoint
from cygnet.values.identity import Identity

S = TypeVar("S")
IdentityPair = tuple[int, Identity, Identity]  # IKE version, ours, the peer's
#: by the type of a want (``wants``): what is done for an IKE_SA that has it; takes both
Operations = Mapping[type, Callable[[Any, Any], None]]


#: the engine's services, our end, the peer's, and the SPI
TellSpi = Callable[[Services, Endpoint, Endpoint, int], None]


class Registry(Generic[S]):
    """``operations``: by IKE version, the table of what its IKE_SAs can want done; ``tell_spi``: what
    tells a peer with which there is none that it sends ESP with an SPI that is not here."""

    def __init__(
        self, services: Services, operations: Mapping[int, Operations], tell_spi: Mapping[int, TellSpi]
    ) -> None:
        self.services = services
        self.operations = operations
        self.tell_spi = tell_spi
        self.ike_sas: dict[int, S] = {}  #: by uid, in order of creation
        self.named: Index[str, S] = Index()  #: by the name of its connection
        self.between: Index[IdentityPair, S] = Index()  #: established ones by who speaks with whom
        self.by_spi: dict[bytes, S] = {}  #: by our own SPI (8 bytes)
        #: (version, spi_i, peer): responder, half open
        self.initial: dict[tuple[int, bytes, Address], S] = {}
        self.half_open = HalfOpen()

    def new_ike_spi(self) -> bytes:
        """A non-zero IKE SPI (cookie) of 8 bytes that is not in use."""
        while True:
            spi = self.services.entropy.bytes(8)
            if spi not in self.by_spi and any(spi):
                return spi
