"""Result files on their way in: checked before the first byte, safe on disk before they are recorded.

A slow upload holds no connection and no lock: rights are asked for in one short transaction, the bytes go
to the store, and a second transaction asks again and writes the result, the activity and the job together.
"""

import secrets
from collections.abc import AsyncIterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Field, SQLModel, col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Access, Actor
from testbed.access.rights import fetch
from testbed.activity import record
from testbed.db import Database
from testbed.disk import spelt
from testbed.errors import ATTENTION, Conflict, Invalid, TooLarge
from testbed.files import Blob, Store, label
from testbed.jobs import later
from testbed.notices.models import Happening
from testbed.pilots.models import Case, CaseKind
from testbed.texts import Line, Passage, message
from testbed.trials import acceptance, deliveries, quotas, receipts, results, schemas, service, telling
from testbed.trials.behalf import owner_of, senders
from testbed.trials.models import Acceptance, PlannedDelivery, Result, Trial
from testbed.trials.schema_views import columns_of
from testbed.trials.views import ResultView, UploadView

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

NO_ORIGINAL = message("You have no result of this code in this trial.")
PUT_AWAY = message("This trial is archived and takes no more files. Nothing was kept.")
TOO_LARGE = message("The file is larger than {most}, the most that is taken here. Nothing was kept.")


class Fields(SQLModel):
    """What a form says beside its file; every field comes before the file."""

    model_config = {"extra": "forbid"}

    partner_id: int | None = None
    access: Access = Access.private
    note: Passage | None = Field(default=None, max_length=1000)
    replaces: Line | None = None
    delivery: Line | None = Field(default=None, max_length=12)


@dataclass(frozen=True, slots=True)
class Sending:
    """What a sender says beside the bytes. ``filename`` is a label that may be hostile; ``length`` is in bytes.

    ``replaces`` is the code of the result that this one corrects or replaces; ``delivery`` that of the planned
    delivery it answers, which also says on whose behalf. ``generated`` marks made-up measurements; no request can
    say so, only what the program itself sends.
    """

    filename: str
    partner_id: int | None = None
    access: Access = Access.private
    note: str | None = None
    sha256: str | None = None
    digest_declared: bool = False
    length: int | None = None
    generated: bool = False
    replaces: str | None = None
    delivery: str | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """The result, and whether it is new: the same file under the same name is one result."""

    view: ResultView
    new: bool


@dataclass(frozen=True, slots=True)
class Entitled:
    """Where a file may go: for whom (``owner``, a partner), what it corrects, and which delivery it answers."""

    trial: Trial
    owner: int
    replaces_id: int | None
    delivery: PlannedDelivery | None


async def admit(
    db: Database, store: Store, actor: Actor, trial_id: int, length: int | None, most_bytes: int
) -> None:
    """Say whether an upload may begin, before a byte of it is read.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``.
        Conflict: the trial is archived. TooLarge: more is announced than is taken.
        NoSpace: it would not fit.
    """
    async with db.begin() as session:
        _open(await fetch(session, actor, service.UPLOAD, Trial, col(Trial.id) == trial_id))
    if length is not None and length > most_bytes:
        raise TooLarge(TOO_LARGE, most=spelt(most_bytes))
    await store.check_room(length or 0)


async def upload(
    db: Database,
    store: Store,
    actor: Actor,
    trial_id: int,
    sending: Sending,
    chunks: AsyncIterable[bytes],
    most_bytes: int,
    quota_bytes: int | None = None,
) -> Received:
    """Keep a file of any size and record it as a result of the trial; its reading is asked for.

    When this returns, the file and its record survive a power cut. Costs at most 4 MiB of memory.

    Raises:
        As ``admit``, and ``Store.keep``: nothing is kept then.
        Invalid: the partner is not the actor's to upload for. NoSpace: the partner's quota.
    """
    async with db.begin() as session:  # what is wrong with what is said of the file is told before it is sent
        into = await entitled(session, actor, trial_id, sending)
        await quotas.check(session, into.owner, sending.length or 0, quota_bytes, reserved=True)
    blob = await store.keep(chunks, most_bytes=most_bytes, expect_sha256=sending.sha256)
    async with db.begin() as session:
        return await recorded(session, actor, trial_id, sending, blob, quota_bytes)


async def entitled(
    session: AsyncSession, actor: Actor, trial_id: int, sending: Sending, *, lock: bool = False
) -> Entitled:
    """The trial a file may be handed in to, for whom, and what it corrects.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``. Conflict: the trial is archived.
        Invalid: the partner is not the actor's to upload for, or the file to correct is not.
    """
    trial = await fetch(session, actor, service.UPLOAD, Trial, col(Trial.id) == trial_id, lock=lock)
    _open(trial)
    owner, delivery = await _from(session, actor, trial_id, sending)
    original = await _original(session, trial_id, owner, sending)
    if delivery is None and original is not None:
        delivery = await deliveries.of_result(session, original)
    return Entitled(trial, owner, original, delivery)


async def recorded(
    session: AsyncSession,
    actor: Actor,
    trial_id: int,
    sending: Sending,
    blob: Blob,
    quota_bytes: int | None = None,
) -> Received:
    """Make a kept file a result: the one way in for PUT, form and resumable upload alike.

    Rights, trial and quota are asked for again. The lock on the trial makes two uploads of the same file one
    after the other. Raises as ``upload``.
    """
    into = await entitled(session, actor, trial_id, sending, lock=True)
    name = label(sending.filename)
    if same := await _same(session, into, name, blob.sha256):
        if into.delivery is not None and same.delivery_id is None:
            await _answer(session, actor, same, into.delivery, into.trial.pilot_id)
        return Received(await results.shown(session, actor, same), new=False)
    await quotas.check(session, into.owner, blob.size, quota_bytes)
    result = Result(
        code=await fresh_code(session),
        trial_id=trial_id,
        owner_id=into.owner,
        person_id=actor.person_id,
        case_id=await _case(session, into.trial.pilot_id),
        filename=name,
        sha256=blob.sha256,
        size=blob.size,
        digest_declared=sending.digest_declared,
        note=sending.note,
        access=sending.access,
        generated=sending.generated,
        replaces_id=into.replaces_id,
        delivery_id=into.delivery.id if into.delivery else None,
    )
    await enter(session, actor, result, into.trial.pilot_id)
    return Received(await results.shown(session, actor, result), new=True)


async def enter(session: AsyncSession, actor: Actor, result: Result, pilot_id: int) -> None:
    """Write the row, its activity and the job that reads it, all or nothing."""
    session.add(result)
    await session.flush()
    await session.refresh(result)
    result.receipt = await receipts.frozen(session, result)
    key = f"profile:{result.id}"
    result.job_id = await later(
        session, "profile", person_id=actor.person_id, unique_key=key, result=result.id
    )
    session.add(result)
    await telling.tell(session, Happening.result_received, result)
    said: dict[str, Any] = {"code": result.code, "filename": result.filename, "size": result.size}
    await record(
        session, actor, service.UPLOAD, "result", result.id, pilot_id=pilot_id, **said, sha256=result.sha256
    )


async def _answer(
    session: AsyncSession, actor: Actor, result: Result, delivery: PlannedDelivery, pilot_id: int
) -> None:
    """Say of a file that came before which delivery it answers."""
    result.delivery_id = delivery.id
    result.row_version += 1
    session.add(result)
    changed = {"delivery_id": [None, delivery.id]}
    await record(session, actor, results.EDIT, "result", result.id, pilot_id=pilot_id, changed=changed)


def _open(trial: Trial) -> None:
    if trial.archived_at is not None:
        raise Conflict(PUT_AWAY)


async def _original(session: AsyncSession, trial_id: int, owner: int, sending: Sending) -> int | None:
    """The result that is corrected or replaced: of this trial and partner, for whom the sender may hand in.

    Raises:
        Invalid: there is none of this code, or another file has replaced it, or it was withdrawn.
    """
    if sending.replaces is None:
        return None
    query: Any = select(Result).where(
        col(Result.code) == sending.replaces.strip().upper(),
        col(Result.trial_id) == trial_id,
        col(Result.owner_id) == owner,
    )
    found: Result | None = (await session.exec(query)).scalar_one_or_none()
    if found is None:
        raise Invalid(ATTENTION, fields={"replaces": NO_ORIGINAL})
    if found.acceptance in {Acceptance.replaced, Acceptance.withdrawn}:
        raise Invalid(ATTENTION, fields={"replaces": acceptance.CLOSED[found.acceptance]})
    return found.id


async def _same(session: AsyncSession, into: Entitled, name: str, sha256: str) -> Result | None:
    query: Any = select(Result).where(
        col(Result.trial_id) == into.trial.id,
        col(Result.owner_id) == into.owner,
        col(Result.filename) == name,
        col(Result.sha256) == sha256,
        col(Result.replaces_id).is_not_distinct_from(into.replaces_id),
        col(Result.archived_at).is_(None),
    )
    found: Result | None = (await session.exec(query.order_by(col(Result.id)).limit(1))).scalar_one_or_none()
    return found


async def fresh_code(session: AsyncSession) -> str:
    """``R-7Q2KM4``: about a thousand million codes, read aloud without O for 0 or I for 1."""
    while True:
        code = "R-" + "".join(secrets.choice(CROCKFORD) for _ in range(6))
        taken: Any = select(func.count()).select_from(Result).where(col(Result.code) == code)
        if not (await session.exec(taken)).scalar_one():
            return code


async def _case(session: AsyncSession, pilot_id: int) -> int | None:
    """The municipal case the result belongs to: the pilot's first, if it has one."""
    query: Any = select(col(Case.id)).where(
        col(Case.pilot_id) == pilot_id, col(Case.kind) == CaseKind.municipal
    )
    found: int | None = (await session.exec(query.order_by(col(Case.id)).limit(1))).scalar_one_or_none()
    return found


async def _from(
    session: AsyncSession, actor: Actor, trial_id: int, sending: Sending
) -> tuple[int, PlannedDelivery | None]:
    """On whose behalf, and for which planned delivery: that says whose it is, unless ``partner_id`` does."""
    if not sending.delivery:
        return await owner_of(session, actor, trial_id, sending.partner_id), None
    delivery = await deliveries.named(session, trial_id, sending.delivery)
    known = {each.id for each in await senders(session, actor, trial_id)}
    if delivery.from_partner_id not in known or sending.partner_id not in (None, delivery.from_partner_id):
        raise Invalid(ATTENTION, fields={"delivery": deliveries.OTHERS})
    return delivery.from_partner_id, delivery


async def expected(
    session: AsyncSession, actor: Actor, trial_id: int, delivery: str | None = None
) -> UploadView:
    """What somebody should know before they choose a file; ``delivery`` is the code of the one they come for.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``. Conflict: the trial is archived.
    """
    trial = await fetch(session, actor, service.UPLOAD, Trial, col(Trial.id) == trial_id)
    _open(trial)
    schema = await schemas.current(session, trial_id)
    partners = await senders(session, actor, trial_id)
    planned = await deliveries.of_trial(session, actor, trial_id, partners=[each.id for each in partners])
    missing = [each for each in planned if each.upload is not None]
    wanted = [each for each in planned if each.code == (delivery or "").upper()]
    return UploadView(
        trial=await service.shown(session, actor, trial),
        partners=partners,
        columns=columns_of(schema.body) if schema else [],
        templates=schemas.templates(trial_id) if schema else None,
        deliveries=missing + [each for each in planned if each.upload is None],
        delivery=next(iter(wanted or (missing if len(missing) == 1 else [])), None),
    )
