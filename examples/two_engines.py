"""A handshake in memory: two engines, virtual time, oregon's network with both its NATs.

    python examples/two_engines.py [ikev1|ikev2]

No socket is opened and nothing needs root: the engine is given events and says what it wants
done. The same way a week of DPD or a rekey collision runs in milliseconds in a test.
"""

from __future__ import annotations

import sys

from cygnet.model.config import IkeVersion
from cygnet.testing import Pair, oregon


def main(version: IkeVersion) -> int:
    pair = Pair(*oregon(version), seed="two engines")
    request = pair.left.up("oregon")
    done = pair.run(60.0, until=lambda: request in pair.left.finished)
    pair.run(1.0)  # the last message is still on its way to the other end
    print("\n".join(pair.left.lines(ref=request)))
    print(pair.left.finished[request].text if done else "no answer within a minute of virtual time")
    for host in pair.hosts:
        for child in host.installed("oregon"):
            print(
                f"{host.name}: SPIs {child.spi_in:08x}_i {child.spi_out:08x}_o",
                *child.local_ts,
                "===",
                *child.remote_ts,
            )
    return 0 if done and pair.left.installed("oregon") and pair.right.installed("oregon") else 1


if __name__ == "__main__":
    sys.exit(main(IkeVersion(sys.argv[1] if len(sys.argv) > 1 else "ikev1")))
