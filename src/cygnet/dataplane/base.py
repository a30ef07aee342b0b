"""The interface that every data plane implements.

Calls are cheap and do not wait for packets: a plane that works in another process queues
them in order, and takes its control channel before traffic, so that an inbound SA is in
force before an answer to the message sent after it can arrive. What fails at the call
raises DataPlaneError; what fails later is reported as ``InstallFailed``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from cygnet.boundary.events import Report
from cygnet.boundary.specs import PolicySpec, SaId, SaSpec
from cygnet.values.endpoint import Address, Endpoint


class DataPlane(Protocol):
    """Installs SAs and policies, reports through the callable given to ``start``."""

    name: str

    def start(self, report: Callable[[Report], None]) -> None:
        """Bring the plane up. Removes leftovers of a crashed predecessor first."""

    def stop(self) -> None:
        """Remove every SA, policy, route, rule and device this plane made. Idempotent."""

    def install_sa(self, spec: SaSpec) -> None:
        """Raises DataPlaneError (EEXIST: such an SA is there; EINVAL: algorithm or key)."""

    def update_sa(self, id: SaId, local: Endpoint, remote: Endpoint, encap: bool) -> None:
        """Move an SA's outer endpoints; its ``SaId.destination`` follows. ENOENT if there is none."""

    def remove_sa(self, id: SaId) -> None:
        """Removing what is not there is not an error (it may just have expired)."""

    def install_policy(self, spec: PolicySpec) -> None:
        """EEXIST if the id is in use."""

    def remove_policy(self, id: int) -> None: ...

    def release_held(self, policy_id: int) -> None:
        """Drop packets held for a trap, and let its next packet acquire again."""

    def query(self, ref: int, ids: Sequence[SaId]) -> None:
        """Report ``Usage(ref, ...)`` with the counters of those of ``ids`` that exist."""

    def add_virtual_ip(self, address: Address) -> None: ...

    def remove_virtual_ip(self, address: Address) -> None: ...
