"""ECN at the tunnel's edge, against RFC 6040's table."""

from __future__ import annotations

import pytest

from cygnet.dataplane.ip import ecn

#: RFC 6040 figure 4: rows inner Not-ECT, ECT(0), ECT(1), CE; columns outer the same; None: drop
DECAPSULATION = {
    (0, 0): 0, (0, 2): 0, (0, 1): 0, (0, 3): None,
    (2, 0): 2, (2, 2): 2, (2, 1): 1, (2, 3): 3,
    (1, 0): 1, (1, 2): 1, (1, 1): 1, (1, 3): 3,
    (3, 0): 3, (3, 2): 3, (3, 1): 3, (3, 3): 3,
}  # fmt: skip


@pytest.mark.parametrize(("inner", "outer"), DECAPSULATION)
def test_decapsulated_ecn_is_figure_4_of_rfc_6040(inner: int, outer: int) -> None:
    assert ecn.decapsulate(inner | 0xB8, outer | 0x20) == DECAPSULATION[inner, outer]
