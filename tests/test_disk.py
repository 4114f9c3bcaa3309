"""Pulls the plug between any two steps of keeping a file, and loses any of what was not synced."""

from collections.abc import AsyncIterator, Iterator
from itertools import chain, combinations
from pathlib import Path

import pytest

from testbed.disk import Disk, spelt
from testbed.files import Store

CONTENT = b"measured once, never again\n" * 100


class CutDisk(Disk):
    """Writes down in which order things were asked of the disk; ``forget`` skips the nth sync."""

    def __init__(self, forget: int | None = None) -> None:
        self.journal: list[tuple[str, object]] = []
        self.forget, self.syncs = forget, 0

    def write(self, descriptor: int, data: bytes) -> None:
        super().write(descriptor, data)
        if data:
            self.journal.append(("write", len(data)))

    def sync(self, descriptor: int) -> None:
        self._note("sync", None)

    def rename(self, old: Path, new: Path) -> None:
        super().rename(old, new)
        self.journal.append(("rename", (old.parent, new.parent)))

    def sync_folder(self, folder: Path) -> None:
        self._note("sync_folder", folder)

    def _note(self, kind: str, what: object) -> None:
        if self.syncs != self.forget:
            self.journal.append((kind, what))
        self.syncs += 1


def outcomes(journal: list[tuple[str, object]]) -> Iterator[tuple[bool, bool]]:
    """Every (named, whole) a disk may show after a cut at the end of the journal.

    Unsynced bytes may be lost; a rename may be lost until both its folders are synced after it.
    """
    pending: set[str] = set()
    unsynced: set[object] = set()
    named = False
    for kind, what in journal:
        if kind == "write":
            pending.add("bytes")
        elif kind == "sync":
            pending.discard("bytes")
        elif kind == "rename":
            named = True
            pending.add("name")
            unsynced = set(what)  # type: ignore[call-overload]
        elif kind == "sync_folder" and what in unsynced:
            unsynced.discard(what)
            if not unsynced:
                pending.discard("name")
    for lost in chain.from_iterable(combinations(sorted(pending), n) for n in range(len(pending) + 1)):
        yield named and "name" not in lost, "bytes" not in lost


async def content() -> AsyncIterator[bytes]:
    yield CONTENT


async def kept_through(folder: Path, forget: int | None) -> list[tuple[str, object]]:
    disk = CutDisk()
    store = Store(folder, disk=disk)
    disk.journal, disk.syncs, disk.forget = [], 0, forget
    await store.keep(content(), most_bytes=len(CONTENT))
    return disk.journal


def survives(journal: list[tuple[str, object]]) -> bool:
    """Acknowledged means named and whole; at no moment before may a name stand for lost bytes."""
    at_any_moment = [outcome for end in range(len(journal) + 1) for outcome in outcomes(journal[:end])]
    acknowledged = list(outcomes(journal))
    return (True, False) not in at_any_moment and acknowledged == [(True, True)]


async def test_an_acknowledged_file_survives_a_power_cut_at_any_moment(tmp_path):
    journal = await kept_through(tmp_path, forget=None)

    assert [kind for kind, _ in journal] == ["write", "sync", "rename", "sync_folder", "sync_folder"]
    assert survives(journal)


@pytest.mark.parametrize("forget", [0, 1, 2], ids=["of the bytes", "of the new folder", "of the old folder"])
async def test_forgetting_one_sync_would_be_noticed(tmp_path, forget):
    journal = await kept_through(tmp_path, forget)

    assert not survives(journal)


async def test_naming_a_file_before_its_bytes_are_synced_would_be_noticed(tmp_path):
    journal = await kept_through(tmp_path, forget=None)

    wrong = [journal[0], journal[2], journal[1], *journal[3:]]

    assert not survives(wrong)


def test_every_folder_of_a_new_store_is_on_the_disk_before_the_first_file(tmp_path):
    disk = CutDisk()

    store = Store(tmp_path / "new", disk=disk)

    assert len(list(store.blobs.iterdir())) == 256
    synced = [what for kind, what in disk.journal if kind == "sync_folder"]
    assert synced == [store.blobs, tmp_path / "new", tmp_path]


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (65_536, "64 KiB"),
        (3 * 2**19, "1.5 MiB"),
        (20 * 2**30, "20 GiB"),
        (2**42, "4096 GiB"),
    ],
)
def test_a_size_is_spelt_as_people_say_it(size, said):
    assert spelt(size) == said
