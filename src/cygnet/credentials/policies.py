"""RFC 5280 §6.1, certificate policies, in the manner of RFC 9618.

A tree of policies grows without bounds where mappings are malicious. What the tree is asked in the end is
only which policies *of the anchor's domain* lead to the leaf; so each node keeps those, its ``roots``,
and there is one node for each policy at each depth. A root is where a node hangs on anyPolicy.
"""

from __future__ import annotations

from dataclasses import dataclass

from cygnet.credentials.judgement import Settings
from cygnet.crypto.x509 import ANY_POLICY, Certificate


@dataclass(slots=True)
class _Node:
    roots: frozenset[str]
    expected: frozenset[str]  #: the policies that the next certificate may have to hang on this one


class Policies:
    """The policy state while a path is walked from the anchor to the leaf.

    ``add`` each certificate but the anchor; then ``result``.
    """

    def __init__(self, settings: Settings, length: int) -> None:
        self._wanted = settings.policies
        self._left = length
        self._nodes = {ANY_POLICY: _Node(frozenset({ANY_POLICY}), frozenset({ANY_POLICY}))}
        self._explicit = 0 if settings.explicit_policy else length + 1
        self._mapping = 0 if settings.inhibit_mapping else length + 1
        self._any = 0 if settings.inhibit_any_policy else length + 1

    def add(self, certificate: Certificate) -> str | None:
        """What is wrong with it; None: nothing."""
        self._left -= 1
        last = self._left == 0
        above = self._nodes
        self._nodes = self._step(certificate, above, last)
        if not self._explicit and not self._nodes:
            return "has no policy that is acceptable here"
        return self._wrap_up(certificate) if last else self._prepare(certificate)

    def _step(self, certificate: Certificate, above: dict[str, _Node], last: bool) -> dict[str, _Node]:
        """§6.1.3 (d) and (e)."""
        if certificate.policies is None:
            return {}
        expecting: dict[str, set[str]] = {}
        for node in above.values():
            for policy in node.expected:
                expecting.setdefault(policy, set()).update(node.roots)
        nodes: dict[str, _Node] = {}
        for policy in certificate.policies:
            if policy == ANY_POLICY:
                continue
            if policy in expecting:
                nodes[policy] = _Node(frozenset(expecting[policy]), frozenset({policy}))
            elif ANY_POLICY in above:
                nodes[policy] = _Node(frozenset({policy}), frozenset({policy}))
        if ANY_POLICY in certificate.policies and (self._any or (not last and certificate.self_issued)):
            for policy, roots in expecting.items():
                nodes.setdefault(policy, _Node(frozenset(roots), frozenset({policy})))
        return nodes

    def _prepare(self, certificate: Certificate) -> str | None:
        """§6.1.4 (a), (b), (h) to (j)."""
        if any(ANY_POLICY in pair for pair in certificate.policy_mappings):
            return "maps anyPolicy, which must not be"
        self._map(certificate)
        if not certificate.self_issued:
            self._explicit = max(0, self._explicit - 1)
            self._mapping = max(0, self._mapping - 1)
            self._any = max(0, self._any - 1)
        if certificate.require_explicit_policy is not None:
            self._explicit = min(self._explicit, certificate.require_explicit_policy)
        if certificate.inhibit_policy_mapping is not None:
            self._mapping = min(self._mapping, certificate.inhibit_policy_mapping)
        if certificate.inhibit_any_policy is not None:
            self._any = min(self._any, certificate.inhibit_any_policy)
        return None

    def _map(self, certificate: Certificate) -> None:
        mapped: dict[str, set[str]] = {}
        for ours, theirs in certificate.policy_mappings:
            mapped.setdefault(ours, set()).add(theirs)
        for ours, theirs_all in mapped.items():
            if not self._mapping:
                self._nodes.pop(ours, None)
            elif ours in self._nodes:
                self._nodes[ours].expected = frozenset(theirs_all)
            elif ANY_POLICY in self._nodes:
                self._nodes[ours] = _Node(frozenset({ours}), frozenset(theirs_all))

    def _wrap_up(self, certificate: Certificate) -> str | None:
        """§6.1.5 (a), (b) and (g)."""
        self._explicit = max(0, self._explicit - 1)
        if certificate.require_explicit_policy == 0:
            self._explicit = 0
        if not self._explicit and not self.result:
            return "has no policy that is acceptable here"
        return None

    @property
    def result(self) -> frozenset[str]:
        """The user-constrained-policy-set, once the leaf has been added."""
        roots = frozenset().union(*(node.roots for node in self._nodes.values()))
        if ANY_POLICY in self._wanted:
            return roots
        if ANY_POLICY in roots:
            return self._wanted
        return roots & self._wanted
