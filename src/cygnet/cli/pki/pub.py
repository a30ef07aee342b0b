"""`cygnet pki pub`: the public key alone."""

from __future__ import annotations

import argparse

from cygnet.cli import exits
from cygnet.cli.pki.files import deliver
from cygnet.cli.pki.inputs import TYPES, public_key
from cygnet.cli.pki.parser import input_argument, output_arguments, passphrase_argument, type_argument
from cygnet.crypto.issuing.keys import encode_public


def arguments(parser: argparse.ArgumentParser) -> None:
    input_argument(parser, "key, request or certificate")
    type_argument(parser, TYPES, "priv")
    passphrase_argument(parser)
    output_arguments(parser, ("der", "pem", "dnskey", "sshkey"))


def run(options: argparse.Namespace) -> int:
    deliver(encode_public(public_key(options), options.outform), options)
    return exits.OK
