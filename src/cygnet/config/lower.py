"""From the tree of ipsec.conf to the model: what each section becomes, and what is left out.

A conn that cannot be understood is left out and named; the others load. Conns that say the
same about the peer become one connection with a child each, as in strongSwan ("added child to
existing configuration"), named after the first of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from cygnet.config.advice import advice
from cygnet.config.connection import connection, without_child
from cygnet.config.credentials import Credentials, NoCredentials
from cygnet.config.inherit import DEFAULT, Inheritance
from cygnet.config.keys import Keys, needs_psk, owners_text
from cygnet.config.keywords.addresses import is_single
from cygnet.config.keywords.row import Status
from cygnet.config.pools import Pools
from cygnet.config.reader import BAD, KEYWORDS, LEFT, MIDDLE, RIGHT, Reader, effective
from cygnet.config.records import Conn, End
from cygnet.config.tree import Section, Tree
from cygnet.config.written import Written
from cygnet.model.config import (
    Authority,
    Connection,
    Pool,
    Settings,
    SharedSecret,
    Strict,
    Unique,
)
from cygnet.values.errors import ConfigError, CygnetError

IsLocal = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Lowered:
    connections: tuple[Connection, ...]
    cas: tuple[Authority, ...]
    pools: tuple[Pool, ...]
    settings: Settings
    errors: tuple[ConfigError, ...]
    warnings: tuple[ConfigError, ...]
    ignored: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]
    fatal: bool


def lower(
    tree: Tree,
    settings: Settings,
    secrets: Iterable[SharedSecret],
    is_local: IsLocal,
    credentials: Credentials | None = None,
) -> Lowered:
    """What ipsec.conf says, on top of what strongswan.conf said. Never raises."""
    reader = Reader([*tree.errors], [*tree.warnings])
    lowering = _Lowering(tree, is_local, Keys(secrets), reader, credentials or NoCredentials())
    lowering.setup(settings)
    lowering.authorities()
    lowering.conns()
    return Lowered(
        connections=tuple(lowering.merged()),
        cas=tuple(lowering.cas),
        pools=lowering.pools.used({pool for found in lowering.connections for pool in found.pools}),
        settings=lowering.settings,
        errors=tuple(lowering.reader.errors),
        warnings=tuple(lowering.reader.warnings),
        ignored=tuple(lowering.ignored),
        left_out=tuple(lowering.left_out()),
        fatal=lowering.fatal,
    )


@dataclass(slots=True)
class _Lowering:
    tree: Tree
    is_local: IsLocal
    keys: Keys
    reader: Reader
    credentials: Credentials
    cas: list[Authority] = field(default_factory=list)
    settings: Settings = field(default_factory=Settings)
    pools: Pools = field(default_factory=Pools)
    connections: list[Connection] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    unused: dict[str, bool] = field(default_factory=dict)  #: conns with auto=ignore: any errors in it?
    advised: set[tuple[int, str]] = field(default_factory=set)  #: settings mentioned, and what of them
    fatal: bool = False

    def setup(self, settings: Settings) -> None:
        """An error here is fatal: what the whole daemon would do is not known."""
        self.settings = settings
        self.fatal = self.tree.unreadable
        section = self.tree.setup
        if section is None:
            return
        before = len(self.reader.errors)
        self.reader.check([section])
        self.fatal |= section.broken or len(self.reader.errors) > before
        values = self.read("config", [section])
        if not values:
            return
        unique, levels = values.get((MIDDLE, "uniqueids")), values.get((MIDDLE, "charondebug"))
        strict = Strict(values.get((MIDDLE, "strictcrlpolicy"), Strict.NO.value))
        keep = bool(values.get((MIDDLE, "cachecrls"), False)) or self.settings.cache_crls
        self.settings = replace(self.settings, strict_crl=strict, cache_crls=keep)
        if isinstance(unique, Unique):
            self.settings = replace(self.settings, unique=unique)
        if isinstance(levels, tuple):
            self.settings = replace(self.settings, log_levels=levels)

    def authorities(self) -> None:
        self.reader.check(self.tree.cas.values())
        inheritance = Inheritance(self.tree.cas)
        for name, section in self.tree.cas.items():
            ancestors = inheritance.ancestors(name)
            if name == DEFAULT or ancestors is None:
                continue
            values = self.read("ca", [section, *ancestors])
            if values and values.get((MIDDLE, "auto"), "ignore") != "ignore":
                self.authority(section, {key: value for (_, key), value in values.items()})
        self.reader.errors += inheritance.errors
        self.reader.warnings += inheritance.warnings

    def authority(self, section: Section, values: Mapping[str, object]) -> None:
        file = str(values.get("cacert") or "")
        try:
            if not file:
                raise ValueError("cacert is missing, the authority's certificate")
            self.credentials.authority(file)
        except OSError as problem:
            reason = f"'{file}' cannot be read: {problem.strerror or problem}"
        except (ValueError, CygnetError) as problem:
            reason = str(problem)
        else:
            uris = {kind: tuple(str(values[k]) for k in (kind, f"{kind}2") if k in values) for kind in _URIS}
            base = str(values.get("certuribase") or "")
            if base and not base.lower().startswith("http://"):
                reason = f"certuribase '{base}' is no http:// URL: peers will not look certificates up there"
                self.reader.warnings.append(section.error(reason))
            self.cas.append(Authority(section.name, file, uris["crluri"], uris["ocspuri"], base))
            return
        self.reader.errors.append(section.error(f"ca '{section.name}' is not loaded: {reason}"))

    def conns(self) -> None:
        self.reader.check(self.tree.conns.values())
        inheritance = Inheritance(self.tree.conns)
        bases = {s.value for conn in self.tree.conns.values() for s in conn.settings if s.key == "also"}
        for name, section in self.tree.conns.items():
            ancestors = inheritance.ancestors(name)
            if name == DEFAULT:
                continue
            sections = [section, *(ancestors or ())]
            written = self.written(section, sections)
            if ancestors is None or any(s.broken for s in sections):
                written = None
            auto = written.conn.auto if written else self.auto(sections, ancestors is None)
            if auto == "ignore":
                self.unused[name] = written is None
                if name not in bases:
                    self.check_unused(section, sections, written)
            elif written:
                self.add(written)
            else:
                self.ignored.append(name)
        self.reader.errors += inheritance.errors
        self.reader.warnings += inheritance.warnings

    def read(self, kind: str, sections: list[Section]) -> dict[tuple[str, str], object] | None:
        """What is set in the sections, by side and keyword; None where a value is bad."""
        settings = effective(kind, sections)
        values = {key: self.reader.value(kind, setting) for key, setting in settings.items()}
        if any(value is BAD for value in values.values()):
            return None
        return {key: value for key, value in values.items() if value is not None}

    def written(self, section: Section, sections: list[Section]) -> Written | None:
        values = self.read("conn", sections)
        if values is None:
            return None
        sides = {side: dict(defaults) for side, defaults in _DEFAULTS.items()}
        for (side, name), value in values.items():
            slot = KEYWORDS["conn"].get(side + name)
            if slot and slot.row.attribute in sides[side]:
                sides[side][slot.row.attribute] = value
        conn = Conn(
            left=End(**sides[LEFT]),  # type: ignore[arg-type]  # the rows' types are the fields'
            right=End(**sides[RIGHT]),  # type: ignore[arg-type]
            **sides[MIDDLE],  # type: ignore[arg-type]
        )
        return Written(section, conn, effective("conn", sections))

    def auto(self, sections: list[Section], lost: bool) -> str:
        """``auto`` of a conn with errors, as far as it can be seen: "" where it is not known.

        It matters on a reload, when a conn that has errors stays as it was and one that is switched
        off goes. ``lost``: the conn inherits from what is not there.
        """
        setting = effective("conn", sections).get((MIDDLE, "auto"))
        if setting is None and (lost or any(section.broken for section in sections)):
            return ""
        value = self.reader.value("conn", setting) if setting else None
        return "" if value is BAD else str(value or "ignore")

    def check_unused(self, section: Section, sections: list[Section], written: Written | None) -> None:
        """Say what would be wrong with a conn if it were loaded; nothing of that is an error yet.

        Not asked of a conn that others inherit from: it may be incomplete, and is checked in them.
        """
        auto = effective("conn", sections).get((MIDDLE, "auto"))
        if auto is None or auto.value is None:
            hint = "not set, so the conn is not loaded; auto=add does that (or route, start)"
            where = f"{hint} (in {section.title})"
            self.reader.warnings.append(section.line.error(section.column, "auto", where))
        if written is None:
            return
        written.conn = replace(written.conn, auto="add")
        self.built(written, Pools())
        self.reader.warnings += written.warnings
        for error in written.errors:
            self.unused[written.name] = True
            reason = f"{error.reason}; conn {written.name} is not loaded, and could not be"
            self.reader.warnings.append(
                ConfigError(error.place, error.keyword, reason, error.source, error.length)
            )

    def add(self, written: Written) -> None:
        built = self.built(written, self.pools)
        self.reader.warnings += written.warnings
        if written.errors:
            self.reader.errors += written.errors
            self.ignored.append(written.name)
        else:
            self.connections.append(built)

    def built(self, written: Written, pools: Pools) -> Connection:
        """The connection that a conn asks for, with everything that is to be said about it."""
        written.swapped = self._right_is_here(written.conn)
        built = connection(written, self.settings, pools, self.credentials)
        if not written.errors and needs_psk(built) and not self.keys.may_fit(built):
            reason = f"no pre-shared key of ipsec.secrets fits; '{owners_text(built)} : PSK ...' would"
            written.warnings.append(written.section.error(f"conn {built.name}: {reason}"))
        if built.ppk_id and not self.keys.has_ppk(built.ppk_id):
            owner = "" if "@" in built.ppk_id else "@"
            reason = f"ipsec.secrets has no such key; '{owner}{built.ppk_id} : PPK ...' would be it"
            written.warn("ppk_id", reason)
        for setting, reason in advice(written):
            if (id(setting), reason) not in self.advised:
                self.advised.add((id(setting), reason))
                written.warnings.append(setting.error(reason))
        return built

    def _right_is_here(self, conn: Conn) -> bool:
        return any(self.is_local(host) for host in conn.right.host.hosts if is_single(host))

    def left_out(self) -> Iterator[tuple[str, str]]:
        """The conns that are not loaded, and why."""
        for name in self.ignored:
            yield name, f"conn '{name}' has errors, which 'cygnet check' shows"
        for name, faulty in self.unused.items():
            more = "; it has errors too, which 'cygnet check' shows" if faulty else ""
            yield name, f"conn '{name}' is not loaded: auto=ignore, or auto is not set{more}"

    def merged(self) -> Iterator[Connection]:
        """One connection for all conns that say the same of the peer, with the children of each."""
        alike: dict[Connection, list[Connection]] = {}
        for found in self.connections:
            alike.setdefault(without_child(found), []).append(found)
        for group in alike.values():
            yield replace(group[0], children=tuple(c for one in group for c in one.children))


_URIS = ("crluri", "ocspuri")


#: What a conn has where it says nothing, by side: the table's defaults of everything supported.
_DEFAULTS: dict[str, dict[str, object]] = {
    side: {
        slot.row.attribute: slot.row.default_value()
        for slot in KEYWORDS["conn"].values()
        if slot.side == side and slot.row.status is Status.SUPPORTED and slot.row.name != "also"
    }
    for side in (LEFT, MIDDLE, RIGHT)
}
