"""`cygnet pki issue`: a certificate for a public key or a request, signed by a CA."""

from __future__ import annotations

import argparse

from cygnet.cli import exits
from cygnet.cli.pki.files import UsageError, name, read, read_certificate, read_key, write
from cygnet.cli.pki.parser import (
    PRIVATE_TYPES,
    input_argument,
    output_arguments,
    passphrase_argument,
    signing_arguments,
    type_argument,
)
from cygnet.cli.pki.terms import crl_arguments, distinguished, terms, terms_arguments
from cygnet.crypto.issuing.certificates import issue, read_request
from cygnet.crypto.issuing.extensions import Wishes
from cygnet.crypto.issuing.keys import PublicKey, load_public, signing


def arguments(parser: argparse.ArgumentParser) -> None:
    input_argument(parser, "public key, private key or request")
    type_argument(parser, ("pub", "pkcs10", *PRIVATE_TYPES), "pub")
    parser.add_argument("--cacert", "-c", required=True, metavar="FILE", help="the CA's certificate")
    parser.add_argument("--cakey", "-k", required=True, metavar="FILE", help="the CA's private key")
    parser.add_argument("--dn", "-d", metavar="DN", help="subject (default: the request's)")
    terms_arguments(parser)
    crl_arguments(parser)
    signing_arguments(parser)
    passphrase_argument(parser)
    output_arguments(parser)


def run(options: argparse.Namespace) -> int:
    ca = read_certificate(options.cacert)
    key, subject, extra = _wanted(options)
    if options.dn is not None:
        subject = distinguished(options.dn)
    if subject is None:
        raise UsageError("--dn is needed: only a request (--type pkcs10) brings a subject with it")
    wanted = terms(options, subject, extra)
    how = signing(read_key(options.cakey, options), options.digest, options.rsa_padding)
    write(issue(wanted, key, ca, how), options, "CERTIFICATE")
    return exits.OK


def _wanted(options: argparse.Namespace) -> tuple[PublicKey, bytes | None, Wishes | None]:
    """The key, and what a request says beside it."""
    if options.type == "pkcs10":
        asked = read_request(read(options.input), name(options.input))
        return asked.key, asked.subject, Wishes(names=asked.names, flags=asked.flags)
    if options.type == "pub":
        return load_public(read(options.input), name(options.input)), None, None
    return read_key(options.input, options, options.type).public_key(), None, None
