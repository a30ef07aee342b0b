"""Files in and out: keys that may be encrypted, DER and PEM, stdin and stdout, modes."""

from __future__ import annotations

import argparse
import getpass
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from cygnet.crypto.issuing.certificates import one_certificate, pem
from cygnet.crypto.issuing.errors import IssuingError, PassphraseNeeded
from cygnet.crypto.issuing.keys import PrivateKey, kind_of, load_private
from cygnet.crypto.x509 import Certificate
from cygnet.values.errors import CygnetError
from cygnet.values.secret import Secret

Opened = TypeVar("Opened")

TRIES = 3  #: for a passphrase that is typed
LONGEST = 64 << 20  #: bytes that are read; a CRL of a million entries has 40 MB


class UsageError(CygnetError):
    """A command line that cannot be followed."""


def read(path: str | None) -> bytes:
    """The file, or stdin."""
    if path is None:
        data = sys.stdin.buffer.read(LONGEST + 1)
    else:
        try:
            with Path(path).open("rb") as file:
                data = file.read(LONGEST + 1)
        except OSError as error:
            raise IssuingError(f"{path}: {error.strerror}") from None
    if len(data) > LONGEST:
        raise IssuingError(f"{name(path)} is longer than {LONGEST} bytes")
    return data


def name(path: str | None) -> str:
    return path or "stdin"


def read_certificate(path: str | None) -> Certificate:
    data = read(path)
    try:
        return one_certificate(data)
    except CygnetError as error:
        raise IssuingError(f"{name(path)}: {error}") from None


def read_key(path: str | None, options: argparse.Namespace, kind: str = "priv") -> PrivateKey:
    """A private key; ``kind`` other than "priv": it has to be of that type."""
    data = read(path)
    key = unlock(lambda secret: load_private(data, secret, name(path)), options, name(path))
    if kind != "priv" and kind_of(key) != kind:
        raise IssuingError(f"{name(path)} is of type {kind_of(key)}, not {kind}")
    return key


def unlock(load: Callable[[Secret | None], Opened], options: argparse.Namespace, what: str) -> Opened:
    """What ``load`` makes with the passphrase, which is asked for only where it is needed."""
    if options.passphrase_file:
        return load(read_passphrase(options.passphrase_file))
    try:
        return load(None)
    except PassphraseNeeded as needed:
        problem = needed
    for _ in range(TRIES):
        secret = ask(f"Passphrase for {what}: ")
        if secret is None:
            break
        try:
            return load(secret)
        except PassphraseNeeded as wrong:
            problem = wrong
    raise IssuingError(f"{problem} (--passphrase-file gives one without a terminal)")


def read_passphrase(path: str) -> Secret:
    return Secret(read(path).split(b"\n", 1)[0].rstrip(b"\r"))


def ask(prompt: str) -> Secret | None:
    """Typed on the terminal, whatever stdin is; None where there is none."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR))
        return Secret(getpass.getpass(prompt).encode())
    except (OSError, EOFError):
        return None


# out -----------------------------------------------------------------------------------


def write(data: bytes, options: argparse.Namespace, label: str, private: bool = False) -> None:
    """DER to ``--out`` or stdout, as ``--outform`` says; ``label`` is PEM's."""
    deliver(pem(label, data) if options.outform == "pem" else data, options, private)


def deliver(data: bytes, options: argparse.Namespace, private: bool = False) -> None:
    """As it is. ``private``: nobody else may read the file, and one that is there is left alone."""
    if options.out:
        create(Path(options.out), data, private)
        return
    out = sys.stdout.buffer
    if out.isatty() and not data.isascii():
        raise UsageError("DER is not for a terminal: redirect it, or say --outform pem")
    if private:
        _close_to_others(out.fileno())
    out.write(data)
    out.flush()


def create(path: Path, data: bytes, private: bool) -> None:
    """Write a file; a private one is made with mode 0600, and never over one that exists."""
    flags = os.O_WRONLY | os.O_CREAT | (os.O_EXCL if private else os.O_TRUNC)
    try:
        handle = os.open(path, flags, 0o600 if private else 0o644)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
    except FileExistsError:
        raise IssuingError(f"{path} exists and may hold a key; it is left as it is") from None
    except OSError as error:
        raise IssuingError(f"{path}: {error.strerror}") from None


def _close_to_others(handle: int) -> None:
    """A file that the shell has just made for our output (`> key.der`) is for its owner alone."""
    about = os.fstat(handle)
    if stat.S_ISREG(about.st_mode) and about.st_size == 0 and about.st_uid == os.geteuid():
        os.fchmod(handle, about.st_mode & 0o600)
