"""Reads settings by the keyword tables: each setting once, however many conns inherit it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cygnet.config.diagnostics import BadValue, did_you_mean
from cygnet.config.keywords import ca, conn, end, foreign, setup
from cygnet.config.keywords.row import Keyword, Status
from cygnet.config.lookalikes import lookalike, position
from cygnet.config.tree import Section, Setting
from cygnet.values.errors import ConfigError

LEFT, RIGHT, MIDDLE = "left", "right", ""


@dataclass(frozen=True, slots=True)
class Slot:
    """A keyword at its end of the conn: left's, right's or neither's."""

    side: str
    row: Keyword


def _table(rows: Mapping[str, Keyword], side: str = MIDDLE) -> dict[str, Slot]:
    slots = {id(row): Slot(side, row) for row in rows.values()}
    return {side + name: slots[id(row)] for name, row in rows.items()}


#: Every keyword of each kind of section, by each of its names.
KEYWORDS: dict[str, dict[str, Slot]] = {
    "config": _table(setup.BY_NAME),
    "conn": _table(conn.BY_NAME) | _table(end.BY_NAME, LEFT) | _table(end.BY_NAME, RIGHT),
    "ca": _table(ca.BY_NAME),
}
_HOMES = {"config": "config setup", "conn": "a conn", "ca": "a ca"}

#: The value of a setting that could not be read.
BAD = object()


@dataclass(slots=True)
class Reader:
    errors: list[ConfigError] = field(default_factory=list)
    warnings: list[ConfigError] = field(default_factory=list)
    _values: dict[int, object] = field(default_factory=dict)  #: by id of the setting

    def check(self, sections: Iterable[Section]) -> None:
        """Read every setting there is, also those that nothing inherits: all errors at once."""
        for section in sections:
            seen: dict[str, Setting] = {}
            for setting in section.settings:
                self.value(section.kind, setting)
                before = seen.get(setting.key)
                if before is not None and before.value != setting.value and setting.key != "also":
                    reason = f"set again in {section.title}, as in {before.place}; this one counts"
                    self.warnings.append(setting.key_error(reason))
                seen[setting.key] = setting

    def value(self, kind: str, setting: Setting) -> object:
        """The setting's value, None where it is unset, or BAD."""
        known = self._values.get(id(setting), self)
        if known is not self:
            return known
        value = self._values[id(setting)] = self._read(kind, setting)
        return value

    def _read(self, kind: str, setting: Setting) -> object:
        if what := lookalike(setting.key + (setting.value or "")):
            reason = f"there is {what} in this setting, which is a character like any other"
            self.warnings.append(setting.line.error(position(setting.line.text) + 1, setting.key, reason))
        slot = KEYWORDS[kind].get(setting.key)
        if slot is None:
            return self._unknown(kind, setting)
        row = slot.row
        if row.status is Status.DEPRECATED:
            self._warn(setting, row)
            return None
        if setting.value is None:
            return None
        try:
            value = row.type.parse(setting.value)
        except BadValue as why:
            self.errors += [setting.error(each.reason, each.found) for each in why.each()]
            return BAD
        if row.status is Status.PLANNED and value != row.default_value():
            self._warn(setting, row)
        return value

    def _unknown(self, kind: str, setting: Setting) -> object:
        """strongSwan takes no offence at an unknown keyword, but at one from another section."""
        for other, keywords in KEYWORDS.items():
            if setting.key in keywords:
                reason = f"this keyword belongs into {_HOMES[other]} section, not into {_HOMES[kind]}"
                self.errors.append(setting.key_error(reason.replace("setup section", "setup")))
                return BAD
        elsewhere = foreign.KEYWORDS.get(setting.key, "")
        hint = f"; {elsewhere}" if elsewhere else did_you_mean(setting.key, KEYWORDS[kind])
        reason = f"unknown keyword, ignored{hint}"
        self.warnings.append(setting.key_error(reason))
        return None

    def _warn(self, setting: Setting, row: Keyword) -> None:
        note = f"; {row.note}" if row.note else ""
        self.warnings.append(setting.key_error(f"{row.status.value}, ignored{note}"))


def effective(kind: str, sections: Iterable[Section]) -> dict[tuple[str, str], Setting]:
    """The setting that counts for each keyword, by side and name, of sections in their order."""
    found: dict[tuple[str, str], Setting] = {}
    keywords = KEYWORDS[kind]
    for section in sections:
        for setting in reversed(section.settings):  # within a section the last one wins
            slot = keywords.get(setting.key)
            key = (slot.side, slot.row.name) if slot else (MIDDLE, setting.key)
            found.setdefault(key, setting)
    return found
