"""An IKE_SA of version 2: the shared one, with keys, exchanges, and what is known of the peer.

What is done with it is in ``tasks`` and the modules beside them; ``operations`` is the table.
What one extension keeps with it (MOBIKE's addresses, a crash token) is a ``part`` of its own.
"""

from __future__ import annotations

from cygnet.engine.child import ChildSa
from cygnet.engine.ikev2.arrived import Arrived
from cygnet.engine.ikev2.exchanges import Exchanges
from cygnet.engine.ikev2.features import Features
from cygnet.engine.ikev2.handshake import Handshake
from cygnet.engine.ikev2.keys import IkeKeys
from cygnet.engine.ikev2.protect import protectors
from cygnet.engine.ikev2.task import Task
from cygnet.engine.keylog import export_ike
from cygnet.engine.receipts import Receipts
from cygnet.engine.registry import Registry
from cygnet.engine.sa import IkeSa, IkeState
from cygnet.engine.timers import Deadline
from cygnet.engine.wants import Delete
from cygnet.model.config import Child, Connection
from cygnet.values.endpoint import Address, Endpoint

#: range of ``retry_delay``
RETRY_SECONDS = (5.0, 15.0)
REFUSED_SECONDS = (60.0, 90.0)  #: the peer will hardly have changed its mind before


class IkeSaV2(IkeSa):
    version = 2

    def __init__(
        self,
        registry: Registry[IkeSa],
        connection: Connection,
        initiator: bool,
        local: Endpoint | None = None,
        remote: Endpoint | None = None,
    ) -> None:
        super().__init__(registry, connection, initiator, local, remote)
        self.exchanges = Exchanges(self)
        self.keys: IkeKeys | None = None
        self.handshake: Handshake | None = Handshake()
        self.peer = Features()
        self.first_request = b""  #: responder: the IKE_SA_INIT request, to know a retransmission
        self.receipts = Receipts(self)
        self.arrived: Arrived | None = None  #: what is being acted on
        self.contested: Task | None = None  #: made by the peer while this rekeying of ours did the same
        self.is_successor = False  #: made to replace another one, not yet in its place
        self.is_client = initiator  #: we began it all: unlike ``initiator`` this outlives rekeyings
        self.nat_known = False  #: both ends said where they think they are
        self.redirected_from: Address | None = None  #: the gateway that sent us to this one
        self._note = ""  #: what this class last wrote into ``waiting``
        self._initial: tuple[int, bytes, Address] | None = None
        self._waiting: dict[int, Task] = {}
        self._number = 0

    # before it is established -----------------------------------------------------------

    @property
    def shaking(self) -> Handshake:
        assert self.handshake is not None, "not yet authenticated"
        return self.handshake

    def expect_again(self) -> None:
        """Responder: until it is established, its first request may come again, without our SPI."""
        self._initial = (2, self.spi_i, self.remote.address)
        self.registry.initial[self._initial] = self

    def end_handshake(self) -> None:
        self.handshake = None
        if self._initial is not None:
            self.registry.initial.pop(self._initial, None)
            self._initial, self.first_request = None, b""

    # keys -------------------------------------------------------------------------------

    @property
    def secrets(self) -> IkeKeys:
        assert self.keys is not None, "there are keys from IKE_SA_INIT on"
        return self.keys

    def set_keys(self, keys: IkeKeys) -> None:
        self.keys = keys
        self.proposal = keys.suite.proposal
        self.exchanges.channel.protect(*protectors(keys, self.initiator, self.services.entropy))
        export_ike(self, keys)

    @property
    def may_withdraw(self) -> bool:
        return self.is_first_attempt and self.keys is None and not self.is_successor

    # children and successors --------------------------------------------------------------

    @property
    def is_gone(self) -> bool:
        return self.state is IkeState.DESTROYED

    @property
    def can_carry(self) -> bool:
        return super().can_carry and not self.is_successor

    def new_child(self, config: Child, reqid: int = 0) -> ChildSa:
        child = ChildSa(self.services, self, config, reqid)
        self.children[child.uid] = child
        return child

    def child_by_outbound(self, spi: bytes) -> ChildSa | None:
        """The CHILD_SA that the peer means by its own inbound SPI."""
        wanted = int.from_bytes(spi)
        return next((c for c in self.children.values() if c.spi_out == wanted and wanted), None)

    def finish_reauthentication(self) -> None:
        """The IKE_SA that this one replaces goes, once no CHILD_SA is waited for any more."""
        if self.reauthenticates is None or self.wishes or not self.is_established:
            return
        old = self.registry.ike_sas.get(self.reauthenticates)
        self.reauthenticates = None
        if isinstance(old, IkeSaV2) and old.is_established:
            old.do(Delete())

    # tried again --------------------------------------------------------------------------

    def retry_delay(self, refused: bool = False) -> float:
        """Seconds until what met TEMPORARY_FAILURE (``refused``: any other error) is tried again; at
        random, so that two ends that refuse each other do not meet again (§2.25)."""
        return self.services.entropy.uniform(*(REFUSED_SECONDS if refused else RETRY_SECONDS))

    def again(self, task: Task) -> None:
        """Try a task anew in a while."""
        self._number += 1
        self._waiting[self._number] = task
        at = self.services.now + self.retry_delay()
        self.services.timers.set(self.uid, Deadline.AGAIN, at, self._number)

    def again_due(self, number: int) -> None:
        task = self._waiting.pop(number, None)
        if task is not None:
            self.exchanges.add(task)

    # shown --------------------------------------------------------------------------------

    def likely_trouble(self) -> str:
        pending = self.exchanges.window.pending
        if pending is not None and pending.tries:
            sent = f"{pending.exchange} was sent {pending.tries + 1} times"
            return f"{self.remote.address} has not answered, {sent}"
        return self.failure

    def tasks(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        active = self.exchanges.active
        note = self.exchanges.describe()
        if note or self.waiting == self._note:  # not what others wrote there
            self.waiting = self._note = note
        return tuple(t.NAME for t in self.exchanges.queue), (active.NAME,) if active else ()
