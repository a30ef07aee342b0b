"""The options that say what is to stand in a certificate, for `self` and `issue`."""

from __future__ import annotations

import argparse
import secrets
import time
from datetime import UTC, datetime, timedelta

from cygnet.cli.pki.files import UsageError
from cygnet.cli.pki.parser import Begin, Qualify, serial, whole
from cygnet.crypto.issuing.certificates import SERIAL_RANDOM, Terms, serial_from, utc
from cygnet.crypto.issuing.extensions import CRL_SIGN, PURPOSES, CrlPoint, Policy, Wishes
from cygnet.values import dn_text

DATE_FORM = "%d.%m.%y %T"  #: strongSwan's

#: strptime(3) knows these, Python's does not
_SHORT = {"%T": "%H:%M:%S", "%D": "%m/%d/%y", "%F": "%Y-%m-%d", "%R": "%H:%M", "%e": "%d", "%h": "%b"}


def terms_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--san", "-a", action="append", default=[], metavar="NAME",
        help="subjectAltName: host name, address, e-mail address, uri:... or DN; repeatable")  # fmt: skip
    validity_arguments(parser, "days", 1095)
    add("--serial", "-s", type=serial, metavar="HEX", help="serial number (default: 16 random bytes)")
    add("--ca", "-b", action="store_true", help="the certificate is a CA's")
    add("--pathlen", "-p", type=whole, metavar="N", help="how many CAs may follow")
    add("--flag", "-e", action="append", default=[], choices=(*PURPOSES, CRL_SIGN), metavar="FLAG",
        help=f"extendedKeyUsage: {', '.join((*PURPOSES, CRL_SIGN))}; repeatable")  # fmt: skip
    add("--ocsp", "-o", action="append", default=[], metavar="URI", help="OCSP responder; repeatable")
    add("--addrblock", "-B", action="append", default=[], metavar="BLOCK",
        help="RFC 3779: 10.0.0.0/8 or 192.0.2.1-192.0.2.9; repeatable")  # fmt: skip
    add("--nc-permitted", "-n", action="append", default=[], metavar="NAME",
        help="where names below this CA lie: a network, dns:..., email:..., uri:... or a DN")  # fmt: skip
    add(
        "--nc-excluded",
        "-N",
        action="append",
        default=[],
        metavar="NAME",
        help="where they must not lie",
    )
    add("--cert-policy", "-P", action=Begin, const="oid", dest="policies", metavar="OID",
        help="certificate policy; repeatable")  # fmt: skip
    add("--cps-uri", "-C", action=Qualify, const="cps_uri", dest="policies", metavar="URI",
        help="practice statement of the policy before")  # fmt: skip
    add("--user-notice", "-U", action=Qualify, const="notice", dest="policies", metavar="TEXT",
        help="notice of the policy before")  # fmt: skip
    add("--policy-mapping", "-M", action="append", default=[], type=_pair, metavar="OID:OID",
        help="the issuer's policy, and the subject's that equals it")  # fmt: skip
    add("--policy-explicit", "-E", type=whole, metavar="N", help="requireExplicitPolicy")
    add("--policy-inhibit", "-H", type=whole, metavar="N", help="inhibitPolicyMapping")
    add("--policy-any", "-A", type=whole, metavar="N", help="inhibitAnyPolicy")
    add("--critical", "-X", action="append", default=[], metavar="OID",
        help="a critical extension that nobody knows, to test with")  # fmt: skip


def crl_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--crl", "-u", action=Begin, const="uri", dest="crls", metavar="URI",
                        help="where the CRL may be had; repeatable")  # fmt: skip
    parser.add_argument("--crlissuer", "-I", action=Qualify, const="issuer", dest="crls", metavar="DN",
                        help="who signs the CRL before, where it is not the CA")  # fmt: skip


def validity_arguments(
    parser: argparse.ArgumentParser,
    unit: str,
    lifetime: int,
    begin: str = "not-before",
    end: str = "not-after",
) -> None:
    add = parser.add_argument
    add("--lifetime", "-l", type=whole, default=lifetime, metavar=unit.upper(),
        help=f"{unit} it is valid (default: {lifetime}); not used where both dates are given")  # fmt: skip
    add(f"--{begin}", "-F", dest="begin", metavar="DATE", help="when it begins (default: now)")
    add(f"--{end}", "-T", dest="end", metavar="DATE", help="when it ends")
    add("--dateform", "-D", default=DATE_FORM, metavar="FORM",
        help="strptime(3) form of the dates, in local time (default: %%d.%%m.%%y %%T)")  # fmt: skip
    parser.set_defaults(unit=unit)


def terms(options: argparse.Namespace, subject: bytes, extra: Wishes | None = None) -> Terms:
    """``extra``: names and flags that come from a request."""
    begin, end = validity(options)
    policies = tuple(Policy(**fields) for fields in options.policies or ())
    wishes = Wishes(
        names=tuple(options.san) or (extra.names if extra else ()),
        ca=options.ca,
        path_length=options.pathlen,
        flags=tuple(dict.fromkeys((*options.flag, *(extra.flags if extra else ())))),
        crls=tuple(
            CrlPoint(point["uri"], distinguished(point["issuer"]) if "issuer" in point else b"")
            for point in getattr(options, "crls", None) or ()
        ),
        ocsp=tuple(options.ocsp),
        permitted=tuple(options.nc_permitted),
        excluded=tuple(options.nc_excluded),
        policies=policies,
        mappings=tuple(options.policy_mapping),
        explicit=options.policy_explicit,
        inhibit=options.policy_inhibit,
        any_policy=options.policy_any,
        blocks=tuple(options.addrblock),
        critical=tuple(options.critical),
    )
    return Terms(
        subject=subject,
        serial=options.serial or new_serial(),
        not_before=begin,
        not_after=end,
        wishes=wishes,
    )


def new_serial() -> int:
    return serial_from(secrets.token_bytes(SERIAL_RANDOM))


def new_nonce() -> bytes:
    """For an OCSP request; of the length that RFC 8954 wants."""
    return secrets.token_bytes(32)


def now() -> int:
    """Unix seconds."""
    return int(time.time())


def distinguished(text: str) -> bytes:
    try:
        return dn_text.parse(text)
    except ValueError as error:
        raise UsageError(str(error)) from None


def validity(options: argparse.Namespace) -> tuple[datetime, datetime]:
    if options.lifetime == 0:
        raise UsageError("--lifetime is at least 1")
    length = timedelta(**{options.unit: options.lifetime})
    begin = _date(options.begin, options.dateform) if options.begin else None
    end = _date(options.end, options.dateform) if options.end else None
    try:
        if begin is None:
            begin = end - length if end is not None else utc(datetime.now(UTC))
        return begin, end if end is not None else begin + length
    except OverflowError:
        raise UsageError(f"{options.lifetime} {options.unit} lead beyond the year 9999") from None


def _date(text: str, form: str) -> datetime:
    """In local time unless ``form`` has %z."""
    for short, long in _SHORT.items():
        form = form.replace(short, long)
    try:
        return utc(datetime.strptime(text, form))
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{error} (--dateform says how dates are written)") from None


def _pair(text: str) -> tuple[str, str]:
    first, colon, second = text.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError(f"'{text}' is not two policies with a ':' between them")
    return first, second
