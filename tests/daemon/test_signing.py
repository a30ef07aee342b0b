"""What signs for the engine: threads with private keys."""

from __future__ import annotations

import threading
import time

from cygnet.boundary.effects import Sign
from cygnet.boundary.events import Signed
from cygnet.crypto import sign
from cygnet.crypto.sign import Scheme, SigningKey, verify
from cygnet.daemon.signing import Pool, Signers
from cygnet.model.config import KeyFile
from tests.certs import new_key


def key_file(kind: str) -> tuple[SigningKey, KeyFile]:
    key = SigningKey(new_key(kind))
    return key, KeyFile(key.plain(), key.public.spki, "/etc/ipsec.d/private/key.pem")


def answer(signers: Signers, effect: Sign) -> Signed:
    came: list[Signed] = []
    done = threading.Event()
    signers.sign(effect, lambda event: (came.append(event), done.set()))
    assert done.wait(10)
    return came[0]


def test_it_signs_in_another_thread_with_the_key_that_is_meant() -> None:
    signers, files = Signers(), [key_file("p256"), key_file("rsa-2048")]
    signers.use(file for _, file in files)
    for (key, file), identifier in zip(files, (sign.ecdsa("sha256"), sign.rsa_pss("sha256")), strict=True):
        made = answer(signers, Sign(7, file.spki, identifier, False, b"octets"))
        assert made.ref == 7 and not made.error
        verify(key.public, Scheme(identifier), made.signature, b"octets")
    where: list[str] = []
    done = threading.Event()
    effect = Sign(8, files[0][1].spki, b"", True, bytes(32))
    signers.sign(effect, lambda event: (where.append(threading.current_thread().name), done.set()))
    assert done.wait(10) and where == ["sign"]


def test_a_key_that_is_gone_or_cannot_sign_so_is_an_answer_and_no_exception() -> None:
    signers, (_, file) = Signers(), key_file("rsa-2048")
    effect = Sign(1, file.spki, sign.ecdsa("sha256"), False, b"octets")
    assert "not here" in answer(signers, effect).error
    signers.use([file])
    assert answer(signers, Sign(1, file.spki, b"", True, bytes(400))).error
    signers.use([])
    assert "not here" in answer(signers, effect).error


def test_keys_are_read_once_and_never_shown() -> None:
    signers, (_, file) = Signers(), key_file("p256")
    signers.use([file])
    before = signers._keys[file.spki]
    signers.use([file])
    assert signers._keys[file.spki] is before
    assert file.key.reveal().hex()[40:80] not in repr((signers._keys, file))


def test_a_pool_has_as_many_threads_as_it_may_and_does_everything() -> None:
    pool, busy, most, lock = Pool(3), [0], [0], threading.Lock()
    left = threading.Semaphore(0)

    def work() -> None:
        with lock:
            busy[0] += 1
            most[0] = max(most[0], busy[0])
        time.sleep(0.02)
        with lock:
            busy[0] -= 1
        left.release()

    for _ in range(12):
        pool.do(work)
    for _ in range(12):
        assert left.acquire(timeout=10)
    assert most[0] == 3
