"""`cygnet pki print`: what stands in a key, a certificate, a CRL or a request, as strongSwan shows it."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from cygnet.cli import exits
from cygnet.cli.pki.files import name, read, read_certificate, read_key
from cygnet.cli.pki.parser import PRIVATE_TYPES, input_argument, passphrase_argument, type_argument
from cygnet.cli.pki.terms import now
from cygnet.cli.terminal import say
from cygnet.credentials import printing
from cygnet.credentials.printing import Lines, Times, named, number, row, rows
from cygnet.crypto.crl import Crl
from cygnet.crypto.issuing.attribute import read_attribute_certificate
from cygnet.crypto.issuing.certificates import read_request
from cygnet.crypto.issuing.keys import load_public
from cygnet.values import dn


def arguments(parser: argparse.ArgumentParser) -> None:
    input_argument(parser, "what to show")
    type_argument(parser, ("x509", "crl", "ac", "pkcs10", "pub", *PRIVATE_TYPES), "x509")
    passphrase_argument(parser)


def run(options: argparse.Namespace) -> int:
    for line in _SHOWN.get(options.type, _private)(options):
        say(line)
    return exits.OK


def _pub(options: argparse.Namespace) -> Lines:
    yield from printing.public(load_public(read(options.input), name(options.input)))


def _private(options: argparse.Namespace) -> Lines:
    key = read_key(options.input, options, options.type)
    yield row("privkey", printing.described(key))
    yield from printing.ids(key.public_key())


def _certificate(options: argparse.Namespace) -> Lines:
    yield from printing.certificate(read_certificate(options.input), Times(now()))


def _request(options: argparse.Namespace) -> Lines:
    asked = read_request(read(options.input), name(options.input))
    yield named("subject", asked.subject)
    if asked.names:
        yield row("altNames", ", ".join(asked.names))
    if asked.profile:
        yield row("profile", dn.printable(asked.profile))
    yield from printing.public(asked.key)


def _crl(options: argparse.Namespace) -> Lines:
    yield from printing.crl(Crl.parse(read(options.input)), Times(now()))


def _attribute(options: argparse.Namespace) -> Lines:
    one = read_attribute_certificate(read(options.input), name(options.input))
    if one.holder_name is not None:
        yield named("subject", one.holder_name)
    yield named("issuer", one.issuer)
    yield from Times(now()).validity(int(one.not_before.timestamp()), int(one.not_after.timestamp()))
    yield row("serial", number(one.serial))
    if one.holder_issuer is not None and one.holder_serial is not None:
        yield named("hissuer", one.holder_issuer)
        yield row("hserial", number(one.holder_serial))
    yield from rows("groups", list(one.groups), "             ")
    if one.authority_key_id:
        yield "  authkey:  " + one.authority_key_id.hex(":")


_SHOWN: dict[str, Callable[[argparse.Namespace], Lines]] = {
    "x509": _certificate, "crl": _crl, "ac": _attribute, "pkcs10": _request, "pub": _pub,
}  # fmt: skip
