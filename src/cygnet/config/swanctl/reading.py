"""A section read by its table: values with the dialect's defaults, and where each was said."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from cygnet.config.diagnostics import BadValue, did_you_mean
from cygnet.config.keywords.row import Keyword, Status
from cygnet.config.tree import Section, Setting
from cygnet.values.errors import ConfigError


@dataclass(slots=True)
class Problems:
    errors: list[ConfigError] = field(default_factory=list)
    warnings: list[ConfigError] = field(default_factory=list)


class Read:
    """What one section says. Its errors and warnings are in ``problems``, each once."""

    def __init__(
        self,
        section: Section,
        table: Mapping[str, Keyword],
        problems: Problems,
        decisive: Collection[str] = (),
    ) -> None:
        self.section, self._problems = section, problems
        self._values: dict[str, object] = {}
        self._said: dict[str, Setting] = {}
        last = {setting.key: setting for setting in section.settings}
        for key, setting in last.items():
            row = table.get(key)
            if row is None:
                hint = did_you_mean(key, table)
                problems.warnings.append(setting.key_error(f"unknown keyword, ignored{hint}"))
            elif setting.value is not None:
                self._take(row, setting, row.name in decisive)
        for row in table.values():
            if row.name not in self._values:
                self._values[row.name] = row.default_value()
        self._targets = {row.target: row.name for row in table.values() if row.target}

    def _take(self, row: Keyword, setting: Setting, decisive: bool) -> None:
        try:
            value = row.type.parse(setting.value or "")
        except BadValue as why:
            self._problems.errors += [setting.error(each.reason, each.found) for each in why.each()]
            return
        self._values[row.name] = value
        self._said[row.name] = setting
        if row.status is Status.PLANNED and value != row.default_value():
            note = f"; {row.note}" if row.note else ""
            if decisive:
                self._problems.errors.append(setting.key_error(f"not supported yet{note}"))
            else:
                self._problems.warnings.append(setting.key_error(f"not supported yet, ignored{note}"))

    def __getitem__(self, name: str) -> object:
        return self._values[name]

    def text(self, name: str) -> str:
        return str(self._values[name] or "")

    def number(self, name: str) -> int | None:
        """A time or a count; None where nothing is said."""
        value = self._values[name]
        return value if isinstance(value, int) else None

    def words(self, name: str) -> tuple[str, ...]:
        value = self._values[name]
        return value if isinstance(value, tuple) else ()

    def said(self, name: str) -> bool:
        return name in self._said

    def fields(self) -> dict[str, object]:
        """The values that go into the model as they are, by field; what is not said has its own default."""
        return {field: self._values[name] for field, name in self._targets.items() if self._has(name)}

    def _has(self, name: str) -> bool:
        return self._values[name] is not None

    def refuse(self, name: str, reason: str, found: str = "") -> None:
        self._problems.errors.append(self._about(name, reason, found))

    def warn(self, name: str, reason: str, found: str = "") -> None:
        self._problems.warnings.append(self._about(name, reason, found))

    def _about(self, name: str, reason: str, found: str) -> ConfigError:
        setting = self._said.get(name)
        if setting is not None:
            return setting.error(reason, found)
        return self.section.line.error(self.section.column, name, f"{reason} (in {self.section.name})")


def stray(sections: Iterable[Section], known: str, problems: Problems) -> None:
    """Sections that mean nothing where they stand."""
    for section in sections:
        problems.warnings.append(
            section.error(f"section '{section.name}' is ignored here; known are {known}")
        )
