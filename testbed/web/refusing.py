"""Refusals that come before the body was read: say that the line ends, and end it so that the answer arrives."""

import asyncio
from typing import Any

from litestar.types import Message, Receive, Scope, Send

LINGER_SECONDS = 2.0
LINGER_BYTES = 32 * 2**20


class Exchange:
    """One request and its answer.

    A sender in the middle of a body does not look for an answer, and a line closed on unread bytes takes the
    answer with it. So a refusal says ``Connection: close``, and what was sent meanwhile is read and forgotten
    for a moment before the line is closed.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._refusing = False
        given: dict[bytes, bytes] = {name.lower(): value for name, value in scope.get("headers", [])}
        length = given.get(b"content-length", b"0")
        self._unread = length != b"0" or b"transfer-encoding" in given
        self._patient = b"expect" not in given and length.isdigit() and int(length) <= LINGER_BYTES

    async def receive(self) -> Any:
        message = await self._receive()
        if not message.get("more_body", False):
            self._unread = False
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] >= 400 and self._unread:
            self._refusing = True
            message["headers"] = [*message["headers"], (b"connection", b"close")]
        if message["type"] != "http.response.body" or message.get("more_body") or not self._refusing:
            await self._send(message)
            return
        await self._send({**message, "more_body": True})
        await self._linger()
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _linger(self) -> None:
        left = LINGER_BYTES
        try:
            async with asyncio.timeout(LINGER_SECONDS):
                while self._unread and self._patient and left > 0:
                    left -= len((await self.receive()).get("body", b""))
        except TimeoutError:
            return
