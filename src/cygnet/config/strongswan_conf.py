"""strongswan.conf to Settings: the ``charon`` keys that cygnet has, the others left alone."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from cygnet.config import braces
from cygnet.config.diagnostics import BadValue
from cygnet.config.files import FileSystem
from cygnet.config.keywords.logging import GROUPS, LEVEL
from cygnet.config.keywords.row import Keyword
from cygnet.config.keywords.strongswan import BY_NAME, FILELOG_BY_NAME, PKCS11_MODULE, PKCS11_MODULES
from cygnet.config.tree import Section, Setting
from cygnet.model.config import FileLog, Settings
from cygnet.values.errors import ConfigError

#: Rows whose values gather in one field, in the order of the rows.
_GATHERED = ("dns", "nbns")


@dataclass(slots=True)
class Daemon:
    """The settings, and what could not be taken: there the default stays."""

    settings: Settings = field(default_factory=Settings)
    errors: list[ConfigError] = field(default_factory=list)
    warnings: list[ConfigError] = field(default_factory=list)


def parse(fs: FileSystem, path: str) -> Daemon:
    """Read and lower the file. That it is missing is fine: the defaults stand for it."""
    tree = braces.parse(fs, path)
    daemon = Daemon(Settings(), tree.errors, tree.warnings)
    places = {row.name.rpartition(".")[0] for row in BY_NAME.values()}
    found = {place: list(braces.find(tree, f"charon.{place}".rstrip("."))) for place in places}
    fields: dict[str, object] = {}
    for row in BY_NAME.values():
        value = _value(row, found[row.name.rpartition(".")[0]], daemon.errors)
        if value is None:
            continue
        if row.target in _GATHERED:
            gathered = fields.setdefault(row.target, ())
            assert isinstance(gathered, tuple)
            value = (*gathered, value)
        fields[row.target] = value
    fields["pkcs11_modules"] = tuple(_modules(tree, daemon.errors))
    fields["filelogs"] = tuple(_filelogs(tree, daemon.errors))
    daemon.settings = replace(daemon.settings, **fields)  # type: ignore[arg-type]  # the rows' types are the fields'
    return daemon


def _value(row: Keyword, sections: list[Section], errors: list[ConfigError]) -> object:
    """What the first section that says something says; None where that is nothing, or bad."""
    setting = next((s for section in sections if (s := section.last(row.name.rpartition(".")[2]))), None)
    return None if setting is None else _read(row, setting, errors)


def _read(row: Keyword, setting: Setting, errors: list[ConfigError]) -> object:
    if setting.value is None:
        return None
    try:
        return row.type.parse(setting.value)
    except BadValue as why:
        errors.append(setting.error(why.reason, why.found))
        return None


def _modules(tree: braces.Braces, errors: list[ConfigError]) -> list[tuple[str, str]]:
    """``charon.plugins.pkcs11.modules.NAME.path``."""
    names = dict.fromkeys(n for s in braces.find(tree, PKCS11_MODULES) for n in s.sections)
    found = []
    for name in names:
        sections = [s.sections[name] for s in braces.find(tree, PKCS11_MODULES) if name in s.sections]
        path = _value(PKCS11_MODULE, sections, errors)
        if isinstance(path, str):
            found.append((name, path))
    return found


def _filelogs(tree: braces.Braces, errors: list[ConfigError]) -> list[FileLog]:
    logs: dict[str, FileLog] = {}
    for parent in braces.find(tree, "charon.filelog"):
        for name in parent.sections:
            if name not in logs:
                sections = list(braces.find(tree, f"charon.filelog.{name}")) if "." not in name else []
                logs[name] = _filelog(name, sections or [parent.sections[name]], errors)
    return list(logs.values())


def _filelog(name: str, sections: list[Section], errors: list[ConfigError]) -> FileLog:
    fields: dict[str, object] = {"path": name}
    levels: dict[str, int] = {}
    keys = dict.fromkeys(setting.key for section in sections for setting in section.settings)
    for key in keys:
        group = key in GROUPS or key == "default"
        row = Keyword(key, LEVEL, None, "") if group else FILELOG_BY_NAME.get(key)
        value = _value(row, sections, errors) if row else None
        if group and isinstance(value, int):
            levels[key] = value
        elif row and value is not None:
            fields[row.target] = value
    levels.setdefault("default", 1)
    return FileLog(levels=tuple(levels.items()), **fields)  # type: ignore[arg-type]  # as above
