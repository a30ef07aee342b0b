"""`cygnet pki pkcs12`: a key and its certificates in one encrypted file."""

from __future__ import annotations

import argparse

from cygnet.cli import exits
from cygnet.cli.pki.files import (
    UsageError,
    deliver,
    name,
    read,
    read_certificate,
    read_key,
    read_passphrase,
    unlock,
    write,
)
from cygnet.cli.pki.parser import input_argument, output_arguments, whole
from cygnet.cli.terminal import say
from cygnet.crypto.issuing.containers import Container, load_pkcs12, make_pkcs12
from cygnet.crypto.issuing.keys import describe, encode_private


def arguments(parser: argparse.ArgumentParser) -> None:
    input_argument(parser, "container")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--list", "-l", action="store_true", help="list certificates and keys")
    what.add_argument("--export", "-e", type=whole, metavar="INDEX", help="write the one with that number")
    what.add_argument("--create", action="store_true", help="make one from --key, --cert and --cacert")
    parser.add_argument("--key", metavar="FILE", help="with --create: the private key")
    parser.add_argument("--cert", metavar="FILE", help="with --create: its certificate")
    parser.add_argument("--cacert", action="append", default=[], metavar="FILE", help="and those above it")
    parser.add_argument("--name", default="", metavar="TEXT", help="and how it is shown where it is imported")
    parser.add_argument("--passphrase-file", metavar="FILE", help="first line: the container's passphrase")
    parser.add_argument(
        "--key-passphrase-file", metavar="FILE", help="with --create: the passphrase of an encrypted --key"
    )
    output_arguments(parser)


def run(options: argparse.Namespace) -> int:
    if options.create:
        return _create(options)
    data = read(options.input)
    held = unlock(lambda secret: load_pkcs12(data, secret, name(options.input)), options, name(options.input))
    return _list(held) if options.list else _export(held, options)


def _list(held: Container) -> int:
    say("Certificates:")
    for number, one in enumerate(held.certificates, 1):
        say(f'[{number:2}] "{one.name}"{" (CA)" if one.is_ca else ""}')
    say("Private keys:")
    for number, key in enumerate(held.keys, 1 + len(held.certificates)):
        say(f"[{number:2}] {describe(key)}")
    return exits.OK


def _export(held: Container, options: argparse.Namespace) -> int:
    at = options.export - 1
    if 0 <= at < len(held.certificates):
        write(held.certificates[at].der, options, "CERTIFICATE")
        return exits.OK
    at -= len(held.certificates)
    if not 0 <= at < len(held.keys):
        raise UsageError(f"there is no number {options.export} in it (--list shows all)")
    deliver(encode_private(held.keys[at], options.outform == "pem"), options, private=True)
    return exits.OK


def _create(options: argparse.Namespace) -> int:
    if not (options.key and options.cert and options.passphrase_file):
        raise UsageError("--create needs --key, --cert and --passphrase-file")
    own = argparse.Namespace(passphrase_file=options.key_passphrase_file)
    certificate, key = read_certificate(options.cert), read_key(options.key, own)
    above = tuple(read_certificate(file) for file in options.cacert)
    secret = read_passphrase(options.passphrase_file)
    made = make_pkcs12(key, certificate, above, options.name or certificate.name, secret)
    if options.outform == "pem":
        raise UsageError("a PKCS#12 container is DER")
    deliver(made, options, private=True)
    return exits.OK
