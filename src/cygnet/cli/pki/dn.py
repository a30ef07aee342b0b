"""`cygnet pki dn`: the subject of a certificate, as it is written into a configuration."""

from __future__ import annotations

import argparse
import base64

from cygnet.cli import exits
from cygnet.cli.pki.files import deliver, read_certificate
from cygnet.cli.pki.parser import input_argument
from cygnet.values import dn


def arguments(parser: argparse.ArgumentParser) -> None:
    input_argument(parser, "certificate")
    parser.add_argument(
        "--format",
        "-f",
        choices=("config", "text", "hex", "base64", "bin"),
        default="config",
        help="config (default): for leftid=, exact to the byte; text: for people",
    )
    parser.set_defaults(out=None)


def run(options: argparse.Namespace) -> int:
    deliver(_shown(read_certificate(options.input).subject.data, options.format), options)
    return exits.OK


def _shown(name: bytes, form: str) -> bytes:
    if form == "bin":
        return name
    if form == "hex":
        return name.hex().encode() + b"\n"
    if form == "base64":
        return base64.b64encode(name) + b"\n"
    if form == "text":
        return dn.text(name).encode() + b"\n"
    return f'"asn1dn:#{name.hex()}"\n'.encode()
