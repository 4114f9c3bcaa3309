"""Pulls the plug while a file grows, and loses any of what was not synced."""

import asyncio
import hashlib
import os
import random
import threading
import zlib
from pathlib import Path

import pytest

from testbed.disk import Blob, Disk
from testbed.errors import NoSpace
from testbed.parts import Growing, Held, Staged, pour, surely


class CutDisk(Disk):
    """Remembers what of each file is on the platter, and whether its name is; ``forget`` leaves a sync out."""

    def __init__(self, *, forget: str = "") -> None:
        self.forget = forget
        self.platter: dict[Path, bytes] = {}
        self.paths: dict[int, Path] = {}
        self.named: set[Path] = set()

    def open(self, path: Path) -> int:
        descriptor = super().open(path)
        self.paths[descriptor] = path
        self.platter.setdefault(path, b"")
        return descriptor

    def sync_data(self, descriptor: int) -> None:
        if self.forget != "data":
            path = self.paths[descriptor]
            self.platter[path] = path.read_bytes()

    def sync_folder(self, folder: Path) -> None:
        if self.forget != "name":
            self.named |= {path for path in self.platter if path.parent == folder and path.exists()}

    def cut(self, path: Path, chance: random.Random) -> None:
        """The power goes: what was not synced is there in part, as zeros, or not at all; so is a name."""
        now, safe = path.read_bytes(), self.platter[path]
        loose = bytearray(now[len(safe) :])
        for at in range(0, len(loose), 7):
            if chance.random() < 0.5:
                loose[at : at + 7] = bytes(len(loose[at : at + 7]))
        kept = safe + bytes(loose[: chance.randint(0, len(loose))])
        path.unlink()
        if path in self.named or chance.random() < 0.5:
            path.write_bytes(kept)


def grown_through_cuts(folder: Path, seed: int, forget: str = "") -> tuple[bytes, bytes, int]:
    """Send a file over a machine that loses power again and again; what was sent, what came, promises broken."""
    chance, path, disk = random.Random(seed), folder / "a.part", CutDisk(forget=forget)
    sent, promised, broken = chance.randbytes(chance.randint(1, 4000)), 0, 0
    while promised < len(sent):
        part = Growing(disk, path, 0)
        if part.size < promised:
            broken, promised = broken + 1, part.size
        part.cut(promised)
        for _ in range(chance.randint(0, 3)):
            piece = sent[part.size : part.size + chance.randint(0, 900)]
            part.append([piece])
            if chance.random() < 0.6:
                promised = part.sync()
        whole = promised == len(sent)
        part.close()
        if not whole or chance.random() < 0.5:
            disk.cut(path, chance)
        if broken > 20:
            break
    found = path.read_bytes()[:promised] if path.exists() else b""
    path.unlink(missing_ok=True)
    return sent, found, broken


def test_a_promised_byte_survives_a_power_cut_at_any_moment(tmp_path):
    for seed in range(300):
        sent, found, broken = grown_through_cuts(tmp_path, seed)

        assert (seed, broken, found == sent) == (seed, 0, True)


@pytest.mark.parametrize("forget", ["data", "name"])
def test_forgetting_a_sync_would_be_noticed(tmp_path, forget):
    runs = [grown_through_cuts(tmp_path, seed, forget) for seed in range(60)]

    assert any(broken or found != sent for sent, found, broken in runs)


def test_a_file_is_in_one_pair_of_hands(tmp_path):
    first = Growing(Disk(), tmp_path / "a.part", 0)

    with pytest.raises(Held):
        Growing(Disk(), tmp_path / "a.part", 0)
    with pytest.raises(Held):
        Staged(Disk(), tmp_path / "a.part")

    first.close()
    Staged(Disk(), tmp_path / "a.part").close()


def test_a_file_that_was_replaced_while_it_was_opened_is_left_alone(tmp_path):
    path = tmp_path / "a.part"

    class Replaced(Disk):
        def open(self, path: Path) -> int:
            descriptor = super().open(path)
            path.rename(tmp_path / "kept")
            path.write_bytes(b"another")
            return descriptor

    with pytest.raises(Held):
        Growing(Replaced(), path, 0)


def test_links_are_not_followed(tmp_path):
    (tmp_path / "aim").write_bytes(b"precious")
    (tmp_path / "a.part").symlink_to(tmp_path / "aim")

    with pytest.raises(OSError, match="symbolic"):
        os.close(Disk().open(tmp_path / "a.part"))
    with pytest.raises(OSError, match="symbolic"):
        Staged(Disk(), tmp_path / "a.part")


def test_the_floor_of_the_disk_is_kept_free(tmp_path):
    part = Growing(Disk(), tmp_path / "a.part", 2**60)

    with pytest.raises(NoSpace):
        part.append([b"x"])

    assert part.size == 0
    part.close()


def test_a_file_is_read_back_as_it_lies_there(tmp_path):
    part = Growing(Disk(), tmp_path / "a.part", 0)
    part.append([b"abc"] * 1000)
    part.sync()
    (tmp_path / "a.part").write_bytes(b"abd" * 1000)

    blob = part.fingerprint()

    assert blob == Blob(hashlib.sha256(b"abd" * 1000).hexdigest(), 3000, zlib.crc32(b"abd" * 1000))
    part.close()


async def test_what_was_handed_over_is_written_when_the_stream_breaks():
    written: list[bytes] = []

    async def breaking():
        for _ in range(5):
            yield bytes(2**20)
        raise ConnectionResetError

    async def write(batch: list[bytes]) -> None:
        written.append(b"".join(batch))

    with pytest.raises(ConnectionResetError):
        await pour(breaking(), write)

    assert sum(map(len, written)) == 4 * 2**20


async def test_what_must_be_done_is_done_though_all_tasks_are_cancelled_at_its_first_pause():
    """As when a service stops while an upload cleans up after itself."""
    others, done = asyncio.all_tasks(), threading.Event()
    cleaning = asyncio.create_task(surely(done.set))
    await asyncio.sleep(0)

    left = asyncio.all_tasks() - others
    for task in left:
        task.cancel()
    await asyncio.gather(cleaning, *left, return_exceptions=True)

    assert await asyncio.to_thread(done.wait, 5)
