"""Archives of strangers, judged before any library sees them: Python's ``zipfile`` opens nearly all hostile ones."""

import re
import struct
import unicodedata
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from testbed.tabular.problems import Unreadable

ENTRIES = 2_000
RATIO = 100
SMALL = 1 << 20
"""Below this size the ratio tells nothing."""
TOTAL = 4 << 30
NAME_BYTES = 255
DEPTH = 10
BLOCK = 1 << 18
END = struct.Struct("<4s4H2LH")
CENTRAL = struct.Struct("<4s6H3L5H2L")
LOCAL = struct.Struct("<4s5H3L2H")
BAD_NAME = re.compile(
    r"[\x00-\x1f\x7f\\\u200e\u200f\u202a-\u202e\u2066-\u2069]|^/|^[A-Za-z]:|^[A-Za-z][A-Za-z0-9+.-]*:/|(^|/)\.\.(/|$)"
)


@dataclass(frozen=True, slots=True)
class Entry:
    name: str
    method: int
    flags: int
    crc: int
    packed: int
    size: int
    offset: int
    data: int
    """Where the packed bytes begin."""


def _refuse(why: str) -> Unreadable:
    return Unreadable("zip", value=why)


def entries(path: Path) -> list[Entry]:
    """The entries of a zip file that keeps every rule. Raises: Unreadable (zip)."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - END.size))
        end = file.read(END.size)
        if len(end) < END.size or not end.startswith(b"PK\x05\x06"):
            raise _refuse("no end record at the end")
        _, disk, start_disk, here, count, length, offset, comment = END.unpack(end)
        if disk or start_disk or here != count or comment or offset + length + END.size != size:
            raise _refuse("end record and file disagree")
        if count > ENTRIES:
            raise _refuse(f"more than {ENTRIES} entries")
        file.seek(offset)
        found = _central(file.read(length), count)
        placed = [_placed(file, each) for each in sorted(found, key=lambda each: each.offset)]
        _contiguous(placed, offset)
    _names(placed)
    if sum(each.size for each in placed) > TOTAL:
        raise _refuse("larger than 4 GiB unpacked")
    return placed


def _central(directory: bytes, count: int) -> list[Entry]:
    found, at = [], 0
    for _ in range(count):
        if len(directory) < at + CENTRAL.size or not directory.startswith(b"PK\x01\x02", at):
            raise _refuse("broken directory")
        head = CENTRAL.unpack_from(directory, at)
        flags, method, crc, packed, size = head[3], head[4], head[7], head[8], head[9]
        name_length, extra, comment, attributes, offset = head[10], head[11], head[12], head[15], head[16]
        raw = directory[at + CENTRAL.size : at + CENTRAL.size + name_length]
        at += CENTRAL.size + name_length + extra + comment
        if flags & 0x2041 or method not in (0, 8) or 0xFFFFFFFF in (packed, size, offset):
            raise _refuse("encrypted, or packed in a way we do not unpack")
        if (attributes >> 28) not in (0, 4, 8):
            raise _refuse("holds a link or a device")
        if size > SMALL and size > RATIO * packed:
            raise _refuse(f"packed tighter than {RATIO}:1")
        try:
            name = raw.decode("utf-8" if flags & 0x800 else "cp437")
        except UnicodeDecodeError:
            raise _refuse("a name is not text") from None
        found.append(Entry(name, method, flags, crc, packed, size, offset, 0))
    if at != len(directory):
        raise _refuse("broken directory")
    return found


def _placed(file: BinaryIO, entry: Entry) -> Entry:
    """The entry with the place of its bytes, once the header before them says the same."""
    file.seek(entry.offset)
    raw = file.read(LOCAL.size)
    if len(raw) < LOCAL.size or not raw.startswith(b"PK\x03\x04"):
        raise _refuse("an entry is not where the directory says")
    _, _, flags, method, _, _, crc, packed, size, name_length, extra = LOCAL.unpack(raw)
    name = file.read(name_length).decode("utf-8" if flags & 0x800 else "cp437", "replace")
    told = (crc, packed, size) == (entry.crc, entry.packed, entry.size)
    later = flags & 8 and (crc, packed, size) in (
        (0, 0, 0),
        (entry.crc, entry.packed, entry.size),
        (0, 0xFFFFFFFF, 0xFFFFFFFF),
    )
    if name != entry.name or method != entry.method or (flags ^ entry.flags) & ~6 or not (told or later):
        raise _refuse("directory and entry disagree")
    data = entry.offset + LOCAL.size + name_length + extra
    return Entry(
        entry.name, entry.method, entry.flags, entry.crc, entry.packed, entry.size, entry.offset, data
    )


def _contiguous(placed: list[Entry], directory: int) -> None:
    """Nothing before, between, after or under another."""
    at = 0
    for i, entry in enumerate(placed):
        following = placed[i + 1].offset if i + 1 < len(placed) else directory
        slack = following - (entry.data + entry.packed)
        allowed = (12, 16, 20, 24) if entry.flags & 8 else (0,)
        if entry.offset != at or slack not in allowed:
            raise _refuse("bytes between or under the entries")
        at = following
    if at != directory:
        raise _refuse("bytes before the directory")


def _names(placed: list[Entry]) -> None:
    seen: set[str] = set()
    for entry in placed:
        name = unicodedata.normalize("NFC", entry.name).casefold()
        if (
            BAD_NAME.search(entry.name)
            or len(entry.name.encode()) > NAME_BYTES
            or entry.name.count("/") > DEPTH
        ):
            raise _refuse("a name that leads elsewhere")
        if name in seen:
            raise _refuse("two entries have the same name")
        seen.add(name)


def unpacked(path: Path, entry: Entry) -> Iterator[bytes]:
    """The bytes of an entry in blocks; size and CRC-32 are checked at the end. Raises: Unreadable (zip)."""
    inflate = zlib.decompressobj(-15)
    size = crc = 0
    with path.open("rb") as file:
        file.seek(entry.data)
        left = entry.packed
        while left:
            packed = file.read(min(BLOCK, left))
            if not packed:
                raise _refuse("cut off")
            left -= len(packed)
            for block in _inflated(inflate, packed) if entry.method else (packed,):
                size += len(block)
                crc = zlib.crc32(block, crc)
                if size > entry.size:
                    raise _refuse("an entry is larger than it says")
                yield block
    if size != entry.size or crc != entry.crc or (entry.method and not inflate.eof):
        raise _refuse("an entry is damaged")


def _inflated(inflate: "zlib._Decompress", packed: bytes) -> Iterator[bytes]:
    try:
        while packed and not inflate.eof:
            block = inflate.decompress(packed, BLOCK)
            packed = inflate.unconsumed_tail
            if block:
                yield block
    except zlib.error:
        raise _refuse("an entry is damaged") from None


def unpack_gzip(path: Path, target: Path) -> Path:
    """One layer, any number of members, at most 100:1. Raises: Unreadable (gzip)."""
    most = max(SMALL, RATIO * path.stat().st_size)
    inflate = zlib.decompressobj(31)
    size = 0
    with path.open("rb") as file, target.open("wb") as out:
        packed = file.read(BLOCK)
        while packed:
            try:
                block = inflate.decompress(packed, BLOCK)
            except zlib.error:
                raise Unreadable("gzip") from None
            size += len(block)
            if size > most:
                raise Unreadable("gzip", value=f"> {RATIO}:1")
            out.write(block)
            packed = inflate.unconsumed_tail
            if inflate.eof:
                packed = inflate.unused_data or file.read(BLOCK)
                inflate = zlib.decompressobj(31) if packed else inflate
            elif not packed:
                packed = file.read(BLOCK)
        if not inflate.eof:
            raise Unreadable("gzip")
    return target
