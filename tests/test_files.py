import asyncio
import errno
import hashlib
import os
import stat
import threading
import time
import unicodedata
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from testbed.disk import Disk
from testbed.errors import Conflict, Invalid, NoSpace, TooLarge, Unavailable
from testbed.files import Blob, Store, label
from testbed.parts import BATCH_BYTES

PLENTY = 2**40


async def stream(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        await asyncio.sleep(0)
        yield chunk


def left_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def sha256_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "data")


@pytest.mark.parametrize("size", [0, 1, BATCH_BYTES - 1, BATCH_BYTES, 3 * BATCH_BYTES + 7])
async def test_a_kept_file_has_its_content_its_checksums_and_a_name_that_is_its_digest(store, tmp_path, size):
    data = os.urandom(size)

    blob = await store.keep(stream(*(data[i : i + 65_536] for i in range(0, size, 65_536))), most_bytes=size)

    assert blob == Blob(sha256_of(data), size, zlib.crc32(data))
    path = store.path(blob.sha256)
    assert path == tmp_path / "data/blobs" / blob.sha256[:2] / blob.sha256
    assert path.read_bytes() == data
    assert stat.S_IMODE(path.stat().st_mode) == 0o444


async def test_the_same_content_twice_is_one_file(store, tmp_path):
    first = await store.keep(stream(b"same"), most_bytes=9)
    second = await store.keep(stream(b"sa", b"me"), most_bytes=9)

    assert first == second
    assert len(left_in(tmp_path)) == 1


async def test_keeping_a_file_again_heals_a_damaged_one(store):
    blob = await store.keep(stream(b"content"), most_bytes=9)
    path = store.path(blob.sha256)
    path.chmod(0o644)
    path.write_bytes(b"damaged")
    assert not await store.verify(blob.sha256)

    await store.keep(stream(b"content"), most_bytes=9)

    assert await store.verify(blob.sha256)


async def test_a_file_over_the_limit_leaves_nothing(store, tmp_path):
    with pytest.raises(TooLarge) as refusal:
        await store.keep(stream(b"x" * BATCH_BYTES, b"y" * BATCH_BYTES, b"z"), most_bytes=2 * BATCH_BYTES)

    assert refusal.value.params == {"most": "4 MiB"}
    assert left_in(tmp_path) == []


async def test_a_file_other_than_declared_leaves_nothing(store, tmp_path):
    with pytest.raises(Invalid, match="declared"):
        await store.keep(stream(b"one"), most_bytes=9, expect_sha256=sha256_of(b"two"))

    assert left_in(tmp_path) == []


async def test_a_declared_digest_may_be_in_capitals(store):
    blob = await store.keep(stream(b"one"), most_bytes=9, expect_sha256=sha256_of(b"one").upper())

    assert blob.size == 3


async def test_a_stream_that_breaks_leaves_nothing(store, tmp_path):
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * (3 * BATCH_BYTES)
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await store.keep(broken(), most_bytes=PLENTY)

    assert left_in(tmp_path) == []


@pytest.mark.parametrize("after", [0, 1, 2, 3])
async def test_a_cancelled_upload_leaves_nothing(store, tmp_path, after):
    reached = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        for number in range(1_000):
            if number == after:
                reached.set()
                await asyncio.sleep(60)
            yield b"x" * BATCH_BYTES

    keeping = asyncio.create_task(store.keep(endless(), most_bytes=PLENTY))
    await reached.wait()
    keeping.cancel()

    with pytest.raises(asyncio.CancelledError):
        await keeping
    assert left_in(tmp_path) == []


async def test_a_disk_at_its_floor_refuses_before_the_first_byte(tmp_path):
    store = Store(tmp_path / "data", free_bytes_floor=2**62)

    with pytest.raises(NoSpace, match="Nothing was kept"):
        await store.keep(stream(b"never read"), most_bytes=PLENTY)
    with pytest.raises(NoSpace):
        await store.check_room()

    assert left_in(tmp_path) == []


async def test_a_file_that_would_not_fit_is_refused_by_its_length(store):
    with pytest.raises(NoSpace):
        await store.check_room(2**62)


class FillingDisk(Disk):
    """Has room for ``room`` bytes as it says, and for ``holds`` bytes in truth."""

    def __init__(self, room: int = PLENTY, holds: int = PLENTY, sync_error: int = 0) -> None:
        self.room, self.holds, self.sync_error = room, holds, sync_error

    def write(self, descriptor: int, data: bytes) -> None:
        if len(data) > self.holds:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.room -= len(data)
        self.holds -= len(data)
        super().write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        if self.sync_error:
            raise OSError(self.sync_error, os.strerror(self.sync_error))
        super().sync(descriptor)

    def free_bytes(self, folder: Path) -> int:
        return self.room


@pytest.mark.parametrize(
    ("disk", "refusal"),
    [
        (FillingDisk(room=3 * BATCH_BYTES), NoSpace),
        (FillingDisk(holds=2 * BATCH_BYTES), NoSpace),
        (FillingDisk(sync_error=errno.ENOSPC), NoSpace),
        (FillingDisk(sync_error=errno.EIO), Unavailable),
    ],
    ids=["reaches its floor", "is full", "is full when synced", "fails when synced"],
)
async def test_a_disk_that_gives_up_midway_keeps_nothing_and_says_so(tmp_path, disk, refusal):
    store = Store(tmp_path / "data", free_bytes_floor=BATCH_BYTES, disk=disk)

    with pytest.raises(refusal, match="Nothing was kept"):
        await store.keep(stream(*[b"x" * BATCH_BYTES] * 8), most_bytes=PLENTY)

    assert left_in(tmp_path) == []


async def test_a_slow_disk_holds_the_stream_back_and_leaves_the_event_loop_free(tmp_path):
    gate = threading.Event()
    given = 0

    class SlowDisk(Disk):
        def write(self, descriptor: int, data: bytes) -> None:
            if data:
                gate.wait()
            super().write(descriptor, data)

    async def fast() -> AsyncIterator[bytes]:
        nonlocal given
        for _ in range(16):
            given += BATCH_BYTES
            yield b"x" * BATCH_BYTES

    keeping = asyncio.create_task(Store(tmp_path, disk=SlowDisk()).keep(fast(), most_bytes=PLENTY))
    await asyncio.sleep(0.2)

    assert given == 2 * BATCH_BYTES
    gate.set()
    assert (await keeping).size == 16 * BATCH_BYTES


async def test_what_a_worker_made_is_adopted_and_the_original_stays_its_makers(store, tmp_path):
    made = tmp_path / "made.parquet"
    made.write_bytes(b"PAR1" * 1_000_000)

    blob = await store.keep_file(made)
    made.write_bytes(b"changed afterwards")

    assert blob.size == 4_000_000
    assert await store.verify(blob.sha256)


@pytest.mark.parametrize("make", [lambda path: path.symlink_to("/etc/hostname"), os.mkfifo, Path.mkdir])
async def test_only_a_regular_file_is_adopted(store, tmp_path, make):
    make(tmp_path / "made")

    with pytest.raises(Invalid, match="regular file"):
        await store.keep_file(tmp_path / "made")


async def test_a_file_is_read_from_anywhere_in_pieces(store):
    data = os.urandom(2_500_000)
    blob = await store.keep(stream(data), most_bytes=PLENTY)

    whole = [piece async for piece in store.opened(blob.sha256)]
    part = [piece async for piece in store.opened(blob.sha256, 1_000_001, 1_200_000)]

    assert b"".join(whole) == data
    assert max(map(len, whole)) == 2**20
    assert b"".join(part) == data[1_000_001:2_200_001]


async def test_a_file_that_lost_bytes_is_never_read_as_if_it_were_whole(store):
    blob = await store.keep(stream(b"x" * 3_000_000), most_bytes=PLENTY)
    os.truncate(store.path(blob.sha256), 1_500_000)

    with pytest.raises(Conflict, match="damaged"):
        [piece async for piece in store.opened(blob.sha256, 0, 3_000_000)]

    assert not await store.verify(blob.sha256)
    assert not await store.sound(blob.sha256)


async def test_a_missing_file_is_said_to_be_missing(store, tmp_path):
    nothing = "0" * 64

    assert (store.path(nothing), await store.size(nothing), await store.exists(nothing)) == (
        None,
        None,
        False,
    )
    assert not await store.verify(nothing)
    assert not await store.sound(nothing)
    with pytest.raises(Conflict):
        await store.local(nothing, tmp_path)
    with pytest.raises(Conflict):
        [piece async for piece in store.opened(nothing)]


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 64 + "\n", "٠" * 64])
async def test_nothing_but_a_digest_reaches_the_disk(store, name):
    with pytest.raises(ValueError, match="not a SHA-256"):
        await store.exists(name)


async def test_a_sound_file_is_not_hashed_at_every_download(store, monkeypatch):
    blob = await store.keep(stream(b"content"), most_bytes=9)
    assert await store.sound(blob.sha256)

    monkeypatch.setattr(store, "verify", None)

    assert await store.sound(blob.sha256)


async def test_a_worker_gets_the_file_in_its_own_folder(store, tmp_path):
    blob = await store.keep(stream(b"content"), most_bytes=9)
    (tmp_path / "work").mkdir()

    first = await store.local(blob.sha256, tmp_path / "work")
    again = await store.local(blob.sha256, tmp_path / "work")

    assert first == again == tmp_path / "work" / blob.sha256
    assert first.read_bytes() == b"content"


async def test_a_start_clears_away_what_uploads_left_a_day_ago(tmp_path):
    store = Store(tmp_path)
    old, young = store.staging / "old.part", store.staging / "young.part"
    for part in (old, young):
        part.write_bytes(b"half a file")
    os.utime(old, (time.time() - 90_000,) * 2)

    Store(tmp_path)

    assert not old.exists()
    assert young.exists()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("mätning 2026.csv", "mätning 2026.csv"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\Bo\\Lång fil.xlsx", "Lång fil.xlsx"),
        ("a/b\\c.csv", "c.csv"),
        ("a\r\nSet-Cookie: x=1.csv", "aSet-Cookie: x=1.csv"),
        ("cod\u202egpj.exe", "codgpj.exe"),
        ("nul\0.csv", "nul.csv"),
        (unicodedata.normalize("NFD", "åäö.csv"), "åäö.csv"),
        ("\ud800lone.csv", "lone.csv"),
        ("", "file"),
        (".", "file"),
        ("..", "file"),
        ("folder/", "file"),
        (" \t\n", "file"),
        ("\u200b", "file"),
        (".env", ".env"),
        ("ä" * 300 + ".parquet", "ä" * 247 + ".parquet"),
        ("x" * 300, "x" * 255),
        ("." + "y" * 300, "." + "y" * 254),
    ],
)
def test_a_name_becomes_a_label(given, kept):
    assert label(given) == kept


def test_naughty_names_become_short_plain_labels(test_data):
    names = (test_data / "corpora/blns/blns.txt").read_text(encoding="utf-8").splitlines()

    for name in names:
        found = label(name)
        assert 0 < len(found) <= 255
        assert not set(found) & set("/\\\r\n\0\u202e")
        assert label(found) == found


@pytest.fixture
def test_data() -> Path:
    folder = os.environ.get("TESTBED_TEST_DATA")
    if not folder:
        pytest.skip("TESTBED_TEST_DATA is not set")
    return Path(folder)
