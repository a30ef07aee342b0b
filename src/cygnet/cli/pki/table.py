"""The commands of `cygnet pki` and where each lives."""

from __future__ import annotations

from typing import NamedTuple


class Command(NamedTuple):
    """``module`` has ``arguments(parser)`` and ``run(options) -> exit status``.

    ``letter``: strongSwan's short option for it; empty: strongSwan has no such command.
    """

    letter: str
    module: str
    help: str


_P = "cygnet.cli.pki."

COMMANDS: dict[str, Command] = {
    "gateway": Command("", _P + "gateway", "a CA, keys, certificates and conns for gateways, all at once"),
    "gen": Command("g", _P + "gen", "generate a private key"),
    "self": Command("s", _P + "self_signed", "create a self-signed certificate"),
    "issue": Command("i", _P + "issue", "issue a certificate with a CA's certificate and key"),
    "req": Command("r", _P + "req", "create a PKCS#10 certificate request"),
    "pub": Command("p", _P + "pub", "extract the public key of a key, request or certificate"),
    "keyid": Command("k", _P + "keyid", "the key identifiers of a key, request or certificate"),
    "dn": Command("d", _P + "dn", "the subject's distinguished name of a certificate"),
    "print": Command("a", _P + "print_", "show a key, certificate, request, CRL or attribute certificate"),
    "verify": Command("v", _P + "verify", "whether a certificate is to be trusted, and why not"),
    "signcrl": Command("c", _P + "signcrl", "issue a CRL"),
    "acert": Command("z", _P + "acert", "issue an attribute certificate: groups of a holder"),
    "ocsp": Command("o", _P + "ocsp", "make, show and answer OCSP requests"),
    "pkcs12": Command("u", _P + "pkcs12", "list, export from and create PKCS#12 containers"),
    "pkcs7": Command("7", _P + "pkcs7", "sign, verify, encrypt, decrypt and show PKCS#7 messages"),
}
