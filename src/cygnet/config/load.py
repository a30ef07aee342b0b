"""From files to the model: the one entry point of this package."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cygnet.config import braces
from cygnet.config import ipsec_conf as conf_grammar
from cygnet.config import ipsec_secrets as secrets_grammar
from cygnet.config import strongswan_conf as daemon_grammar
from cygnet.config.credentials import MakeCredentials, NoCredentials
from cygnet.config.diagnostics import in_file_order
from cygnet.config.files import FileSystem
from cygnet.config.keys import Keys
from cygnet.config.lower import lower
from cygnet.config.swanctl import lower as swanctl
from cygnet.config.swanctl.reading import Problems
from cygnet.config.tree import Tree
from cygnet.model.config import Config, KeyFile, SecretKind, TokenKey
from cygnet.values.errors import ConfigError

IPSEC_CONF = "/etc/ipsec.conf"
IPSEC_SECRETS = "/etc/ipsec.secrets"
STRONGSWAN_CONF = "/etc/strongswan.conf"
SWANCTL_CONF = "/etc/swanctl/swanctl.conf"


#: what they hold is for whoever reads and uses private keys, and nobody else
PRIVATE = (SecretKind.RSA, SecretKind.ECDSA, SecretKind.PKCS8, SecretKind.P12, SecretKind.PIN)


def _nowhere(_host: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the files say, with every complaint about them.

    ``errors`` are about what was left out, ``warnings`` about what is taken but not quite as
    written. ``config`` holds all that could be understood; where ``fatal``, it must not be
    used (``config setup`` or ipsec.conf itself could not be read) and what runs is to be kept.
    """

    config: Config
    errors: tuple[ConfigError, ...] = ()
    warnings: tuple[ConfigError, ...] = ()
    ignored: tuple[str, ...] = ()  #: names of the conns that were left out because of errors
    fatal: bool = False
    #: those of the errors and warnings that are about secrets, keys, certificates and CRLs
    of_credentials: frozenset[ConfigError] = frozenset()
    private: tuple[KeyFile | TokenKey, ...] = ()  #: the private parts of ``config.keys``, for whoever signs

    @property
    def ok(self) -> bool:
        return not self.errors


def load(
    fs: FileSystem,
    ipsec_conf: str = IPSEC_CONF,
    ipsec_secrets: str = IPSEC_SECRETS,
    strongswan_conf: str = STRONGSWAN_CONF,
    is_local: Callable[[str], bool] = _nowhere,
    credentials: MakeCredentials = NoCredentials,
    swanctl_conf: str = SWANCTL_CONF,
    swanctl_credentials: MakeCredentials = NoCredentials,
) -> Loaded:
    """Read and lower all four files. Never raises on what they contain.

    ``is_local`` tells whether an IP address or host name is this machine's own: a conn whose
    right end is local has its ends swapped. ``credentials`` has the certificates and keys of
    ipsec.d, ``swanctl_credentials`` those beside swanctl.conf. Where that file has connections,
    ipsec.conf may be missing.
    """
    daemon = daemon_grammar.parse(fs, strongswan_conf)
    sections = braces.parse(fs, swanctl_conf)
    of_secrets, problems = Problems(), Problems(sections.errors, sections.warnings)
    shared = swanctl.shared(sections, of_secrets)
    tree, secrets = conf_grammar.parse(fs, ipsec_conf), secrets_grammar.parse(fs, ipsec_secrets)
    if sections.root.sections:
        tree = Tree() if tree.missing else tree
        secrets = secrets_grammar.Secrets() if secrets.missing else secrets
    held = credentials(secrets.secrets, daemon.settings)
    also_held = swanctl_credentials(shared, daemon.settings)
    every = (*secrets.secrets, *shared)
    lowered = lower(tree, daemon.settings, every, is_local, held)
    names = (c.name for c in lowered.connections)
    also = swanctl.lower(sections, daemon.settings, also_held, Keys(every), names, problems)
    (certificates, keys, crls), more = held.contents(), also_held.contents()
    return Loaded(
        config=Config(
            (*lowered.connections, *also.connections),
            tuple(secret for secret in every if secret.kind not in PRIVATE),
            (*lowered.pools, *also.pools),
            lowered.settings,
            certificates=certificates + more[0],
            keys=keys + more[1],
            crls=crls + more[2],
            authorities=(*lowered.cas, *also.authorities),
            left_out=(*lowered.left_out, *((name, _left_out(name)) for name in also.ignored)),
        ),
        errors=tuple(
            in_file_order(
                [*lowered.errors, *secrets.errors, *of_secrets.errors, *problems.errors, *daemon.errors]
            )
        ),
        warnings=tuple(
            in_file_order(
                [
                    *lowered.warnings,
                    *secrets.warnings,
                    *of_secrets.warnings,
                    *problems.warnings,
                    *daemon.warnings,
                    *held.problems,
                    *also_held.problems,
                ]
            )
        ),
        ignored=(*lowered.ignored, *also.ignored),
        fatal=lowered.fatal,
        of_credentials=frozenset(
            [
                *secrets.errors,
                *secrets.warnings,
                *of_secrets.errors,
                *of_secrets.warnings,
                *held.problems,
                *also_held.problems,
            ]
        ),
        private=held.private() + also_held.private(),
    )


def _left_out(name: str) -> str:
    return f"connection '{name}' has errors, which 'cygnet check' shows"
