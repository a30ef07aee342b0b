"""What a row of a keyword table is, and what a type of value is.

A table is the whole truth about its keywords: the reader, the documentation
(docs/generated/keywords.md), the suggestions in errors and the sweep tests all come from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Type(Generic[T_co]):
    """How a value is written, in words, and its reader, which raises BadValue."""

    accepts: str
    parse: Callable[[str], T_co]


class Status(Enum):
    SUPPORTED = "supported"
    PLANNED = "not supported yet"  #: parsed and checked, then named in a warning
    DEPRECATED = "deprecated"  #: named in a warning, as strongSwan does; its value is not read


@dataclass(frozen=True, slots=True)
class Keyword:
    """One keyword. ``target`` is where in the model its value goes.

    ``default`` is as it would be written in the file, None where there is nothing; for PLANNED
    rows it is the value that needs no warning. ``note`` tells what to use instead of a
    deprecated keyword, or what comes about without a planned one.
    """

    name: str
    type: Type[object]
    default: str | None
    doc: str
    target: str = ""
    aliases: tuple[str, ...] = ()
    status: Status = Status.SUPPORTED
    note: str = ""
    own: bool = False  #: cygnet's own: strongSwan warns of an unknown keyword, and leaves it alone
    field: str = ""  #: name in the record of read values, where it is not the keyword's own

    @property
    def attribute(self) -> str:
        return self.field or self.name

    def default_value(self) -> object:
        return None if self.default is None else self.type.parse(self.default)


def by_name(rows: Iterable[Keyword]) -> Mapping[str, Keyword]:
    """The rows of a table by each of their names."""
    return {name: row for row in rows for name in (row.name, *row.aliases)}
