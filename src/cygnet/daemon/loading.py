"""Reads the configuration files, and says what is wrong with them as the terminal shows it."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import replace

from cygnet.config.diagnostics import in_file_order, render
from cygnet.config.load import Loaded, load
from cygnet.credentials.files import CredentialFiles
from cygnet.daemon.files import RealFiles
from cygnet.daemon.options import Options
from cygnet.daemon.source import is_local
from cygnet.values.errors import ConfigError


def load_files(options: Options) -> Loaded:
    """Everything, with levels of the command line after those of the files."""
    files = RealFiles()
    loaded = load(
        files,
        options.config,
        options.secrets,
        options.strongswan_conf,
        is_local,
        lambda secrets: CredentialFiles(files, str(options.credentials), secrets),
    )
    if not options.debug:
        return loaded
    settings = loaded.config.settings
    settings = replace(settings, log_levels=(*settings.log_levels, *options.debug))
    return replace(loaded, config=replace(loaded.config, settings=settings))


def diagnostics(loaded: Loaded, kept: Collection[str] = ()) -> list[str]:
    """Errors and warnings in the order of the files, then which conns were left out.

    ``kept``: those of them of which an earlier version stays in force.
    """
    wrong = {id(error): "error" for error in loaded.errors}
    found = in_file_order((*loaded.errors, *loaded.warnings))
    texts = [render(error, wrong.get(id(error), "warning")) for error in found]
    for name in loaded.ignored:
        fate = "; it stays as it was loaded before" if name in kept else ""
        texts.append(f"# ignored conn '{name}' due to its errors{fate}")
    return texts


def check(options: Options) -> tuple[str, int]:
    """`cygnet check`: what to print and the exit status (0, or 2 where something is wrong)."""
    loaded = load_files(options)
    status = 2 if loaded.errors else 0
    if options.json:
        return json.dumps(_as_json(loaded), indent=2), status
    lines = diagnostics(loaded)
    lines.append("config invalid!" if status else "config OK")
    return "\n".join(lines), status


def _as_json(loaded: Loaded) -> dict[str, object]:
    return {
        "ok": not loaded.errors,
        "connections": [c.name for c in loaded.config.connections],
        "ignored": list(loaded.ignored),
        "errors": [_error(e) for e in in_file_order(loaded.errors)],
        "warnings": [_error(e) for e in in_file_order(loaded.warnings)],
    }


def _error(error: ConfigError) -> dict[str, object]:
    return {
        "file": error.place.file,
        "line": error.place.line,
        "column": error.place.column,
        "keyword": error.keyword,
        "reason": error.reason,
    }
