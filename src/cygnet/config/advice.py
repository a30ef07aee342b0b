"""What a conn says that is likely not what was meant. It loads all the same.

Each check yields the setting and a sentence. Where many conns inherit the setting, it is
mentioned once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import ip_interface

from cygnet.config.diagnostics import did_you_mean
from cygnet.config.keywords.addresses import HOST_WORDS as WORDS
from cygnet.config.reader import LEFT, MIDDLE, RIGHT
from cygnet.config.tree import Setting
from cygnet.config.written import Written
from cygnet.model.config import IkeVersion

Advice = tuple[Setting, str]
Check = Callable[[Written], Iterator[Advice]]


def advice(written: Written) -> Iterator[Advice]:
    for check in CHECKS:
        yield from check(written)


def _setting(written: Written, name: str, side: str = MIDDLE) -> Setting | None:
    setting = written.settings.get((side, name))
    return setting if setting is not None and setting.value is not None else None


def _one_word_behind_a_percent_sign(written: Written) -> Iterator[Advice]:
    """``right=%bogus``: strongSwan takes it for the host ``bogus``, in whose place any other may come."""
    for side in (LEFT, RIGHT):
        setting = _setting(written, "", side)
        hosts = (written.conn.left if side == LEFT else written.conn.right).host
        name = hosts.hosts[0]
        if setting and hosts.allow_any and not set(name) & set(".:/"):
            known = f"{', '.join(WORDS)}{did_you_mean(f'%{name}', WORDS)}"
            meaning = f"taken for a host '{name}', in whose place any other may come"
            yield setting, f"{meaning}; the words with a % are {known}"


def _network_for_an_address(written: Written) -> Iterator[Advice]:
    """``left=10.0.0.1/24``: an interface's address with its mask, as ``ip addr`` prints it."""
    for side in (LEFT, RIGHT):
        setting = _setting(written, "", side)
        for host in (written.conn.left if side == LEFT else written.conn.right).host.hosts:
            if setting and "/" in host:
                interface = ip_interface(host)
                if interface.ip != interface.network.network_address:
                    yield (
                        setting,
                        f"this is the network {interface.network}; for the address write {interface.ip}",
                    )


def _address_for_a_network(written: Written) -> Iterator[Advice]:
    """``rightsubnet=10.77.0.0``: the mask is missing."""
    for side in (LEFT, RIGHT):
        setting = _setting(written, "subnet", side)
        for subnet in (written.conn.left if side == LEFT else written.conn.right).subnet or ():
            address = str(subnet.selector.start) if subnet.selector.start == subnet.selector.end else ""
            if setting and address.endswith((".0", "::")) and f"{address}/" not in (setting.value or ""):
                yield setting, f"{address} without a mask is that one address only, not a network"


def _same_network_on_both_ends(written: Written) -> Iterator[Advice]:
    left, right = ({s.selector for s in end.subnet or ()} for end in (written.conn.left, written.conn.right))
    setting = _setting(written, "subnet", RIGHT)
    for selector in sorted(left & right, key=str):
        whole = selector.start.is_unspecified
        if setting and not whole and not selector.dynamic and not written.conn.type.is_shunt:
            yield setting, f"{selector} is on both ends: what is in it would never leave this one"


def _checks_that_are_off(written: Written) -> Iterator[Advice]:
    for name in ("dpddelay", "dpdtimeout"):
        setting = _setting(written, name)
        if setting and written.conn.dpdaction == "none":
            yield (
                setting,
                "without effect: dpdaction=none, so the peer is never asked (clear, hold, restart do)",
            )


def _authby_that_does_not_count(written: Written) -> Iterator[Advice]:
    setting = _setting(written, "authby")
    if setting and (written.conn.left.auth or written.conn.right.auth):
        yield setting, "without effect: leftauth or rightauth is set"


def _lifetimes_that_do_not_count(written: Written) -> Iterator[Advice]:
    for name in ("ikelifetime", "lifetime", "lifebytes", "lifepackets"):
        setting = _setting(written, name)
        if setting and not written.conn.rekey:
            yield setting, "without effect: rekey=no takes every lifetime away, as in strongSwan"


def _ikev2_alone(written: Written) -> Iterator[Advice]:
    for name in ("childless", "ppk_id", "ppk_required", "resumption", "redirect_to"):
        setting = _setting(written, name)
        if setting and written.conn.keyexchange is IkeVersion.V1:
            yield setting, "without effect: only IKEv2 has it"


CHECKS: tuple[Check, ...] = (
    _one_word_behind_a_percent_sign,
    _network_for_an_address,
    _address_for_a_network,
    _same_network_on_both_ends,
    _checks_that_are_off,
    _authby_that_does_not_count,
    _lifetimes_that_do_not_count,
    _ikev2_alone,
)
