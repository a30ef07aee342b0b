"""`cygnet pki pkcs7`: signed and encrypted messages."""

from __future__ import annotations

import argparse

from cygnet.cli import exits
from cygnet.cli.pki.files import UsageError, deliver, name, read, read_certificate, read_key, write
from cygnet.cli.pki.parser import input_argument, output_arguments, passphrase_argument
from cygnet.cli.pki.terms import now
from cygnet.cli.terminal import note
from cygnet.credentials.judgement import Evidence
from cygnet.credentials.path import judge
from cygnet.crypto.issuing import containers
from cygnet.crypto.issuing.certificates import check_pair, pem
from cygnet.crypto.issuing.errors import IssuingError
from cygnet.crypto.issuing.keys import signing, spki
from cygnet.crypto.x509 import Certificate


def arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--sign", "-s", action="store_true", help="sign the input with --key, --cert")
    what.add_argument("--verify", "-u", action="store_true", help="write the message if who signed it is "
        "trusted: one of --cert, or certified by one")  # fmt: skip
    what.add_argument("--encrypt", "-e", action="store_true", help="encrypt the input for each --cert")
    what.add_argument("--decrypt", "-d", action="store_true", help="decrypt it with --key, --cert")
    what.add_argument("--show", "-p", action="store_true", help="tell what it is, and write its certificates")
    input_argument(parser, "message")
    parser.add_argument("--cert", "-c", action="append", default=[], metavar="FILE", help="repeatable")
    parser.add_argument("--key", "-k", metavar="FILE", help="private key")
    passphrase_argument(parser)
    output_arguments(parser)


def run(options: argparse.Namespace) -> int:
    data, certificates = read(options.input), [read_certificate(file) for file in options.cert]
    if not options.show and not certificates:
        raise UsageError("--cert is needed")
    if (options.sign or options.decrypt) and options.key is None:
        raise UsageError("--key is needed")
    if options.sign:
        how = signing(read_key(options.key, options))
        own, *above = certificates
        check_pair(own, how, options.cert[0])
        write(containers.sign_message(data, how, own, tuple(above)), options, "PKCS7")
    elif options.encrypt:
        write(containers.encrypt_message(data, tuple(certificates)), options, "PKCS7")
    elif options.decrypt:
        _decrypt(data, certificates, options)
    elif options.verify:
        _verify(data, tuple(certificates), options)
    else:
        _show(data, options)
    return exits.OK


def _decrypt(data: bytes, certificates: list[Certificate], options: argparse.Namespace) -> None:
    whole = containers.content(data, name(options.input))
    key = read_key(options.key, options)
    own = next((one for one in certificates if one.key.spki == spki(key.public_key())), None)
    if own is None:
        raise IssuingError(f"no --cert is of the key in {options.key}")
    deliver(containers.decrypt_message(whole, key, own, name(options.input)), options)


def _verify(data: bytes, trusted: tuple[Certificate, ...], options: argparse.Namespace) -> None:
    whole = containers.content(data, name(options.input))
    found = containers.verify_message(whole, trusted, name(options.input))
    held = containers.certificates_held(whole)
    for signer in found.signers:
        if signer not in trusted:
            verdict = judge(signer, Evidence(anchors=trusted, offered=held), now())
            if verdict.path is None:
                raise IssuingError(f"the signer is not trusted: {'; '.join(verdict.reasons)}")
        note(f'signed by "{signer.name}"')
    deliver(found.data, options)


def _show(data: bytes, options: argparse.Namespace) -> None:
    whole = containers.content(data, name(options.input))
    kind = containers.kind_of(whole, name(options.input))
    text = containers.KINDS.get(kind, f"unknown ({kind})").encode() + b"\n"
    held = containers.certificates_held(whole)
    deliver(text + b"".join(pem("CERTIFICATE", one.der) for one in held), options)
