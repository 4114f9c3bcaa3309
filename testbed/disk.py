"""What a file needs of the local disk to survive a power cut."""

import errno
import hashlib
import os
import shutil
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from testbed.errors import Invalid, NoSpace, Unavailable
from testbed.texts import message

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
NOT_WRITTEN = message("The file could not be written to disk. Nothing was kept.")
NOT_REGULAR = message("Only a regular file can be kept.")


@dataclass(frozen=True, slots=True)
class Blob:
    """A kept file: the digest (64 hex digits) is its name, the size is in bytes."""

    sha256: str
    size: int
    crc32: int


class Disk:
    """The system calls that make a file last, in one place: a test pulls the plug between any two of them."""

    def create(self, path: Path) -> int:
        return os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)

    def open(self, path: Path) -> int:
        """To be read and added to; made if it is not there."""
        return os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)

    def write(self, descriptor: int, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]

    def sync(self, descriptor: int) -> None:
        """Bytes and length of the file are on the disk; a failure is final, a second try would lie."""
        os.fsync(descriptor)

    def sync_data(self, descriptor: int) -> None:
        """As ``sync``, without the file's times: what is needed to read it back is on the disk."""
        getattr(os, "fdatasync", os.fsync)(descriptor)

    def rename(self, old: Path, new: Path) -> None:
        old.replace(new)

    def sync_folder(self, folder: Path) -> None:
        """The names in the folder are on the disk."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def free_bytes(self, folder: Path) -> int:
        found = os.statvfs(folder)
        return found.f_bavail * found.f_frsize


class Part:
    """A file on its way in. Its methods block and are called from threads, one at a time."""

    def __init__(self, disk: Disk, path: Path, floor: int) -> None:
        self.path, self.size = path, 0
        self._disk, self._floor = disk, floor
        self._sha256, self._crc32, self._lock = hashlib.sha256(), 0, Lock()
        self._descriptor = -1

    def write(self, batch: list[bytes]) -> None:
        data = b"".join(batch)
        with self._lock, disk_troubles():
            if self._descriptor < 0:
                if self.size < 0:
                    return  # dropped while this batch waited for its thread
                self._descriptor = self._disk.create(self.path)
            if self._disk.free_bytes(self.path.parent) < self._floor + len(data):
                raise no_space()
            self._disk.write(self._descriptor, data)
            self._sha256.update(data)
            self._crc32 = zlib.crc32(data, self._crc32)
            self.size += len(data)

    def close(self) -> Blob:
        """Whole, on the disk and read-only, still under its passing name."""
        with self._lock, disk_troubles():
            descriptor, self._descriptor = self._descriptor, -1
            try:
                os.fchmod(descriptor, 0o444)
                self._disk.sync(descriptor)
            finally:
                os.close(descriptor)
            return Blob(self._sha256.hexdigest(), self.size, self._crc32)

    def drop(self) -> None:
        """Leave nothing; what was renamed meanwhile is not touched."""
        with self._lock:
            self.size = -1
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1
            self.path.unlink(missing_ok=True)


def open_regular(path: Path) -> int:
    """Not through a link, not a pipe that never ends: the maker of the file may be hostile."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise Invalid(NOT_REGULAR) from error
        raise
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise Invalid(NOT_REGULAR)
    return file


def link_or_copy(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except FileExistsError:
        return
    except OSError as error:
        if error.errno not in {errno.EXDEV, errno.EPERM, errno.EMLINK}:
            raise
        shutil.copyfile(source, target)
        target.chmod(0o444)


def no_space() -> NoSpace:
    return NoSpace(
        message("There is no room left for files. Nothing was kept; try again later."), retry_after=300
    )


def spelt(size: int) -> str:
    """Bytes as people say them, exact where that is short: 20 GiB, 1.5 MiB, 17 B."""
    for power, unit in enumerate(("B", "KiB", "MiB", "GiB")):
        if size < 1024 ** (power + 1) or unit == "GiB":
            return f"{size / 1024**power:.4g} {unit}"
    raise AssertionError


@contextmanager
def disk_troubles() -> Iterator[None]:
    """A full disk and a failing one, as answers."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise no_space() from error
        raise Unavailable(NOT_WRITTEN, retry_after=30) from error
