"""Oregon's story: auto=start, route, add and ignore, each shown and checked as `make demo` does it.

::

    oregon ---- 1:1 NAT ==== 20 ms ==== 1:1 NAT ---- peer
    10.31.1.185                                 10.77.1.210
"""

from __future__ import annotations

import re

import pytest

from cygnet.lab import demo, oregon, topology
from cygnet.lab.demo import MODES, Mode, Screen, Step
from cygnet.lab.lab import Lab
from tests.rooted import needs_lab

pytestmark = needs_lab


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.auto)
@pytest.mark.parametrize("ike", [1, 2], ids=["IKEv1", "IKEv2"])
def test_the_auto_mode_does_what_the_article_shows(ike: int, mode: Mode) -> None:
    with Lab() as lab:
        ours, theirs = topology.oregon(lab, round_trip=0.02, hosts=False)
        screen = Screen(color=False)
        demo.prepare(screen, ours, theirs, ike)
        demo.play(screen, mode, ours, theirs, ike)


SEEN_IN_THE_ARTICLE = """\
initiating Main Mode IKE_SA oregon[1] to 198.51.100.77
generating ID_PROT request 0 [ SA V V V V ]
sending packet: from 10.31.1.185[500] to 198.51.100.77[500] (N bytes)
received packet: from 198.51.100.77[500] to 10.31.1.185[500] (N bytes)
parsed ID_PROT response 0 [ SA V V V ]
received XAuth vendor ID
received DPD vendor ID
received NAT-T (RFC 3947) vendor ID
generating ID_PROT request 0 [ KE No NAT-D NAT-D ]
sending packet: from 10.31.1.185[500] to 198.51.100.77[500] (N bytes)
received packet: from 198.51.100.77[500] to 10.31.1.185[500] (N bytes)
parsed ID_PROT response 0 [ KE No NAT-D NAT-D ]
local host is behind NAT, sending keep alives
remote host is behind NAT
generating ID_PROT request 0 [ ID HASH N(INITIAL_CONTACT) ]
sending packet: from 10.31.1.185[4500] to 198.51.100.77[4500] (N bytes)
received packet: from 198.51.100.77[4500] to 10.31.1.185[4500] (N bytes)
parsed ID_PROT response 0 [ ID HASH ]
IKE_SA oregon[1] established between 10.31.1.185[10.31.1.185]...198.51.100.77[10.77.1.210]
scheduling reauthentication in Ns
maximum IKE_SA lifetime Ns
generating QUICK_MODE request N [ HASH SA No ID ID ]
sending packet: from 10.31.1.185[4500] to 198.51.100.77[4500] (N bytes)
received packet: from 198.51.100.77[4500] to 10.31.1.185[4500] (N bytes)
parsed QUICK_MODE response N [ HASH SA No ID ID ]
connection 'oregon' established successfully
"""


def test_up_prints_the_lines_of_the_article_in_their_order() -> None:
    with Lab() as lab:
        ours, theirs = topology.oregon(lab, round_trip=0.02, hosts=False)
        demo.prepare(Screen(color=False), ours, theirs, 1)
        oregon.configure(ours, theirs, "add")
        demo.perform(Screen(color=False), ours.gateway, Step("cygnet start"))
        said = ours.gateway.run("cygnet", "up", "oregon").stdout
    article = iter(_words(said))
    for line in _words(SEEN_IN_THE_ARTICLE):
        assert line in article, f"not where it should be: {line}\n{said}"


def _words(text: str) -> list[str]:
    """Lines without what differs from run to run: lengths, times, message IDs, how many vendor IDs."""
    text = re.sub(r"\(\d+ bytes\)", "(N bytes)", text)
    text = re.sub(r"(QUICK_MODE re\w+) \d+", r"\1 N", text)
    text = re.sub(r"( in| lifetime) \d+s", r"\1 Ns", text)
    return re.sub(r"(SA)( V)+", r"\1 V", text).splitlines()
