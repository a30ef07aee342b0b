"""The verbs and where each lives."""

from __future__ import annotations

from typing import NamedTuple


class Verb(NamedTuple):
    """``module`` has ``arguments(parser)`` and ``run(options) -> exit status``; with
    ``passes_on`` it has ``run_with(words)`` and reads its arguments itself. ``options.verb`` is the
    verb, for modules that have several.
    """

    module: str
    help: str
    passes_on: bool = False


_V = "cygnet.cli.verbs."

VERBS: dict[str, Verb] = {
    "start": Verb(_V + "start", "start the daemon in the background", True),
    "stop": Verb(_V + "stop", "stop it; every tunnel is closed"),
    "restart": Verb(_V + "restart", "stop, then start", True),
    "status": Verb(_V + "status", "what is up, routed and shunted"),
    "statusall": Verb(_V + "statusall", "the same with all details, and the daemon's own state"),
    "up": Verb(_V + "up", "bring a connection up, and watch"),
    "down": Verb(_V + "down", "close a connection or a single SA"),
    "route": Verb(_V + "route", "have traffic bring a connection up"),
    "unroute": Verb(_V + "unroute", "undo route"),
    "update": Verb(_V + "update", "read the configuration again; take over what changed"),
    "reload": Verb(_V + "reload", "read the configuration again; start everything anew"),
    "rereadsecrets": Verb(_V + "rereads", "read secrets, private keys and own certificates again"),
    "rereadcacerts": Verb(_V + "rereads", "read the CAs of ipsec.d/cacerts again"),
    "rereadocspcerts": Verb(_V + "rereads", "read the OCSP signers of ipsec.d/ocspcerts again"),
    "rereadaacerts": Verb(_V + "rereads", "read the attribute authorities of ipsec.d/aacerts again"),
    "rereadacerts": Verb(_V + "rereads", "read attribute certificates again"),
    "rereadcrls": Verb(_V + "rereads", "read the CRLs of ipsec.d/crls again"),
    "rereadall": Verb(_V + "rereads", "read all credentials again, no connections"),
    "purgecerts": Verb(_V + "purge", "forget certificates that peers have sent (none are kept)"),
    "purgecrls": Verb(_V + "purge", "forget CRLs that were fetched"),
    "purgeocsp": Verb(_V + "purge", "forget OCSP answers that were fetched"),
    "purgeike": Verb(_V + "purge", "close IKE_SAs that carry no CHILD_SA"),
    "listcerts": Verb(_V + "lists", "the certificates of ends, ours and peers'"),
    "listcacerts": Verb(_V + "lists", "the CA certificates"),
    "listocspcerts": Verb(_V + "lists", "the certificates that sign OCSP answers"),
    "listaacerts": Verb(_V + "lists", "the certificates of attribute authorities"),
    "listacerts": Verb(_V + "lists", "attribute certificates"),
    "listcrls": Verb(_V + "lists", "the CRLs, from files and fetched"),
    "listocsp": Verb(_V + "lists", "OCSP answers that were fetched"),
    "listpubkeys": Verb(_V + "lists", "raw public keys"),
    "listcainfos": Verb(_V + "lists", "the ca sections"),
    "listall": Verb(_V + "lists", "all of these, and the algorithms"),
    "listalgs": Verb(_V + "listalgs", "the algorithms the daemon can do"),
    "check": Verb(_V + "check", "check a configuration without a daemon", True),
    "version": Verb(_V + "version", "the version of cygnet and of the kernel"),
    "daemon": Verb(_V + "daemon", "run the daemon in the foreground", True),
    "pki": Verb(_V + "pki", "keys and certificates: a CA of your own, requests, CRLs", True),
    "demo": Verb(_V + "demo", "the oregon tunnel in its four auto modes, live (root)"),
    "lab": Verb(_V + "lab", "the demo's network, to play with: up, down, shell HOST (root)"),
}
