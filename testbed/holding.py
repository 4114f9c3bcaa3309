"""One service for each data folder and each address: which process holds it, and where it is reached."""

import contextlib
import errno
import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from testbed.errors import Conflict
from testbed.texts import message

LOCK = "serve.lock"
RUNNING = message(
    "A service runs on this data folder already (process {pid}). Stop it first, or choose another folder."
)
NO_ADDRESS = message("It is not possible to listen on {host}:{port}: {why}.")
TAKEN = message("The address {host}:{port} is taken. Choose another port: PORT=8001 make serve.")


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


def bound(host: str, port: int) -> socket.socket:
    """A socket that is bound, to listen with.

    Raises:
        Conflict: somebody else listens there, or nobody can.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except (OSError, OverflowError) as error:
        made.close()
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise Conflict(TAKEN, host=host, port=port) from error
        why = getattr(error, "strerror", None) or "a port is a number from 0 to 65535"
        raise Conflict(NO_ADDRESS, host=host, port=port, why=why) from error
    return made
