"""What a CHILD_SA asks of the IKE_SA that it belongs to."""

from __future__ import annotations

from typing import Protocol, TypeVar

from cygnet.values.endpoint import Endpoint

C = TypeVar("C")


class Owner(Protocol[C]):
    """``C``: the kind of its ``children``, by their uids in the order in which they were made."""

    uid: int
    children: dict[int, C]

    @property
    def name(self) -> str: ...
    @property
    def is_stranger(self) -> bool: ...
    @property
    def local(self) -> Endpoint: ...
    @property
    def remote(self) -> Endpoint: ...
    @property
    def esp_local(self) -> Endpoint:
        """Where ESP ends here: without a port where it is not in UDP."""
        ...

    @property
    def esp_remote(self) -> Endpoint: ...
    @property
    def encap(self) -> bool:
        """Whether ESP goes in UDP."""
        ...
