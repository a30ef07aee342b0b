"""Signatures of ours: asked for by effect Sign, waited for as ``waiting`` says.

The engine has no private key. It says which of its keys is to sign what, and whoever performs the effect
has the key, in a file or on a token, and takes its time. ``signature`` raises Missing the first time; what
called it is called again when the signature is here, and must not have changed anything before.
Everything here is of both IKE versions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cygnet.boundary.effects import Sign
from cygnet.boundary.events import Event, Signed
from cygnet.crypto.publickey import PublicKey
from cygnet.engine import waiting
from cygnet.engine.sa import IkeSa
from cygnet.engine.services import Services
from cygnet.engine.timers import Deadline
from cygnet.values.errors import PeerError

AUTHENTICATION_FAILED = 24  #: the notify of that name in IKEv2 and in IKEv1
#: seconds for one signature; a token may want a button pressed. Peers repeat themselves for longer
PATIENCE = 25.0
MOST_OPEN = 1000  #: signatures that are waited for at once; each is a negotiation that has come far


@dataclass(frozen=True, slots=True)
class Work:
    """``identifier``: the AlgorithmIdentifier; empty: ``data`` is a digest, signed as it is (IKEv1).
    ``raw``: an ECDSA signature is r and s side by side."""

    key: PublicKey
    data: bytes = field(repr=False)
    identifier: bytes = b""
    raw: bool = True


class Missing(waiting.Missing):
    """Our signature of ``work``."""

    def __init__(self, work: Work) -> None:
        super().__init__(f"a signature by {work.key}")
        self.work = work

    def wait(self, sa: IkeSa, then: Callable[[], None]) -> None:
        sa.part(Signatures).begin(self.work, then)


class Desk:
    """Of one engine: how many signatures are being made."""

    def __init__(self, services: Services) -> None:
        self.open: set[int] = set()  #: refs


class Signatures:
    """Of one IKE_SA: those that have been made for its handshake, and the one that is being made."""

    def __init__(self, sa: IkeSa) -> None:
        self._sa = sa
        self.made: dict[Work, Signed] = {}
        self._then: Callable[[], None] | None = None
        self._work: Work | None = None

    def begin(self, work: Work, then: Callable[[], None]) -> None:
        services, waits = self._sa.services, self._work == work
        self._then = then
        if waits:
            return
        self._work = work
        ref = services.ask(lambda event: self._came(work, event), self._sa.uid)
        services.part(Desk).open.add(ref)
        self._sa.waiting = "our signature"
        services.timers.set(self._sa.uid, Deadline.SIGNATURE, services.now + PATIENCE)
        services.emit(Sign(ref, work.key.spki, work.identifier, work.raw, work.data))

    def due(self) -> None:
        assert self._work is not None
        self._came(self._work, Signed(0, b"", f"it has taken longer than {PATIENCE:g}s"))

    def _came(self, work: Work, event: Event) -> None:
        assert isinstance(event, Signed)
        if work != self._work:
            return  # too late
        self.made[work] = event
        then, self._then, self._work = self._then, None, None
        self._sa.waiting = ""
        self._sa.services.timers.cancel(self._sa.uid, Deadline.SIGNATURE)
        if then is not None:
            then()

    def forget(self) -> None:
        """The handshake is over."""
        self.made.clear()


def signature(sa: IkeSa, work: Work) -> bytes:
    """Raises Missing where it is still to be made, and PeerError(AUTHENTICATION_FAILED) where it could not
    be."""
    signatures, desk = sa.part(Signatures), sa.services.part(Desk)
    made = signatures.made.get(work)
    if made is None:
        if len(desk.open) >= MOST_OPEN:
            raise _failed(f"{MOST_OPEN} signatures are waited for already; '{sa.name}' is not signed for")
        raise Missing(work)
    if made.error:
        raise _failed(f"no signature for '{sa.name}' by our {work.key} key: {made.error}")
    return made.signature


def signed(services: Services, event: Signed) -> None:
    """Whether or not the IKE_SA is still there that it was for."""
    services.part(Desk).open.discard(event.ref)
    services.answer(event.ref, event)


def signature_due(sa: IkeSa, subject: int) -> None:
    sa.part(Signatures).due()


def _failed(text: str) -> PeerError:
    return PeerError(AUTHENTICATION_FAILED, text)
