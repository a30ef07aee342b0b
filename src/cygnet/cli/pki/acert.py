"""`cygnet pki acert`: an attribute certificate, which says in which groups somebody is."""

from __future__ import annotations

import argparse

from cygnet.cli import exits
from cygnet.cli.pki.files import read_certificate, read_key, write
from cygnet.cli.pki.parser import (
    input_argument,
    output_arguments,
    passphrase_argument,
    serial,
    signing_arguments,
)
from cygnet.cli.pki.terms import new_serial, validity, validity_arguments
from cygnet.crypto.issuing.attribute import attribute_certificate
from cygnet.crypto.issuing.keys import signing


def arguments(parser: argparse.ArgumentParser) -> None:
    input_argument(parser, "the holder's certificate")
    parser.add_argument("--group", "-m", action="append", default=[], metavar="NAME", help="repeatable")
    parser.add_argument("--issuercert", "-c", required=True, metavar="FILE", help="the issuer's certificate")
    parser.add_argument("--issuerkey", "-k", required=True, metavar="FILE", help="the issuer's private key")
    parser.add_argument("--serial", "-s", type=serial, metavar="HEX", help="default: 16 random bytes")
    validity_arguments(parser, "hours", 24)
    signing_arguments(parser)
    passphrase_argument(parser)
    output_arguments(parser)


def run(options: argparse.Namespace) -> int:
    begin, end = validity(options)
    issuer = read_certificate(options.issuercert)
    holder = read_certificate(options.input)
    how = signing(read_key(options.issuerkey, options), options.digest, options.rsa_padding)
    number = options.serial or new_serial()
    made = attribute_certificate(holder, issuer, how, tuple(options.group), number, begin, end)
    write(made, options, "ATTRIBUTE CERTIFICATE")
    return exits.OK
