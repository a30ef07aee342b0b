"""One tunnel with certificates between cygnet and charon.

cygnet 192.0.2.1 -------- 192.0.2.2 charon
leftauth=pubkey, rightauth=pubkey; one root above both
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from cygnet.lab import topology
from cygnet.lab.lab import Lab
from tests.certs import Holder
from tests.peers import certified, conf
from tests.peers.certified import root, valid
from tests.peers.charon import Charon
from tests.peers.cygnet import Cygnet

BOTH = {"keyexchange": "ikev2", "authby": "pubkey", "leftcert": "own.pem"}
CYGNET, CHARON = "C=CH, O=cygnet, CN=cygnet", "C=CH, O=cygnet, CN=charon"


@dataclass
class Ends:
    """What both have: certificates, CAs, what follows the own certificate in its file, conn keywords."""

    ours: Holder
    theirs: Holder
    our_cas: Sequence[Holder]
    their_cas: Sequence[Holder]
    our_chain: Sequence[Holder] = ()
    their_chain: Sequence[Holder] = ()
    our_keywords: dict[str, str] = field(default_factory=dict)
    their_keywords: dict[str, str] = field(default_factory=dict)
    our_certs: Sequence[tuple[str, Holder]] = ()


def ends(key: str = "p256", **options: Any) -> Ends:
    ca = root(key="rsa-2048" if key.startswith("rsa") else "p256")
    ours = valid(CYGNET, issuer=ca, key=key, names=["DNS:cygnet.example.org"], **options)
    theirs = valid(CHARON, issuer=ca, key=key, names=["DNS:charon.example.org"])
    return Ends(ours, theirs, (ca,), (ca,))


@contextlib.contextmanager
def played(of: Ends) -> Iterator[tuple[Cygnet, Charon]]:
    with Lab() as lab:
        a, b = topology.direct(lab, ("cygnet", "charon"))
        certified.place(a.gateway, of.ours, of.our_cas, of.our_chain, of.our_certs)
        certified.place(b.gateway, of.theirs, of.their_cas, of.their_chain)
        for number, ca in enumerate(of.their_chain):  # charon reads one certificate of a file
            b.gateway.write(f"/etc/ipsec.d/cacerts/chain{number}.pem", certified.pem(ca))
        ours = conf.conn(a, b, {**BOTH, "rightid": f'"{CHARON}"', **of.our_keywords})
        theirs = conf.conn(b, a, {**BOTH, "rightid": f'"{CYGNET}"', **of.their_keywords})
        with (
            Charon(b, theirs, certified.secrets(of.theirs)) as charon,
            Cygnet(a, ours, certified.secrets(of.ours)) as cygnet,
        ):
            yield cygnet, charon


def chained(depth: int = 1, padding: int = 0) -> Ends:
    """Both below intermediates that only they have. ``padding``: bytes more in each certificate."""
    top = root()
    raw = [("1.3.6.1.4.1.99999.1", bytes(padding), False)] if padding else []

    def below(name: str) -> tuple[Holder, list[Holder]]:
        above, subs = top, []
        for level in range(depth):
            above = valid(f"C=CH, O=cygnet, CN=Sub {level} of {name}", issuer=above, ca=True, raw=raw)
            subs.insert(0, above)
        return valid(f"C=CH, O=cygnet, CN={name}", issuer=above, raw=raw), subs

    ours, our_subs = below("cygnet")
    theirs, their_subs = below("charon")
    return Ends(ours, theirs, (top,), (top,), our_subs, their_subs)
