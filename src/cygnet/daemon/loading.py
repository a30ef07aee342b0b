"""Reads the configuration files, and says what is wrong with them as the terminal shows it."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterator
from dataclasses import replace
from os.path import dirname

from cygnet.config.diagnostics import in_file_order, render
from cygnet.config.load import Loaded, load
from cygnet.credentials.expiry import OWN, expiring, in_use
from cygnet.credentials.files import SWANCTL, CredentialFiles
from cygnet.credentials.judgement import Evidence, Why
from cygnet.credentials.path import judge
from cygnet.credentials.store import Store
from cygnet.daemon.files import RealFiles
from cygnet.daemon.options import Options
from cygnet.daemon.source import is_local
from cygnet.daemon.tokens import TOKENS, Tokens
from cygnet.model.config import Config, Settings
from cygnet.values.errors import ConfigError, Place


def load_files(options: Options) -> Loaded:
    """Everything, with levels of the command line after those of the files."""
    files = RealFiles()
    loaded = load(
        files,
        options.config,
        options.secrets,
        options.strongswan_conf,
        is_local,
        lambda secrets, settings: CredentialFiles(
            files, str(options.credentials), secrets, tokens_with(settings)
        ),
        options.swanctl_conf,
        lambda secrets, settings: CredentialFiles(
            files, dirname(options.swanctl_conf), secrets, tokens_with(settings), SWANCTL
        ),
    )
    if not options.debug:
        return loaded
    settings = loaded.config.settings
    settings = replace(settings, log_levels=(*settings.log_levels, *options.debug))
    return replace(loaded, config=replace(loaded.config, settings=settings))


def tokens_with(settings: Settings) -> Tokens:
    TOKENS.use(settings.pkcs11_modules)
    return TOKENS


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


#: what is told otherwise: by its end, and where the files are read
_TOLD = (Why.EXPIRED, Why.NO_ISSUER, Why.UNTRUSTED_ROOT)


def troubles(config: Config, now: int) -> Iterator[ConfigError]:
    """What is wrong at ``now`` (unix seconds) with certificates that are in use."""
    store = Store(config)
    watched = in_use(store, config.connections)
    for one in expiring(watched, now):
        yield ConfigError(Place(one.source, 0), "", one.sentence(now, with_file=False))
    evidence = Evidence(anchors=store.anchors, known=store.known, crls=store.crls)
    for one in watched:
        if one.what == OWN:
            verdict = judge(one.certificate, evidence, now)
            reasons = [r.text for a in verdict.attempts for r in a.reasons if r.why not in _TOLD]
            if reasons:
                text = f"peers will refuse this certificate: {'; '.join(dict.fromkeys(reasons))}"
                yield ConfigError(Place(one.source, 0), "", text)


def check(options: Options) -> tuple[str, int]:
    """`cygnet check`: what to print and the exit status (0, or 2 where something is wrong)."""
    loaded = load_files(options)
    loaded = replace(loaded, warnings=(*loaded.warnings, *troubles(loaded.config, int(time.time()))))
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
