"""The body of a request as it arrives, with an end for every way it can end."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Literal

from testbed.errors import DomainError

SILENT_SECONDS = 60.0

End = Literal["whole", "stopped", "silent", "broken", "long"]


class Line:
    """Yields a body's chunks until it ends; ``end`` then says how.

    ``whole``: all of it came. ``stopped``: somebody else wants the upload. ``silent``: nothing came for a minute.
    ``broken``: the sender hung up. ``long``: more came than ``most_bytes``; the chunk that did is not yielded.
    """

    def __init__(self, body: AsyncGenerator[bytes, None], most_bytes: int) -> None:
        self.end: End = "whole"
        self._body, self._left = body, most_bytes
        self._limit: asyncio.Timeout | None = None

    def stop(self) -> None:
        """End it now, at whatever was received so far; may be said again."""
        self.end = "stopped"
        if self._limit is not None and not self._limit.expired():
            self._limit.reschedule(0)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        chunk = await self._next() if self.end == "whole" else b""
        if not chunk:
            raise StopAsyncIteration
        if len(chunk) > self._left:
            self.end = "long"
            raise StopAsyncIteration
        self._left -= len(chunk)
        return chunk

    async def _next(self) -> bytes:
        try:
            async with asyncio.timeout(SILENT_SECONDS) as self._limit:
                return await anext(self._body, b"")
        except TimeoutError:
            self.end = "stopped" if self.end == "stopped" else "silent"
        except DomainError:  # what the web makes of a connection that broke
            self.end = "broken"
        finally:
            self._limit = None
        return b""
