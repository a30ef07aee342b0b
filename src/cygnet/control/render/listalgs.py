"""`cygnet listalgs`: strongSwan's list, with the library that does the work in brackets."""

from __future__ import annotations

from collections.abc import Iterator

from cygnet.control.view import Facts

WIDTH = 79

#: kind (vici's word) -> how the list heads it
HEADINGS = {
    "encryption": "encryption:",
    "integrity": "integrity: ",
    "aead": "aead:      ",
    "hasher": "hasher:    ",
    "prf": "prf:       ",
    "ke": "ke-method: ",
    "rng": "random-gen:",
}


def listalgs(facts: Facts) -> Iterator[str]:
    yield "List of registered IKE algorithms:"
    yield ""
    for kind, names in facts.algorithms:
        line = f"  {HEADINGS.get(kind, kind + ':')}"
        for name, provider in names:
            word = f" {name}[{provider}]"
            if len(line) + len(word) > WIDTH:
                yield line
                line = " " * 13
            line += word
        yield line
