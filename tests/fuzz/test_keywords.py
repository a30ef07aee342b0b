"""Whatever is written as a proposal: a proposal, or a ValueError that fits on a line."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from cygnet.crypto.encr import cipher
from cygnet.crypto.integ import integrity
from cygnet.crypto.ke import row
from cygnet.crypto.keywords import KEYWORDS, parse_proposal, proposal_text, supported
from cygnet.crypto.prf import prf
from cygnet.values.iana import KeId, Protocol, TransformType
from cygnet.values.proposal import match

WORDS = st.sampled_from([*KEYWORDS, *(f"ke{n}_{w}" for n in range(9) for w in ("mlkem768", "none", "sha1"))])
PIECES = st.one_of(WORDS, st.text(max_size=12), st.text(alphabet="aes0123456789gcmshp_k-", max_size=12))
PROTOCOLS = st.sampled_from([Protocol.IKE, Protocol.ESP, Protocol.AH])


@settings(max_examples=600, deadline=None)
@given(st.lists(PIECES, max_size=8), PROTOCOLS, st.sampled_from([0, 1, 2]))
def test_any_text_is_a_proposal_or_a_clear_refusal(
    pieces: list[str], protocol: Protocol, version: int
) -> None:
    text = "-".join(pieces)
    try:
        proposal = parse_proposal(text, protocol, version)
    except ValueError as refusal:
        lines = str(refusal).splitlines()
        assert 0 < len(lines) <= text.count("-") + 1
        assert all(0 < len(line) < 250 for line in lines)
        return
    assert proposal_text(proposal)
    assert match(proposal, proposal) is not None, "what can be written can be agreed on"


@settings(max_examples=300, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=8), PROTOCOLS)
def test_every_transform_of_a_proposal_has_its_algorithm(words: list[str], protocol: Protocol) -> None:
    try:
        proposal = parse_proposal("-".join(words), protocol)
    except ValueError:
        return
    finders = {TransformType.INTEG: integrity, TransformType.PRF: prf}
    for transform in proposal.transforms:
        assert supported(transform)
        if transform.type == TransformType.ENCR:
            assert cipher(transform).id == transform.id
        elif transform.type in finders:
            assert finders[transform.type](transform.id).id == transform.id
        elif transform.type != TransformType.ESN and transform.id != KeId.NONE:
            assert row(transform.id).id == transform.id
