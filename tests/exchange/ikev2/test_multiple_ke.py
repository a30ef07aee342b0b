"""Additional key exchanges (RFC 9370) with ML-KEM: in IKE_INTERMEDIATE (RFC 9242) and in IKE_FOLLOWUP_KE."""

from __future__ import annotations

import pytest

from cygnet.boundary.effects import Outcome
from cygnet.boundary.events import Rekey
from cygnet.engine.ikev2.sa import IkeSaV2
from cygnet.testing.network import Faults
from cygnet.testing.pair import Pair
from tests.exchange.ikev2.story import both_clean, matching, tunnel

HYBRID = "aes128gcm16-prfsha256-x25519-ke1_mlkem768"
SEVEN = (
    "aes128gcm16-prfsha256-x25519-ke1_mlkem768-ke2_ecp256-ke3_ecp384-ke4_x448"
    "-ke5_ecp521-ke6_mlkem1024-ke7_ecp256bp"
)


@pytest.mark.parametrize("ike", [HYBRID, SEVEN], ids=["one", "seven"])
def test_additional_key_exchanges_are_run_before_authentication(ike: str) -> None:
    # --> IKE_SA_INIT  --> IKE_INTERMEDIATE {KE} (one for each method)  --> IKE_AUTH
    pair = Pair(*tunnel(ike=ike))
    ref = pair.left.up("oregon")
    pair.run(5)
    matching(pair)
    shown = pair.left.lines(ref=ref)
    assert any("IKE_INTERMEDIATE request 1 [ KE ]" in line for line in shown)
    assert any("KE1_ML_KEM_768" in line for line in shown if line.startswith("selected proposal"))
    methods = ike.count("-ke")
    assert any(f"IKE_AUTH request {methods + 1} " in line for line in shown)


def test_keys_of_the_ike_sa_change_with_every_exchange() -> None:
    pair = Pair(*tunnel(ike=HYBRID))
    pair.left.up("oregon")
    pair.run(5)
    pair.left.handle(Rekey(pair.left.ref(), "[1]"))
    pair.run(20)
    matching(pair)
    lines = pair.left.lines()
    assert any("CREATE_CHILD_SA response 3 [ SA No KE N(ADD_KE) ]" in line for line in lines)
    assert any("IKE_FOLLOWUP_KE request 4 [ KE N(ADD_KE) ]" in line for line in lines)
    assert any("IKE_FOLLOWUP_KE response 4 [ KE ]" in line for line in lines)
    # the new IKE_SA works: it rekeys its CHILD_SA
    pair.right.handle(Rekey(pair.right.ref(), "oregon{}"))
    pair.run(20)
    matching(pair)


def test_a_child_is_rekeyed_with_additional_key_exchanges() -> None:
    pair = Pair(*tunnel(ike=HYBRID, esp="aes128gcm16-x25519-ke1_mlkem768-ke2_ecp256"))
    pair.left.up("oregon")
    pair.run(5)
    for host in (pair.left, pair.right):
        host.handle(Rekey(host.ref(), "oregon{}"))
        pair.run(30)
        matching(pair)
        assert any("IKE_FOLLOWUP_KE" in line for line in host.lines())


@pytest.mark.parametrize("seed", range(4))
def test_rekeyings_with_additional_key_exchanges_collide(seed: int) -> None:
    esp = "aes128gcm16-x25519-ke1_ecp256"
    pair = Pair(*tunnel(ike=HYBRID, esp=esp), seed=seed, faults=Faults(delay=0.05))
    pair.left.up("oregon")
    pair.run(5)
    for target in ("oregon{}", "oregon[]"):
        for host in pair.hosts:
            host.handle(Rekey(host.ref(), target))
        pair.run(120)
        matching(pair)


def test_lost_datagrams_do_not_confuse_the_changing_keys() -> None:
    for seed in range(20):
        pair = Pair(*tunnel(ike=HYBRID), seed=seed, faults=Faults(drop=0.3, duplicate=0.2))
        pair.left.up("oregon")
        pair.run(400, until=lambda pair=pair: bool(pair.left.installed()))
        pair.network.faults = Faults()
        pair.run(60)
        matching(pair)


def test_large_key_exchanges_are_fragmented() -> None:
    pair = Pair(*tunnel(ike="aes128gcm16-prfsha256-x25519-ke1_mlkem1024"))
    pair.left.up("oregon")
    pair.run(5)
    matching(pair)
    assert any("splitting IKE message" in line for line in pair.left.lines())
    assert max(map(len, pair.datagrams())) <= 1280


def test_an_optional_additional_exchange_is_left_out_by_a_peer_without_it() -> None:
    left, _ = tunnel(ike="aes128gcm16-prfsha256-x25519-ke1_mlkem768-ke1_none")
    _, right = tunnel(ike="aes128gcm16-prfsha256-x25519")
    pair = Pair(left, right)
    ref = pair.left.up("oregon")
    pair.run(5)
    matching(pair)
    assert not any("IKE_INTERMEDIATE" in line for line in pair.left.lines(ref=ref) if "generating" in line)


def test_a_required_additional_exchange_is_not_left_out() -> None:
    left, _ = tunnel(ike=HYBRID)
    _, right = tunnel(ike="aes128gcm16-prfsha256-x25519")
    pair = Pair(left, right)
    ref = pair.left.up("oregon")
    pair.run(5)
    assert pair.left.finished[ref].outcome is Outcome.FAILED
    both_clean(pair)


def test_another_idea_of_the_intermediate_exchanges_is_found_out_by_authentication() -> None:
    pair = Pair(*tunnel(ike=HYBRID))
    ref = pair.left.up("oregon")
    pair.run(0.025)  # the right has the IKE_SA_INIT request now
    sa = next(iter(pair.right.engine._registry.ike_sas.values()))
    assert isinstance(sa, IkeSaV2) and sa.handshake is not None
    shaking = sa.handshake
    pair.run(5, until=lambda: bool(shaking.int_auth_r))
    shaking.int_auth_r = bytes(32)  # as if somebody had changed what passed
    pair.run(5)
    assert pair.left.finished[ref].outcome is Outcome.FAILED
    both_clean(pair)
