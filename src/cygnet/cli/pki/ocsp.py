"""`cygnet pki ocsp`: an OCSP answer to a request; without --respond what the request asks for."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta

from cygnet.cli import exits
from cygnet.cli.pki.files import UsageError, deliver, name, read, read_certificate, read_key
from cygnet.cli.pki.parser import input_argument, passphrase_argument, signing_arguments, whole
from cygnet.cli.pki.terms import new_nonce
from cygnet.cli.terminal import say
from cygnet.crypto.crl import Crl
from cygnet.crypto.issuing.errors import IssuingError
from cygnet.crypto.issuing.keys import signing
from cygnet.crypto.issuing.revocation import Entry, Signer, answer, entries_of, is_about
from cygnet.crypto.ocsp import OcspRequest, ocsp_request
from cygnet.crypto.publickey import SignatureError
from cygnet.crypto.x509 import Certificate, Eku
from cygnet.values import dn


def arguments(parser: argparse.ArgumentParser) -> None:
    input_argument(parser, "OCSP request in DER")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--request", metavar="FILE", help="make a request about this certificate instead")
    what.add_argument("--respond", "-r", action="store_true", help="answer the request")
    add = parser.add_argument
    add("--cacert", "-c", metavar="FILE", help="certificate of the CA that the request is about")
    add("--cakey", "-k", metavar="FILE", help="key that signs the answer")
    add(
        "--cert",
        metavar="FILE",
        help="certificate of --cakey where that is not the CA's (--flag ocspSigning)",
    )
    add("--crl", metavar="FILE", help="who is revoked; all others of the CA are good")
    add("--lifetime", "-l", type=whole, default=60, metavar="MINUTES", help="default: %(default)s")
    signing_arguments(parser)
    passphrase_argument(parser)
    add("--out", metavar="FILE", help="write to FILE instead of stdout")


def run(options: argparse.Namespace) -> int:
    if options.request is not None:
        return _request(options)
    request = OcspRequest.parse(read(options.input))
    if options.respond:
        return _respond(request, options)
    about = request.id
    say(f"serial:    {about.serial:x}")
    say(f"hash:      {about.hash}")
    say(f"issuer:    name {about.issuer_name_hash.hex()}, key {about.issuer_key_hash.hex()}")
    say(f"nonce:     {request.nonce.hex() if request.nonce else 'none'}")
    return exits.OK


def _request(options: argparse.Namespace) -> int:
    if options.cacert is None:
        raise UsageError("--request needs --cacert")
    made = ocsp_request(read_certificate(options.request), read_certificate(options.cacert), new_nonce())
    deliver(made, options)
    return exits.OK


def _respond(request: OcspRequest, options: argparse.Namespace) -> int:
    if not (options.cacert and options.cakey and options.crl) or options.lifetime == 0:
        raise UsageError("--respond needs --cacert, --cakey, --crl and a --lifetime above 0")
    ca = read_certificate(options.cacert)
    by = read_certificate(options.cert) if options.cert else ca
    _check(by, ca)
    how = signing(read_key(options.cakey, options), options.digest, options.rsa_padding)
    state, entry = _state(request, ca, options)
    now = datetime.now(UTC).replace(microsecond=0)
    lifetime = timedelta(minutes=options.lifetime)
    deliver(answer(request, ca, Signer(by, how), state, entry, now, lifetime), options)
    return exits.OK


def _check(by: Certificate, ca: Certificate) -> None:
    """RFC 6960 §4.2.2.2: nobody believes the answers of anybody else."""
    if by == ca:
        return
    try:
        by.verify_issued_by(ca)
    except SignatureError:
        raise IssuingError(f"{by.name} is not certified by {ca.name}") from None
    if Eku.OCSP_SIGNING not in (by.extended_key_usage or ()):
        raise IssuingError(f"{by.name} was made without --flag ocspSigning")


def _state(request: OcspRequest, ca: Certificate, options: argparse.Namespace) -> tuple[str, Entry | None]:
    if not is_about(request, ca):
        return "unknown", None
    data = read(options.crl)
    crl = Crl.parse(data)
    if dn.canonical(crl.issuer.data) != dn.canonical(ca.subject.data):
        raise IssuingError(f"{options.crl} is not of {ca.name}")
    try:
        crl.verify_signed_by(ca.key)
    except SignatureError as error:
        raise IssuingError(f"{name(options.crl)} is not of {ca.name}: {error}") from None
    for entry in entries_of(data, name(options.crl)):
        if entry.serial == request.id.serial:
            return "revoked", entry
    return "good", None
