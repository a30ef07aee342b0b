"""Fetching from servers that are slow, huge, lying, looping, closing: local ones, each one function.

Their addresses are this machine's own, so the URIs count as configured unless a test is about that.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypeVar

import pytest

from cygnet.boundary.effects import Fetch, FetchKind, KeepCrl
from cygnet.boundary.events import Event, Fetched
from cygnet.crypto.crl import Crl
from cygnet.daemon import fetch as module
from cygnet.daemon.crls import keep
from cygnet.daemon.fetch import Turns, fetch, is_open_to_certificates, may_lead
from cygnet.daemon.perform import PERFORM
from cygnet.engine import fetched
from cygnet.values import der
from tests.certs import authority
from tests.daemon.fakes import rig, until

T = TypeVar("T")
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

ROOT = authority("Root")
CRL = ROOT.crl().der


class Web:
    """A server at a free port; ``requests`` are what it was asked, head and body."""

    def __init__(self, serve: Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]) -> None:
        self._serve, self.requests = serve, list[bytes]()
        self.open = 0

    async def __aenter__(self) -> Web:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next((int(f[15:]) for f in head.split(b"\r\n") if f.startswith(b"Content-Length:")), 0)
            request = head + await reader.readexactly(length)
            self.requests.append(request)
            await self._serve(request, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open -= 1
            writer.close()

    def uri(self, path: str = "/root.crl") -> str:
        return f"http://127.0.0.1:{self.port}{path}"


def sends(*pieces: bytes, pause: float = 0.0) -> Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]:
    async def serve(request: bytes, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)

    return serve


def ok(body: bytes, *fields: str) -> bytes:
    head = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *fields, "", ""]
    return "\r\n".join(head).encode() + body


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def ask(uri: str, **changes: Any) -> Fetch:
    return replace(Fetch(1, uri, FetchKind.CRL, configured=True, timeout=5.0), **changes)


def one(serve: Callable[[bytes, asyncio.StreamWriter], Awaitable[None]], **changes: Any) -> Fetched:
    """What one fetch from one server comes to."""

    async def story() -> Fetched:
        async with Web(serve) as web:
            return await answer_to(ask(web.uri(), **changes))

    return run(story())


async def answer_to(question: Fetch) -> Fetched:
    answers: list[Event] = []
    await fetch(question, Turns(), answers.append)
    (answer,) = answers
    assert isinstance(answer, Fetched)
    return answer


# well-behaved -----------------------------------------------------------------------------


def test_a_crl_comes_back_read() -> None:
    answer = one(sends(ok(CRL)))
    assert isinstance(answer.found, Crl) and answer.found.der == CRL and not answer.error


@pytest.mark.parametrize(
    "response",
    [
        [b"HTTP/1.0 200 OK\r\n\r\n", CRL],
        [b"HTTP/1.1 200\nContent-Length: %d\n\n" % len(CRL), CRL],
        [b"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n",
         b"10;x=y\r\n" + CRL[:16] + b"\r\n", b"%x\r\n" % (len(CRL) - 16) + CRL[16:] + b"\r\n0\r\n\r\n"],
        [b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", CRL],
    ],
    ids=["1.0", "bare", "chunked", "interim"],
)  # fmt: skip
def test_the_ways_to_send_a_body(response: list[bytes]) -> None:
    answer = one(sends(*response))
    assert isinstance(answer.found, Crl), answer.error


def test_an_ocsp_request_is_posted() -> None:
    leaf = ROOT.issues("leaf")
    right = ROOT.answers(leaf.certificate, ROOT)

    async def story() -> tuple[Fetched, bytes]:
        async with Web(sends(ok(right.der))) as web:
            answer = await answer_to(ask(web.uri("/ocsp"), kind=FetchKind.OCSP, body=b"question"))
            return answer, web.requests[0]

    answer, request = run(story())
    assert answer.found == right
    assert request.startswith(b"POST /ocsp HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"Content-Type: application/ocsp-request" in request and request.endswith(b"\r\n\r\nquestion")


def test_https_wants_a_certificate_that_the_system_trusts(tmp_path: Path, monkeypatch: Any) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    now = int(time.time())
    ca = authority("TLS", since=now - 99, until=now + 9999)
    server = ca.issues("web", names=["IP:127.0.0.1"], since=now - 99, until=now + 9999)
    pem = server.read.public_bytes(Encoding.PEM) + server.key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    (tmp_path / "server.pem").write_bytes(pem)
    (tmp_path / "ca.pem").write_bytes(ca.read.public_bytes(Encoding.PEM))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "server.pem")

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ok(CRL))
        await writer.drain()
        writer.close()

    async def story() -> Fetched:
        server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        answer = await answer_to(ask(f"https://127.0.0.1:{port}/"))
        server.close()
        await server.wait_closed()
        return answer

    assert "TLS:" in run(story()).error
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    assert isinstance(run(story()).found, Crl)


# servers that are not ----------------------------------------------------------------------


ENDLESS = b"x" * 65536


async def endless(request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(ENDLESS)
        await writer.drain()


async def endless_head(request: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"A: b\r\n" * 100)
        await writer.drain()


async def endless_line(request: bytes, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(ENDLESS)
        await writer.drain()


@pytest.mark.parametrize(
    ("serve", "says"),
    [
        (endless, "larger than 100000 bytes"),
        (endless_head, "more than 100 lines"),
        (endless_line, "lines without end"),
        (sends(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"), "larger than 100000 bytes"),
        (sends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n"), "larger than"),
        (sends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n"), "no proper length"),
        (sends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxyz\r\n"), "chunk is longer"),
        (sends(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"), "encoded as gzip"),
        (sends(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nx"), "encoded as gzip"),
        (sends(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"), "no proper length"),
        (sends(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), "closed the connection"),
        (sends(b"HTTP/1.1 200 OK\r\nContent-Le"), "closed the connection"),
        (sends(), "closed the connection"),
        (sends(b"SSH-2.0-x\r\n"), "does not speak HTTP"),
        (sends(b"HTTP/1.1 abc\r\n\r\n"), "does not speak HTTP"),
        (sends(b"HTTP/1.1 404 Not Found\r\n\r\n"), "the server says 404"),
        (sends(b"HTTP/1.1 100 x\r\n\r\n" * 99), "does not come to its answer"),
        (sends(ok(b"<html>")), "no proper CRL"),
        (sends(ok(b"")), "no proper CRL"),
    ],
)
def test_a_server_that_misbehaves_is_left_with_a_reason(
    serve: Any, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(fetched.MOST, FetchKind.CRL, 100_000)
    answer = one(serve)
    assert answer.found is None and says in answer.error


@pytest.mark.parametrize(
    "serve",
    [
        sends(b"", pause=60),
        sends(b"HTTP/1.1 200 OK\r\n", pause=60),
        sends(*[b"H"] * 100, pause=0.1),
        sends(b"HTTP/1.1 200 OK\r\n\r\n", *[b"x"] * 100, pause=0.1),
    ],
    ids=["silent", "half a head", "dripping head", "dripping body"],
)
def test_a_slow_server_has_so_many_seconds_in_all(serve: Any) -> None:
    begun = time.monotonic()
    assert one(serve, timeout=0.6).error == "no answer within 0.6s"
    assert time.monotonic() - begun < 3


def test_nobody_there() -> None:
    async def story() -> Fetched:
        async with Web(sends()) as web:
            uri = web.uri()
        return await answer_to(ask(uri))

    answer = run(story())
    assert "Connection refused" in answer.error and answer.silent
    assert run(answer_to(ask("http://nowhere.invalid/"))).silent


def test_a_dead_server_does_not_hold_up_the_others() -> None:
    async def story() -> float:
        async with Web(sends(b"", pause=60)) as dead, Web(sends(ok(CRL))) as web:
            turns, answers = Turns(), list[Event]()
            waiting = [asyncio.create_task(fetch(ask(dead.uri()), turns, lambda e: None)) for _ in range(50)]
            await until(lambda: dead.open)
            begun = time.monotonic()
            await fetch(ask(web.uri()), turns, answers.append)
            took = time.monotonic() - begun
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            return took

    assert run(story()) < 2


# redirects ---------------------------------------------------------------------------------


def redirects(where: Callable[[int], str], status: int = 302) -> Any:
    """``where``: the place that the nth request is sent to; empty: here it is."""
    seen = 0

    async def serve(request: bytes, writer: asyncio.StreamWriter) -> None:
        nonlocal seen
        seen += 1
        to = where(seen)
        writer.write(f"HTTP/1.1 {status} x\r\nLocation: {to}\r\n\r\n".encode() if to else ok(CRL))

    return serve


def test_redirects_are_followed_a_few_times() -> None:
    assert isinstance(one(redirects(lambda n: "/next" if n < 6 else "")).found, Crl)
    assert one(redirects(lambda n: "/again")).error == "more than 5 redirects"
    assert one(redirects(lambda n: "/again"), redirects=0).error == "more than 0 redirects"


@pytest.mark.parametrize(
    "to", ["file:///etc/hostname", "ldap://127.0.0.1/x?y", "gopher://x/", "FILE:///etc/hostname"]
)
def test_a_redirect_leads_to_no_other_kind_of_place(to: str) -> None:
    assert "which is not followed" in one(redirects(lambda n: to)).error


@pytest.mark.parametrize(
    "to", ["http://[bad", "http://a b/", "http://u:p@127.0.0.1/", "http:///x", "http://x:y/"]
)
def test_a_redirect_to_nonsense_is_an_error(to: str) -> None:
    answer = one(redirects(lambda n: to))
    assert answer.found is None and answer.error


def test_a_redirect_from_outside_does_not_lead_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even a configured server's: whoever is between us and it could send us anywhere."""
    outside = ip_address("127.0.0.2")
    real = is_open_to_certificates
    monkeypatch.setattr(module, "is_open_to_certificates", lambda a: a == outside or real(a))

    async def story(configured: bool) -> str:
        async with Web(sends(ok(CRL))) as inside:
            server = await asyncio.start_server(
                Web(redirects(lambda n: inside.uri()))._connected, "127.0.0.2", 0
            )
            port = server.sockets[0].getsockname()[1]
            answer = await answer_to(ask(f"http://127.0.0.2:{port}/", configured=configured))
            server.close()
            await server.wait_closed()
            assert not inside.requests
            return answer.error

    for configured in (True, False):
        assert run(story(configured)) == "127.0.0.1, where no certificate may send us"


# where a certificate may not send us ----------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "open"),
    [
        ("127.0.0.1", False), ("127.8.8.8", False), ("0.0.0.0", False), ("0.1.2.3", False),
        ("169.254.169.254", False), ("224.0.0.1", False), ("255.255.255.255", False), ("240.0.0.1", False),
        ("100.100.100.200", False), ("168.63.129.16", False),
        ("::1", False), ("::", False), ("fe80::1", False), ("ff02::1", False), ("fd00:ec2::254", False),
        ("::ffff:127.0.0.1", False), ("::ffff:169.254.169.254", False), ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False), ("::127.0.0.1", False),
        ("10.1.2.3", True), ("192.168.1.1", True), ("172.16.0.1", True), ("100.64.0.1", True),
        ("8.8.8.8", True), ("fd00::1", True), ("2001:4860:4860::8888", True), ("::ffff:8.8.8.8", True),
        ("64:ff9b::808:808", True),
    ],
)  # fmt: skip
def test_which_addresses_certificates_may_lead_to(address: str, open: bool) -> None:
    assert is_open_to_certificates(ip_address(address)) is open


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "[::1]"])
def test_a_certificate_does_not_reach_this_machine_by_whatever_name(host: str) -> None:
    async def story() -> tuple[str, list[bytes]]:
        async with Web(sends(ok(CRL))) as web:
            answer = await answer_to(ask(f"http://{host}:{web.port}/", configured=False))
            return answer.error, web.requests

    error, requests = run(story())
    assert error and not requests


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("file:///etc/hostname", "may not name a file"),
        ("gopher://x/", "cannot fetch gopher"),
        ("root.crl", "cannot fetch what is no URI"),
        ("http://x/a\r\nX: y", "characters"),
        ("http://x/\u00e4", "characters"),
        ("http://user:word@example.org/", "user name"),
        ("http:///x", "no host"),
        ("http://example.org:99999/", "port"),
        ("ldap:///cn=x?y", "no host"),
    ],
)
def test_what_a_certificate_may_not_say(uri: str, says: str) -> None:
    assert says in run(answer_to(ask(uri, configured=False))).error


# files, directories ----------------------------------------------------------------------------


def test_files_of_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "my root.crl"
    file.write_bytes(CRL)
    assert isinstance(run(answer_to(ask(f"file://{tmp_path}/my%20root.crl"))).found, Crl)
    monkeypatch.setitem(fetched.MOST, FetchKind.CRL, 10)
    assert "larger than 10 bytes" in run(answer_to(ask(f"file://{tmp_path}/my%20root.crl"))).error
    for other, says in (("/nothing", "No such file"), ("", "Is a directory"), ("/pipe", "no regular file")):
        if other == "/pipe":
            import os

            os.mkfifo(tmp_path / "pipe")
        assert says in run(answer_to(ask(f"file://{tmp_path}{other}"))).error
    assert "is not here" in run(answer_to(ask("file://host/x"))).error


def test_ldap_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ldap3", None)
    error = run(answer_to(ask("ldap://127.0.0.1/cn=x?certificateRevocationList"))).error
    assert error == "fetching ldap needs the Python package ldap3"


def directory(entry: bytes) -> Handler:
    """An LDAP server that answers a bind and then a search: with that entry, or with none."""

    def message(number: bytes, tag: int, *parts: bytes) -> bytes:
        return der.encode(der.SEQUENCE, der.encode(der.INTEGER, number), der.encode(tag, *parts))

    success = (der.encode(0x0A, b"\0"), der.encode(0x04, b""), der.encode(0x04, b""))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await reader.read(4096):
            number, asked = request[4:5], request[5]
            if asked == 0x63 and entry:
                values = der.encode(0x31, der.encode(0x04, entry))
                one = der.encode(0x30, der.encode(0x04, b"certificateRevocationList;binary"), values)
                writer.write(message(number, 0x64, der.encode(0x04, b"cn=root"), der.encode(0x30, one)))
            if asked in (0x60, 0x63):
                writer.write(message(number, asked + (1 if asked == 0x60 else 2), *success))

    return serve


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


@pytest.mark.parametrize(
    ("serve", "says"),
    [
        (directory(CRL), ""),
        (directory(b"x"), "no proper CRL"),
        (directory(b""), "has no certificateRevocationList there"),
        (silent, "no answer within 2s"),
    ],
    ids=["found", "nonsense", "not found", "silent"],
)
def test_a_directory_is_asked_where_ldap3_is_installed(serve: Handler, says: str) -> None:
    pytest.importorskip("ldap3")

    async def story() -> Fetched:
        gone = asyncio.Event()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await serve(reader, writer)
            writer.close()
            gone.set()

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        uri = f"ldap://127.0.0.1:{port}/cn=root?certificateRevocationList?base"
        answer = await answer_to(ask(uri, timeout=2.0))
        assert "names no attribute" in (await answer_to(ask(f"ldap://127.0.0.1:{port}/cn=x"))).error
        await asyncio.wait_for(gone.wait(), 10)  # the thread has ended, even where nobody waited for it
        server.close()
        return answer

    answer = run(story())
    assert says in answer.error and isinstance(answer.found, Crl) is (not says)


# many, and the end -----------------------------------------------------------------------------


def test_only_so_many_run_at_once() -> None:
    most = 0

    async def story() -> int:
        nonlocal most

        async def serve(request: bytes, writer: asyncio.StreamWriter) -> None:
            nonlocal most
            most = max(most, web.open)
            await asyncio.sleep(0.02)
            writer.write(ok(CRL))

        async with Web(serve) as web:
            turns, answers = Turns(), list[Event]()
            questions = [ask(web.uri(), ref=n) for n in range(40)]
            await asyncio.gather(*(fetch(q, turns, answers.append) for q in questions))
            return len(answers)

    assert run(story()) == 40
    assert most == module.OF_ONE_HOST


def test_the_effect_is_answered_by_the_event_and_a_stop_leaves_nothing() -> None:
    async def story() -> None:
        here = rig()
        async with Web(sends(ok(CRL))) as web, Web(sends(b"", pause=60)) as dead:
            PERFORM[Fetch](here.hands, ask(web.uri(), ref=7))
            await until(lambda: here.engine.events)
            (event,) = here.engine.events
            assert isinstance(event, Fetched) and event.ref == 7 and isinstance(event.found, Crl)
            for _ in range(30):
                PERFORM[Fetch](here.hands, ask(dead.uri()))
            await until(lambda: dead.open)
            begun = time.monotonic()
            await here.hands.drop()
            assert time.monotonic() - begun < 1 and not here.hands.tasks
            await until(lambda: not [t for t in asyncio.all_tasks() if "fetch" in repr(t.get_coro())])
        assert len(here.engine.events) == 1
        here.plane.stop()

    run(story())


def test_a_name_that_does_not_resolve_in_time_delays_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.socket, "getaddrinfo", lambda *a, **k: time.sleep(3))
    begun = time.monotonic()
    assert run(answer_to(ask("http://slow.example.org/", timeout=0.3))).error == "no answer within 0.3s"
    assert time.monotonic() - begun < 2, "the thread is left alone"


def test_crls_are_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    keep(tmp_path / "crls", "abc.crl", b"one")
    keep(tmp_path / "crls", "abc.crl", b"two")
    assert [f.name for f in (tmp_path / "crls").iterdir()] == ["abc.crl"]
    assert (tmp_path / "crls" / "abc.crl").read_bytes() == b"two"

    async def story() -> str:
        here = rig()
        here.hands.crls = tmp_path / "crls" / "abc.crl"  # a file in the way
        PERFORM[KeepCrl](here.hands, KeepCrl("x.crl", b"x"))
        await until(lambda: here.sink.lines)
        here.plane.stop()
        return here.sink.text

    assert "unable to write crl" in run(story())


# what a stranger names --------------------------------------------------------------------


@pytest.mark.parametrize("kind", [FetchKind.CERTIFICATE, FetchKind.BUNDLE])
@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.0.0.1", "192.168.1.1", "[fd00::1]", "[::ffff:10.0.0.1]", "[64:ff9b::a00:1]"]
)
def test_a_strangers_url_leads_to_no_private_network(kind: FetchKind, host: str) -> None:
    answer = run(answer_to(ask(f"http://{host}/x", kind=kind, configured=False)))
    assert "where no certificate of a stranger may send us" in answer.error


def test_public_addresses_are_open_to_a_strangers_url() -> None:
    question = ask("http://x/", kind=FetchKind.CERTIFICATE, configured=False)
    for address in ("8.8.8.8", "2001:4860:4860::8888"):
        assert may_lead(question, ip_address(address))


def test_a_redirect_leads_no_stranger_inside() -> None:
    inside = ask("http://x/", kind=FetchKind.CERTIFICATE, configured=False)
    assert not may_lead(inside, ip_address("10.0.0.1"))
    assert may_lead(replace(inside, kind=FetchKind.CRL), ip_address("10.0.0.1")), "a CA's lists are there"


def test_a_certificate_comes_back_read() -> None:
    leaf = ROOT.issues("leaf").certificate
    answer = one(sends(ok(leaf.der)), kind=FetchKind.CERTIFICATE)
    assert answer.found == leaf
    answer = one(sends(ok(b"0" * 200_000)), kind=FetchKind.CERTIFICATE)
    assert answer.error == "it is larger than 131072 bytes"
