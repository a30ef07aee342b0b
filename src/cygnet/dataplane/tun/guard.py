"""Packets that arrive in the clear although a policy wants them protected: dropped, and counted.

RFC 4301 §5.2: an inbound packet without IPsec that matches the selectors of an SPD entry whose
processing is PROTECT "MUST be discarded". Such packets never pass through our device: the
kernel takes them from the wire. So a table of netfilter drops them on every other device, by
what ``guard_plan`` makes of the policies.

One ``nft`` process is kept and told what changes, in groups. What has to be written anew as a whole
waits until that costs no more than a tenth of the time.
The table is the process's own (``flags owner``): it goes with it, so that neither a stop nor a
crash leaves anything. Where there is no nft, or the kernel has no such tables, nothing is
dropped, and the log says so once.
"""

from __future__ import annotations

import contextlib
import fcntl
import math
import os
import re
import select
import shutil
import subprocess
from collections.abc import Callable, Iterable

from cygnet.boundary.specs import PolicySpec
from cygnet.dataplane.tun.guard_plan import GuardPlan, setup, table_of

_PIPE_SIZE = 1 << 20  #: bytes of commands that may wait without stopping the packet loop
_SET_PIPE_SIZE = 1031  #: F_SETPIPE_SZ of linux/fcntl.h
_COUNTED = re.compile(rb"packets (\d+) bytes")
_WITHOUT = "packets that arrive in the clear for protected networks are not dropped"
_FAREWELL = 2.0  #: seconds
_PATIENCE = 0.02  #: seconds; asked once a second at most
_TOGETHER = 0.1  #: seconds that changes are collected for, each would cost nft a quarter of a millisecond
_PER_RULE = 20e-6  #: seconds that nft takes for a rule
_FEW_RULES = 200  #: they are written whenever somebody waits for it


class Guard:
    """``ports`` are those of IKE and ESP in UDP, ``device`` is ours."""

    def __init__(self, device: str, ports: Iterable[int], log: Callable[[str], None]) -> None:
        self._plan = GuardPlan(device)
        self._counter = f"list counter {table_of(device)} unprotected"
        self._chain_due = self._elements_due = 0.0
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self.dropped = 0  #: as of a moment ago
        self._begin(setup(device, ports))

    def _begin(self, commands: Iterable[str]) -> None:
        nft = shutil.which("nft", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
        if nft is None:
            self._log(f"there is no nft (Debian: nftables), so {_WITHOUT}")
            return
        self._process = subprocess.Popen(
            [nft, "-i"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        with contextlib.suppress(OSError):  # a smaller pipe works too
            fcntl.fcntl(self._process.stdin.fileno(), _SET_PIPE_SIZE, _PIPE_SIZE)
        os.set_blocking(self._process.stdout.fileno(), False)
        self._say(commands)

    def add(self, policy: PolicySpec) -> None:
        self._plan.add(policy)

    def remove(self, id: int) -> None:
        self._plan.remove(id)

    @property
    def due(self) -> float:
        """When ``flush`` is wanted next, monotonic seconds."""
        elements = self._elements_due if self._plan.elements_are_stale else math.inf
        return min(elements, self._chain_due if self._plan.chain_is_stale else math.inf)

    def flush(self, now: float, awaited: bool = False) -> None:
        """Tell nft what has changed; ``awaited``: and see that it is in force."""
        commands: list[str] = []
        if awaited or now >= self._elements_due:
            commands += self._plan.elements()
            self._elements_due = now + _TOGETHER
        soon = now >= self._chain_due or (awaited and len(self._plan) <= _FEW_RULES)
        if self._plan.chain_is_stale and soon:
            commands.append(self._plan.chain())
            self._chain_due = now + 10 * _PER_RULE * len(self._plan)
        if commands:
            self._say(commands)
            if awaited:
                self.count()

    def count(self) -> int:
        """Packets dropped so far; where nft does not answer at once, as of the time before."""
        self._say([self._counter])
        if self._process is not None and self._process.stdout is not None:
            select.select([self._process.stdout], [], [], _PATIENCE)
        self._listen()
        return self.dropped

    def end(self) -> None:
        """The table goes with the process."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None and process.stdout is not None
        with contextlib.suppress(OSError):
            process.stdin.close()
        try:
            process.wait(_FAREWELL)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()

    def _say(self, commands: Iterable[str]) -> None:
        text = "".join(f"{command}\n" for command in commands)
        if self._process is None or not text:
            return
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(text.encode())
            self._process.stdin.flush()
        except OSError:
            self._fail("nft has ended")

    def _listen(self) -> None:
        if self._process is None:
            return
        assert self._process.stdout is not None
        said = self._process.stdout.read() or b""
        for found in _COUNTED.finditer(said):
            self.dropped = int(found[1])
        error = re.search(rb"Error: (.*)", said)
        if error:
            self._fail(f"nft says: {error[1].decode(errors='replace')}")

    def _fail(self, why: str) -> None:
        self._log(f"{why}; from here on {_WITHOUT}")
        self.end()
