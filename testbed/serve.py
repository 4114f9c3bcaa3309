"""What ``testbed serve`` and ``testbed worker`` run: one web process, one worker beside it, until told to stop."""

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import structlog
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from testbed import activity, jobs
from testbed.app import LANES, create_app
from testbed.db import Database
from testbed.files import store_of
from testbed.settings import Settings
from testbed.trials import profile, reminders
from testbed.trials.uploads import sweeping
from testbed.web.shell import Shell

log = structlog.get_logger(__name__)

HEAD_SECONDS = 10
HEAD_BYTES = 16_384
BODY_SECONDS = 30
BODY_BYTES_PER_SECOND = 16_384
TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
PARENT_DIED = 1  # PR_SET_PDEATHSIG
BACK_OFF_SECONDS = (0.5, 30.0)


class Bounded(HttpToolsProtocol):
    """Ends connections whose request head is slow or large, or whose body is slow; uvicorn itself limits none of these.

    A body is slow that brought too few bytes in ``BODY_SECONDS`` in which nobody on our side kept it waiting. Pieces of
    resumable uploads may be as slow as they are: of some, nothing is kept unless they are whole; silence ends them elsewhere.
    """

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._parsed = self._received = self._body = 0
        self._waited = False  # the body, for us
        self._in_head = True
        self._late = self.loop.call_later(HEAD_SECONDS, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        self._late.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._received += len(data)
        super().data_received(data)
        if self._in_head and self._received > HEAD_BYTES:
            self.transport.close()

    def on_message_begin(self) -> None:
        self._parsed, self._in_head = 0, True
        self._late.cancel()
        self._late = self.loop.call_later(HEAD_SECONDS, self.transport.close)
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._late.cancel()
        self._in_head, self._received = False, 0
        super().on_headers_complete()
        if not any(name == b"tus-resumable" for name, _ in self.headers):
            self._begin()

    def on_body(self, body: bytes) -> None:
        self._body += len(body)
        super().on_body(body)
        self._waited = self._waited or self.flow.read_paused

    def on_message_complete(self) -> None:
        self._late.cancel()
        super().on_message_complete()

    def _next(self) -> None:
        """Look at what came of a body since the last time."""
        if self._waited or self._kept_waiting() or self._body >= BODY_SECONDS * BODY_BYTES_PER_SECOND:
            self._begin()
            return
        if not self.cycle.response_started:
            self.transport.write(TOO_SLOW)
        self.transport.close()

    def _begin(self) -> None:
        self._body, self._waited = 0, self._kept_waiting()
        self._late = self.loop.call_later(BODY_SECONDS, self._next)

    def _kept_waiting(self) -> bool:
        """Whether the body waits for us: for the answer before its own, for room, or for the word to go on."""
        return bool(self.pipeline or self.flow.read_paused or self.cycle.waiting_for_100_continue)

    def _count(self, size: int) -> None:
        self._parsed += size
        if self._parsed > HEAD_BYTES:
            self.transport.close()


class Announced(uvicorn.Server):
    """Says where it listens as soon as it answers."""

    def __init__(self, config: uvicorn.Config, say: Callable[[str], None]) -> None:
        super().__init__(config)
        self.say = say

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for each in sockets or []:
            host, port = each.getsockname()[:2]
            self.say(f"Listening on http://{host}:{port}")


def web(settings: Settings, db: Database, listening: socket.socket, say: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; requests under way have eight seconds to end."""
    app = Shell(create_app(settings, db), settings)
    config = uvicorn.Config(
        app,
        http=Bounded,
        loop="uvloop",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=8,
        timeout_keep_alive=15,
    )
    # uvicorn raises the signal again when it is done; without these the process would die of it, unclean
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, _leave)
    Announced(config, say).run(sockets=[listening])


def _leave(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


@contextlib.contextmanager
def worker_beside(base_url: str) -> Iterator[None]:
    """Keep a worker process alive while the block runs; it ends with us, however we end."""
    over = threading.Event()
    running: list[subprocess.Popen[bytes]] = []
    words = [
        sys.executable,
        "-m",
        "testbed",
        "worker",
        "--with-parent",
        str(os.getpid()),
        "--base-url",
        base_url,
    ]
    thread = threading.Thread(
        target=_keep_alive, args=(words, over, running), name="worker-watch", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        over.set()
        for process in running:
            process.terminate()
        thread.join(timeout=15)


def _keep_alive(words: list[str], over: threading.Event, running: list[subprocess.Popen[bytes]]) -> None:
    pause = BACK_OFF_SECONDS[0]
    while not over.is_set():
        process = subprocess.Popen(words)  # noqa: S603 - our own command
        running[:] = [process]
        if over.is_set():
            process.terminate()
        try:
            process.wait(timeout=60)
            pause = min(pause * 2, BACK_OFF_SECONDS[1])
        except subprocess.TimeoutExpired:
            process.wait()
            pause = BACK_OFF_SECONDS[0]
        if not over.is_set():
            log.warning("worker ended", status=process.returncode, again_in_s=pause)
            over.wait(pause)


def end_with_parent(pid: int) -> None:
    """Ask the kernel for SIGTERM when the process that started us dies (Linux); end at once if it is dead already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PARENT_DIED, signal.SIGTERM)
    if os.getppid() != pid:
        sys.exit(0)


async def _round(shop: jobs.Workshop) -> None:
    """What is done between jobs, by whichever worker comes to it first."""
    await activity.seal(shop)
    await profile.mend(shop)
    await sweeping.sweep(shop)
    await reminders.each_morning(shop)


async def worker(settings: Settings, db: Database) -> None:
    """Do jobs, seal the activity log and begin the day's reminders until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    async with db:
        shop = jobs.Workshop(db, store_of(settings), settings)
        rounds = [_round, *[None] * (len(LANES) - 1)]
        lanes = (
            jobs.work(shop, kinds, stop, each_round=turn) for kinds, turn in zip(LANES, rounds, strict=True)
        )
        working = asyncio.gather(*lanes)
        stopping: asyncio.Future[Any] = asyncio.ensure_future(stop.wait())
        await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        with contextlib.suppress(TimeoutError, asyncio.CancelledError):
            await asyncio.wait_for(working, 10)
