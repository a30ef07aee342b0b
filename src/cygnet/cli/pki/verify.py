"""`cygnet pki verify`: whether a certificate is to be trusted, and if not, why.

Its exit statuses are those of strongSwan's: 0 trusted, 1 untrusted, 2 outside its lifetime, 3 revoked.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from cygnet.cli.pki.files import name, read
from cygnet.cli.pki.parser import input_argument
from cygnet.cli.pki.terms import now
from cygnet.cli.terminal import say
from cygnet.credentials.judgement import Attempt, Evidence, Verdict, Why
from cygnet.credentials.path import judge
from cygnet.crypto.crl import Crl
from cygnet.crypto.issuing.errors import IssuingError
from cygnet.crypto.pem import certificates_in
from cygnet.crypto.publickey import SignatureError
from cygnet.crypto.x509 import Certificate
from cygnet.values.errors import CygnetError

TRUSTED, UNTRUSTED, LIFETIME, REVOKED = 0, 1, 2, 3
_DATES = {Why.EXPIRED, Why.NOT_YET_VALID}

Found = TypeVar("Found")


def arguments(parser: argparse.ArgumentParser) -> None:
    input_argument(parser, "certificate; intermediates may follow it in the file")
    parser.add_argument("--cacert", "-c", action="append", default=[], metavar="FILE",
        help="trusted certificate, or a directory of them; repeatable (default: itself)")  # fmt: skip
    parser.add_argument("--crl", "-l", action="append", default=[], metavar="FILE",
                        help="CRL, or a directory of them; repeatable")  # fmt: skip


def run(options: argparse.Namespace) -> int:
    leaf, *offered = _parsed(certificates_in, read(options.input), name(options.input))
    anchors = tuple(one for file in options.cacert for one in _all(certificates_in, file))
    crls = tuple(crl for file in options.crl for crl in _all(lambda data: (Crl.parse(data),), file))
    if not options.cacert:
        anchors = _itself(leaf)
    evidence = Evidence(anchors=anchors, offered=tuple(offered), crls=crls)
    verdict = judge(leaf, evidence, now())
    chain = _chain(verdict, leaf)
    if chain is None:
        return _refused(verdict)
    for one in chain[1:-1]:
        say(f'  using certificate "{one.name}"')
    say(f'  using trusted certificate "{chain[-1].name}"')
    if crls:
        for wanted in verdict.wanted:
            say(f"  no CRL given says whether {wanted.certificate.name} is revoked")
    say("certificate trusted, lifetimes valid")
    return TRUSTED


def _itself(leaf: Certificate) -> tuple[Certificate, ...]:
    try:
        leaf.verify_issued_by(leaf)
    except SignatureError:
        return ()
    return (leaf,)


def _chain(verdict: Verdict, leaf: Certificate) -> tuple[Certificate, ...] | None:
    if verdict.path is not None:
        return verdict.path.chain
    return next((a.path for a in verdict.attempts if _only_no_peer(a, leaf)), None)


def _only_no_peer(attempt: Attempt, leaf: Certificate) -> bool:
    """What is there to sign certificates or CRLs does not prove who a peer is, but is good all the same."""
    return all(reason.why is Why.KEY_USAGE and reason.certificate == leaf for reason in attempt.reasons)


def _refused(verdict: Verdict) -> int:
    for text in verdict.reasons:
        say(f"  {text}")
    whys = [{reason.why for reason in attempt.reasons} for attempt in verdict.attempts]
    if any(Why.REVOKED in some for some in whys):
        say("certificate revoked")
        return REVOKED
    if any(some and some <= _DATES for some in whys):
        say("certificate trusted, but its lifetime is not valid")
        return LIFETIME
    say("certificate untrusted")
    return UNTRUSTED


def _all(parse: Callable[[bytes], tuple[Found, ...]], path: str) -> Iterator[Found]:
    """From a file, or from all files of a directory."""
    files = sorted(p for p in Path(path).iterdir() if p.is_file()) if Path(path).is_dir() else [Path(path)]
    for file in files:
        yield from _parsed(parse, read(str(file)), str(file))


def _parsed(parse: Callable[[bytes], tuple[Found, ...]], data: bytes, what: str) -> tuple[Found, ...]:
    try:
        return parse(data)
    except CygnetError as error:
        raise IssuingError(f"{what}: {error}") from None
