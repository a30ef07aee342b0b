"""The model as text for golden files: what differs from the defaults, one thing a line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum

from cygnet.config.diagnostics import in_file_order, render
from cygnet.config.load import Loaded
from cygnet.crypto.keywords import default_proposals, proposal_text
from cygnet.values.iana import Protocol
from cygnet.values.identity import Identity
from cygnet.values.proposal import Proposal
from cygnet.values.secret import Secret
from cygnet.values.selector import TrafficSelector

_BUILT_IN = {p for protocol in (Protocol.IKE, Protocol.ESP, Protocol.AH) for v in (1, 2)
             for p in default_proposals(protocol, v)}  # fmt: skip


def dump(loaded: Loaded) -> str:
    lines = [*_lines("config", loaded.config, "")]
    lines += [f"ignored {name}" for name in loaded.ignored]
    lines += ["fatal"] if loaded.fatal else []
    for severity, found in (("error", loaded.errors), ("warning", loaded.warnings)):
        lines += [render(error, severity) for error in in_file_order(found)]
    return "\n".join(lines) + "\n"


def _lines(name: str, value: object, indent: str) -> Iterator[str]:
    if isinstance(value, tuple) and value and all(map(_is_record, value)):
        for item in value:
            yield from _lines(name.removesuffix("s"), item, indent)
    elif _is_record(value):
        yield f"{indent}{name}"
        for field in fields(value):  # type: ignore[arg-type]
            default = field.default_factory() if field.default_factory is not MISSING else field.default
            item = getattr(value, field.name)
            if item != default:
                yield from _lines(field.name, item, indent + "  ")
    else:
        yield f"{indent}{name}: {_leaf(value)}"


def _is_record(value: object) -> bool:
    return is_dataclass(value) and not isinstance(value, (Proposal, TrafficSelector, Identity, Secret))


def _leaf(value: object) -> str:
    if isinstance(value, tuple):
        built_in = [v for v in value if isinstance(v, Proposal) and v in _BUILT_IN]
        texts = [_leaf(v) for v in value if v not in built_in]
        return ", ".join(texts + (["(built-in)"] if built_in else [])) or "()"
    if isinstance(value, Proposal):
        return f"{value.protocol.name}:{proposal_text(value)}"
    if isinstance(value, Secret):
        return repr(value.reveal())  # golden secrets are not secret
    return str(value.value) if isinstance(value, Enum) else str(value)
