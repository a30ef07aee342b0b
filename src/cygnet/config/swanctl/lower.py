"""A whole swanctl.conf: what of it is loaded, and what is left out because of its errors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cygnet.config import braces
from cygnet.config.credentials import Credentials
from cygnet.config.diagnostics import BadValue
from cygnet.config.keys import Keys, needs_psk, owners_text
from cygnet.config.keywords.addresses import network
from cygnet.config.keywords.swanctl.others import AUTHORITY_BY_NAME, POOL_BY_NAME
from cygnet.config.swanctl.connection import connection
from cygnet.config.swanctl.reading import Problems, Read, stray
from cygnet.config.swanctl.secrets import secrets
from cygnet.config.tree import Section
from cygnet.model.config import Authority, Connection, Pool, Settings, SharedSecret
from cygnet.values.errors import CygnetError

_ROOTS = ("connections", "secrets", "pools", "authorities")
_ATTRIBUTES = ("dns", "nbns")


@dataclass(frozen=True, slots=True)
class Swanctl:
    """What the file says. ``ignored``: connections with errors."""

    connections: tuple[Connection, ...]
    pools: tuple[Pool, ...]
    authorities: tuple[Authority, ...]
    ignored: tuple[str, ...]


def shared(tree: braces.Braces, problems: Problems) -> tuple[SharedSecret, ...]:
    """The secrets, which are wanted before everything else: they open key files."""
    section = braces.resolved(tree, "secrets")
    return tuple(secrets(section, problems)) if section else ()


def lower(
    tree: braces.Braces,
    settings: Settings,
    held: Credentials,
    keys: Keys,
    taken: Iterable[str],
    problems: Problems,
) -> Swanctl:
    """``keys``: the pre-shared keys there are; ``taken``: names that conns of ipsec.conf have."""
    named = {str(s.value).split(".")[0] for refs in tree.references.values() for s in refs}
    unknown = (s for n, s in tree.root.sections.items() if n not in _ROOTS and n not in named)
    stray(unknown, ", ".join(_ROOTS), problems)
    for setting in tree.root.settings:
        problems.warnings.append(setting.key_error("stands outside of all sections, ignored"))
    lowering = _Lowering(tree, settings, held, problems)
    pools = tuple(lowering.pools())
    authorities = tuple(lowering.authorities())
    connections, ignored = lowering.connections(set(taken), {pool.name for pool in pools}, keys)
    return Swanctl(connections, pools, authorities, ignored)


@dataclass(slots=True)
class _Lowering:
    tree: braces.Braces
    settings: Settings
    held: Credentials
    problems: Problems

    def _below(self, name: str) -> Iterator[Section]:
        section = braces.resolved(self.tree, name)
        if section:
            yield from section.sections.values()

    def connections(
        self, taken: set[str], pools: set[str], keys: Keys
    ) -> tuple[tuple[Connection, ...], tuple[str, ...]]:
        good: list[Connection] = []
        ignored: list[str] = []
        for section in self._below("connections"):
            before = len(self.problems.errors)
            found = connection(section, self.settings, self.held, self.problems)
            for pool in found.pools:
                if pool not in pools:
                    self.problems.errors.append(section.error(f"{section.name}: there is no pool '{pool}'"))
            if needs_psk(found) and not keys.may_fit(found):
                ids = " ".join(f"id-{n} = {who}" for n, who in enumerate(owners_text(found).split(" "), 1))
                reason = (
                    f"no pre-shared key fits; secrets {{ ike-{section.name} {{ {ids} secret = ... }} }} would"
                )
                self.problems.warnings.append(section.error(f"{section.name}: {reason}"))
            if section.name in taken:
                reason = f"'{section.name}' is the name of a conn of ipsec.conf, too"
                self.problems.errors.append(section.error(reason))
            if len(self.problems.errors) == before and not _broken(section):
                good.append(found)
            else:
                ignored.append(section.name)
        return tuple(good), tuple(ignored)

    def pools(self) -> Iterator[Pool]:
        for section in self._below("pools"):
            read = Read(section, POOL_BY_NAME, self.problems)
            addrs = read.text("addrs")
            try:
                network(addrs)
            except BadValue as why:
                read.refuse("addrs", why.reason, addrs)
                continue
            said = ((name, read.words(name)) for name in _ATTRIBUTES)
            yield Pool(section.name, addrs, tuple((name, values) for name, values in said if values))

    def authorities(self) -> Iterator[Authority]:
        for section in self._below("authorities"):
            read = Read(section, AUTHORITY_BY_NAME, self.problems)
            file = read.text("cacert")
            try:
                if not file:
                    raise ValueError("cacert is missing, the authority's certificate")
                self.held.authority(file)
            except OSError as problem:
                read.refuse("cacert", f"'{file}' cannot be read: {problem.strerror or problem}", file)
            except (ValueError, CygnetError) as problem:
                read.refuse("cacert", str(problem), file)
            else:
                yield Authority(section.name, file, read.words("crl_uris"), read.words("ocsp_uris"),
                                read.text("cert_uri_base"))  # fmt: skip


def _broken(section: Section) -> bool:
    return section.broken or any(map(_broken, section.sections.values()))
