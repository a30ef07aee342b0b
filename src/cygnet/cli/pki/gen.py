"""`cygnet pki gen`: a new private key."""

from __future__ import annotations

import argparse

from cygnet.cli import exits
from cygnet.cli.pki.files import deliver, read_passphrase
from cygnet.cli.pki.parser import output_arguments, whole
from cygnet.crypto.issuing.keys import KEY_TYPES, encode_private, generate


def arguments(parser: argparse.ArgumentParser) -> None:
    sizes = "; ".join(f"{name} {row.sizes}" for name, row in KEY_TYPES.items() if row.default)
    defaults = ", ".join(f"{name} {row.default}" for name, row in KEY_TYPES.items() if row.default)
    parser.add_argument("--type", "-t", choices=tuple(KEY_TYPES), default="rsa", help="default: rsa")
    parser.add_argument(
        "--size", "-s", type=whole, default=0, metavar="BITS", help=f"{sizes} (default: {defaults})"
    )
    parser.add_argument(
        "--brainpool", action="store_true", help="ecdsa on a brainpool curve of 256, 384 or 512 bits"
    )
    parser.add_argument(
        "--passphrase-file", metavar="FILE", help="encrypt the key (PKCS#8) with the first line of FILE"
    )
    output_arguments(parser)


def run(options: argparse.Namespace) -> int:
    secret = read_passphrase(options.passphrase_file) if options.passphrase_file else None
    key = generate(options.type, options.size, options.brainpool)
    deliver(encode_private(key, options.outform == "pem", secret), options, private=True)
    return exits.OK
