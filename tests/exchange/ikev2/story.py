"""What the tests of IKEv2 exchanges have in common: the tunnel, and what must be true at the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cygnet.model.config import Config, IkeVersion
from cygnet.testing.builders import oregon
from cygnet.testing.pair import Host, Pair
from cygnet.testing.recorder import Recorder


def tunnel(**changes: Any) -> tuple[Config, Config]:
    """The oregon tunnel with IKEv2 and a fast key exchange."""
    changes.setdefault("ike", "aes128-sha256-x25519")
    return oregon(IkeVersion.V2, **changes)


def plane(host: Host) -> Recorder:
    assert isinstance(host.plane, Recorder)
    return host.plane


def matching(pair: Pair, ikes: int = 1, children: int = 1) -> None:
    """Both ends have the same IKE_SAs and CHILD_SAs, and the data planes hold just those."""
    left, right = pair.left, pair.right
    for host in pair.hosts:
        assert len(host.established()) == ikes, host.ike_sas
        assert len(host.installed()) == children, host.ike_sas
        assert len(plane(host).sas) == 2 * children, plane(host).sas
        assert len(plane(host).policies) >= children
    assert {(s.spi_i, s.spi_r) for s in left.ike_sas} == {(s.spi_i, s.spi_r) for s in right.ike_sas}
    assert {(c.spi_in, c.spi_out) for c in left.installed()} == {
        (c.spi_out, c.spi_in) for c in right.installed()
    }


def both_clean(pair: Pair) -> None:
    """No IKE_SA, nothing in a data plane, no half-open count."""
    for host in pair.hosts:
        assert not host.ike_sas, host.ike_sas
        assert not plane(host).sas and not plane(host).policies
        assert host.snapshot.half_open == 0


def secrets_in(host: Host) -> Iterator[bytes]:
    for spec in plane(host).sas.values():
        yield spec.encr_key.reveal()
        yield spec.integ_key.reveal()
