"""Files on their way in: streams written batch by batch, and files that grow over several requests."""

import asyncio
import fcntl
import hashlib
import os
import zlib
from collections.abc import AsyncIterable, Awaitable, Callable
from pathlib import Path
from typing import Any

from testbed.disk import Blob, Disk, disk_troubles, no_space

BATCH_BYTES = 2 * 2**20  # handed to a thread at a time; two are under way at most
PIECE_BYTES = 2**20  # read at a time


class Held(Exception):
    """Another request or process has the file in hand."""


async def pour(chunks: AsyncIterable[bytes], write: Callable[[list[bytes]], Awaitable[None]]) -> None:
    """Hand a stream over in batches of 2 MiB; one is written while the next one gathers.

    What was gathered when the stream breaks is not written, what was handed over is.
    """
    batch: list[bytes] = []
    gathered = 0
    writing = asyncio.ensure_future(write([]))
    try:
        async for chunk in chunks:
            batch.append(chunk)
            if (gathered := gathered + len(chunk)) >= BATCH_BYTES:
                await writing
                writing = asyncio.ensure_future(write(batch))
                batch, gathered = [], 0
        await writing
        await write(batch)
    finally:
        await asyncio.wait([writing])
        if not writing.cancelled():
            writing.exception()  # read, so that it is not reported a second time


async def surely(work: Callable[[], None]) -> None:
    """Do it in a thread, to its end, however often this is cancelled.

    It is handed over before the first pause. A task would not do, not even a shielded one: the end of a service cancels
    every task there is, and one that did not begin yet never does.
    """
    await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, work))


class Staged:
    """A file in staging, held by one request or process alone. Its methods block and are called from threads."""

    def __init__(self, disk: Disk, path: Path) -> None:
        """Open the file and lock it.

        Raises:
            Held: it is in other hands. FileNotFoundError: it is not there, or not any more.
        """
        self.path, self._disk = path, disk
        self._descriptor = self._opened()
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.path.samestat(os.fstat(self._descriptor), path.stat()):
                raise Held  # replaced between opening and locking
        except BlockingIOError:
            self.close()
            raise Held from None
        except BaseException:
            self.close()
            raise

    def _opened(self) -> int:
        return os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)

    def fingerprint(self, told: Callable[[int], None] | None = None) -> Blob:
        """Read all of it back from the disk itself, not from what the system remembers of it.

        ``told`` hears how many bytes were read so far.

        Raises:
            Unavailable: the disk cannot read it.
        """
        sha256, crc32, at = hashlib.sha256(), 0, 0
        with disk_troubles():
            forget(self._descriptor)
            while piece := os.pread(self._descriptor, PIECE_BYTES, at):
                sha256.update(piece)
                crc32 = zlib.crc32(piece, crc32)
                at += len(piece)
                if told is not None:
                    told(at)
        return Blob(sha256.hexdigest(), at, crc32)

    def seal(self) -> None:
        """Read-only and on the disk: ready to be given its name."""
        with disk_troubles():
            os.fchmod(self._descriptor, 0o444)
            self._disk.sync(self._descriptor)

    def drop(self) -> None:
        """Take the file away."""
        self.path.unlink(missing_ok=True)
        self.close()

    def close(self) -> None:
        """Let go of the file; it stays as it is."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class Growing(Staged):
    """A file that one request after the other adds to; it is made when it is not there.

    ``size`` is what was written, ``durable`` what survives a power cut. After an error it must be closed and
    opened anew: a second sync of the same descriptor would lie.
    """

    def __init__(self, disk: Disk, path: Path, floor: int) -> None:
        """As ``Staged``; ``floor`` is how many bytes the disk must keep free.

        Raises:
            NoSpace, Unavailable: the disk.
        """
        with disk_troubles():
            new = not path.exists()
            super().__init__(disk, path)
            self._floor = floor
            self.size = self.durable = os.fstat(self._descriptor).st_size
            if new:
                disk.sync_folder(path.parent)

    def _opened(self) -> int:
        return self._disk.open(self.path)

    def cut(self, size: int) -> None:
        """Keep the first ``size`` bytes only; what follows is not to be believed."""
        with disk_troubles():
            os.ftruncate(self._descriptor, size)
        self.size, self.durable = size, min(size, self.durable)

    def append(self, batch: list[bytes], digest: Any = None) -> None:
        """Write at the end; ``digest`` (of ``hashlib``) sees the same bytes.

        Raises:
            NoSpace, Unavailable: the disk. What was written of the batch does not count.
        """
        data = b"".join(batch)
        with disk_troubles():
            if self._disk.free_bytes(self.path.parent) < self._floor + len(data):
                raise no_space()
            os.lseek(self._descriptor, self.size, os.SEEK_SET)
            self._disk.write(self._descriptor, data)
        self.size += len(data)
        if digest is not None:
            digest.update(data)

    def sync(self) -> int:
        """What was written survives a power cut from now on; return how much that is."""
        if self.durable != self.size:
            with disk_troubles():
                self._disk.sync_data(self._descriptor)
            self.durable = self.size
        return self.durable


def forget(descriptor: int) -> None:
    """Let the system forget what it remembers of a synced file, so that reading it asks the disk."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
