"""What one life is, drawn from its seed: the two ends' settings, and what happens to them when.

Lifetimes are scaled down 30 times (rekeying after 102 s, end after 120 s, a new IKE_SA after 342 s), so
that in ``WEEK`` seconds as much is renewed as in a week of an hour and three hours.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Any

from cygnet.model.config import CloseAction, Config, IkeVersion, Lifetime, StartAction, Unique
from cygnet.testing.builders import oregon, psk
from cygnet.values.identity import Identity
from cygnet.values.selector import TrafficSelector

WEEK = 7 * 86_400 / 30

SUITE = {"ike": "aes128-sha256-curve25519", "esp": "aes128gcm16"}
#: how long something bad lasts, and after how long the tunnel must carry traffic again when it is over
OUTAGES = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 7200.0)
SOON, LATER = 15.0, 60.0
#: an IKE_SA that is to reauthenticate and cannot ends after 342 + 40 s, IKEv1's CHILD_SAs after 120 more
LONGEST = 342 + 40 + 120 + SOON


@dataclass(frozen=True)
class Trouble:
    """``kind`` is a function of ``world``; ``seconds`` how long it lasts, ``patience`` what comes after."""

    at: float
    kind: str
    seconds: float = 0.0
    end: str = "right"
    amount: float = 0.0
    patience: float = SOON


@dataclass(frozen=True)
class Certificates:
    """Both ends authenticate with certificates for keys of that kind."""

    key: str
    chain: bool  #: of an intermediate that only its owner has
    fetched: bool  #: both ends are strict, and fetch CRLs; else they have what they reread

    def __str__(self) -> str:
        return f"{self.key}{', chain' if self.chain else ''}{', strict' if self.fetched else ''}"


@dataclass(frozen=True)
class Plan:
    seed: int
    version: IkeVersion
    reauthentication: bool
    unique: Unique
    both_start: bool
    roaming: bool  #: left's NAT moves, and right has right=%any
    dpd: int
    troubles: tuple[Trouble, ...]
    certificates: Certificates | None = None  #: None: a PSK

    def __str__(self) -> str:
        renewal = "reauthentication" if self.reauthentication else "rekeying"
        starts = "both start" if self.both_start else "left starts"
        what = ", ".join(sorted({t.kind for t in self.troubles})) or "no trouble"
        nat = ", roaming" if self.roaming else ""
        return (
            f"seed {self.seed}: IKEv{self.version.value[-1]}, {renewal}, uniqueids={self.unique.value}, "
            f"{starts}{nat}, dpd {self.dpd}, {self.certificates or 'PSK'}; {what}"
        )


#: the share of lives with certificates, and in how many of these one expires or is revoked
CERTIFIED, DOOMED = 0.4, 0.7
KINDS = ("loss", "outage", "kill", "reconfigure", "refuse", "suspend")


def plan_of(seed: int, length: float = WEEK) -> Plan:
    chance = random.Random(f"soak {seed}")
    version = chance.choice([IkeVersion.V1, IkeVersion.V2])
    roaming = chance.random() < 0.25
    kinds = chance.sample(KINDS, chance.choice([0, 1, 1, 2, 3]))
    if roaming:
        kinds.append("move")
    certificates = _certificates(random.Random(f"certificates {seed}"), version, kinds)
    troubles = sorted(_troubles(chance, kinds, length), key=lambda t: t.at)
    return Plan(
        seed=seed,
        version=version,
        reauthentication=version is IkeVersion.V1 or chance.random() < 0.5,
        unique=chance.choice(list(Unique)),
        both_start=not roaming and chance.random() < 0.5,
        roaming=roaming,
        dpd=chance.choice([0, 30]),
        troubles=tuple(troubles),
        certificates=certificates,
    )


def _certificates(chance: random.Random, version: IkeVersion, kinds: list[str]) -> Certificates | None:
    """Also adds to ``kinds`` what happens to them."""
    if chance.random() >= CERTIFIED:
        return None
    keys = ["rsa-2048", "p256", "p384"] + (["ed25519"] if version is IkeVersion.V2 else [])
    if chance.random() < DOOMED:
        kinds += chance.choice([["expire"], ["revoke"], ["expire", "revoke"]])
    return Certificates(chance.choice(keys), chance.random() < 0.5, chance.random() < 0.5)


def _troubles(chance: random.Random, kinds: list[str], length: float) -> list[Trouble]:
    """One after the other, with calm between them in which everything must be well."""
    found: list[Trouble] = []
    at = chance.uniform(5, 300)
    while kinds and at < length:
        kind = chance.choice(kinds)
        end = chance.choice(["left", "right"])
        seconds = {
            "loss": chance.uniform(60, 1200),
            "outage": chance.choice(OUTAGES) * chance.uniform(0.7, 1.3),
            "kill": chance.choice([0.0, 1.0, 20.0, 300.0]),
            "refuse": chance.choice([10.0, 90.0, 600.0]),
            "suspend": chance.choice([5.0, 60.0, 3600.0]),
            "expire": chance.choice([0.0, 100.0, 800.0, 1500.0]),
            "revoke": chance.choice([20.0, 800.0, 1500.0]),
        }.get(kind, 0.0)
        amount = chance.choice([0.02, 0.1, 0.3]) if kind == "loss" else 0.0
        patience = LATER if kind in ("refuse", "expire", "revoke") else SOON
        found.append(Trouble(at, kind, seconds, end, amount, patience))
        at += seconds + chance.choice([20.0, 100.0, 400.0, 1500.0])
    return found


def ends(plan: Plan) -> tuple[Config, Config]:
    """The configurations of left and right."""
    lifetimes: dict[str, Any] = {"rekey_time": 0 if plan.reauthentication else 342}
    lifetimes |= {"reauth_time": 342 if plan.reauthentication else 0, "over_time": 40, "rand_time": 30}
    child = {
        "start_action": StartAction.START,
        "dpd_action": CloseAction.START,
        "time": Lifetime(rekey=102, life=120, jitter=10),
    }
    left, right = oregon(
        plan.version, **SUITE, child=child, unique=plan.unique, dpd_delay=plan.dpd, keyingtries=0, **lifetimes
    )
    connection = right.connections[0]
    if not plan.both_start:
        children = tuple(replace(c, start_action=StartAction.NONE) for c in connection.children)
        connection = replace(connection, children=children)
    if plan.roaming:
        connection = replace(connection, remote_addrs=("%any",))
    return left, replace(right, connections=(connection,))


def refusing(config: Config, chance: random.Random) -> Config:
    """The same end, which for a while takes nothing."""
    how = chance.choice(["nothing loaded", "another key", "another subnet"])
    if how == "nothing loaded":
        return replace(config, connections=())
    connection = config.connections[0]
    if how == "another key" and config.secrets:
        return replace(config, secrets=(psk("not the one"),))
    if how == "another key":
        remote = (replace(connection.remote[0], id=Identity.parse("CN=another")),)
        return replace(config, connections=(replace(connection, remote=remote),))
    elsewhere = (TrafficSelector.of("10.99.0.0/16"),)
    children = tuple(replace(c, local_ts=elsewhere) for c in connection.children)
    return replace(config, connections=(replace(connection, children=children),))


def changed(config: Config, chance: random.Random) -> Config:
    """Loaded again: the same, or with other lifetimes."""
    connection = config.connections[0]
    time = Lifetime(rekey=chance.choice([90, 102]), life=120, jitter=10)
    children = tuple(replace(c, time=time) for c in connection.children)
    return replace(config, connections=(replace(connection, children=children),))
