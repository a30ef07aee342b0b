"""also= and %default: which sections a section takes settings from, most important first.

A section's own settings beat all inherited ones. Of several ``also`` the later one counts
more, and each brings its own ancestors right behind it. A section that is reached several
times keeps its last place only, so that what many inherit from counts least:

    conn A / conn B also=A / conn C also=A / conn D also=C also=B
    D inherits from  B A C A  ->  B C A

``%default`` is the ancestor of whatever has no other one, and so comes last of all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cygnet.config.diagnostics import did_you_mean, quoted
from cygnet.config.tree import Section
from cygnet.values.errors import ConfigError

DEFAULT = "%default"
#: Levels of also; our own bound. Real configurations have two or three.
MAX_LEVELS = 50


@dataclass(slots=True)
class Inheritance:
    """The ancestors of each section of one kind, worked out once each."""

    sections: Mapping[str, Section]
    errors: list[ConfigError] = field(default_factory=list)
    warnings: list[ConfigError] = field(default_factory=list)
    _known: dict[str, tuple[Section, ...] | None] = field(default_factory=dict)

    def ancestors(self, name: str) -> tuple[Section, ...] | None:
        """What ``name`` inherits from; None where an ``also`` leads nowhere or in a circle."""
        return self._resolve(name, ())

    def _resolve(self, name: str, path: tuple[str, ...]) -> tuple[Section, ...] | None:
        if name not in self._known:
            self._known[name] = self._work_out(name, (*path, name))
        return self._known[name]

    def _work_out(self, name: str, path: tuple[str, ...]) -> tuple[Section, ...] | None:
        section = self.sections[name]
        found: list[Section] = []
        good = True
        for also in reversed(section.settings):
            target = also.value
            if also.key != "also" or not target or target == DEFAULT:
                continue
            if name == DEFAULT:
                self.warnings.append(also.key_error(f"ignored: {DEFAULT} takes settings from nowhere else"))
                continue
            reason = self._refusal(target, path)
            if reason:
                self.errors.append(also.error(reason, target))
                good = False
            elif (beyond := self._resolve(target, path)) is None:
                good = False  # reported where it went wrong
            else:
                found += (self.sections[target], *beyond)
        if not good:
            return None
        if not found and name != DEFAULT and DEFAULT in self.sections:
            found.append(self.sections[DEFAULT])
        last = {found_section.name: found_section for found_section in reversed(found)}
        return tuple(reversed(last.values()))

    def _refusal(self, target: str, path: tuple[str, ...]) -> str:
        if target not in self.sections:
            near = did_you_mean(target, self.sections)
            return f"there is no section {quoted(target)} to take settings from{near}"
        if target in path:
            circle = " -> ".join([*path[path.index(target) :], target])
            return f"sections take settings from each other: {circle}"
        if len(path) > MAX_LEVELS:
            return f"more than {MAX_LEVELS} levels of also"
        return ""
