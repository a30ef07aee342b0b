"""Public keys from whatever `pub` and `keyid` are given."""

from __future__ import annotations

import argparse

from cygnet.cli.pki.files import name, read, read_certificate, read_key
from cygnet.cli.pki.parser import PRIVATE_TYPES
from cygnet.crypto.issuing.certificates import read_request
from cygnet.crypto.issuing.keys import PublicKey, load_public

TYPES = (*PRIVATE_TYPES, "pub", "pkcs10", "x509")


def public_key(options: argparse.Namespace) -> PublicKey:
    if options.type == "x509":
        found = read_certificate(options.input)
        return load_public(found.key.spki, f"the key in {name(options.input)}")
    if options.type == "pkcs10":
        return read_request(read(options.input), name(options.input)).key
    if options.type == "pub":
        return load_public(read(options.input), name(options.input))
    return read_key(options.input, options, options.type).public_key()
