"""What was begun and not ended, in small files of the user's own, so that the same command goes on where it was cut."""

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

FORGET_AFTER_SECONDS = 30 * 24 * 3600  # long after the service itself has forgotten


class Taken(Exception):
    """Another process is sending this very file."""


@dataclass(slots=True)
class Begun:
    """An upload at a service (its name there), and the SHA-256 its file had."""

    upload: str = ""
    sha256: str = ""


class Memory:
    """One file for each thing that is being sent; they hold names of uploads, never a token."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def of(self, *key: object) -> Iterator["Note"]:
        """The note on what this key names, held so that nobody else sends it meanwhile.

        Raises:
            Taken: somebody does.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._tidy()
        name = hashlib.sha256(json.dumps([str(part) for part in key]).encode()).hexdigest()[:32]
        path = self.folder / f"{name}.json"
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                raise Taken from None
            if path.exists() and path.stat().st_ino == os.fstat(descriptor).st_ino:
                break
            os.close(descriptor)  # its holder ended meanwhile and took the file away
        try:
            yield Note(path, descriptor)
        finally:
            os.close(descriptor)

    def _tidy(self) -> None:
        for path in self.folder.glob("*.json"):
            with suppress(FileNotFoundError):  # its holder has ended
                if time.time() - path.stat().st_mtime > FORGET_AFTER_SECONDS:
                    path.unlink()


class Note:
    """What is remembered of one upload."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path, self.descriptor = path, descriptor

    def read(self) -> Begun:
        """What was kept, and nothing if it was cut off while it was written."""
        text = os.pread(self.descriptor, 65536, 0)
        try:
            return Begun(**json.loads(text))
        except (ValueError, TypeError):
            return Begun()

    def write(self, begun: Begun) -> None:
        os.truncate(self.descriptor, 0)
        os.pwrite(self.descriptor, json.dumps(asdict(begun)).encode(), 0)

    def forget(self) -> None:
        self.path.unlink(missing_ok=True)
