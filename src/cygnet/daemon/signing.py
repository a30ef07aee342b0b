"""Private keys in files and on tokens, and what is signed with them: in threads, so that no tunnel waits for
another one's.

OpenSSL lets other threads run while it signs. The threads are few and nobody waits for them at the end; what
they have not begun stays in their queue, whose length the engine bounds.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterable
from queue import SimpleQueue

from cygnet.boundary.effects import Sign
from cygnet.boundary.events import Signed
from cygnet.crypto.sign import SigningKey
from cygnet.daemon.tokens import TOKENS
from cygnet.model.config import KeyFile, TokenKey

THREADS = 4  #: at most; more than there are processors bring nothing
Answer = Callable[[Signed], object]


class Pool:
    """Threads that begin when there is something to do for them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._queue: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._threads: list[threading.Thread] = []

    def do(self, work: Callable[[], None]) -> None:
        self._queue.put(work)
        if len(self._threads) < self._most:
            thread = threading.Thread(target=self._work, name="sign", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _work(self) -> None:
        while True:
            self._queue.get()()


class Signers:
    """The private keys that are loaded."""

    def __init__(self) -> None:
        self._keys: dict[bytes, SigningKey | TokenKey] = {}
        self._token_pool = Pool(1)  #: calls to tokens take turns anyhow, and hold no key in a file up
        self._pool = Pool(min(THREADS, os.cpu_count() or 1))

    def use(self, files: Iterable[KeyFile | TokenKey]) -> None:
        """These from here on; what is being signed is signed as it began."""
        before = {spki: key for spki, key in self._keys.items() if isinstance(key, SigningKey)}
        self._keys = {file.spki: before.get(file.spki) or _ready(file) for file in files}

    def sign(self, effect: Sign, answer: Answer) -> None:
        """``answer`` is called from another thread, or at once where there is no such key."""
        key = self._keys.get(effect.key)
        if key is None:
            answer(Signed(effect.ref, b"", "the private key is not here any more"))
            return

        def work() -> None:
            event = signed(key, effect)
            with contextlib.suppress(RuntimeError):  # the loop is closed: the daemon has ended
                answer(event)

        (self._token_pool if isinstance(key, TokenKey) else self._pool).do(work)


def _ready(file: KeyFile | TokenKey) -> SigningKey | TokenKey:
    return file if isinstance(file, TokenKey) else SigningKey.load(file.key.reveal(), what=file.source)


def signed(key: SigningKey | TokenKey, effect: Sign) -> Signed:
    """The answer to ``effect``, whatever comes of it."""
    try:
        if isinstance(key, TokenKey):
            return Signed(effect.ref, TOKENS.sign(key.source, key.pin, effect))
        return Signed(effect.ref, key.perform(effect.scheme, effect.raw, effect.data))
    except Exception as problem:  # whoever waits must hear of it
        return Signed(effect.ref, b"", str(problem) or type(problem).__name__)
