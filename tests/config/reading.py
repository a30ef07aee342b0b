"""Short ways for the tests to say "given these files"."""

from __future__ import annotations

from textwrap import dedent

from cygnet.config.credentials import MakeCredentials, NoCredentials
from cygnet.config.files import MemoryFiles
from cygnet.config.load import IPSEC_CONF, IPSEC_SECRETS, STRONGSWAN_CONF, Loaded, load
from cygnet.model.config import Child, Connection
from cygnet.values.identity import Identity


def files(conf: str = "", secrets: str | None = None, daemon: str | None = None, **more: str) -> MemoryFiles:
    """``more``: other files of /etc by name, dots and slashes written ``_dot_`` and ``_in_``."""
    texts = {IPSEC_CONF: dedent(conf)}
    if secrets is not None:
        texts[IPSEC_SECRETS] = dedent(secrets)
    if daemon is not None:
        texts[STRONGSWAN_CONF] = dedent(daemon)
    for name, text in more.items():
        texts["/etc/" + name.replace("_dot_", ".").replace("_in_", "/")] = dedent(text)
    return MemoryFiles(texts)


def loaded(conf: str = "", secrets: str = ': PSK "x"\n', daemon: str | None = None, **more: str) -> Loaded:
    return load(files(conf, secrets, daemon, **more))


GIVEN = {"left": "10.0.0.1", "right": "192.0.2.1", "authby": "secret", "auto": "add"}


class Everything(NoCredentials):
    """Whatever certificate is named is there, its key, too: ``gw.pem`` is CN=gw.pem by CN=Root."""

    def certificate(self, written: str) -> Identity:
        return Identity.parse(f"CN={written}")

    def public_key(self, written: str) -> None:
        pass

    def authority(self, written: str) -> None:
        pass

    def has_key(self, _written: str) -> bool:
        return True

    def fits(self, _written: str, _identity: Identity) -> bool:
        return True

    def issuer(self, _written: str) -> Identity:
        return Identity.parse("CN=Root")

    def subject(self, written: str) -> Identity:
        return Identity.parse(f"CN={written}")

    def has_certificate_of(self, _identity: Identity) -> bool:
        return True

    def has_authorities(self) -> bool:
        return True


def one(settings: str, also: str = "", credentials: MakeCredentials = NoCredentials) -> Loaded:
    """A conn named ``x`` that would load, with these settings more (separated by ``;``)."""
    said = [line.strip() for line in settings.split(";") if line.strip()]
    keys = {line.split("=")[0] for line in said}
    given = [f"{key}={value}" for key, value in GIVEN.items() if key not in keys]
    text = also + "conn x\n" + "".join(f"    {line}\n" for line in given + said)
    files = MemoryFiles({IPSEC_CONF: text, IPSEC_SECRETS: ': PSK "x"\n'})
    return load(files, credentials=credentials)


def connection(settings: str, also: str = "", credentials: MakeCredentials = NoCredentials) -> Connection:
    found = one(settings, also, credentials)
    assert not found.errors, found.errors
    return found.config.connections[0]


def child(settings: str, also: str = "") -> Child:
    return connection(settings, also).children[0]


def errors(found: Loaded) -> list[str]:
    return [f"{e.place.line}:{e.place.column}: {e.keyword}: {e.reason}" for e in found.errors]


def warnings(found: Loaded) -> list[str]:
    return [f"{e.place.line}:{e.place.column}: {e.keyword}: {e.reason}" for e in found.warnings]
