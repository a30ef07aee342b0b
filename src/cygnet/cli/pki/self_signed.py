"""`cygnet pki self`: a certificate that its own key signs."""

from __future__ import annotations

import argparse

from cygnet.cli import exits
from cygnet.cli.pki.files import read_key, write
from cygnet.cli.pki.parser import (
    PRIVATE_TYPES,
    input_argument,
    output_arguments,
    passphrase_argument,
    signing_arguments,
    type_argument,
)
from cygnet.cli.pki.terms import distinguished, terms, terms_arguments
from cygnet.crypto.issuing.certificates import self_signed
from cygnet.crypto.issuing.keys import signing


def arguments(parser: argparse.ArgumentParser) -> None:
    input_argument(parser, "private key")
    type_argument(parser, PRIVATE_TYPES, "priv")
    parser.add_argument("--dn", "-d", required=True, metavar="DN", help="subject and issuer")
    terms_arguments(parser)
    signing_arguments(parser)
    passphrase_argument(parser)
    output_arguments(parser)


def run(options: argparse.Namespace) -> int:
    wanted = terms(options, distinguished(options.dn))
    how = signing(read_key(options.input, options, options.type), options.digest, options.rsa_padding)
    write(self_signed(wanted, how), options, "CERTIFICATE")
    return exits.OK
