"""`cygnet pki req`: a request for a certificate."""

from __future__ import annotations

import argparse

from cygnet.cli import exits
from cygnet.cli.pki.files import UsageError, name, read, read_key, write
from cygnet.cli.pki.parser import (
    PRIVATE_TYPES,
    input_argument,
    output_arguments,
    passphrase_argument,
    signing_arguments,
    type_argument,
)
from cygnet.cli.pki.terms import distinguished
from cygnet.crypto.issuing.certificates import read_request, request
from cygnet.crypto.issuing.keys import signing


def arguments(parser: argparse.ArgumentParser) -> None:
    input_argument(parser, "private key")
    type_argument(parser, PRIVATE_TYPES, "priv")
    parser.add_argument("--dn", "-d", metavar="DN", help="subject; this or --oldreq is needed")
    parser.add_argument("--oldreq", "-o", metavar="FILE", help="take subject, names and profile from it")
    parser.add_argument("--san", "-a", action="append", default=[], metavar="NAME", help="subjectAltName")
    parser.add_argument("--profile", "-P", default="", metavar="NAME", help="server, client, dual, ocsp, ...")
    parser.add_argument("--password", "-p", default="", metavar="TEXT", help="challenge password")
    signing_arguments(parser)
    passphrase_argument(parser)
    output_arguments(parser)


def run(options: argparse.Namespace) -> int:
    if (options.dn is None) == (options.oldreq is None):
        raise UsageError("either --dn or --oldreq is needed")
    names, profile = tuple(options.san), options.profile
    if options.oldreq is not None:
        old = read_request(read(options.oldreq), name(options.oldreq))
        subject, names, profile = old.subject, names or old.names, profile or old.profile
    else:
        subject = distinguished(options.dn)
    how = signing(read_key(options.input, options, options.type), options.digest, options.rsa_padding)
    write(request(subject, how, names, profile, options.password), options, "CERTIFICATE REQUEST")
    return exits.OK
