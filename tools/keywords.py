"""Makes docs/generated/keywords.md from the keyword tables in src/cygnet/config/keywords.

python tools/keywords.py
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from cygnet.config.ipsec_secrets import kinds
from cygnet.config.keywords.ca import CA
from cygnet.config.keywords.conn import CONN
from cygnet.config.keywords.end import END
from cygnet.config.keywords.row import Keyword, Status
from cygnet.config.keywords.setup import SETUP
from cygnet.config.keywords.strongswan import CHARON, FILELOG
from cygnet.config.keywords.swanctl.authentication import LOCAL, REMOTE
from cygnet.config.keywords.swanctl.child import CHILD
from cygnet.config.keywords.swanctl.connection import CONNECTION
from cygnet.config.keywords.swanctl.others import AUTHORITY, POOL, SECRET

TARGET = Path(__file__).parent.parent / "docs" / "generated" / "keywords.md"

HEAD = """# Keywords

Made by `python tools/keywords.py` from the tables in `src/cygnet/config/keywords`; do not edit.

The files are strongSwan's. **Not supported yet** means that the keyword is read and checked, and
then named in a warning; *deprecated* that strongSwan ignores it too. Times are whole numbers with
`s`, `m`, `h` or `d` behind them; a number alone is seconds. A value with a blank, `=` or `#` in it
stands in double quotes. *Cygnet's own* keywords are for what strongSwan cannot be told in these
files; it says that it does not know them, and goes on. `cygnet check` says what is wrong with the
files, without a daemon.
"""

SECTIONS: tuple[tuple[str, str, str, tuple[Keyword, ...]], ...] = (
    ("ipsec.conf: config setup", "What holds for the whole daemon. An error here is fatal.", "", SETUP),
    ("ipsec.conf: conn", "One connection. Settings of `conn %default` are everybody's.", "", CONN),
    (
        "ipsec.conf: the ends of a conn",
        "Each stands once with `left` and once with `right` in front; left is this machine, unless right's "
        "address is one of its own.",
        "left",
        END,
    ),
    ("ipsec.conf: ca", "An authority.", "", CA),
    (
        "strongswan.conf: charon",
        "Keys that are not here are left alone: the file may be strongSwan's too.",
        "charon.",
        CHARON,
    ),
    (
        "strongswan.conf: charon.filelog",
        "One section for each file; besides these, a level for each log group.",
        "charon.filelog.NAME.",
        FILELOG,
    ),
    ("swanctl.conf: connections.NAME", "One IKE peer. Defaults are swanctl's own.", "", CONNECTION),
    ("swanctl.conf: local sections of a connection", "One for each round of authentication.", "", LOCAL),
    ("swanctl.conf: remote sections of a connection", "What the peer has to prove.", "", REMOTE),
    ("swanctl.conf: children.NAME of a connection", "One CHILD_SA.", "", CHILD),
    (
        "swanctl.conf: secrets",
        "Sections named ike..., ppk..., private..., rsa..., ecdsa..., pkcs8..., pkcs12..., eap..., xauth..., "
        "ntlm..., token... .",
        "",
        SECRET,
    ),
    ("swanctl.conf: pools.NAME", "Addresses to give out.", "", POOL),
    ("swanctl.conf: authorities.NAME", "What is known of a CA.", "", AUTHORITY),
)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _row(row: Keyword, prefix: str) -> str:
    names = "<br>".join(f"`{prefix}{name}`" for name in (row.name, *row.aliases))
    default = f"`{row.default}`" if row.default is not None else ""
    doc = row.doc
    if row.status is Status.PLANNED:
        doc += " **Not supported yet.**"
    if row.own:
        doc += " *Cygnet's own.*"
    if row.note:
        doc += f" {row.note[0].upper()}{row.note[1:]}."
    return f"| {names} | {_cell(row.type.accepts)} | {default} | {_cell(doc)} |"


def _table(rows: Iterable[Keyword], prefix: str) -> Iterator[str]:
    rows = list(rows)
    yield "| keyword | values | default | meaning |"
    yield "|---|---|---|---|"
    for row in rows:
        if row.status is not Status.DEPRECATED:
            yield _row(row, prefix)
    gone = [row for row in rows if row.status is Status.DEPRECATED]
    if gone:
        yield ""
        yield f"Deprecated and without effect: {', '.join(_gone(row, prefix) for row in gone)}."


def _gone(row: Keyword, prefix: str) -> str:
    names = ", ".join(f"`{prefix}{name}`" for name in (row.name, *row.aliases))
    return f"{names} ({row.note})" if row.note else names


def document() -> str:
    lines = [HEAD]
    for title, text, prefix, rows in SECTIONS:
        lines += [f"## {title}", "", text, "", *_table(rows, prefix), ""]
    lines += ["## ipsec.secrets", "", f"`[owners] : TYPE secret`, with the types {', '.join(kinds())}.", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(document())
