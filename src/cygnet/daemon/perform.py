"""Every effect of the engine and what is done for it: one row each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from cygnet.boundary.effects import (
    Attach,
    ExportKeys,
    Fetch,
    FindSource,
    Finish,
    InstallPolicy,
    InstallSa,
    KeepCrl,
    Query,
    ReleaseHeld,
    RemovePolicy,
    RemoveSa,
    Resolve,
    RunUpdown,
    Send,
    Sign,
    UpdateSa,
    VirtualIp,
)
from cygnet.boundary.events import Event, InstallFailed, SourceAddress
from cygnet.boundary.notices import Alert, ChildRekeyed, ChildUpDown, IkeRekeyed, IkeUpDown, Log, Notice
from cygnet.daemon import crls
from cygnet.daemon import fetch as fetching
from cygnet.daemon.keys import KeyTables, esp_keys
from cygnet.daemon.log import Journal
from cygnet.daemon.requests import Requests
from cygnet.daemon.resolver import resolve
from cygnet.daemon.signing import Signers
from cygnet.daemon.source import source_towards
from cygnet.daemon.updown import Updown
from cygnet.dataplane.base import DataPlane
from cygnet.values.errors import DataPlaneError


class Transport(Protocol):
    def send(self, effect: Send) -> None: ...


@dataclass(slots=True)
class Hands:
    """What effects are performed with. ``feed`` takes events that an effect leads to."""

    plane: DataPlane
    transport: Transport
    journal: Journal
    requests: Requests
    updown: Updown
    loop: asyncio.AbstractEventLoop
    feed: Callable[[Event], None]
    announce: Callable[[Notice], None]  #: tells vici clients that registered for it
    mark: int = 0  #: SO_MARK of the IKE sockets
    keys: KeyTables | None = None  #: None: keys are not exported
    current: int = 0  #: the request whose event is being handled, 0: none
    tasks: set[asyncio.Task[None]] = field(default_factory=set)  #: keeps look-ups and fetches alive
    turns: fetching.Turns = field(default_factory=fetching.Turns)
    signers: Signers = field(default_factory=Signers)
    crls: Path | None = None  #: where CRLs are kept; None: nowhere

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = self.loop.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def drop(self) -> None:
        """Nobody waits any more for what is being looked up and fetched."""
        going = list(self.tasks)
        for task in going:
            task.cancel()
        await asyncio.gather(*going, return_exceptions=True)


def send(hands: Hands, effect: Send) -> None:
    hands.transport.send(effect)


def install_sa(hands: Hands, effect: InstallSa) -> None:
    if hands.keys is not None and (row := esp_keys(effect.spec)) is not None:
        hands.keys.add(row)
    try:
        hands.plane.install_sa(effect.spec)
    except DataPlaneError as error:
        hands.journal.say("knl", f"unable to add SA: {error}")
        hands.feed(InstallFailed(effect.spec.id, None, str(error)))


def update_sa(hands: Hands, effect: UpdateSa) -> None:
    try:
        hands.plane.update_sa(effect.id, effect.local, effect.remote, effect.encap)
    except DataPlaneError as error:
        hands.journal.say("knl", f"unable to update SA: {error}")
        hands.feed(InstallFailed(effect.id, None, str(error)))


def remove_sa(hands: Hands, effect: RemoveSa) -> None:
    try:
        hands.plane.remove_sa(effect.id)
    except DataPlaneError as error:
        hands.journal.say("knl", f"unable to remove SA: {error}")


def install_policy(hands: Hands, effect: InstallPolicy) -> None:
    try:
        hands.plane.install_policy(effect.spec)
    except DataPlaneError as error:
        hands.journal.say("knl", f"unable to add policy: {error}")
        hands.feed(InstallFailed(None, effect.spec.id, str(error)))


def remove_policy(hands: Hands, effect: RemovePolicy) -> None:
    try:
        hands.plane.remove_policy(effect.id)
    except DataPlaneError as error:
        hands.journal.say("knl", f"unable to remove policy: {error}")


def release_held(hands: Hands, effect: ReleaseHeld) -> None:
    hands.plane.release_held(effect.policy_id)


def query(hands: Hands, effect: Query) -> None:
    hands.plane.query(effect.ref, effect.ids)


def virtual_ip(hands: Hands, effect: VirtualIp) -> None:
    verb = "add" if effect.add else "remove"
    try:
        if effect.add:
            hands.plane.add_virtual_ip(effect.address)
        else:
            hands.plane.remove_virtual_ip(effect.address)
    except DataPlaneError as error:
        hands.journal.say("knl", f"unable to {verb} virtual IP {effect.address}: {error}")


def look_up(hands: Hands, effect: Resolve) -> None:
    hands.begin(resolve(effect, hands.loop, hands.feed))


def fetch(hands: Hands, effect: Fetch) -> None:
    hands.begin(fetching.fetch(effect, hands.turns, hands.feed))


def sign(hands: Hands, effect: Sign) -> None:
    hands.signers.sign(effect, lambda event: hands.loop.call_soon_threadsafe(hands.feed, event))


def keep_crl(hands: Hands, effect: KeepCrl) -> None:
    if hands.crls is not None:
        hands.begin(_keep(hands, hands.crls, effect))


async def _keep(hands: Hands, directory: Path, effect: KeepCrl) -> None:
    try:
        await fetching.beside(lambda: crls.keep(directory, effect.name, effect.der))
    except OSError as error:
        hands.journal.say("cfg", f"unable to write crl to '{directory}': {error.strerror or error}")


def find_source(hands: Hands, effect: FindSource) -> None:
    hands.feed(SourceAddress(effect.ref, source_towards(effect.remote, hands.mark)))


def run_updown(hands: Hands, effect: RunUpdown) -> None:
    hands.updown.run(effect)


def attach(hands: Hands, effect: Attach) -> None:
    hands.requests.attach(effect.ref, effect.ike_uid)


def finish(hands: Hands, effect: Finish) -> None:
    hands.requests.finish(effect)


def export_keys(hands: Hands, effect: ExportKeys) -> None:
    if hands.keys is not None:
        hands.keys.add(effect)


def log(hands: Hands, notice: Log) -> None:
    hands.journal.write(notice)
    hands.requests.log(notice, hands.current)
    hands.announce(notice)


def announce(hands: Hands, notice: Notice) -> None:
    hands.announce(notice)


#: effect type -> how it is performed. Functions take Any so that rows of different effects share
#: one type; a test holds that each row's function takes its row's effect, and that none is missing.
PERFORM: dict[type, Callable[[Hands, Any], None]] = {
    Send: send,
    InstallSa: install_sa,
    UpdateSa: update_sa,
    RemoveSa: remove_sa,
    InstallPolicy: install_policy,
    RemovePolicy: remove_policy,
    ReleaseHeld: release_held,
    Query: query,
    VirtualIp: virtual_ip,
    Resolve: look_up,
    FindSource: find_source,
    Fetch: fetch,
    Sign: sign,
    KeepCrl: keep_crl,
    RunUpdown: run_updown,
    Attach: attach,
    Finish: finish,
    ExportKeys: export_keys,
    Log: log,
    IkeUpDown: announce,
    IkeRekeyed: announce,
    ChildUpDown: announce,
    ChildRekeyed: announce,
    Alert: announce,
}
