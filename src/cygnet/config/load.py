"""From files to the model: the one entry point of this package."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cygnet.config import ipsec_conf as conf_grammar
from cygnet.config import ipsec_secrets as secrets_grammar
from cygnet.config import strongswan_conf as daemon_grammar
from cygnet.config.credentials import MakeCredentials, NoCredentials
from cygnet.config.diagnostics import in_file_order
from cygnet.config.files import FileSystem
from cygnet.config.lower import lower
from cygnet.model.config import Config, KeyFile, SecretKind, TokenKey
from cygnet.values.errors import ConfigError

IPSEC_CONF = "/etc/ipsec.conf"
IPSEC_SECRETS = "/etc/ipsec.secrets"
STRONGSWAN_CONF = "/etc/strongswan.conf"


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
) -> Loaded:
    """Read and lower all three files. Never raises on what they contain.

    ``is_local`` tells whether an IP address or host name is this machine's own: a conn whose
    right end is local has its ends swapped. ``credentials`` has the certificates and keys.
    """
    daemon = daemon_grammar.parse(fs, strongswan_conf)
    secrets = secrets_grammar.parse(fs, ipsec_secrets)
    held = credentials(secrets.secrets, daemon.settings)
    lowered = lower(conf_grammar.parse(fs, ipsec_conf), daemon.settings, secrets.secrets, is_local, held)
    certificates, keys, crls = held.contents()
    return Loaded(
        config=Config(
            lowered.connections,
            tuple(secret for secret in secrets.secrets if secret.kind not in PRIVATE),
            lowered.pools,
            lowered.settings,
            certificates=certificates,
            keys=keys,
            crls=crls,
            authorities=lowered.cas,
            left_out=lowered.left_out,
        ),
        errors=tuple(in_file_order([*lowered.errors, *secrets.errors, *daemon.errors])),
        warnings=tuple(
            in_file_order([*lowered.warnings, *secrets.warnings, *daemon.warnings, *held.problems])
        ),
        ignored=lowered.ignored,
        fatal=lowered.fatal,
        of_credentials=frozenset([*secrets.errors, *secrets.warnings, *held.problems]),
        private=held.private(),
    )
