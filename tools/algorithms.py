"""Writes docs/generated/algorithms.md from the tables of cygnet.crypto.

python tools/algorithms.py          write the file
python tools/algorithms.py --check  exit 1 where it is not up to date
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from cygnet.crypto import encr, integ, ke, prf
from cygnet.crypto.keywords import UNSUPPORTED, default_proposals, transform_text
from cygnet.crypto.rows import Use
from cygnet.values.iana import KeId, Protocol, TransformType
from cygnet.values.proposal import Transform

TARGET = Path(__file__).parent.parent / "docs" / "generated" / "algorithms.md"

HEAD = """\
# Algorithms

Made by `python tools/algorithms.py` from the tables in `src/cygnet/crypto`; do not edit.

A proposal is a list of keywords joined by `-`, in any order: `aes128-sha256-x25519`. Several
proposals are separated by commas. The keywords are strongSwan's. A bold name is in the default
proposals; `{bits}` stands for the key length. Numbers are those of IANA's IKEv2 registry.
"""

NOTES = """
`modpnone` makes PFS optional in ESP and AH. The prefixes `ke1_` to `ke7_` before a key exchange
keyword (or `none`) add further key exchanges (RFC 9370). `esn` and `noesn` choose extended
sequence numbers in ESP and AH; without either, `noesn` is meant.
"""

USES = ((Use.IKEV1, "IKEv1"), (Use.IKEV2, "IKEv2"), (Use.ESP, "ESP"), (Use.AH, "AH"))


def table(title: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"\n## {title}\n", "| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


def words(keywords: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in keywords)


def uses(use: Use) -> str:
    return ", ".join(name for flag, name in USES if flag & use)


def name(kind: TransformType, id: int, bits: int = 0) -> str:
    """strongSwan's name; bold where a default proposal has it."""
    text = transform_text(Transform(kind, id)) if kind != TransformType.ENCR else encr_name(id)
    return f"**{text}**" if Transform(kind, id, bits) in defaults() else text


def encr_name(id: int) -> str:
    return transform_text(Transform(TransformType.ENCR, id))


def defaults() -> set[Transform]:
    asked = ((Protocol.IKE, 1), (Protocol.IKE, 2), (Protocol.ESP, 2), (Protocol.AH, 2))
    return {t for which in asked for p in default_proposals(*which) for t in p.transforms}


def encr_rows() -> Iterable[tuple[str, ...]]:
    for row in encr.ROWS:
        keywords = [*row.keywords]
        if row.keywords[0].endswith("{bits}"):
            keywords.append(row.keywords[0].removesuffix("{bits}") + "` (128 bits)`")
        bits = ", ".join(map(str, row.key_bits)) or (str(row.fixed_key * 8) if row.fixed_key else "–")
        first = row.key_bits[0] if row.key_bits else 0
        icv = f"{row.icv} bytes" if row.icv else "needs integrity"
        shown = words(keywords).replace("``", "")
        yield name(TransformType.ENCR, row.id, first), str(row.id.value), shown, bits, icv, uses(row.use)


def ke_length(id: KeId) -> str:
    ours, theirs = ke.public_length(id), ke.public_length(id, responder=True)
    return str(ours) if ours == theirs else f"{ours} / {theirs}"


def document() -> str:
    parts = [HEAD]
    columns = ("algorithm", "number", "keywords", "key bits", "integrity", "for")
    parts.append(table("Encryption", columns, encr_rows()))
    parts.append(
        table(
            "Integrity",
            ("algorithm", "number", "keywords", "key, ICV in bytes", "prf derived from it", "for"),
            (
                (
                    name(TransformType.INTEG, r.id),
                    str(r.id.value),
                    words(r.keywords),
                    f"{r.key_length}, {r.icv_length}",
                    transform_text(Transform(TransformType.PRF, r.prf)),
                    uses(r.use),
                )
                for r in integ.ROWS
            ),
        )
    )
    parts.append(
        table(
            "Pseudo-random functions",
            ("algorithm", "number", "keywords", "bytes", "for"),
            (
                (
                    name(TransformType.PRF, r.id),
                    str(r.id.value),
                    words(r.keywords),
                    str(r.output_length),
                    uses(r.use),
                )
                for r in prf.ROWS
            ),
        )
    )
    parts.append(
        table(
            "Key exchange",
            ("method", "number", "keywords", "public value in bytes", "for"),
            (
                (
                    name(TransformType.KE, r.id),
                    str(r.id.value),
                    words(r.keywords),
                    ke_length(r.id),
                    uses(r.use),
                )
                for r in ke.ROWS
            ),
        )
    )
    parts.append(NOTES)
    reasons: dict[str, list[str]] = {}
    for word, reason in UNSUPPORTED.items():
        reasons.setdefault(reason, []).append(word)
    parts.append(
        table(
            "Keywords of strongSwan that are refused",
            ("keywords", "why"),
            ((words(them), reason) for reason, them in reasons.items()),
        )
    )
    return "".join(parts)


def main(arguments: list[str]) -> int:
    made = document()
    if "--check" in arguments:
        return 0 if TARGET.exists() and TARGET.read_text() == made else 1
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(made)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
