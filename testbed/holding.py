"""One service for each data folder: which process holds it, and where it is reached."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from testbed.errors import Conflict
from testbed.texts import message

LOCK = "serve.lock"
RUNNING = message(
    "A service runs on this data folder already (process {pid}). Stop it first, or choose another folder."
)


@contextlib.contextmanager
def only_one(data_dir: Path) -> Iterator[IO[str]]:
    """Hold the data folder for one service; commands may join the database beside it.

    Raises:
        Conflict: another service holds it; names its process.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / LOCK).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise Conflict(RUNNING, pid=lock.readline().strip() or "?") from None
        tell(lock, "")
        yield lock


def tell(lock: IO[str], address: str) -> None:
    """Write into the held lock who we are and where we are reached, for commands run beside the service."""
    lock.seek(0)
    lock.truncate()
    lock.write(f"{os.getpid()}\n{address}\n")
    lock.flush()


def address_beside(data_dir: Path) -> str | None:
    """The base URL of the service that holds the data folder now; None if none does."""
    try:
        with (data_dir / LOCK).open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return (lock.read().splitlines()[1:] or [""])[0] or None
    except FileNotFoundError:
        pass
    return None
