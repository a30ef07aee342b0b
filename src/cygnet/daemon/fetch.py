"""Getting CRLs, OCSP answers and certificates: http, https, file, and ldap where ``ldap3`` is installed.

Bounded in everything that a server decides: bytes, time, redirects, header lines, and how many fetches run
at once. HTTP is spoken here over asyncio's streams: a client of the standard library in a thread can be
neither stopped nor held to a time in all (a name that does not resolve, headers that drip), and what CRLs
need of HTTP is one request and one body. Names are looked up and what came is read in threads of their
own that nobody waits for at the end.

Where a URI leads is decided by whoever wrote the certificate, so one of a certificate never reaches this
machine itself, its link or a cloud's metadata service, and no file; one that a stranger names (hash and
URL) leads to public addresses alone. What counts is the address that is
connected to, after the name has been resolved and behind every redirect. A URI of the user's own
configuration may; a redirect behind it only if it began there.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import stat
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TypeVar
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from cygnet.boundary.effects import Fetch
from cygnet.boundary.events import Event, Fetched
from cygnet.engine.fetched import MOST, read
from cygnet.values.endpoint import Address
from cygnet.values.errors import CygnetError

T = TypeVar("T")

AT_ONCE = 32  #: fetches; each may hold a CRL in memory
OF_ONE_HOST = 4  #: of these, so that a server that is dead does not hold up the others
CONNECT = 3.0  #: seconds for one address of a server; there may be others
MOST_ADDRESSES = 4  #: of one server that are tried
LINE = 8192  #: bytes of a line of a response's head
MOST_LINES = 100  #: of a response's head
MOST_INTERIM = 4  #: responses (1xx) before the real one
PIECE = 65536  #: bytes read at once
PORTS = {"http": 80, "https": 443, "ldap": 389, "ldaps": 636}
REDIRECTS = (301, 302, 303, 307, 308)

#: where clouds tell their machines secrets, beside link-local addresses
METADATA = frozenset(map(ip_address, ("fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192")))
_NAT64 = IPv6Network("64:ff9b::/96")


class FetchError(CygnetError):
    """It could not be had; the text is for the log."""


class Silent(FetchError):
    """Nobody answers there."""


class Turns:
    """Who may fetch now."""

    def __init__(self) -> None:
        self._all = asyncio.Semaphore(AT_ONCE)
        self._of_host: dict[str, asyncio.Semaphore] = {}
        self._waiting: Counter[str] = Counter()

    @contextlib.asynccontextmanager
    async def turn(self, host: str) -> AsyncIterator[None]:
        self._waiting[host] += 1
        try:
            async with self._of_host.setdefault(host, asyncio.Semaphore(OF_ONE_HOST)), self._all:
                yield
        finally:
            self._waiting[host] -= 1
            if not self._waiting[host]:
                del self._waiting[host], self._of_host[host]


async def fetch(question: Fetch, turns: Turns, answer: Callable[[Event], None]) -> None:
    """Do it when it is its turn, and answer with Fetched; cancelled it answers nothing."""
    found, error, silent = None, "", False
    try:
        async with contextlib.AsyncExitStack() as held:
            async with asyncio.timeout(question.timeout):
                where = _split(question.uri)
                await held.enter_async_context(turns.turn(where.netloc))
                data = await get(question, where)
            found = await beside(lambda: read(question.kind, data))
    except TimeoutError:
        error, silent = f"no answer within {question.timeout:g}s", True
    except ssl.SSLError as problem:
        error = f"TLS: {getattr(problem, 'verify_message', '') or problem.reason or problem}"
    except OSError as problem:
        error = problem.strerror or str(problem)
    except (CygnetError, ValueError) as problem:
        error, silent = str(problem), isinstance(problem, Silent)
    except Exception as problem:  # a bug of ours; whoever waits must hear of it
        error = f"{type(problem).__name__}: {problem}"
    answer(Fetched(question.ref, found, error[:300], silent))


async def get(question: Fetch, where: SplitResult) -> bytes:
    """What is at its URI. Raises FetchError, OSError."""
    if where.scheme in ("http", "https"):
        return await _follow(question, where)
    if question.body:
        raise FetchError(f"nothing can be asked over {where.scheme}")
    if where.scheme == "file":
        if not question.configured:
            raise FetchError("a certificate may not name a file")
        return await beside(lambda: _file(where, MOST[question.kind]))
    if where.scheme in ("ldap", "ldaps"):
        from cygnet.daemon import ldap

        addresses = await resolve(where, question)
        return await beside(lambda: ldap.search(where, addresses, question.timeout, MOST[question.kind]))
    raise FetchError(f"cannot fetch {where.scheme or 'what is no URI'}")


def _split(uri: str) -> SplitResult:
    if not uri.isascii() or not uri.isprintable() or " " in uri:
        raise FetchError("the URI has characters that none can have")
    where = urlsplit(uri)
    try:
        where.port  # noqa: B018 - it is read when asked for
    except ValueError:
        raise FetchError("the URI's port is none") from None
    if "@" in where.netloc:
        raise FetchError("the URI holds a user name")
    if where.scheme in PORTS and not where.hostname:
        raise FetchError("the URI names no host")
    return where


async def beside(function: Callable[[], T]) -> T:
    """In a thread of its own, which does not keep the daemon from ending."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def deliver(result: T | None, problem: BaseException | None) -> None:
        if future.done():
            return  # nobody waits any more
        if problem is not None:
            future.set_exception(problem)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def work() -> None:
        result, problem = None, None
        try:
            result = function()
        except Exception as caught:
            problem = caught
        with contextlib.suppress(RuntimeError):  # the loop is closed: the daemon has ended
            loop.call_soon_threadsafe(deliver, result, problem)

    threading.Thread(target=work, name="fetch", daemon=True).start()
    return await future


# addresses ------------------------------------------------------------------------------


def is_open_to_certificates(address: Address) -> bool:
    """Whether a URI out of a certificate may lead there."""
    within = _embedded(address)
    if within is not None and not is_open_to_certificates(within):
        return False
    return not (
        address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or address in METADATA
        or (address.version == 4 and (address.is_reserved or int(address) >> 24 == 0))
    )


def may_lead(question: Fetch, address: Address) -> bool:
    if question.configured:
        return True
    if question.kind.is_of_stranger and not (_embedded(address) or address).is_global:
        return False
    return is_open_to_certificates(address)


def _embedded(address: Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address leads to."""
    if not isinstance(address, IPv6Address):
        return None
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    if address.teredo is not None:
        return address.teredo[1]
    if int(address) >> 32 == 0 and int(address) > 1:  # ::192.0.2.1
        return IPv4Address(int(address))
    return address.ipv4_mapped or address.sixtofour


async def resolve(where: SplitResult, question: Fetch) -> list[Address]:
    """The addresses of a URI's host that may be connected to. Raises FetchError, OSError."""
    host = where.hostname or ""
    try:
        found = await beside(lambda: socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))
    except socket.gaierror as problem:
        raise Silent(f"{host}: {problem.strerror}") from None
    every = dict.fromkeys(ip_address(str(info[4][0]).partition("%")[0]) for info in found)
    good = [address for address in every if may_lead(question, address)]
    if not good:
        text = f"{host} is {', '.join(map(str, every))}" if str(next(iter(every), "")) != host else host
        who = "certificate of a stranger" if question.kind.is_of_stranger else "certificate"
        raise FetchError(f"{text}, where no {who} may send us")
    return good[:MOST_ADDRESSES]


# files ----------------------------------------------------------------------------------


def _file(where: SplitResult, most: int) -> bytes:
    if where.netloc not in ("", "localhost"):
        raise FetchError(f"a file of {where.netloc} is not here")
    descriptor = os.open(unquote(where.path), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise FetchError("it is no regular file")
        data = file.read(most + 1)
    if len(data) > most:
        raise FetchError(f"it is larger than {most} bytes")
    return data


# http -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Head:
    status: int
    fields: dict[str, str]  #: by name in lower case; of several the last


async def _follow(question: Fetch, where: SplitResult) -> bytes:
    """GET or POST, behind as many redirects as are allowed."""
    for _ in range(question.redirects + 1):
        addresses = await resolve(where, question)
        reader, writer, address = await _connect(where, addresses)
        try:
            writer.write(_request(where, question.body))
            head = await _head(reader)
            if head.status == 200:
                return await _body(reader, head, MOST[question.kind])
        finally:
            writer.transport.abort()
        if head.status not in REDIRECTS:
            raise FetchError(f"the server says {head.status}")
        where = _split(urljoin(where.geturl(), head.fields.get("location", "")))
        if where.scheme not in ("http", "https"):
            raise FetchError(f"redirected to {where.scheme}, which is not followed")
        outside = replace(question, configured=False)
        ours = question.configured and not may_lead(outside, address)
        question = replace(question, configured=ours, body=b"" if head.status == 303 else question.body)
    raise FetchError(f"more than {question.redirects} redirects")


async def _connect(
    where: SplitResult, addresses: list[Address]
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, Address]:
    port, problem = where.port or PORTS[where.scheme], ""
    tls = ssl.create_default_context() if where.scheme == "https" else None
    for address in addresses:
        try:
            async with asyncio.timeout(CONNECT):
                reader, writer = await asyncio.open_connection(
                    str(address), port, ssl=tls, server_hostname=where.hostname if tls else None, limit=PIECE
                )
            return reader, writer, address
        except ssl.SSLError:
            raise
        except TimeoutError:
            problem = problem or f"{address} port {port} does not answer"
        except OSError as error:
            text = os.strerror(error.errno) if error.errno else str(error)
            problem = problem or f"{address} port {port}: {text}"
    raise Silent(problem)


def _request(where: SplitResult, body: bytes) -> bytes:
    target = (where.path or "/") + (f"?{where.query}" if where.query else "")
    lines = [
        f"{'POST' if body else 'GET'} {target} HTTP/1.1",
        f"Host: {where.netloc}",
        "User-Agent: cygnet",
        "Accept: */*",
        "Accept-Encoding: identity",
        "Connection: close",
    ]
    if body:
        lines += ["Content-Type: application/ocsp-request", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def _line(reader: asyncio.StreamReader) -> str:
    try:
        line = await reader.readline()
    except ValueError:
        raise FetchError("the server's head has lines without end") from None
    if not line.endswith(b"\n"):
        raise FetchError("the server closed the connection")
    if len(line) > LINE:
        raise FetchError("the server's head has lines without end")
    return line.decode("latin-1").rstrip("\r\n")


async def _head(reader: asyncio.StreamReader) -> Head:
    for _ in range(MOST_INTERIM):
        version, _, rest = (await _line(reader)).partition(" ")
        status = rest[:3]
        if not version.startswith("HTTP/1.") or not (status.isascii() and status.isdecimal()):
            raise FetchError("the server does not speak HTTP")
        fields: dict[str, str] = {}
        for _ in range(MOST_LINES):
            line = await _line(reader)
            if not line:
                break
            name, _, value = line.partition(":")
            fields[name.strip().lower()] = value.strip()
        else:
            raise FetchError(f"the server's head has more than {MOST_LINES} lines")
        if not status.startswith("1"):
            return Head(int(status), fields)
    raise FetchError("the server does not come to its answer")


async def _body(reader: asyncio.StreamReader, head: Head, most: int) -> bytes:
    if head.fields.get("content-encoding", "identity").lower() != "identity":
        raise FetchError(f"it is encoded as {head.fields['content-encoding']}")
    into = _Bounded(most)
    coding = head.fields.get("transfer-encoding", "").lower()
    if coding == "chunked":
        await _chunks(reader, into)
    elif coding:
        raise FetchError(f"it is encoded as {coding}")
    elif "content-length" in head.fields:
        await _exactly(reader, _number(head.fields["content-length"], 10), into)
    else:
        while piece := await reader.read(PIECE):
            into.add(piece)
    return bytes(into.data)


class _Bounded:
    def __init__(self, most: int) -> None:
        self.data, self._most = bytearray(), most

    def room_for(self, more: int) -> None:
        if len(self.data) + more > self._most:
            raise FetchError(f"it is larger than {self._most} bytes")

    def add(self, piece: bytes) -> None:
        self.room_for(len(piece))
        self.data += piece


async def _chunks(reader: asyncio.StreamReader, into: _Bounded) -> None:
    while size := _number((await _line(reader)).partition(";")[0].strip(), 16):
        await _exactly(reader, size, into)
        if await _line(reader):
            raise FetchError("a chunk is longer than it says")


async def _exactly(reader: asyncio.StreamReader, size: int, into: _Bounded) -> None:
    into.room_for(size)
    while size:
        piece = await reader.read(min(size, PIECE))
        if not piece:
            raise FetchError("the server closed the connection before the end")
        into.add(piece)
        size -= len(piece)


def _number(text: str, base: int) -> int:
    if not text or len(text) > 15 or any(c not in "0123456789abcdefABCDEF" for c in text):
        raise FetchError("the server gives no proper length")
    try:
        return int(text, base)
    except ValueError:
        raise FetchError("the server gives no proper length") from None
