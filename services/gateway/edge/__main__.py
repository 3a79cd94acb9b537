"""The process at the public port: aiohttp's server in front, the gateway behind a socket that only its user can reach.

It is started by the gateway with the listening socket, gets its settings as one line on its standard input, then `leave` (close each
connection with its answer) and `stop` (take no more, finish, end), and ends at once when the gateway is gone. On its standard output it
counts what it refused.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import resource
import signal
import socket
import sys
import uuid
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, StreamReader, UnixConnector, web
from aiohttp.http import HttpVersion10, HttpVersion11
from aiohttp.http_exceptions import LineTooLong
from aiohttp.web_protocol import RequestHandler
from multidict import CIMultiDict
from yarl import URL

from services.gateway.edge.limits import Held, Rates, caller, client_of, is_in, networks
from services.gateway.edge.refusals import REFUSALS
from services.gateway.edge.secured import Greeting
from shared.tls import serving

#: Bytes of a head, of one line of it, and its lines.
HEAD, LINE, LINES = 32 * 1024, 8 * 1024, 64
#: Bytes of bodies and answers that are held for each connection without being counted, for all, and for one address.
FREE, BYTES, BYTES_EACH = 16 * 1024, 96 * 1024 * 1024, 16 * 1024 * 1024
#: Connections at a time.
CONNECTIONS = 4000
#: Seconds after `stop` that those who connected last have to send their request, and that requests in flight get.
SETTLE, GRACE = 2.0, 4.0
#: Headers that belong to one connection (RFC 9110, 7.6.1), and those that only a proxy may say.
_HOP = ("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "expect")
#: Headers that a request has once or not at all: of two, one program would believe the first and another the last.
_ONCE = ("authorization", "content-type", "host", "idempotency-key", "origin", "x-correlation-id", "x-csrf-token")
_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])?(:[0-9]{1,5})?")
_PROXY = ("forwarded", "x-real-ip", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port")


class _Refused(Exception):
    def __init__(self, reason: str, wait: float = 0.0) -> None:
        self.reason, self.wait = reason, wait


class _Connection(RequestHandler):
    """One connection; it is let go when there are too many, and when a head goes on and on."""

    __slots__ = ("_body", "_edge", "_head", "_who")

    def __init__(self, edge: Edge, server: web.Server, **given: Any) -> None:
        super().__init__(server, **given)
        self._edge, self._who, self._head = edge, "", 0
        self._body: StreamReader | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._who = self._edge.enter(transport)
        if not self._who:
            self._turn_away("connections")

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._who:
            self._edge.connections.give(self._who)
            self._who = ""
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        heads, in_body = self._request_count, self._body is not None and not self._body.is_eof()
        super().data_received(data)
        if self._request_count != heads:
            self._head, self._body = 0, self._messages[-1][1] if self._messages else None
        elif not in_body:
            self._head += len(data)
            if self._head > HEAD:
                self._turn_away("head")

    @property
    def fresh(self) -> bool:
        """Whether it has not brought its first request yet."""
        return not self._request_count

    def _turn_away(self, reason: str) -> None:
        """Say why without a request to answer, and close."""
        if self.transport is None:
            return
        answer = self._edge.refusal(reason, "en")
        lines = [f"HTTP/1.1 {answer.status} {answer.reason}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        body: bytes = answer.body  # type: ignore[assignment]  # refusals have bytes
        self.transport.write("\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body)
        self.force_close()

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """The library could not read it, or this program has a mistake; either way the connection ends."""
        if status >= 500:
            logging.getLogger("edge").error("request failed", exc_info=exc)
        reason = "behind" if status >= 500 else "head" if isinstance(exc, LineTooLong) else "malformed"
        if message and message.startswith("Too many headers"):
            reason = "head"
        answer = self._edge.refusal(reason, "en")
        answer.force_close()
        return answer


class _Server(web.Server):
    def __init__(self, edge: Edge) -> None:
        super().__init__(edge.answer)
        self._edge = edge

    def greeted(self) -> asyncio.Protocol:
        """A new connection: of plain text, or one that begins with the greeting of TLS."""
        edge = self._edge
        return (
            Greeting(edge.context, edge.head_within, self, edge.enter, edge.connections.give)
            if edge.context
            else self()
        )

    def __call__(self) -> RequestHandler:
        limits = {"max_line_size": LINE, "max_field_size": LINE, "max_headers": LINES}
        return _Connection(
            self._edge,
            self,
            loop=self._loop,
            keepalive_timeout=self._edge.head_within,
            lingering_time=min(5.0, self._edge.head_within),  # so that who sends too much reads why
            access_log=None,
            auto_decompress=False,
            **limits,
        )


class Edge:
    """Takes requests in and passes them on. `settings` are those that the gateway sends."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.proxies = networks(settings["proxies"])
        self.context = serving(settings["certificate"]) if settings["certificate"] else None
        self._https_only = bool(settings["https_only"])
        self.connections = Held(CONNECTIONS, settings["connections"] or CONNECTIONS)
        self.head_within, self._body_within, self._answer_within = settings["within"]
        self.leaving = False
        self.refused: Counter[str] = Counter()
        self._rates = Rates(settings["rate"], settings["burst"])
        self._bytes = Held(BYTES, BYTES_EACH)
        self._body = settings["body"]
        self._words = settings["words"]
        self._behind = ClientSession(
            connector=UnixConnector(settings["socket"], limit=0, keepalive_timeout=10),
            cookie_jar=DummyCookieJar(),
            auto_decompress=False,
            timeout=ClientTimeout(total=None),
            skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent", "Content-Type"),
        )

    def enter(self, transport: asyncio.BaseTransport) -> str:
        """Count a connection; whose it is, "" when there are too many."""
        peer = transport.get_extra_info("peername")[0]
        return caller(peer) if self.connections.take(caller(peer), trusted=is_in(peer, self.proxies)) else ""

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """The gateway's answer, or why the request does not get as far."""
        held = [0]
        who = caller(client_of(request.remote or "", request.headers.getall("X-Forwarded-For", ()), self.proxies))
        try:
            answer = await self._pass_on(request, who, held)
        except _Refused as refused:
            language = "zh" if request.headers.get("Accept-Language", "").lower().startswith("zh") else "en"
            answer = self.refusal(refused.reason, language, refused.wait)
            if refused.reason != "rate":
                answer.force_close()
        if self.leaving:
            answer.force_close()
        try:
            async with asyncio.timeout(self._answer_within):
                await answer.prepare(request)
                await answer.write_eof()
        except TimeoutError:
            self.refused["slow"] += 1
            if request.transport is not None:
                request.transport.abort()
        finally:
            self._bytes.give(who, held[0])
        return answer

    async def _pass_on(self, request: web.BaseRequest, who: str, held: list[int]) -> web.Response:
        path = request.raw_path
        headers = self._headers(request)
        if self._https_only and headers["X-Forwarded-Proto"] != "https" and not path.startswith("/health/"):
            raise _Refused("plain")
        if wait := self._rates.take(who):
            raise _Refused("rate", wait)
        body = await self._read(request, who, held)
        try:
            async with self._behind.request(
                request.method,
                URL("http://gateway" + path, encoded=True),
                headers=headers,
                data=body or (b"" if "Content-Length" in headers else None),
                allow_redirects=False,
            ) as found:
                self._hold(who, held, found.content_length or 0)
                content = await found.read()
        except (ClientError, OSError) as error:
            logging.getLogger("edge").warning("the gateway did not answer: %r", error)
            raise _Refused("behind") from None
        kept = CIMultiDict((name, value) for name, value in found.headers.items() if name.lower() not in _HOP)
        kept["Server"] = "linli"
        if request.method != "HEAD":
            kept.pop("Content-Length", None)
        return web.Response(status=found.status, reason=found.reason, headers=kept, body=content)

    def _headers(self, request: web.BaseRequest) -> CIMultiDict[str]:
        """What is passed on of a head; the address and the scheme are said by trusted proxies or by nobody."""
        if not request.raw_path.startswith("/") or request.version not in (HttpVersion10, HttpVersion11):
            raise _Refused("malformed")
        if request.version == HttpVersion10 and "Transfer-Encoding" in request.headers:
            raise _Refused("malformed")  # who knows 1.0 only reads another body (RFC 9112, 6.1)
        if not _HOST.fullmatch(request.headers.get("Host", "")):
            raise _Refused("malformed")
        left = {name.strip().lower() for name in request.headers.get("Connection", "").split(",")}
        headers: CIMultiDict[str] = CIMultiDict()
        size = len(request.raw_path)
        for name, value in request.headers.items():
            size += len(name) + len(value) + 4
            if not value.replace("\t", " ").isprintable():
                raise _Refused("malformed")
            if name in headers and (name.lower() in _ONCE or name.lower().startswith(("linli-", "sec-fetch-"))):
                raise _Refused("malformed")
            if name.lower() not in (*_HOP, *_PROXY) and name.lower() not in left and "_" not in name:
                headers.add(name, value)
        if size > HEAD:
            raise _Refused("head")
        peer = request.remote or ""
        trusted = is_in(peer, self.proxies)
        headers["Host"] = request.headers.get("Host", "")
        headers["X-Forwarded-For"] = client_of(peer, request.headers.getall("X-Forwarded-For", ()), self.proxies)
        told = {value.strip().lower() for value in request.headers.getall("X-Forwarded-Proto", ())}
        said = trusted and told == {"https"}  # a proxy that adds its word behind another's has not set it
        secured = self.context is not None and not (trusted and told)
        headers["X-Forwarded-Proto"] = "https" if said or secured else "http"
        return headers

    async def _read(self, request: web.BaseRequest, who: str, held: list[int]) -> bytes:
        """The whole body."""
        if (request.content_length or 0) > self._body:
            raise _Refused("body")
        body = bytearray()
        try:
            async with asyncio.timeout(self._body_within):
                async for part in request.content.iter_any():
                    self._hold(who, held, len(part), after=len(body))
                    body += part
                    if len(body) > self._body:
                        raise _Refused("body")
        except TimeoutError:
            raise _Refused("slow") from None
        except web.RequestPayloadError:
            raise _Refused("malformed") from None
        return bytes(body)

    def _hold(self, who: str, held: list[int], amount: int, after: int = 0) -> None:
        """Count bytes that are held for a request, but the first few of each."""
        counted = max(0, after + amount - FREE) - max(0, after - FREE)
        if counted and not self._bytes.take(who, counted):
            raise _Refused("memory")
        held[0] += counted

    def refusal(self, reason: str, language: str, wait: float = 0.0) -> web.Response:
        """A refusal in the form of all others."""
        self.refused[reason] += 1
        refusal = REFUSALS[reason]
        title, message = self._words[language][reason]
        known = uuid.uuid4().hex
        body = {
            "type": f"/api/docs#{refusal.kind}",
            "title": title,
            "status": refusal.status,
            "detail": message,
            "instance": f"urn:linli:request:{known}",
            "kind": refusal.kind,
            "message": message,
            "template": refusal.template,
            "fields": {},
        }
        headers = {
            "Content-Type": "application/problem+json",
            "Content-Language": language,
            "X-Correlation-Id": known,
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
            "Server": "linli",
        }
        if refusal.status in (429, 503):
            headers["Retry-After"] = str(int(wait) + 1)
        return web.Response(status=refusal.status, headers=headers, body=json.dumps(body, ensure_ascii=False).encode())

    async def close(self) -> None:
        """Let go of the gateway."""
        await self._behind.close()


async def _tell(edge: Edge) -> None:
    """Say on standard output what was refused, once a second at most."""
    while True:
        await asyncio.sleep(1)  # a look each second is enough for what is told once in a while
        if edge.refused:
            counted, edge.refused = edge.refused, Counter()
            with suppress(OSError):
                print(json.dumps(counted), flush=True)


def _last_ones(listening: socket.socket) -> list[socket.socket]:
    """Let in who has connected: what is still in the queue when a socket is closed is reset, though nobody was refused."""
    entered = []
    with suppress(OSError):  # BlockingIOError: nobody waits any more
        while True:
            connected, _address = listening.accept()
            connected.setblocking(False)
            entered.append(connected)
    return entered


async def serve(listening: socket.socket) -> None:
    """Serve until told to stop, or until the gateway is gone."""
    loop = asyncio.get_running_loop()
    orders = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin.buffer)
    settings = json.loads(await orders.readline())
    edge = Edge(settings)
    server = _Server(edge)
    listener = await loop.create_server(server.greeted, sock=listening, backlog=1024)
    telling = asyncio.create_task(_tell(edge))
    while order := (await orders.readline()).strip():
        edge.leaving = True
        if order == b"stop":
            break
    if not order:  # killed
        with suppress(OSError):
            os.unlink(settings["socket"])
            os.rmdir(Path(settings["socket"]).parent)
        os._exit(1)
    entered = _last_ones(listening)
    listener.close()
    for connected in entered:
        await loop.connect_accepted_socket(server.greeted, connected)
    until = loop.time() + (SETTLE if settings["settle"] else 0)
    while loop.time() < until and any(
        isinstance(connection, _Connection) and connection.fresh for connection in server.connections
    ):
        await asyncio.sleep(0.05)  # requests that are being answered end by themselves
    server.pre_shutdown()  # ends idle connections; without it they would be waited for
    await server.shutdown(GRACE)
    telling.cancel()
    await edge.close()


def main() -> None:
    """`python -m services.gateway.edge DESCRIPTOR`: serve on the listening socket with this number."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the gateway says when
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    listening = socket.socket(fileno=int(sys.argv[1]))
    listening.setblocking(False)
    asyncio.run(serve(listening))


if __name__ == "__main__":
    main()
