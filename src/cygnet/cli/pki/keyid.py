"""`cygnet pki keyid`: the hashes by which keys are known."""

from __future__ import annotations

import argparse
import base64

from cygnet.cli import exits
from cygnet.cli.pki.files import deliver
from cygnet.cli.pki.inputs import TYPES, public_key
from cygnet.cli.pki.parser import input_argument, passphrase_argument, type_argument
from cygnet.crypto.issuing.keys import key_ids

#: name on the command line -> what it is called in the output
_IDS = {"spk": "subjkey (SHA-1 of subjectPublicKey):", "spki": "keyid (SHA-1 of subjectPublicKeyInfo):"}


def arguments(parser: argparse.ArgumentParser) -> None:
    input_argument(parser, "key, request or certificate")
    type_argument(parser, TYPES, "priv")
    parser.add_argument("--id", "-I", choices=("all", *_IDS), default="all", help="which (default: all)")
    parser.add_argument("--format", "-f", choices=("pretty", "hex", "base64", "bin"), default="pretty",
                        help="of the output (default: pretty)")  # fmt: skip
    passphrase_argument(parser)
    parser.set_defaults(out=None)


def run(options: argparse.Namespace) -> int:
    found = dict(zip(_IDS, key_ids(public_key(options))))
    for which, value in found.items():
        if options.id in ("all", which):
            deliver(_shown(_IDS[which], value, options.format), options)
    return exits.OK


def _shown(title: str, value: bytes, form: str) -> bytes:
    if form == "bin":
        return value
    if form == "hex":
        return value.hex().encode() + b"\n"
    if form == "base64":
        return base64.b64encode(value) + b"\n"
    return f"{title}\n             {value.hex(':')}\n".encode()
