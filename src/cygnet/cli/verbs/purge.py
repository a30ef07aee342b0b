"""`cygnet purgecrls` and its sisters: forget what was fetched, close what carries nothing."""

from __future__ import annotations

import argparse

from cygnet.cli.daemon import run_dir_argument
from cygnet.cli.request import perform, timeout_argument
from cygnet.control.vici.codec import Message

#: verb -> command and arguments
REQUESTS: dict[str, tuple[str, Message]] = {
    "purgecerts": ("flush-certs", {"type": "X509"}),
    "purgecrls": ("flush-certs", {"type": "X509_CRL"}),
    "purgeocsp": ("flush-certs", {"type": "OCSP_RESPONSE"}),
    "purgeike": ("cygnet-purge-ike", {}),
}


def arguments(parser: argparse.ArgumentParser) -> None:
    timeout_argument(parser)
    run_dir_argument(parser)


def run(options: argparse.Namespace) -> int:
    command, arguments = REQUESTS[options.verb]
    return perform(options, command, arguments, "it is done all the same")
