"""What is to be done with an outbound packet: the SA that protects it, or the policy that says otherwise.

Found once for a flow and remembered until a policy or an outbound SA comes or goes.
"""

from __future__ import annotations

from cygnet.boundary.specs import PolicyAction, PolicySpec
from cygnet.dataplane.drops import Drop
from cygnet.dataplane.esp.sa import OutboundSa
from cygnet.dataplane.esp.sad import SaDatabase
from cygnet.dataplane.ip.header import Flow, flow_key, parse
from cygnet.dataplane.policy.spd import PolicyDatabase

_MOST_FLOWS = 16384  #: remembered; beyond, the memory is begun anew (a scan must not grow us)


class Decisions:
    def __init__(self, sad: SaDatabase) -> None:
        self.spd = PolicyDatabase()
        self._sad = sad
        self._by_reqid: dict[int, set[int]] = {}
        self._flows: dict[bytes, PolicySpec | OutboundSa] = {}

    def add(self, policy: PolicySpec) -> None:
        self.spd.add(policy)
        self._by_reqid.setdefault(policy.reqid, set()).add(policy.id)
        self.forget()

    def remove(self, id: int) -> None:
        policy = self.spd.remove(id)
        if policy is None:
            return
        siblings = self._by_reqid[policy.reqid]
        siblings.discard(id)
        if not siblings:
            del self._by_reqid[policy.reqid]
        self.forget()

    def of(self, reqid: int) -> list[int]:
        """The ids of the policies with that reqid."""
        return sorted(self._by_reqid.get(reqid, ()))

    def forget(self) -> None:
        """Outbound SAs have come or gone."""
        self._flows.clear()

    def known(self, key: bytes) -> OutboundSa | None:
        """The SA of a flow (``header.flow_key``) that was found before."""
        decision = self._flows.get(key)
        return decision if isinstance(decision, OutboundSa) else None

    def find(self, packet: bytes) -> OutboundSa | PolicySpec | Drop | Flow:
        """A policy where there is no SA (yet); a flow where there is no policy."""
        key = flow_key(packet)
        decision = self._flows.get(key) if key else None
        if decision is not None:
            return decision
        found = self._look_up(packet)
        if key and isinstance(found, (OutboundSa, PolicySpec)):
            if len(self._flows) >= _MOST_FLOWS:
                self._flows.clear()
            self._flows[key] = found
        return found

    def _look_up(self, packet: bytes) -> OutboundSa | PolicySpec | Drop | Flow:
        flow = parse(packet)
        if flow is None:
            return Drop.MALFORMED
        policies = self.spd.matching(flow)
        if not policies:
            return flow
        first = policies[0]
        if first.action is not PolicyAction.PROTECT:
            return first
        sa = self._sad.newest(first.reqid, packet)
        if sa is not None:
            return sa
        if self._sad.outbound(first.reqid):
            return Drop.NOT_COVERED
        # A tunnel's own policy whose SA has just expired: the trap of the same reqid may hold the packet.
        return next((p for p in policies if p.trap and p.reqid == first.reqid), first)
