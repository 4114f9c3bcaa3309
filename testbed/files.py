"""Keep uploads and exports as immutable files named by their own SHA-256, in a folder or in an S3 bucket.

Order is everything: the bytes are on the disk before they get their name, and the name is on the disk
before ``keep`` returns; only then may a row speak of the file.
"""

import asyncio
import hashlib
import os
import time
import unicodedata
from collections.abc import AsyncGenerator, AsyncIterable, Iterator
from contextlib import aclosing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import NoReturn
from uuid import uuid4

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store as Bucket

from testbed.disk import Blob, Disk, Part, disk_troubles, link_or_copy, no_space, open_regular, spelt
from testbed.errors import Conflict, Invalid, TooLarge, Unavailable
from testbed.parts import PIECE_BYTES, pour, surely
from testbed.settings import Settings
from testbed.texts import message

ONE_PUT_BYTES = 64 * 2**20  # larger files travel in parts
STALE_SECONDS = 24 * 3600
BELIEVED_SECONDS = 600
NAME_CHARACTERS = 255

__all__ = ["Blob", "S3Store", "Store", "damaged", "label", "store_of"]


def label(name: str) -> str:
    """What people may call a file: one line without folders, control or direction marks; never a path.

    At most 255 characters, NFC; the extension survives the cut. ``file`` if nothing is left.
    """
    name = name.replace("\\", "/").rsplit("/", 1)[-1]
    hidden = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    kept = "".join(c for c in name if unicodedata.category(c) not in hidden)
    kept = unicodedata.normalize("NFC", kept).strip()
    if not kept.strip(". "):
        return "file"
    if len(kept) > NAME_CHARACTERS:
        stem, dot, extension = kept.rpartition(".")
        tail = dot + extension if stem and len(extension) <= 16 else ""
        kept = kept[: NAME_CHARACTERS - len(tail)] + tail
    return kept


class Store:
    """Blobs in ``data_dir/blobs/ab/<sha256>``. Keeping the same content twice keeps one file."""

    def __init__(self, data_dir: Path, *, free_bytes_floor: int = 0, disk: Disk | None = None) -> None:
        self.staging, self.blobs = data_dir / "staging", data_dir / "blobs"
        self.free_bytes_floor, self.disk = free_bytes_floor, disk or Disk()
        self._verified: dict[tuple[str, int, int, int], float] = {}
        self._prepare(data_dir)

    def path(self, sha256: str) -> Path | None:
        """The file itself, where the store is a folder and has it."""
        path = self._place(sha256)
        return path if path.is_file() else None

    async def check_room(self, coming_bytes: int = 0) -> None:
        """Refuse before the first byte what would not fit.

        Raises:
            NoSpace: fewer bytes than the floor would be left.
        """
        if self.disk.free_bytes(self.staging) < self.free_bytes_floor + coming_bytes:
            raise no_space()

    async def keep(
        self, chunks: AsyncIterable[bytes], *, most_bytes: int, expect_sha256: str | None = None
    ) -> Blob:
        """Write a stream to disk as it arrives; when this returns, the file survives a power cut.

        Costs at most two batches of memory (4 MiB). A stream that breaks, is cancelled or is refused
        leaves nothing behind. An empty file is kept like any other.

        Raises:
            TooLarge: more than ``most_bytes``.
            Invalid: the content is not what ``expect_sha256`` declares.
            NoSpace: the disk is full, or has come to its floor.
            Unavailable: the disk or the bucket does not answer.
        """
        await self.check_room()
        part = Part(self.disk, self.staging / f"{uuid4().hex}.part", self.free_bytes_floor)
        try:

            async def write(batch: list[bytes]) -> None:
                await asyncio.to_thread(part.write, batch)

            async with aclosing(_at_most(most_bytes, chunks)) as counted:
                await pour(counted, write)
            blob = await asyncio.to_thread(part.close)
            if expect_sha256 is not None and expect_sha256.lower() != blob.sha256:
                raise Invalid(DIFFERS, found=blob.sha256, expected=expect_sha256)
            await self.settle(part.path, blob)
            return blob
        finally:
            await surely(part.drop)

    async def settle(self, part: Path, blob: Blob) -> None:
        """Give a file that is whole, on the disk and read-only its name; it is as durable as ``keep`` makes it.

        In a folder the file itself is renamed, so it must lie in ``staging``. Raises as ``keep``.
        """
        await asyncio.to_thread(self._name, part, self._place(blob.sha256))

    async def keep_file(self, path: Path) -> Blob:
        """Adopt a finished file, as durable as ``keep``; nobody may write to it any more.

        It is copied, because its maker may have left a descriptor open. Clearing the source away is
        the caller's. Raises as ``keep``.
        """

        async def pieces() -> AsyncGenerator[bytes, None]:
            file = await asyncio.to_thread(open_regular, path)
            try:
                while piece := await asyncio.to_thread(os.read, file, PIECE_BYTES):
                    yield piece
            finally:
                os.close(file)

        async with aclosing(pieces()) as stream:
            return await self.keep(stream, most_bytes=2**63)

    async def size(self, sha256: str) -> int | None:
        """Bytes of the file as it lies there, or None."""
        try:
            return self._place(sha256).stat().st_size
        except FileNotFoundError:
            return None

    async def exists(self, sha256: str) -> bool:
        return await self.size(sha256) is not None

    async def opened(
        self, sha256: str, start: int = 0, length: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """The bytes from ``start`` on, in pieces of at most 1 MiB, read off the event loop.

        Raises:
            Conflict: the file is gone or shorter than asked for.
        """
        try:
            file = await asyncio.to_thread(os.open, self._place(sha256), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            damaged(sha256)
        try:
            left = max(os.fstat(file).st_size - start, 0) if length is None else length
            while left:
                piece = await asyncio.to_thread(os.pread, file, min(left, PIECE_BYTES), start)
                if not piece:
                    damaged(sha256)
                start, left = start + len(piece), left - len(piece)
                yield piece
        finally:
            os.close(file)

    async def local(self, sha256: str, work: Path) -> Path:
        """The file inside the folder ``work``, named by its digest, for a worker to read: a link or a copy.

        Raises:
            Conflict: the file is gone.
        """
        source, target = self._place(sha256), work / sha256
        try:
            await asyncio.to_thread(link_or_copy, source, target)
        except FileNotFoundError:
            damaged(sha256)
        return target

    async def verify(self, sha256: str) -> bool:
        """Whether the file is there and still is what its name says; reads all of it."""
        digest = hashlib.sha256()
        try:
            async with aclosing(self.opened(sha256)) as pieces:
                async for piece in pieces:
                    await asyncio.to_thread(digest.update, piece)
        except Conflict:
            return False
        return digest.hexdigest() == sha256

    async def sound(self, sha256: str) -> bool:
        """As ``verify``, but believed for ten minutes while the file's inode, time and size stand still."""
        path = self.path(sha256)
        if path is None:
            return await self.exists(sha256)  # a bucket keeps checksums of its own
        found = path.stat()
        seen = (sha256, found.st_ino, found.st_mtime_ns, found.st_size)
        if self._verified.get(seen, 0.0) > time.monotonic():
            return True
        if not await self.verify(sha256):
            return False
        if len(self._verified) > 10_000:
            self._verified.clear()
        self._verified[seen] = time.monotonic() + BELIEVED_SECONDS
        return True

    def _name(self, part: Path, place: Path) -> None:
        with disk_troubles():
            self.disk.rename(part, place)
            self.disk.sync_folder(place.parent)
            self.disk.sync_folder(part.parent)

    def _place(self, sha256: str) -> Path:
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            raise ValueError(f"not a SHA-256: {sha256!r}")
        return self.blobs / sha256[:2] / sha256

    def _prepare(self, data_dir: Path) -> None:
        """Make every folder now and have it on the disk: a new folder is itself a name that can be lost."""
        new = not data_dir.exists()
        self.staging.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.blobs.mkdir(mode=0o700, exist_ok=True)
        for folder in {self.blobs / f"{number:02x}" for number in range(256)} - set(self.blobs.iterdir()):
            folder.mkdir(mode=0o700, exist_ok=True)
        for folder in (self.blobs, data_dir, *([data_dir.absolute().parent] if new else [])):
            self.disk.sync_folder(folder)
        for part in self.staging.glob("*.part"):
            resumable = "-" in part.stem  # added to for days, and named by its address
            if not resumable and part.stat().st_mtime < time.time() - STALE_SECONDS:
                part.unlink(missing_ok=True)


class S3Store(Store):
    """Blobs in a bucket, as ``blobs/ab/<sha256>``; they are staged on the local disk on their way in."""

    def __init__(self, data_dir: Path, bucket: Bucket, *, free_bytes_floor: int = 0) -> None:
        super().__init__(data_dir, free_bytes_floor=free_bytes_floor)
        self.bucket = bucket

    def path(self, sha256: str) -> Path | None:
        """None: a bucket's files have no place here; ``local`` fetches one."""
        return None

    async def size(self, sha256: str) -> int | None:
        with _bucket_troubles():
            try:
                return int((await obstore.head_async(self.bucket, self._key(sha256)))["size"])
            except FileNotFoundError:
                return None

    async def opened(
        self, sha256: str, start: int = 0, length: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        size = await self.size(sha256)
        if size is None:
            damaged(sha256)
        end = size if length is None else start + length
        if end > size:
            damaged(sha256)
        if start >= end:
            return
        with _bucket_troubles():
            found = await obstore.get_async(self.bucket, self._key(sha256), options={"range": (start, end)})
            async for piece in found.stream(min_chunk_size=PIECE_BYTES):
                start += len(piece)
                yield bytes(piece)
        if start != end:
            damaged(sha256)

    async def local(self, sha256: str, work: Path) -> Path:
        target = work / sha256
        file = await asyncio.to_thread(target.open, "wb")
        try:
            async with aclosing(self.opened(sha256)) as pieces:
                async for piece in pieces:
                    await asyncio.to_thread(file.write, piece)
        finally:
            await asyncio.to_thread(file.close)
        return target

    async def settle(self, part: Path, blob: Blob) -> None:
        """Put it unless it is there; the key is the hash, so a race writes equal bytes. ``part`` stays."""
        if await self.size(blob.sha256) != blob.size:
            with _bucket_troubles():
                await obstore.put_async(
                    self.bucket,
                    self._key(blob.sha256),
                    part,
                    use_multipart=blob.size > ONE_PUT_BYTES,
                    chunk_size=16 * 2**20,
                    max_concurrency=4,
                )
        if await self.size(blob.sha256) != blob.size:
            raise Unavailable(BUCKET_AWAY, retry_after=30)

    def _key(self, sha256: str) -> str:
        return "blobs/" + self._place(sha256).relative_to(self.blobs).as_posix()


def store_of(settings: Settings) -> Store:
    """The store the settings ask for; makes its folders in the data folder, asks nothing of the network."""
    floor = settings.free_bytes_floor
    if settings.store_url is None:
        return Store(settings.data_dir, free_bytes_floor=floor)
    keys = settings.store_key_file.read_text().split() if settings.store_key_file else ["", ""]
    bucket = Bucket(
        settings.store_url.removeprefix("s3://"),
        endpoint=settings.store_endpoint,
        region=settings.store_region,
        access_key_id=keys[0],
        secret_access_key=keys[1],
        checksum_algorithm="SHA256",
        virtual_hosted_style_request=False,
        retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=20)},
        client_options={"allow_http": (settings.store_endpoint or "").startswith("http:")},
    )
    return S3Store(settings.data_dir, bucket, free_bytes_floor=floor)


DIFFERS = message("The file arrived with SHA-256 {found}, but {expected} was declared. Nothing was kept.")
BUCKET_AWAY = message("The file store does not answer. Nothing was kept; try again later.")
TOO_LARGE = message("The file is larger than {most}. Nothing was kept.")


def damaged(sha256: str) -> NoReturn:
    raise Conflict(
        message("The kept file {sha256} is missing or damaged, so it cannot be sent."), sha256=sha256
    )


async def _at_most(most_bytes: int, chunks: AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
    size = 0
    async for chunk in chunks:
        if (size := size + len(chunk)) > most_bytes:
            raise TooLarge(TOO_LARGE, most=spelt(most_bytes))
        yield chunk


@contextmanager
def _bucket_troubles() -> Iterator[None]:
    try:
        yield
    except (BaseError, FileNotFoundError) as error:  # the latter: the bucket itself is not there
        raise Unavailable(BUCKET_AWAY, retry_after=30) from error
