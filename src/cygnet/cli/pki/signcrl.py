"""`cygnet pki signcrl`: what a CA takes back."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any

from cygnet.cli import exits
from cygnet.cli.pki.files import UsageError, name, read, read_certificate, read_key, write
from cygnet.cli.pki.parser import output_arguments, passphrase_argument, serial, signing_arguments
from cygnet.cli.pki.terms import validity, validity_arguments
from cygnet.crypto.crl import Crl
from cygnet.crypto.issuing.keys import signing
from cygnet.crypto.issuing.revocation import REASONS, Entry, List, entries_of, make_crl


class _Revoke(argparse.Action):
    """Takes the reason and the date that stand before it."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option: str | None = None) -> None:
        entry = (self.const, values, namespace.reason, namespace.date)
        namespace.revoked = [*(namespace.revoked or []), entry]
        namespace.reason = namespace.date = None


def arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--cacert", "-c", required=True, metavar="FILE", help="the CA's certificate")
    add("--cakey", "-k", required=True, metavar="FILE", help="the CA's private key")
    validity_arguments(parser, "days", 15, "this-update", "next-update")
    add("--lastcrl", "-a", metavar="FILE", help="the CRL before, whose entries are taken over")
    add("--basecrl", "-b", metavar="FILE", help="make a delta CRL to this one")
    add("--crluri", "-u", action="append", default=[], metavar="URI", help="where delta CRLs may be had")
    add("--reason", "-r", choices=tuple(REASONS), metavar="REASON",
        help=f"of the next --cert or --serial: {', '.join(REASONS)}")  # fmt: skip
    add("--date", "-d", type=_moment, metavar="SECONDS",
        help="when the next --cert or --serial was revoked, a Unix time (default: now)")  # fmt: skip
    add("--cert", "-z", action=_Revoke, const="cert", dest="revoked", metavar="FILE",
        help="certificate to revoke; repeatable")  # fmt: skip
    add("--serial", "-s", action=_Revoke, const="serial", dest="revoked", type=serial, metavar="HEX",
        help="serial number of a certificate to revoke; repeatable")  # fmt: skip
    add("--critical", "-X", action="append", default=[], metavar="OID",
        help="a critical extension that nobody knows, to test with")  # fmt: skip
    signing_arguments(parser)
    passphrase_argument(parser)
    output_arguments(parser)


def run(options: argparse.Namespace) -> int:
    if options.reason is not None or options.date is not None:
        raise UsageError("--reason and --date stand before the --cert or --serial that they are about")
    ca = read_certificate(options.cacert)
    begin, end = validity(options)
    number = 0
    before: tuple[Entry, ...] = ()
    if options.lastcrl:
        last = read(options.lastcrl)
        number, before = Crl.parse(last).number or 0, entries_of(last, name(options.lastcrl))
    base = Crl.parse(read(options.basecrl)).number if options.basecrl else None
    if options.basecrl and base is None:
        raise UsageError(f"{options.basecrl} has no number, so nothing can be a delta to it")
    wanted = List(
        number=max(number, base or 0) + 1,
        this_update=begin,
        next_update=end,
        entries=(*before, *(_entry(*one) for one in options.revoked or ())),
        base=base,
        fresher=tuple(options.crluri),
        critical=tuple(options.critical),
    )
    how = signing(read_key(options.cakey, options), options.digest, options.rsa_padding)
    write(make_crl(wanted, ca, how), options, "X509 CRL")
    return exits.OK


def _entry(kind: str, value: Any, reason: str | None, when: datetime | None) -> Entry:
    number = value if kind == "serial" else read_certificate(value).serial
    return Entry(number, when or datetime.now(UTC).replace(microsecond=0), REASONS[reason] if reason else "")


def _moment(text: str) -> datetime:
    try:
        return datetime.fromtimestamp(int(text), UTC)
    except (ValueError, OverflowError, OSError):
        raise argparse.ArgumentTypeError(f"'{text}' is not a Unix time in seconds") from None
