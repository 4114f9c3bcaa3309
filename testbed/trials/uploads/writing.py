"""Add a piece to an upload: bytes to the disk first, then the promise that they are there."""

import asyncio
import hashlib
import hmac
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from testbed.access.models import Actor
from testbed.disk import spelt
from testbed.errors import Conflict, DomainError, Harmed, Locked, Malformed, TooLarge
from testbed.parts import Growing, Held, pour, surely
from testbed.texts import message
from testbed.trials.uploads import finishing, service
from testbed.trials.uploads.leases import BUSY, Desk, Lease, LeaseLost, taken
from testbed.trials.uploads.lines import Line
from testbed.trials.uploads.models import Upload, UploadState

SYNC_BYTES = 8 * 2**20
SYNC_SECONDS = 2.0

MOVED = message("The upload stands at byte {offset}, not where this piece begins. Go on from there.")
TAKEN_OVER = message(
    "A newer request took this upload over. It stands at byte {offset}; ask before you go on."
)
CUT_OFF = message("The line broke. The upload stands at byte {offset}; ask before you go on.")
LENGTH_FIXED = message("The length of this upload was said before and does not change.")
LENGTH_SHORT = message("The length of an upload is not less than what has arrived of it.")
BEYOND = message("The piece goes beyond the end of the file, which is at byte {length}.")
NOT_CHECKED = message("A piece with a checksum holds at most {most}. Send smaller pieces, or no checksum.")
HARMED = message(
    "The piece did not arrive as it was sent: its checksum differs. It was dropped; send it again."
)


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes for an upload from ``offset`` on. ``checksum``: the algorithm, and the digest they must have.

    ``announced``: how many they are, if that is said. ``length``: that of the whole file, said only now.
    """

    offset: int
    body: AsyncGenerator[bytes, None]
    announced: int | None = None
    length: int | None = None
    checksum: tuple[str, bytes] | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How an upload stands after a piece; ``result`` is the code of what it became."""

    offset: int
    expires_at: datetime
    result: str | None = None


async def append(desk: Desk, actor: Actor, identifier: UUID, piece: Piece) -> Standing:
    """Add a piece; what arrived of it is kept even if the line breaks, unless it has a checksum.

    Holds no connection while bytes arrive, and at most 4 MiB of them. The last piece of a file up to 256 MiB is
    answered once the file is a result; larger ones are read back by a job.

    Raises:
        NotFound, Forbidden, Gone: see ``service.find`` and ``alive``. Locked: an older request does not let go.
        Conflict: the upload stands elsewhere; ``params["offset"]`` says where. Malformed, TooLarge: the piece.
        Harmed: its checksum. NoSpace, Unavailable: the disk; the upload stands where it stood.
        Invalid: the whole file is not what was declared.
    """
    upload = await service.find(desk, actor, identifier)
    if not (upload.state == UploadState.refused and piece.offset == upload.length_bytes):
        service.alive(upload)
    most = _fits(desk, upload, piece)
    if upload.state in {UploadState.done, UploadState.verifying}:
        return await _standing(desk, actor, identifier)
    line = Line(piece.body, most)
    try:
        async with taken(desk, upload, line.stop) as lease:
            await _add(lease, actor, piece, line)
            if lease.offset != lease.length:
                return Standing(lease.offset, lease.expires_at)
    except LeaseLost:
        now = await service.find(desk, actor, identifier)
        raise Conflict(MOVED, offset=now.offset_bytes) from None
    return await _standing(desk, actor, identifier)


async def first(desk: Desk, actor: Actor, identifier: UUID, piece: Piece) -> Standing:
    """As ``append`` for an upload that nobody knows of yet: if the piece fails, the upload is taken back.

    But one whose every byte arrived stays: it was refused or rejected, and says so.
    """
    try:
        return await append(desk, actor, identifier, piece)
    except BaseException:
        with suppress(DomainError):
            await asyncio.shield(service.abandon(desk, actor, identifier))
        raise


async def _standing(desk: Desk, actor: Actor, identifier: UUID) -> Standing:
    async with desk.db.begin() as session:
        now = await service.progress(session, actor, identifier)
    return Standing(now.offset, now.expires_at, now.result)


def _fits(desk: Desk, upload: Upload, piece: Piece) -> int:
    """Judge a piece by what is known before its first byte; the most bytes it may have."""
    if piece.length is not None:
        _measures(desk, upload, piece)
    settled = upload.state != UploadState.arriving
    if piece.offset < upload.offset_bytes or (settled and piece.offset != upload.offset_bytes):
        raise Conflict(
            MOVED, offset=upload.offset_bytes
        )  # it never falls, so no need to ask the present writer
    length = piece.length if upload.length_bytes is None else upload.length_bytes
    end = desk.settings.upload_max_bytes if length is None else length
    if piece.offset + (piece.announced or 0) > end:
        raise TooLarge(BEYOND, length=end)
    checked = desk.settings.checked_max_bytes
    if piece.checksum is None:
        return end - piece.offset
    if (piece.announced or 0) > checked:
        raise TooLarge(NOT_CHECKED, most=spelt(checked))
    return min(end - piece.offset, checked)


def _measures(desk: Desk, upload: Upload, piece: Piece) -> None:
    """Judge a length that is said only now."""
    length, most = piece.length or 0, desk.settings.upload_max_bytes
    if upload.length_bytes not in {None, length}:
        raise Malformed(LENGTH_FIXED)
    if length < max(piece.offset, upload.offset_bytes):
        raise Malformed(LENGTH_SHORT)
    if length > most:
        raise TooLarge(BEYOND, length=most)


async def _add(lease: Lease, actor: Actor, piece: Piece, line: Line) -> None:
    """With the lease in hand: open the file at the stored offset, write, and finish if that was the last piece."""
    if lease.offset != piece.offset:
        raise Conflict(MOVED, offset=lease.offset)
    part = await _opened(lease)
    try:
        if piece.length is not None and lease.length is None:
            await lease.measure(piece.length)
        await _write(lease, part, piece, line)
        if lease.offset == lease.length:
            await finishing.complete(lease, actor, part)
    finally:
        await surely(part.close)


async def _opened(lease: Lease) -> Growing:
    """The file, exactly as long as was promised."""
    store = lease.desk.store
    path = lease.desk.path(lease.identifier)
    try:
        part = await asyncio.to_thread(Growing, store.disk, path, store.free_bytes_floor)
    except (Held, FileNotFoundError):
        raise Locked(BUSY, retry_after=2) from None
    try:
        if part.size < lease.offset:
            await lease.move(part.size)
            raise Conflict(MOVED, offset=lease.offset)
        await asyncio.to_thread(part.cut, lease.offset)
    except BaseException:
        part.close()
        raise
    return part


async def _write(lease: Lease, part: Growing, piece: Piece, line: Line) -> None:
    """Take the body to the disk; with a checksum all of it or nothing, without one as far as it came."""
    try:
        if piece.checksum is None:
            await _take(lease, part, line)
        else:
            await _take_checked(lease, part, line, piece.checksum)
        _judge(lease, piece, line)
    except LeaseLost:
        raise  # the file is somebody else's by now
    except DomainError:
        with suppress(DomainError):
            await asyncio.to_thread(part.cut, lease.offset)
        raise


async def _take(lease: Lease, part: Growing, line: Line) -> None:
    """Promise every 8 MiB or two seconds, and at the end, whatever the end is."""
    synced = time.monotonic()

    async def write(batch: list[bytes]) -> None:
        nonlocal synced
        await asyncio.to_thread(part.append, batch)
        if part.size - part.durable >= SYNC_BYTES or time.monotonic() - synced >= SYNC_SECONDS:
            await _promise(lease, part)
            synced = time.monotonic()

    try:
        await pour(line, write)
    except asyncio.CancelledError:  # the service stops: keep what came
        with suppress(DomainError):
            await asyncio.shield(_promise(lease, part))
        raise
    await _promise(lease, part)


async def _take_checked(lease: Lease, part: Growing, line: Line, checksum: tuple[str, bytes]) -> None:
    """Promise once, after the digest was found to be right."""
    digest = hashlib.new(checksum[0], usedforsecurity=False)

    async def write(batch: list[bytes]) -> None:
        await asyncio.to_thread(part.append, batch, digest)

    await pour(line, write)
    if line.end != "whole":
        return
    if not hmac.compare_digest(digest.digest(), checksum[1]):
        raise Harmed(HARMED)
    await _promise(lease, part)


async def _promise(lease: Lease, part: Growing) -> None:
    """Sync, then move the offset; never the other way round."""
    durable = await asyncio.to_thread(part.sync)
    if durable != lease.offset:
        await lease.move(durable)


def _judge(lease: Lease, piece: Piece, line: Line) -> None:
    """What to say of a body that did not come to its end; one whose last byte came just before did."""
    if lease.offset == lease.length or lease.offset - piece.offset == piece.announced:
        return
    if line.end == "stopped":
        raise Conflict(TAKEN_OVER, offset=lease.offset)
    if line.end in {"silent", "broken"}:
        raise Malformed(CUT_OFF, offset=lease.offset)
    if line.end == "long":
        checked = lease.desk.settings.checked_max_bytes
        if piece.checksum is not None and (lease.length is None or lease.length - lease.offset > checked):
            raise TooLarge(NOT_CHECKED, most=spelt(checked))
        raise TooLarge(BEYOND, length=lease.length or lease.desk.settings.upload_max_bytes)
