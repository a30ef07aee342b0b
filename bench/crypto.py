"""What each algorithm costs: microseconds per operation, one line a row of the tables.

    python bench/crypto.py [NAME ...]     only rows whose name contains one of the words

Best of several rounds, which is the figure least disturbed by other work on the machine.
"""

from __future__ import annotations

import os
import struct
import sys
import time
from collections.abc import Callable, Iterator

from cygnet.crypto import encr, integ, ke, prf
from cygnet.crypto.esp import esp_suite
from cygnet.crypto.rows import Use
from cygnet.values.iana import EncrId, IntegId, TransformType
from cygnet.values.proposal import Transform
from cygnet.values.secret import Secret

ROUNDS = 5
ROUND_SECONDS = 0.02
PAYLOAD = 1424  #: what an ESP packet of a 1500-byte path carries, a multiple of every block

Measure = tuple[str, str, Callable[[], object]]


def best(operation: Callable[[], object]) -> float:
    """Microseconds of one call."""
    operation()
    started = time.perf_counter()
    operation()
    count = max(1, int(ROUND_SECONDS / max(time.perf_counter() - started, 1e-7)))
    shortest = float("inf")
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for _ in range(count):
            operation()
        shortest = min(shortest, time.perf_counter() - started)
    return shortest / count * 1e6


def key_exchanges() -> Iterator[Measure]:
    for row in ke.ROWS:
        peer = ke.initiate(row.id, os.urandom)
        public, _ = ke.respond(row.id, peer.public, os.urandom)
        yield row.id.name, "initiate", lambda id=row.id: ke.initiate(id, os.urandom)
        yield row.id.name, "finish", lambda p=peer, v=public: p.finish(v)
        yield row.id.name, "respond", lambda id=row.id, v=peer.public: ke.respond(id, v, os.urandom)


def esp() -> Iterator[Measure]:
    mac = Transform(TransformType.INTEG, IntegId.HMAC_SHA2_256_128)
    payload = os.urandom(PAYLOAD)
    header = struct.pack(">II", 1, 1)
    for row in encr.ROWS:
        for kind in row.transforms():
            chosen = encr.cipher(kind)
            key = Secret(os.urandom(chosen.key_length))
            pair = (None, Secret(b"")) if chosen.aead else (mac, Secret(os.urandom(32)))
            suite = esp_suite(kind, key, *pair)
            name = f"{kind}" if chosen.aead else f"{kind}+SHA2_256"
            packet = suite.seal(header, bytes(4), payload)
            yield name, f"seal {PAYLOAD}", lambda s=suite: s.seal(header, bytes(4), payload)
            yield name, f"open {PAYLOAD}", lambda s=suite, p=packet: s.open(p, bytes(4))
    kind = Transform(TransformType.ENCR, EncrId.AES_CBC, 128)
    for integrity in integ.ROWS:
        suite = esp_suite(
            kind,
            Secret(os.urandom(16)),
            Transform(TransformType.INTEG, integrity.id),
            Secret(os.urandom(integrity.key_length)),
        )
        yield (
            f"AES_CBC_128+{integrity.id}",
            f"seal {PAYLOAD}",
            lambda s=suite: s.seal(header, bytes(4), payload),
        )


def ike() -> Iterator[Measure]:
    message = os.urandom(208)
    for row in prf.ROWS:
        yield f"PRF_{row.id}", "32 bytes", lambda r=row: r.compute(b"k" * 32, b"d" * 32)
        yield f"PRF_{row.id}", "prf+ 224", lambda r=row: prf.prf_plus(r, b"k" * 32, b"s" * 80, 224)
    for cipher_row in encr.ROWS:
        if not cipher_row.use & Use.IKE:
            continue
        chosen = encr.cipher(cipher_row.transforms()[0])
        bound = chosen.bind(Secret(os.urandom(chosen.key_length)))
        iv = os.urandom(chosen.iv_length)
        sealed = bound.encrypt(iv, message, b"a" * 32)
        yield f"{cipher_row.id}", "encrypt 208", lambda b=bound, i=iv: b.encrypt(i, message, b"a" * 32)
        yield f"{cipher_row.id}", "decrypt 208", lambda b=bound, i=iv, s=sealed: b.decrypt(i, s, b"a" * 32)


def main(words: list[str]) -> None:
    for title, measures in (("key exchange", key_exchanges), ("IKE", ike), ("ESP", esp)):
        print(f"\n{title:32} {'operation':16} {'us':>10}")
        for name, what, operation in measures():
            if not words or any(word.upper() in name for word in words):
                print(f"{name:32} {what:16} {best(operation):10.2f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
