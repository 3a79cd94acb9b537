"""TLS at the public port: a connection counts from its first byte on, so that nobody holds many by never finishing a greeting."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress


class Greeting(asyncio.Protocol):
    """A connection until both sides have agreed on keys; then `made` takes its place.

    `enter` counts the connection by its address, False: there are too many; `leave` gives it back. Both happen here only until the
    protocol that is `made` counts for itself.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        within: float,
        made: Callable[[], asyncio.Protocol],
        enter: Callable[[asyncio.BaseTransport], str],
        leave: Callable[[str], None],
    ) -> None:
        """`within`: seconds that the greeting may take."""
        self._context, self._within, self._made = context, within, made
        self._enter, self._leave = enter, leave
        self._who, self._over = "", False
        self._early = bytearray()  # what came with the end of the greeting
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._who = self._enter(transport)
        if not self._who:
            transport.abort()  # type: ignore[attr-defined]  # there is no word that both understand yet
            return
        self._task = asyncio.get_running_loop().create_task(self._greet(transport))

    def data_received(self, data: bytes) -> None:
        self._early += data

    def connection_lost(self, exc: BaseException | None) -> None:
        self._over = True

    async def _greet(self, plain: asyncio.BaseTransport) -> None:
        secured: asyncio.Transport | None = None
        with suppress(OSError, ssl.SSLError, TimeoutError):
            secured = await asyncio.get_running_loop().start_tls(
                plain,  # type: ignore[arg-type]  # that of a socket
                self,
                self._context,
                server_side=True,
                ssl_handshake_timeout=self._within,
                ssl_shutdown_timeout=self._within,
            )
        self._leave(self._who)
        if secured is None or self._over:
            plain.close()
            return
        after = self._made()
        after.connection_made(secured)
        secured.set_protocol(after)
        if self._early:
            after.data_received(bytes(self._early))
