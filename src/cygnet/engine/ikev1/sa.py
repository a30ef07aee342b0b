"""An IKE_SA of version 1: the shared one, with the keys of phase 1 and the table of its exchanges.

The negotiation is in the tasks, messages come in by ``incoming``, deletes are in ``deletes``,
other IKE_SAs with the same peer in ``succession``; ``operations`` is the table of what is done.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from cygnet.boundary.events import Datagram
from cygnet.boundary.snapshot import IkeSnapshot
from cygnet.engine.ikev1 import trouble
from cygnet.engine.ikev1.exchange import Exchanges
from cygnet.engine.ikev1.fragments import Reassembly
from cygnet.engine.ikev1.keys import Phase1Keys
from cygnet.engine.receipts import Receipts
from cygnet.engine.registry import Registry
from cygnet.engine.sa import IkeSa, IkeState
from cygnet.model.config import AuthMethod, Connection
from cygnet.values.endpoint import IKE_PORT, NATT_PORT, Address, Endpoint
from cygnet.wire.ikev1.numbers import PayloadType
from cygnet.wire.ikev1.vendors import Extension


class IkeSaV1(IkeSa):
    version = 1
    can_rekey = False

    def __init__(
        self,
        registry: Registry[IkeSa],
        connection: Connection,
        initiator: bool,
        local: Endpoint | None = None,
        remote: Endpoint | None = None,
    ) -> None:
        super().__init__(registry, connection, initiator, local, remote)
        self.keys: Phase1Keys | None = None
        self.extensions: frozenset[Extension] = frozenset()
        self.nat_payload: PayloadType | None = None  #: NAT-T as the peer speaks it
        self.exchanges = Exchanges(self)
        self.receipts = Receipts(self)
        self.reassembly = Reassembly(self.services.config.settings.max_packet)
        self.said_unreadable = False
        self.peer_is_mute = False  #: it answers no deletes
        self.gone: deque[int] = deque(maxlen=64)  #: SPIs the peer deleted that we had not seen yet
        self.open_to: tuple[Connection, ...] = ()  #: those it may be for, until Quick Mode shows which
        self._initial: tuple[int, bytes, Address] | None = None
        self.wrong_key = False  #: something could not be decrypted or verified as it should

    # what messages need -----------------------------------------------------------------

    @property
    def cookies(self) -> bytes:
        return self.spi_i + self.spi_r

    @property
    def need_keys(self) -> Phase1Keys:
        assert self.keys is not None, "phase 1 has made the keys"
        return self.keys

    @property
    def signs(self) -> bool:
        """Whether we prove ourselves by a signature and not by a pre-shared key."""
        return self.connection.local[0].method is AuthMethod.PUBKEY

    @property
    def peer_fragments(self) -> bool:
        return Extension.FRAGMENTATION in self.extensions

    @property
    def is_bound(self) -> bool:
        return not self.open_to

    @property
    def takes_quick_mode(self) -> bool:
        return self.is_established or self.state is IkeState.REKEYED

    def iv_of(self, message_id: int) -> bytes:
        """The first IV of a phase 2 exchange, from the last block of phase 1."""
        phase_1 = self.exchanges.phase_1
        assert phase_1 is not None
        return self.need_keys.phase_2_iv(phase_1.iv, message_id)

    @property
    def may_withdraw(self) -> bool:
        return self.is_first_attempt and self.keys is None

    # phase 1 ------------------------------------------------------------------------------

    def follow(self, datagram: Datagram) -> None:
        """Answer to where an authentic message came from (port float, a NAT's new mapping)."""
        self.set_endpoints(datagram.local, datagram.remote)

    def float_ports(self) -> None:
        """RFC 3947 §4: behind a NAT the initiator goes to port 4500."""
        if self.nat_payload is None or not self.encap:
            return
        local_port = self.services.config.settings.port_nat_t
        remote_port = NATT_PORT if self.remote.port == IKE_PORT else self.remote.port
        self.set_endpoints(self.local.with_port(local_port), self.remote.with_port(remote_port))

    def expect_again(self) -> None:
        """Responder: its first message may come again, without our SPI."""
        self._initial = (1, self.spi_i, self.remote.address)
        self.registry.initial[self._initial] = self

    def forget_initial(self) -> None:
        if self._initial is not None and self.registry.initial.get(self._initial) is self:
            del self.registry.initial[self._initial]

    def suspect_psk(self) -> None:
        """Something could not be decrypted or verified as it should."""
        if self.wrong_key or self.is_established:
            return
        self.wrong_key = True
        if self.signs:
            self.log("IKE", f"what {self.remote.address} sends cannot be decrypted")
            return
        text = f"the pre-shared keys of {self.local.address} and {self.remote.address} probably differ"
        self.log("IKE", text)
        self.services.alert("peer-auth-failed" if self.keys else "local-auth-failed", text, self)

    def likely_trouble(self) -> str:
        return self.failure or (trouble.silence(self) if self.initiator and self._remote else "")

    # shown --------------------------------------------------------------------------------

    def tasks(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return tuple(t.name for t in self.exchanges.queue), tuple(
            e.task.name for e in self.exchanges.active()
        )

    def snapshot(self) -> IkeSnapshot:
        shown = super().snapshot()
        return replace(shown, waiting=shown.waiting or self.exchanges.waiting_text())
