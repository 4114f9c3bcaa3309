"""Children for one job each, from a process that has loaded the parsers and has never seen a file.

Starting Python and loading them takes longer than most readings, so it is done once: a process of its own (not ours,
which has threads, connections and secrets) loads them, and forks a child for every job. It has no network, from the
start, and no environment; see ``__main__`` for its half.
"""

import asyncio
import atexit
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

PATIENCE_S = 5.0

# The package is found beside this very file: in a checkout as in an installation.
_START = "import sys; sys.path.insert(0, sys.argv[1]); from testbed.tabular.__main__ import tend; tend(int(sys.argv[2]))"


class Lost(Exception):
    """The nursery died, and its children with it: nothing is known of the file."""


@dataclass(frozen=True, slots=True)
class Child:
    """A process at work on a job. ``said`` is what it prints; ``ended`` comes to its exit code, or to ``Lost``."""

    said: asyncio.StreamReader
    ended: "asyncio.Future[int]"


class Nursery:
    """For one event loop. Everything in it ends with this process, however that ends (Linux)."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._waited: dict[int, asyncio.Future[int]] = {}
        self._numbers = count()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            words = (*_fence(), sys.executable, "-I", "-c", _START, str(Path(__file__).parents[2]))
            self._process = subprocess.Popen(
                [*words, str(theirs.fileno())], pass_fds=[theirs.fileno()], cwd="/", env={}, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        ours.setblocking(False)
        self._line = ours
        self.loop.add_reader(ours, self._heard)

    @property
    def usable(self) -> bool:
        return self._line.fileno() >= 0 and self.loop is asyncio.get_running_loop()

    def close(self) -> None:
        """End it, and every child that is left."""
        if self._line.fileno() >= 0:
            if not self.loop.is_closed():
                self.loop.remove_reader(self._line)
            self._line.close()
        self._process.kill()  # it has nothing to tidy up
        self._process.wait()
        for each in self._waited.values():
            if not each.done() and not self.loop.is_closed():
                each.set_exception(Lost)
        self._waited.clear()

    @contextlib.asynccontextmanager
    async def child(self, job: Path, most: int) -> AsyncIterator[Child]:
        """A child at work in the folder ``job``, which may print ``most`` bytes; whatever is left of it ends with the block.

        Raises:
            Lost: the nursery is gone already.
        """
        number, (read, write) = next(self._numbers), os.pipe()
        said = asyncio.StreamReader(limit=most)
        ended = self.loop.create_future()
        with contextlib.ExitStack() as handles, os.fdopen(read, "rb", buffering=0) as out:
            handles.callback(os.close, write)
            pipe, _ = await self.loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(said), out)
            try:
                self._tell({"begin": number, "job": str(job)}, write)
                self._waited[number] = ended
                handles.close()  # else the answer would have no end
                yield Child(said, ended)
            finally:
                pipe.close()
                if number in self._waited or ended.done():
                    await self._over(number, ended)

    async def _over(self, number: int, ended: "asyncio.Future[int]") -> None:
        """Wait until nothing of a child is left, also when the caller is cancelled, and then again."""
        if not ended.done():
            with contextlib.suppress(Lost):
                self._tell({"end": number})
        latest, cancelled = self.loop.time() + PATIENCE_S, None
        while not ended.done():
            try:
                await asyncio.wait([ended], timeout=max(0.0, latest - self.loop.time()))
            except asyncio.CancelledError as again:
                cancelled = again
                continue
            if not ended.done():
                self.close()  # it does not do its work
        ended.exception()  # it was seen
        self._waited.pop(number, None)
        if cancelled is not None:
            raise cancelled

    def _tell(self, what: dict[str, int | str], *handles: int) -> None:
        try:
            socket.send_fds(self._line, [json.dumps(what).encode()], handles)
        except OSError as gone:
            self.close()
            raise Lost from gone

    def _heard(self) -> None:
        try:
            said = self._line.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            said = b""
        if not said:
            log.warning(
                "the nursery of readings is gone", status=self._process.poll(), jobs=len(self._waited)
            )
            self.close()
            return
        told = json.loads(said)
        waited = self._waited.get(told["ended"])
        if waited is None or waited.done():
            return
        if told["code"] is None:
            waited.set_exception(Lost)
        else:
            waited.set_result(told["code"])


_one: Nursery | None = None


def nursery() -> Nursery:
    """That of the running loop; made when it is first asked for, and anew when it died."""
    global _one
    if _one is None or not _one.usable:
        if _one is None:
            atexit.register(_close)
        else:
            _one.close()
        _one = Nursery()
    return _one


def _close() -> None:
    if _one is not None:
        _one.close()


@cache
def _fence() -> tuple[str, ...]:
    """The words before the command that take the network away, where the system lets us."""
    tool = shutil.which("unshare")
    if tool is None:
        return ()
    for words in ((tool, "--net"), (tool, "--map-current-user", "--net")):
        try:
            done = subprocess.run(
                (*words, "true"), capture_output=True, timeout=5, check=False, env={"PATH": os.defpath}
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0:
            return words
    return ()
