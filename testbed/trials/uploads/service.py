"""Begin an upload, look at it, take it back."""

import asyncio
import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.access.rights import ABSENT, VIEW, allowed, fetch
from testbed.activity import record
from testbed.db import driver
from testbed.disk import spelt
from testbed.errors import Busy, Forbidden, Gone, NotFound, TooLarge
from testbed.files import label
from testbed.lists import Ref
from testbed.parts import Held, Staged
from testbed.settings import Settings
from testbed.texts import message, said
from testbed.trials import quotas, receiving
from testbed.trials.models import Result, Trial
from testbed.trials.uploads import metadata
from testbed.trials.uploads.leases import Desk, taken
from testbed.trials.uploads.models import Upload, UploadState
from testbed.trials.uploads.views import Limits, UploadProgress

CONTINUE = "result.continue"
CANONICAL = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TOO_MANY = message(
    "You have {most} uploads open, which is as many as one person may. Finish one or take it back, or wait until it expires."
)
MAKE_ROOM = """
    UPDATE upload SET state = 'ended', ended_at = now() FROM trial WHERE trial.id = upload.trial_id
    AND upload.person_id = $1 AND upload.state = 'arriving' AND upload.offset_bytes = 0
    AND upload.created_at < now() - interval '1 hour' AND (upload.lease_until IS NULL OR upload.lease_until < now())
    RETURNING upload.id, trial.pilot_id
"""  # such an address may never have reached its sender, and nothing is lost with it
OVER = {
    UploadState.expired: message("Nobody went on with this upload in time, so it expired. Begin it anew."),
    UploadState.ended: message("This upload was taken back. Begin it anew if you want to send the file."),
}


async def limits(session: AsyncSession, actor: Actor, settings: Settings, trial_id: int) -> Limits:
    """What somebody should know before they choose a file.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``. Conflict: the trial is archived.
    """
    page = await receiving.expected(session, actor, trial_id)
    used = await quotas.used(session, page.partners[0].id) if page.partners else 0
    return Limits(
        upload_max_bytes=settings.upload_max_bytes,
        form_max_bytes=settings.form_max_bytes,
        chunk_bytes=settings.upload_chunk_bytes,
        checked_max_bytes=settings.checked_max_bytes,
        expiry_days=settings.upload_expiry_days,
        open_uploads_left=max(settings.uploads_per_person - await _open(session, actor), 0),
        quota_left_bytes=max(settings.partner_quota_bytes - used, 0),
        partners=page.partners,
        columns=page.columns,
        templates=page.templates,
    )


def named(text: str) -> UUID:
    """The identifier in an address.

    Raises:
        NotFound: it is none, so no upload has it.
    """
    if not CANONICAL.fullmatch(text):
        raise NotFound(ABSENT)
    return UUID(text)


async def begin(desk: Desk, actor: Actor, length: int | None, sent: str) -> Upload:
    """Make room for a file; nothing of it has arrived yet. ``sent`` is the metadata as it came.

    Raises:
        Malformed: the metadata. NotFound, Forbidden, SignInNeeded: the trial. Conflict: it is archived.
        Invalid: the partner. TooLarge, NoSpace: the length. Busy: too many uploads are open.
    """
    trial_id, sending = metadata.trial_of(sent), metadata.sending_of(sent, length)
    if length is not None and length > desk.settings.upload_max_bytes:
        raise TooLarge(receiving.TOO_LARGE, most=spelt(desk.settings.upload_max_bytes))
    async with desk.db.begin() as session:
        into = await receiving.entitled(session, actor, trial_id, sending)
        await _admit(session, desk, actor)
        quota = desk.settings.partner_quota_bytes
        await quotas.check(session, into.owner, length or 0, quota, reserved=True)
        await desk.store.check_room(length or 0)
        values: dict[str, Any] = {
            "person_id": actor.person_id,
            "expires_at": _in_days(desk.settings.upload_expiry_days),
        }
        upload = Upload(
            **values, trial_id=into.trial.id, owner_id=into.owner, length_bytes=length, metadata_sent=sent,
        )  # fmt: skip
        session.add(upload)
        await session.flush()
        await session.refresh(upload)
        about = {"filename": label(sending.filename), "length": length}
        await record(
            session, actor, "upload.begin", "upload", upload.id, pilot_id=into.trial.pilot_id, **about
        )
    return upload


def _in_days(days: int) -> Any:
    return func.now() + func.make_interval(0, 0, 0, days)


async def _admit(session: AsyncSession, desk: Desk, actor: Actor) -> None:
    """One person's requests one after the other, so that two at once do not both take the last place."""
    connection = await driver(session)
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('upload:' || $1, 0))", str(actor.person_id)
    )
    if await _open(session, actor) < desk.settings.uploads_per_person:
        return
    for number, pilot in await connection.fetch(MAKE_ROOM, actor.person_id):
        await record(session, actor, "upload.end", "upload", number, pilot_id=pilot)
    if await _open(session, actor) >= desk.settings.uploads_per_person:
        raise Busy(TOO_MANY, most=desk.settings.uploads_per_person, retry_after=60)


async def _open(session: AsyncSession, actor: Actor) -> int:
    query: Any = (
        select(func.count())
        .select_from(Upload)
        .where(
            col(Upload.person_id) == actor.person_id,
            col(Upload.state) == UploadState.arriving,
            col(Upload.expires_at) > func.now(),
        )
    )
    return int((await session.exec(query)).scalar_one())


async def find(desk: Desk, actor: Actor, identifier: UUID) -> Upload:
    """The actor's own upload, whatever became of it.

    Raises:
        NotFound: unknown, or somebody else's. Forbidden: the token is not for uploads.
    """
    async with desk.db.begin() as session:
        return await fetch(session, actor, CONTINUE, Upload, col(Upload.identifier) == identifier)


def alive(upload: Upload) -> Upload:
    """The same, if the protocol can still say something of it.

    Raises:
        Gone: it expired, was taken back, or is not the file that was declared.
        Forbidden: the sender may not hand it in any more.
    """
    problem = upload.problem or {}
    if upload.state == UploadState.refused:
        raise Forbidden(problem["detail"], **problem["params"])
    if upload.state == UploadState.rejected:
        raise Gone(problem["detail"], **problem["params"])
    if upload.state == UploadState.arriving and upload.expires_at < datetime.now(UTC):
        raise Gone(OVER[UploadState.expired])
    if upload.state in OVER:
        raise Gone(OVER[upload.state])
    return upload


async def head(desk: Desk, actor: Actor, identifier: UUID) -> Upload:
    """How much of an upload is safe; a request that still writes to it is asked to let go first.

    Raises:
        NotFound, Forbidden, Gone: as ``find`` and ``alive``. Locked: the older request does not let go.
    """
    upload = alive(await find(desk, actor, identifier))
    if upload.state == UploadState.done:
        return upload
    async with taken(desk, upload) as lease:
        now = alive(await find(desk, actor, identifier))
        there = await asyncio.to_thread(desk.size, identifier)
        if now.state == UploadState.arriving and there < lease.offset:  # a crash or a repair left less
            await lease.move(there)
            now.offset_bytes = there
    return now


async def abort(desk: Desk, actor: Actor, identifier: UUID) -> None:
    """Take an upload back: its bytes are removed. Of a finished one only the address goes, the result stays.

    Raises:
        NotFound, Gone: as ``find`` and ``alive``. Locked: another request does not let go.
    """
    upload = await find(desk, actor, identifier)
    if upload.state != UploadState.refused:
        alive(upload)
    async with taken(desk, upload), desk.db.begin() as session:
        await drop(session, actor, upload.id)
    await asyncio.to_thread(remove, desk, identifier)


async def abandon(desk: Desk, actor: Actor, identifier: UUID) -> None:
    """Take back an upload that is still arriving, such as one whose address never reached its sender."""
    if (await find(desk, actor, identifier)).state == UploadState.arriving:
        await abort(desk, actor, identifier)


async def drop(session: AsyncSession, actor: Actor, number: int) -> None:
    """Write down that an upload was taken back."""
    upload: Any = await session.get_one(Upload, number, with_for_update=True, populate_existing=True)
    upload.state, upload.ended_at, upload.lease_until = UploadState.ended, func.now(), None
    session.add(upload)
    trial = await session.get_one(Trial, upload.trial_id)
    await record(session, actor, "upload.end", "upload", upload.id, pilot_id=trial.pilot_id)


def remove(desk: Desk, identifier: UUID) -> None:
    """Remove the bytes of an upload, unless somebody holds them; the sweeper comes again.

    Raises:
        Nothing: what is not there is removed already.
    """
    try:
        Staged(desk.store.disk, desk.path(identifier)).drop()
    except (Held, FileNotFoundError):
        return


async def progress(session: AsyncSession, actor: Actor, identifier: UUID) -> UploadProgress:
    """How far an upload is, and what became of it. Takes no lease: whoever waits may ask often.

    Raises:
        NotFound: as ``find``.
    """
    upload = await fetch(session, actor, CONTINUE, Upload, col(Upload.identifier) == identifier)
    code: Any = select(col(Result.code)).where(col(Result.id) == upload.result_id)
    found = (await session.exec(code)).scalar_one_or_none() if upload.result_id else None
    sending = metadata.sending_of(upload.metadata_sent, upload.length_bytes)
    expired = upload.state == UploadState.arriving and upload.expires_at < datetime.now(UTC)
    return UploadProgress(
        identifier=identifier,
        state=UploadState.expired if expired else upload.state,
        offset=upload.offset_bytes,
        length=upload.length_bytes,
        expires_at=upload.expires_at,
        result=found,
        filename=label(sending.filename),
        trial=await _trial(session, actor, upload),
        problem=upload.problem["detail"] if upload.problem else None,
        about=upload.problem["params"] if upload.problem else {},
    )


async def _trial(session: AsyncSession, actor: Actor, upload: Upload) -> Ref | None:
    query: Any = select(Trial.id, Trial.title).where(  # type: ignore[call-overload]
        col(Trial.id) == upload.trial_id, allowed(actor, VIEW, Trial)
    )
    row = (await session.exec(query)).first()
    return Ref(id=row.id, title=said(row.title), url=f"/trials/{row.id}") if row is not None else None
