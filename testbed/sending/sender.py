"""One file on its way: begun, cut off, gone on with, and checked at its end."""

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from testbed.sending.kept import Begun, Note
from testbed.sending.tus import Gone, Later, Refused, Service

T = TypeVar("T")
CHUNK_BYTES = 8 * 1024**2
LEAST_CHUNK_BYTES = 256 * 1024
PROXY_CHUNK_BYTES = 512 * 1024  # below the 1 MB that many proxies let through
WAITS_SECONDS = (1, 2, 4, 8, 15, 30, 30, 60, 60, 60, 60)  # about five and a half minutes without any progress
CHECKING_SECONDS = 2
PASSING = {401, 403, 507}  # what a new token, a word with the coordinator or an empty disk puts right
CHANGED = "It was changed while it was being sent. Send it again once it rests."
OTHER = (
    "The service kept other bytes than were sent (SHA-256 {theirs}). Tell its operator, and send it again."
)


class Changed(Refused):
    """The file did not hold still."""


class Teller(Protocol):
    """Whoever looks on."""

    def begin(self, name: str, size: int) -> None: ...

    def at(self, done: int) -> None: ...

    def wait(self, reason: str, seconds: float) -> None: ...

    def check(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A file as it was when it was looked at first."""

    path: Path
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path) -> "Outgoing":
        found = path.stat()
        return cls(path, found.st_size, found.st_mtime_ns)

    @contextmanager
    def opened(self) -> Iterator[int]:
        descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def read(self, descriptor: int, offset: int, count: int) -> bytes:
        """Bytes of the file; all there are from the offset on, or ``count``.

        Raises:
            Changed: the file is another one by now.
        """
        now = os.fstat(descriptor)
        data = os.pread(descriptor, count, offset)
        if (now.st_size, now.st_mtime_ns) != (self.size, self.mtime_ns) or not data:
            raise Changed(CHANGED)
        return data


@dataclass(frozen=True, slots=True)
class Done:
    """A file that was received: the code of its result, and its receipt where the token may read it."""

    code: str
    sha256: str
    receipt: dict[str, Any] | None


@dataclass
class Sender:
    """``waits`` are the seconds to wait after each failure in a row; then a file is given up for now."""

    service: Service
    tell: Teller
    chunk_bytes: int = CHUNK_BYTES
    waits: Sequence[float] = WAITS_SECONDS
    failures: int = field(default=0, init=False)
    _size: int = field(default=CHUNK_BYTES, init=False)

    def send(self, file: Outgoing, about: dict[str, str], note: Note) -> Done:
        """Send a file, from where an earlier try ended if there was one.

        Raises:
            Refused: for good. Later: it is given up for now, and remembered.
        """
        begun = note.read()
        self.tell.begin(file.path.name, file.size)
        self.failures, self._size = 0, self.chunk_bytes
        with file.opened() as descriptor:
            begun.sha256 = begun.sha256 or _sha256(descriptor)
            about = {**about, "filename": file.path.name, "sha256": begun.sha256}
            while True:
                try:
                    offset = self._begin(file, about, begun, note)
                    self._rest(file, descriptor, begun.upload, offset)
                    done = self._end(begun)
                except Gone:
                    begun.upload = ""
                    self._pause(Later("what was sent before is thrown away there, so it starts anew"))
                except Later as cut:
                    self._size = max(self._size // 2, LEAST_CHUNK_BYTES)
                    self._pause(cut)
                except Refused as refusal:
                    self._refused(refusal, begun, note)
                else:
                    note.forget()
                    return done

    def asked(self, what: Callable[[], T]) -> T:
        """An answer, asked for again while the service is away.

        Raises:
            Later: it stayed away. Refused: see there.
        """
        self.failures = 0
        while True:
            try:
                return what()
            except Later as cut:
                self._pause(cut)

    def _refused(self, refusal: Refused, begun: Begun, note: Note) -> None:
        """A proxy's limit is met by smaller pieces; all else ends the file.

        Raises:
            Refused: it does.
        """
        if refusal.status == 413 and begun.upload and self._size > PROXY_CHUNK_BYTES:
            self._size = PROXY_CHUNK_BYTES
            return
        if refusal.status not in PASSING:
            note.forget()
        if begun.upload and isinstance(refusal, Changed):
            with suppress(Refused, Later, Gone):
                self.service.end(begun.upload)
        raise refusal

    def _begin(self, file: Outgoing, about: dict[str, str], begun: Begun, note: Note) -> int:
        """How much is there already; the upload is created if there is none."""
        if begun.upload:
            return self.service.offset(begun.upload)
        begun.upload = self.service.create(file.size, about)
        note.write(begun)
        return 0

    def _rest(self, file: Outgoing, descriptor: int, upload: str, offset: int) -> None:
        self.tell.at(offset)
        while offset < file.size:
            sent = offset

            def moved(count: int) -> None:
                nonlocal sent
                sent += count
                self.tell.at(sent)

            offset = self.service.append(upload, offset, file.read(descriptor, offset, self._size), moved)
            self.failures = 0

    def _end(self, begun: Begun) -> Done:
        """Wait until the service has read the file from its disk, and hold its receipt against ours."""
        self.tell.check()
        while (state := self.service.state(begun.upload)).get("result") is None:
            if state["state"] not in {"arriving", "verifying"}:
                raise Refused(
                    state.get("problem") or f"The service did not keep it ({state['state']}). Send it again."
                )
            time.sleep(CHECKING_SECONDS)
        code = str(state["result"]).rpartition("/")[2]
        receipt = self.service.receipt(code)
        if receipt is not None and receipt["sha256"] != begun.sha256:
            raise Refused(OTHER.format(theirs=receipt["sha256"]))
        return Done(code, begun.sha256, receipt)

    def _pause(self, cut: Later) -> None:
        """Wait before the next try, longer each time; give up after the last.

        Raises:
            Later: it was the last.
        """
        if self.failures >= len(self.waits):
            raise cut
        seconds = max(self.waits[self.failures], cut.seconds or 0) if cut.seconds != 0 else 0
        self.failures += 1
        self.tell.wait(cut.reason, seconds)
        time.sleep(seconds)


def _sha256(descriptor: int) -> str:
    found, offset = hashlib.sha256(), 0
    while data := os.pread(descriptor, 1024 * 1024, offset):
        found.update(data)
        offset += len(data)
    return found.hexdigest()
