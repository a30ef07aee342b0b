"""The words of proposals: strongSwan's keywords, each with the transform it stands for.

Those of algorithms come from the rows of ``encr``, ``integ``, ``prf`` and ``ke``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cygnet.crypto import encr, integ, ke, prf
from cygnet.crypto.rows import Use
from cygnet.values.iana import EsnId, KeId, TransformType
from cygnet.values.proposal import Transform


@dataclass(frozen=True, slots=True)
class Keyword:
    """One word: the transform it stands for, and where that may be negotiated."""

    word: str
    transform: Transform
    use: Use


#: words of strongSwan for what cygnet does not have, and why not
UNSUPPORTED: dict[str, str] = {
    **dict.fromkeys(("des", "modpnull"), "it protects nothing"),
    **dict.fromkeys(
        ("blowfish", "blowfish128", "blowfish192", "blowfish256", "cast128"),
        "a 64-bit block cipher that nobody needs any more",
    ),
    **dict.fromkeys(
        (
            *(f"{name}{bits}" for name in ("serpent", "twofish") for bits in ("", 128, 192, 256)),
            *("camelliaxcbc", "prfcamelliaxcbc", "modpcustom", "newhope128"),
            *("ntru112", "ntru128", "ntru192", "ntru256"),
        ),
        "it has only a private number",
    ),
    **dict.fromkeys(
        (
            *(f"camellia{bits}ctr" for bits in (128, 192, 256)),
            *(f"camellia{bits}ccm{icv}" for bits in (128, 192, 256) for icv in (8, 64, 12, 96, 16, 128)),
            *("ecp224bp", "mlkem512"),
        ),
        "the cryptographic library does not have it",
    ),
}


def _encr_words() -> Iterator[Keyword]:
    for row in encr.ROWS:
        for transform in row.transforms():
            for pattern in row.keywords:
                yield Keyword(pattern.format(bits=transform.key_length), transform, row.use)
                if pattern.endswith("{bits}") and transform.key_length == 128:
                    yield Keyword(pattern.removesuffix("{bits}"), transform, row.use)  # "aes" is aes128


def _words() -> Iterator[Keyword]:
    yield from _encr_words()
    for i in integ.ROWS:
        yield from (Keyword(w, Transform(TransformType.INTEG, i.id), i.use) for w in i.keywords)
    for p in prf.ROWS:
        yield from (Keyword(w, Transform(TransformType.PRF, p.id), Use.ANY) for w in p.keywords)
    for k in ke.ROWS:
        yield from (Keyword(w, Transform(TransformType.KE, k.id), k.use) for w in k.keywords)
    yield Keyword("modpnone", Transform(TransformType.KE, KeId.NONE), Use.ANY)
    yield Keyword("esn", Transform(TransformType.ESN, EsnId.ESN), Use.IPSEC)
    yield Keyword("noesn", Transform(TransformType.ESN, EsnId.NO_ESN), Use.IPSEC)


KEYWORDS: dict[str, Keyword] = {k.word: k for k in _words()}
