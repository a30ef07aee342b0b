"""Every command: what it decides, and that untrusted arguments are answered and never raise."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygnet.boundary.events import Initiate, Purge, Redirect, Rekey, Route, Terminate, Unroute
from cygnet.boundary.snapshot import WantedSnapshot
from cygnet.control.outcomes import Answer, Ask, Count, Reload
from cygnet.control.vici.codec import Message, encode
from cygnet.control.vici.handlers.table import COMMANDS, EVENTS, decide
from tests.control.states import EMPTY, NOW, SA_IN, SA_OUT, TRAPPED, USAGES, FakeView

VIEW = FakeView()


def text_of(answer: Answer) -> str:
    return "".join(str(message["text"]) for _, message in answer.events)


@pytest.mark.parametrize(
    ("command", "request_", "event"),
    [
        ("initiate", {"child": "oregon"}, Initiate(7, "oregon")),
        ("initiate", {"ike": "oregon"}, Initiate(7, "oregon")),
        ("terminate", {"target": "oregon{}"}, Terminate(7, "oregon{}")),
        ("terminate", {"ike": "oregon"}, Terminate(7, "oregon[*]")),
        ("terminate", {"child": "oregon"}, Terminate(7, "oregon{*}")),
        ("terminate", {"ike-id": "3"}, Terminate(7, "[3]")),
        ("terminate", {"child-id": "4"}, Terminate(7, "{4}")),
        ("rekey", {"ike-id": "3", "reauth": "yes"}, Rekey(7, "[3]", True)),
        ("redirect", {"gateway": "192.0.2.80"}, Redirect(7, "192.0.2.80")),
        ("redirect", {"gateway": "gw", "ike-id": "3"}, Redirect(7, "gw", "[3]")),
        (
            "redirect",
            {"gateway": "gw", "ike": "oregon", "peer-ip": "10.0.0.0/8", "peer-id": "*@example.org"},
            Redirect(7, "gw", "oregon[*]", "10.0.0.0/8", "*@example.org"),
        ),
        ("install", {"child": "oregon"}, Route(7, "oregon")),
        ("uninstall", {"child": "oregon"}, Unroute(7, "oregon")),
        ("flush-certs", {"type": "x509_crl"}, Purge(7, crls=True)),
        ("flush-certs", {"type": "ocsp_response"}, Purge(7, ocsp=True)),
        ("flush-certs", {}, Purge(7, crls=True, ocsp=True)),
    ],
)
def test_requests_become_events(command: str, request_: Message, event: object) -> None:
    decision = decide(command, request_, VIEW)
    assert isinstance(decision, Ask)
    assert decision.event(7) == event
    assert (decision.level, decision.timeout) == (1, None)


def test_timeouts_are_milliseconds_and_minus_one_does_not_wait() -> None:
    for given_, seconds in (("0", None), ("-1", 0), ("1500", 1.5)):
        decision = decide("initiate", {"child": "a", "timeout": given_}, VIEW)
        assert isinstance(decision, Ask) and decision.timeout == seconds


@pytest.mark.parametrize(
    ("command", "request_", "why"),
    [
        ("initiate", {}, "missing"),
        ("initiate", {"child": ["a"]}, "single value"),
        ("initiate", {"child": "a\x1b[2J"}, "control characters"),
        ("initiate", {"child": "a", "timeout": "soon"}, "number"),
        ("terminate", {}, "missing"),
        ("terminate", {"ike-id": "x"}, "number"),
        ("reload-settings", {"what": "everything"}, "one of"),
        ("cygnet-status", {"what": "weather"}, "one of"),
        ("cygnet-status", {"json": "maybe"}, "yes or no"),
        ("list-sas", {"ike-id": "-1"}, "number from 0"),
    ],
)
def test_a_request_that_cannot_be_understood_is_refused_with_the_reason(
    command: str, request_: Message, why: str
) -> None:
    decision = decide(command, request_, VIEW)
    assert isinstance(decision, Answer)
    assert decision.message["success"] == "no" and decision.message["outcome"] == "2"
    assert why in str(decision.message["errmsg"])


def test_list_sas_streams_vicis_keys_with_counters() -> None:
    decision = decide("list-sas", {}, VIEW)
    assert isinstance(decision, Count) and decision.ids == (SA_IN, SA_OUT)
    ((name, event),) = decision.then(USAGES).events
    sa = event["oregon"]
    assert name == "list-sa" and isinstance(sa, dict)
    assert sa["state"] == "ESTABLISHED" and sa["established"] == "5" and sa["reauth-time"] == "7300"
    assert sa["initiator-spi"] == "8a3a5b0ee8d84d13" and sa["nat-local"] == "yes"
    assert (sa["encr-alg"], sa["encr-keysize"], sa["dh-group"]) == ("AES_CBC", "128", "MODP_2048")
    assert sa["prf-alg"] == "PRF_HMAC_SHA2_256"
    children = sa["child-sas"]
    assert isinstance(children, dict)
    child = children["oregon-1"]
    assert isinstance(child, dict)
    assert child["bytes-in"] == "84" and child["packets-out"] == "2" and child["use-in"] == "3"
    assert child["spi-in"] == "c7cf7e98" and child["encap"] == "yes"
    assert child["remote-ts"] == ["10.77.0.0/16"]


def test_list_sas_filters_by_name_and_number() -> None:
    for request, found in (({"ike": "x"}, 0), ({"ike-id": "1"}, 1), ({"child-id": "9"}, 0)):
        decision = decide("list-sas", dict(request), VIEW)
        assert isinstance(decision, Count)
        assert len(list(decision.then({}).events)) == found


def test_list_conns_and_policies() -> None:
    conns = decide("list-conns", {}, VIEW)
    assert isinstance(conns, Answer)
    ((_, event),) = conns.events
    conn = event["oregon"]
    assert isinstance(conn, dict) and conn["version"] == "IKEv1"
    assert conn["local-1"] == {"class": "pre-shared key", "id": "10.31.1.185"}
    policies = decide("list-policies", {"trap": "yes"}, FakeView(TRAPPED))
    assert isinstance(policies, Answer)
    ((_, event),) = policies.events
    assert event["oregon"] == {
        "child": "oregon",
        "mode": "TUNNEL",
        "local-ts": ["10.31.0.0/16"],
        "remote-ts": ["10.77.0.0/16"],
    }
    none = decide("list-policies", {}, FakeView(TRAPPED))
    assert isinstance(none, Answer) and not list(none.events)


def test_get_conns_names_all_of_them() -> None:
    listed = decide("list-conns", {}, VIEW)
    assert isinstance(listed, Answer)
    names = [name for _, event in listed.events for name in event]
    assert names and decide("get-conns", {}, VIEW) == Answer({"conns": names})


def test_what_is_wanted_is_listed_with_why_it_is_down() -> None:
    up = WantedSnapshot("oregon", "oregon", "auto=start", NOW - 90, None, False, 0, "", None, "")
    down = WantedSnapshot(
        "utah", "far", "dpdaction=restart", NOW - 90, NOW - 42, False, 3, "no answer", NOW + 12.5, ""
    )
    never = replace(down, name="ohio", next_try=None, given_up="keyingtries=2")
    view = FakeView(replace(EMPTY, wanted=(up, down, never)))
    answer = decide("cygnet-list-wanted", {}, view)
    assert isinstance(answer, Answer)
    (_, first), (_, second), (_, third) = answer.events
    assert first["oregon"] == {
        "ike": "oregon", "child": "oregon", "why": "auto=start", "wanted": "90", "up": "yes",
    }  # fmt: skip
    assert second["utah"] == {
        "ike": "far", "child": "utah", "why": "dpdaction=restart", "wanted": "90", "up": "no", "down": "42",
        "trying": "no", "failed-tries": "3", "failure": "no answer", "next-try": "12",
    }  # fmt: skip
    assert isinstance(third["ohio"], dict) and third["ohio"]["given-up"] == "keyingtries=2"
    assert "next-try" not in third["ohio"]
    for request, names in (({"ike": "oregon"}, ["oregon"]), ({"down": "yes"}, ["utah", "ohio"])):
        some = decide("cygnet-list-wanted", request, view)  # type: ignore[arg-type]
        assert isinstance(some, Answer)
        assert [name for event, row in some.events if event == "cygnet-wanted" for name in row] == names


def test_status_is_ready_to_print_as_text_and_as_json() -> None:
    decision = decide("cygnet-status", {"what": "status"}, VIEW)
    assert isinstance(decision, Answer)
    assert text_of(decision).startswith("Security Associations (1 up, 0 connecting):\n")
    for what in ("status", "statusall"):
        counted = decide("cygnet-status", {"what": what, "json": "yes"}, VIEW)
        assert isinstance(counted, Count)
        parsed = json.loads(text_of(counted.then(USAGES)))
        (sa,) = parsed["security_associations"]
        assert sa["children"][0]["in"]["bytes"] == 84
        assert sa["remote"] == {"address": "198.51.100.77", "port": 4500, "id": "10.77.1.210"}
    algorithms = decide("cygnet-status", {"what": "listalgs"}, VIEW)
    assert isinstance(algorithms, Answer)
    lines = text_of(algorithms).splitlines()
    assert lines[2].startswith("  encryption: AES_CBC[cryptography-50]")
    assert max(map(len, lines)) <= 79


def test_reloads_say_what_to_read() -> None:
    assert decide("reload-settings", {}, VIEW) == Reload()
    assert decide("reload-settings", {"what": "reload", "apply": "yes"}, VIEW) == Reload(True, True, True)
    assert decide("reload-settings", {"what": "all"}, VIEW) == Reload(connections=False)
    assert decide("reload-settings", {"what": "secrets"}, VIEW) == Reload(False, parts=("secrets", "certs"))
    assert decide("reload-settings", {"what": "crls"}, VIEW) == Reload(False, parts=("crls",))


def test_an_unknown_command_is_none() -> None:
    assert decide("load-wombat", {}, VIEW) is None


@pytest.mark.parametrize("command", sorted(COMMANDS))
@given(
    request_=st.dictionaries(
        st.sampled_from(["child", "ike", "ike-id", "child-id", "target", "timeout", "loglevel", "what"]),
        st.text(max_size=12) | st.lists(st.text(max_size=3), max_size=2) | st.just({}),
        max_size=4,
    )
)
def test_no_request_makes_a_handler_raise_or_answer_what_cannot_be_encoded(
    command: str, request_: Message
) -> None:
    decision = decide(command, request_, FakeView(EMPTY))
    if isinstance(decision, Count):
        decision = decision.then({})
    if isinstance(decision, Answer):
        encode(decision.message)
        for name, event in decision.events:
            assert name in EVENTS
            encode(event)
