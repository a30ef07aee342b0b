"""A conn in the hands of the lowering: what it says, and where each thing was said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cygnet.config.reader import LEFT, MIDDLE, RIGHT
from cygnet.config.records import Conn, End
from cygnet.config.tree import Section, Setting
from cygnet.values.errors import ConfigError


@dataclass(slots=True)
class Written:
    """A conn with the settings behind it. ``swapped``: right is this machine, left the peer."""

    section: Section
    conn: Conn
    settings: Mapping[tuple[str, str], Setting]  #: by side and keyword
    swapped: bool = False
    errors: list[ConfigError] = field(default_factory=list)
    warnings: list[ConfigError] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.section.name

    @property
    def local_side(self) -> str:
        return RIGHT if self.swapped else LEFT

    @property
    def remote_side(self) -> str:
        return LEFT if self.swapped else RIGHT

    @property
    def local(self) -> End:
        return self.conn.right if self.swapped else self.conn.left

    @property
    def remote(self) -> End:
        return self.conn.left if self.swapped else self.conn.right

    def has(self, name: str, side: str = MIDDLE) -> bool:
        setting = self.settings.get((side, name))
        return setting is not None and setting.value is not None

    def said(self, name: str, side: str = MIDDLE) -> str:
        """The text that was written, empty where there is none."""
        setting = self.settings.get((side, name))
        return setting.value or "" if setting else ""

    def refuse(self, name: str, reason: str, side: str = MIDDLE, found: str = "") -> None:
        """The conn cannot be: because of the setting ``name``, or because it has none."""
        error = self._about(name, reason, side, found)
        if str(error) not in map(str, self.errors):  # authby is asked once for each end
            self.errors.append(error)

    def warn(self, name: str, reason: str, side: str = MIDDLE, found: str = "") -> None:
        self.warnings.append(self._about(name, reason, side, found))

    def _about(self, name: str, reason: str, side: str, found: str) -> ConfigError:
        setting = self.settings.get((side, name))
        if setting is not None:
            inherited = not any(setting is own for own in self.section.settings)
            return setting.error(f"{reason} (in {self.section.title})" if inherited else reason, found)
        return self.section.line.error(
            self.section.column, side + name, f"{reason} (in {self.section.title})"
        )
