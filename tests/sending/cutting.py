"""A way to a service that breaks: a TCP proxy on the loopback that cuts lines, and counts what goes through."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Cutter:
    """``cut_at`` bytes have gone to the service on one line: that line is cut. ``away`` refuses new lines.

    ``rate`` is how many bytes a second go to the service on a line.
    """

    def __init__(self, host: str, port: int) -> None:
        self.there = host, port
        self.cut_at: int | None = None
        self.rate: int | None = None
        self.away = False
        self.sent = 0
        self.lines = 0
        self.port = 0
        self.open: set[asyncio.StreamWriter] = set()
        self.tasks: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Cut every line now, without a goodbye."""
        for each in list(self.open):
            each.transport.abort()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.away:
            writer.transport.abort()
            return
        self.lines += 1
        back, forth = await asyncio.open_connection(*self.there)
        self.open |= {writer, forth}
        try:
            await asyncio.gather(self.carry(reader, forth, count=True), self.carry(back, writer, count=False))
        finally:
            for each in (writer, forth):
                each.transport.abort()
                self.open.discard(each)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, count: bool) -> None:
        on_line = 0
        with suppress(OSError):
            while data := await reader.read(16384):
                if count and self.rate:
                    await asyncio.sleep(len(data) / self.rate)
                if count:
                    on_line += len(data)
                    self.sent += len(data)
                    if self.cut_at is not None and on_line >= self.cut_at:
                        self.cut()
                        return
                writer.write(data)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def cutting(host: str, port: int) -> AsyncIterator[Cutter]:
    """Stand before a service; every line is cut at the end."""
    cutter = Cutter(host, port)

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(cutter.accept(reader, writer))
        cutter.tasks.add(task)
        task.add_done_callback(cutter.tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    cutter.port = server.sockets[0].getsockname()[1]
    try:
        yield cutter
    finally:
        server.close()
        cutter.cut()
        await asyncio.gather(*cutter.tasks, return_exceptions=True)
