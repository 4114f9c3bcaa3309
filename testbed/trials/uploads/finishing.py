"""All bytes are here: read them back, give the file its name, and record it as PUT would have."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Protocol

import structlog
from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.activity import record
from testbed.db import Database, driver
from testbed.errors import (
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    NoSpace,
    NotFound,
    SignInNeeded,
    Unavailable,
)
from testbed.files import Blob, Store
from testbed.jobs import Kind, Task, later
from testbed.parts import Held, Staged
from testbed.people.models import Person, PersonState
from testbed.settings import Settings
from testbed.texts import message
from testbed.trials import quotas, receiving
from testbed.trials.models import Trial
from testbed.trials.receiving import Sending
from testbed.trials.uploads import metadata
from testbed.trials.uploads.leases import Lease, LeaseLost
from testbed.trials.uploads.models import Upload, UploadState

log = structlog.get_logger(__name__)

INLINE_BYTES = 256 * 2**20  # larger files are read back by a job, so that no proxy loses patience
KIND = "upload"
COMPLETE = """
    UPDATE upload SET state = 'verifying', problem = NULL WHERE id = $1 AND lease_epoch = $2
    AND offset_bytes = length_bytes AND state IN ('arriving', 'refused') RETURNING person_id
"""
DIFFERS = message(
    "The file arrived with SHA-256 {found}, but {expected} was declared, so it was not taken. Begin the upload anew."
)
NOT_HERE = message("The bytes of the upload do not lie on this machine.")
NOT_WHOLE = message("The upload could not be read back whole. Its bytes are kept; it is tried again.")
WORDS = {UploadState.refused: "upload.refuse", UploadState.rejected: "upload.reject"}
REFUSALS: dict[type[DomainError], str] = {
    Conflict: message(
        "Every byte arrived, but this trial was archived meanwhile and takes no more files. They are kept until {until}: ask"
        " the coordinator to take the trial back, then finish the upload."
    ),
    Invalid: message(
        "Every byte arrived, but you cannot hand in files for this partner any more. They are kept until {until}: ask the"
        " coordinator, then finish the upload."
    ),
    NoSpace: message(
        "Every byte arrived, but the partner has used up its share of the disk. They are kept until {until}: ask the"
        " operator, then finish the upload."
    ),
}
NOT_ANY_MORE = message(
    "Every byte arrived, but you may not hand in files for this trial any more. They are kept until {until}: ask the"
    " coordinator, then finish the upload."
)
NOT_SO = message(
    "Every byte arrived, but what was said of the file does not hold any more: {named}. They are kept until {until}: ask the"
    " coordinator, then finish the upload."
)
RIGHTS = (NotFound, Forbidden, SignInNeeded, Conflict, Invalid, NoSpace)


class Place(Protocol):
    """Whatever has a database, a store and settings: a worker's shop, or the desk where bytes arrive."""

    @property
    def db(self) -> Database: ...
    @property
    def store(self) -> Store: ...
    @property
    def settings(self) -> Settings: ...


async def complete(lease: Lease, actor: Actor, staged: Staged) -> None:
    """Every byte is durable: make a result of them, now if they are few, else by a job.

    Raises:
        LeaseLost: a newer request has the upload. As ``finish``.
    """
    desk = lease.desk
    async with desk.db.begin() as session:
        connection = await driver(session)
        person = await connection.fetchval(COMPLETE, lease.id, lease.epoch)
        if person is None:
            raise LeaseLost
        if lease.offset > INLINE_BYTES:
            await later(session, KIND, person_id=person, unique_key=f"{KIND}:{lease.id}", upload=lease.id)
    if lease.offset <= INLINE_BYTES:
        await finish(desk, actor, lease.id, staged)


async def finish(place: Place, actor: Actor, number: int, staged: Staged | None) -> None:
    """Read back, compare, name and record. May be done twice; nothing happens unless the upload is ``verifying``.

    ``staged`` None: the file has its name already, and only the record is missing.

    Raises:
        Forbidden: the actor may not hand it in any more; the bytes stay until they expire.
        Invalid: it is not the file that was declared. Unavailable, NoSpace: the disk or the store; later again.
    """
    async with place.db.begin() as session:
        upload = await session.get_one(Upload, number)
    if upload.state != UploadState.verifying:
        return
    about = metadata.sending_of(upload.metadata_sent, upload.length_bytes)
    sending = replace(about, partner_id=upload.owner_id)
    quota = place.settings.partner_quota_bytes
    async with _or_refused(place, actor, upload), place.db.begin() as session:
        await receiving.entitled(session, actor, upload.trial_id, sending)
        await quotas.check(session, upload.owner_id, upload.offset_bytes, quota)
    blob = await _named(place, actor, upload, sending, staged)
    async with _or_refused(place, actor, upload), place.db.begin() as session:
        locked = await _locked(session, upload.id)
        if locked is not None:
            received = await receiving.recorded(session, actor, upload.trial_id, sending, blob, quota)
            locked.state, locked.result_id, locked.ended_at = UploadState.done, received.view.id, func.now()
            session.add(locked)
    path = place.store.staging / f"{upload.identifier}.part"
    await asyncio.to_thread(path.unlink, missing_ok=True)  # a bucket has a copy; a folder has the file itself


async def _named(place: Place, actor: Actor, upload: Upload, sending: Sending, staged: Staged | None) -> Blob:
    """The file under its own digest. The digest is noted first: once renamed, the file tells no longer whose it is."""
    if staged is None:
        return await _named_before(place, upload)
    blob = await asyncio.to_thread(staged.fingerprint)
    if blob.size != upload.length_bytes:
        raise Unavailable(NOT_WHOLE, retry_after=30)
    if sending.sha256 is not None and sending.sha256 != blob.sha256:
        said: dict[str, Any] = {"found": blob.sha256, "expected": sending.sha256}
        await _close(place, actor, upload, UploadState.rejected, DIFFERS, said)
        raise Invalid(DIFFERS, **said)
    async with place.db.begin() as session:
        connection = await driver(session)
        await connection.execute("UPDATE upload SET sha256 = $2 WHERE id = $1", upload.id, blob.sha256)
    await asyncio.to_thread(staged.seal)
    await place.store.settle(staged.path, blob)
    return blob


async def _named_before(place: Place, upload: Upload) -> Blob:
    """The file of an attempt that broke off between naming and recording."""
    sha256, size = upload.sha256, upload.offset_bytes
    if sha256 is None or await place.store.size(sha256) != size:
        raise Unavailable(NOT_HERE, retry_after=30)
    return Blob(sha256, size, 0)


@asynccontextmanager
async def _or_refused(place: Place, actor: Actor, upload: Upload) -> AsyncIterator[None]:
    """What the rights say against the file, written down so that the sender can read it later."""
    try:
        yield
    except RIGHTS as error:
        said: dict[str, Any] = {"until": f"{upload.expires_at:%Y-%m-%d}"}
        detail = REFUSALS.get(type(error), NOT_ANY_MORE)
        if error.fields and "partner_id" not in error.fields:
            detail, said["named"] = NOT_SO, ", ".join(error.fields)
        await _close(place, actor, upload, UploadState.refused, detail, said)
        raise Forbidden(detail, **said) from error


async def _close(
    place: Place, actor: Actor, upload: Upload, state: UploadState, detail: str, said: dict[str, Any]
) -> None:
    async with place.db.begin() as session:
        locked = await _locked(session, upload.id)
        if locked is None:
            return
        locked.state, locked.problem = state, {"detail": detail, "params": said}
        locked.ended_at = func.now() if state == UploadState.rejected else None
        session.add(locked)
        trial = await session.get_one(Trial, upload.trial_id)
        await record(session, actor, WORDS[state], "upload", upload.id, pilot_id=trial.pilot_id, **said)


async def _locked(session: AsyncSession, number: int) -> Any:
    """The row, held for its end; None if it came to another one meanwhile."""
    query = select(Upload).where(col(Upload.id) == number, col(Upload.state) == UploadState.verifying)
    return (await session.exec(query.with_for_update())).one_or_none()


async def work(task: Task) -> Mapping[str, Any] | None:
    """Finish the upload ``task.args["upload"]`` on behalf of whoever sent it.

    Raises:
        Unavailable: the bytes lie on another machine, or cannot be read now. The job is tried again.
    """
    shop, number = task.shop, int(task.args["upload"])
    async with shop.db.begin() as session:
        upload = await session.get(Upload, number)
        person = await session.get(Person, upload.person_id) if upload is not None else None
    if upload is None or person is None or upload.state != UploadState.verifying:
        return {"over": number}
    active = person.state == PersonState.active
    actor = Actor(kind="job", person_id=person.id if active else None, name=person.name, admin=person.admin)
    await task.beat("verifying", 0, upload.offset_bytes)
    path = shop.store.staging / f"{upload.identifier}.part"
    try:
        staged = await asyncio.to_thread(Staged, shop.store.disk, path)
    except FileNotFoundError:
        staged = None
    except Held:
        return {"held": number}
    try:
        await finish(shop, actor, number, staged)
    except (Forbidden, Invalid) as error:
        log.info("upload not taken", upload=number, why=error.detail)
    finally:
        if staged is not None:
            staged.close()
    return {"upload": number}


KINDS = {KIND: Kind(work)}
