"""Events in, effects performed in order, one timer kept."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import get_args, get_type_hints

from cygnet.boundary.effects import (
    Attach,
    Effect,
    ExportKeys,
    FindSource,
    Finish,
    InstallSa,
    Outcome,
    Resolve,
    Send,
)
from cygnet.boundary.events import (
    Acquire,
    Event,
    Initiate,
    InstallFailed,
    Resolved,
    SourceAddress,
    Terminate,
    Tick,
    Usage,
)
from cygnet.boundary.notices import IkeUpDown, Log
from cygnet.boundary.specs import Direction, SaId, SaSpec, SaUsage
from cygnet.daemon.perform import PERFORM
from cygnet.values.endpoint import Endpoint
from cygnet.values.iana import EncrId, TransformType
from cygnet.values.proposal import Transform
from cygnet.values.secret import Secret
from cygnet.values.selector import TrafficSelector
from tests.daemon.fakes import rig, until

HERE, THERE = Endpoint.of("192.0.2.1"), Endpoint.of("192.0.2.2")
GCM = Transform(TransformType.ENCR, EncrId.AES_GCM_16, 128)
SPEC = SaSpec(Direction.IN, 0x1234, 1, HERE, THERE, GCM, Secret(bytes(20)))
UNUSABLE = SaSpec(Direction.IN, 0x1235, 1, HERE, THERE, GCM, Secret(bytes(3)))


def test_every_effect_has_its_row_and_its_function_takes_it() -> None:
    assert set(PERFORM) == set(get_args(Effect))
    for kind, function in PERFORM.items():
        taken = get_type_hints(function)
        parameter = taken.get("effect") or taken["notice"]
        assert kind is parameter or kind in get_args(parameter)


def test_effects_are_performed_in_order_and_what_they_cause_waits() -> None:
    async def story() -> None:
        sent_when_told: list[int] = []

        def script(event: Event) -> list[Effect]:
            if isinstance(event, Tick):
                # The second installation fails. That is told after the Send that stands behind it.
                return [InstallSa(SPEC), InstallSa(UNUSABLE), Send(HERE, THERE, b"reply")]
            sent_when_told.append(len(r.sent.effects))
            return []

        r = rig(script)
        r.runner.feed(Tick())
        _, failed = r.engine.events
        assert isinstance(failed, InstallFailed) and failed.sa == UNUSABLE.id
        assert sent_when_told == [1]

    asyncio.run(story())


def test_the_timer_follows_the_next_deadline() -> None:
    async def story() -> None:
        r = rig()
        now = asyncio.get_running_loop().time()

        def script(event: Event) -> list[Effect]:
            r.engine.deadline = {Initiate(1, "far"): now + 60, Initiate(2, "near"): now}.get(event)
            return []

        r.engine.script = script
        r.runner.feed(Initiate(1, "far"))
        assert r.runner.scheduled == 1
        r.runner.feed(Initiate(2, "near"))  # the timer must come forward
        assert r.runner.scheduled == 1
        await until(lambda: Tick() in r.engine.events)
        assert r.engine.events.count(Tick()) == 1
        assert r.runner.scheduled == 0  # there is nothing left to wait for

    asyncio.run(story())


def test_reports_of_a_data_plane_arrive_from_any_thread() -> None:
    async def story() -> None:
        r = rig()
        acquire = Acquire(1, 1, TrafficSelector.of("10.0.0.1/32"), TrafficSelector.of("10.0.0.2/32"))
        thread = threading.Thread(target=r.runner.report, args=(acquire,))
        thread.start()
        await until(lambda: r.engine.events)
        thread.join()
        assert r.engine.events == [acquire]

    asyncio.run(story())


def test_counters_that_the_daemon_asked_for_do_not_reach_the_engine() -> None:
    async def story() -> None:
        r = rig()
        r.plane.install_sa(SPEC)
        answers: list[dict[object, SaUsage]] = []
        r.runner.count((SPEC.id,), lambda usages: answers.append(dict(usages)))
        r.runner.count((), lambda usages: answers.append(dict(usages)))
        await until(lambda: len(answers) == 2)
        assert answers[0] == {}  # nothing to ask: answered at once
        assert answers[1][SPEC.id].packets == 0
        assert r.engine.events == []
        r.runner.report(Usage(5, ()))
        await until(lambda: r.engine.events)
        assert r.engine.events == [Usage(5, ())]

    asyncio.run(story())


def test_a_success_is_told_after_everything_of_its_event_is_in_the_data_plane() -> None:
    """IKEv1's initiator is finished before its outbound SA is installed."""

    async def story() -> None:
        calls: list[str] = []
        r = rig(lambda event: [Finish(1, Outcome.OK, "up"), InstallSa(SPEC)])
        install, query = r.plane.install_sa, r.plane.query

        def installing(spec: SaSpec) -> None:
            calls.append("install")
            install(spec)

        def asked(ref: int, ids: Sequence[SaId]) -> None:
            calls.append("query")
            query(ref, ids)

        r.plane.install_sa, r.plane.query = installing, asked  # type: ignore[method-assign]
        told: list[Finish] = []
        r.hands.requests.open(lambda log: None, told.append)
        r.runner.feed(Tick())
        await until(lambda: told)
        assert calls == ["install", "query"]

    asyncio.run(story())


def test_a_bug_in_the_engine_is_logged_and_the_daemon_goes_on() -> None:
    def script(event: Event) -> list[Effect]:
        if isinstance(event, Tick | Terminate):
            raise ZeroDivisionError("of ours")
        return [Send(HERE, THERE, b"x")]

    async def story() -> None:
        r = rig(script)
        r.runner.feed(Tick())
        assert "BUG in event Tick" in r.sink.text and "ZeroDivisionError: of ours" in r.sink.text
        r.runner.feed(Initiate(1, "x"))
        assert len(r.sent.effects) == 1
        ends: list[Finish] = []
        ref = r.hands.requests.open(lambda log: None, ends.append)
        r.runner.feed(Terminate(ref, "x"))  # who asked does not wait for ever
        assert [end.outcome for end in ends] == [Outcome.FAILED]

    asyncio.run(story())


def test_lookups_and_sources_are_answered_with_the_refs_they_came_with() -> None:
    def script(event: Event) -> list[Effect]:
        if event == Tick():
            return [Resolve(11, "localhost", 4), Resolve(12, "no such host."), FindSource(13, THERE.address)]
        return []

    async def story() -> None:
        r = rig(script)
        r.runner.feed(Tick())
        await until(lambda: len(r.engine.events) == 4, 40)
        by_ref = {e.ref: e for e in r.engine.events if isinstance(e, Resolved | SourceAddress)}
        found, missing, source = by_ref[11], by_ref[12], by_ref[13]
        assert isinstance(found, Resolved) and str(found.addresses[0]) == "127.0.0.1"
        assert isinstance(missing, Resolved) and missing.addresses == () and missing.error
        assert isinstance(source, SourceAddress)

    asyncio.run(story())


def test_log_lines_go_to_the_request_they_are_about() -> None:
    def script(event: Event) -> list[Effect]:
        if isinstance(event, Initiate):
            return [
                Log("CFG", 1, "resolving"),  # no SA yet: it is about the request being handled
                Attach(event.ref, 5),
                Log("IKE", 1, "initiating", 5, "oregon"),
                Log("IKE", 1, "of another", 6, "other"),
            ]
        return [
            Log("IKE", 1, "established", 5, "oregon"),
            Log("NET", 1, "unrelated"),
            IkeUpDown(5, "oregon", True),
            Finish(1, Outcome.OK, "connection 'oregon' established successfully"),
            Log("IKE", 1, "afterwards", 5, "oregon"),
        ]

    async def story() -> None:
        r = rig(script)
        told: list[str] = []
        ref = r.hands.requests.open(lambda log: told.append(log.text), lambda end: told.append(end.text))
        r.runner.feed(Initiate(ref, "oregon"))
        r.runner.feed(Tick())
        await until(lambda: len(told) > 3)  # the end is told when the data plane has caught up
        assert told == [
            "resolving",
            "initiating",
            "established",
            "connection 'oregon' established successfully",
        ]
        assert "of another" in r.sink.text and "unrelated" in r.sink.text
        assert IkeUpDown(5, "oregon", True) in r.announced

    asyncio.run(story())


def test_keys_are_not_exported_without_the_switch() -> None:
    async def story() -> None:
        r = rig(lambda event: [ExportKeys("ikev2", "spi,spi,key")])
        r.runner.feed(Tick())
        assert r.hands.keys is None and "key" not in r.sink.text

    asyncio.run(story())
