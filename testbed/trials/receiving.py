"""Result files on their way in: checked before the first byte, safe on disk before they are recorded.

A slow upload holds no connection and no lock: rights are asked for in one short transaction, the bytes go
to the store, and a second transaction asks again and writes the result, the activity and the job together.
"""

import secrets
from collections.abc import AsyncIterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, or_, select
from sqlmodel import Field, SQLModel, col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Access, Actor, PilotPartner
from testbed.access.policy import roles_of
from testbed.access.relations import TODAY, holds, memberships
from testbed.access.rights import fetch
from testbed.activity import record
from testbed.db import Database
from testbed.disk import spelt
from testbed.errors import Conflict, Invalid, TooLarge
from testbed.files import Blob, Store, label
from testbed.jobs import later
from testbed.lists import Ref, in_swedish
from testbed.partners.models import Partner
from testbed.partners.service import known
from testbed.pilots.models import Case, CaseKind, Pilot
from testbed.texts import Passage, message
from testbed.trials import results, service
from testbed.trials.models import Result, Trial
from testbed.trials.views import ResultView, UploadView

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ROLES = "pilot:lead need_owner host supplier researcher evaluator"

ATTENTION = message("Some fields need your attention.")
WHICH = message("You belong to several partners of this pilot: say for which one you upload.")
NOT_YOURS = message("You cannot upload on behalf of this partner.")
NO_LEAD = message("The pilot has no lead partner yet: say on whose behalf you upload.")
PUT_AWAY = message("This trial is archived and takes no more files. Nothing was kept.")
TOO_LARGE = message("The file is larger than {most}, the most that is taken here. Nothing was kept.")


class Fields(SQLModel):
    """What a form says beside its file; every field comes before the file."""

    model_config = {"extra": "forbid"}

    partner_id: int | None = None
    access: Access = Access.private
    note: Passage | None = Field(default=None, max_length=1000)


@dataclass(frozen=True, slots=True)
class Sending:
    """What a sender says beside the bytes. ``filename`` is a label that may be hostile; ``length`` is in bytes.

    ``generated`` marks made-up measurements; no request can say so, only what the program itself sends.
    """

    filename: str
    partner_id: int | None = None
    access: Access = Access.private
    note: str | None = None
    sha256: str | None = None
    length: int | None = None
    generated: bool = False


@dataclass(frozen=True, slots=True)
class Received:
    """The result, and whether it is new: the same file under the same name is one result."""

    view: ResultView
    new: bool


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
) -> Received:
    """Keep a file of any size and record it as a result of the trial; its reading is asked for.

    When this returns, the file and its record survive a power cut. Costs at most 4 MiB of memory.

    Raises:
        As ``admit``, and ``Store.keep``: nothing is kept then.
        Invalid: the partner is not the actor's to upload for.
    """
    async with db.begin() as session:
        await _owner(session, actor, trial_id, sending)  # a wrong partner is told before the file is sent
    blob = await store.keep(chunks, most_bytes=most_bytes, expect_sha256=sending.sha256)
    async with db.begin() as session:
        return await _record(session, actor, trial_id, sending, blob)


async def _record(
    session: AsyncSession, actor: Actor, trial_id: int, sending: Sending, blob: Blob
) -> Received:
    """The lock on the trial makes two uploads of the same file one after the other."""
    trial = await fetch(session, actor, service.UPLOAD, Trial, col(Trial.id) == trial_id, lock=True)
    _open(trial)
    owner, name = await _owner(session, actor, trial_id, sending), label(sending.filename)
    if same := await _same(session, trial_id, owner, name, blob.sha256):
        return Received(await results.shown(session, actor, same), new=False)
    result = Result(
        code=await _code(session),
        trial_id=trial_id,
        owner_id=owner,
        person_id=actor.person_id,
        case_id=await _case(session, trial.pilot_id),
        filename=name,
        sha256=blob.sha256,
        size=blob.size,
        digest_declared=sending.sha256 is not None,
        note=sending.note,
        access=sending.access,
        generated=sending.generated,
    )
    await enter(session, actor, result, trial.pilot_id)
    return Received(await results.shown(session, actor, result), new=True)


async def enter(session: AsyncSession, actor: Actor, result: Result, pilot_id: int) -> None:
    """Write the row, its activity and the job that reads it, all or nothing."""
    session.add(result)
    await session.flush()
    await session.refresh(result)
    key = f"profile:{result.id}"
    result.job_id = await later(
        session, "profile", person_id=actor.person_id, unique_key=key, result=result.id
    )
    session.add(result)
    said: dict[str, Any] = {"code": result.code, "filename": result.filename, "size": result.size}
    await record(
        session, actor, service.UPLOAD, "result", result.id, pilot_id=pilot_id, **said, sha256=result.sha256
    )


def _open(trial: Trial) -> None:
    if trial.archived_at is not None:
        raise Conflict(PUT_AWAY)


async def _same(session: AsyncSession, trial_id: int, owner: int, name: str, sha256: str) -> Result | None:
    query: Any = select(Result).where(
        col(Result.trial_id) == trial_id,
        col(Result.owner_id) == owner,
        col(Result.filename) == name,
        col(Result.sha256) == sha256,
        col(Result.archived_at).is_(None),
    )
    found: Result | None = (await session.exec(query.order_by(col(Result.id)).limit(1))).scalar_one_or_none()
    return found


async def _code(session: AsyncSession) -> str:
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


async def _owner(session: AsyncSession, actor: Actor, trial_id: int, sending: Sending) -> int:
    """On whose behalf: the sender's partner in the pilot, else what ``partner_id`` says."""
    mine = await senders(session, actor, trial_id)
    known = {each.id for each in mine}
    if sending.partner_id is not None:
        if sending.partner_id not in known:
            raise Invalid(ATTENTION, fields={"partner_id": NOT_YOURS})
        return sending.partner_id
    if not mine:
        raise Invalid(ATTENTION, fields={"partner_id": NO_LEAD})
    own = await _own(session, actor, trial_id)
    if len(own) > 1:
        raise Invalid(ATTENTION, fields={"partner_id": WHICH})
    return own[0] if own else mine[0].id


async def senders(session: AsyncSession, actor: Actor, trial_id: int) -> list[Ref]:
    """The partners the actor may upload for, the default first.

    One's own partners in the pilot; for a coordinator then its lead and whoever else takes part.
    """
    own = await _own(session, actor, trial_id)
    coordinates: Any = select(col(Trial.id)).where(
        col(Trial.id) == trial_id, col(Pilot.id) == col(Trial.pilot_id), holds(actor, "coordinator", Pilot)
    )
    found = list(own)
    if (await session.exec(coordinates)).first() is not None:
        lead: Any = select(col(Pilot.lead_partner_id)).join(Trial, col(Trial.pilot_id) == col(Pilot.id))
        found += (await session.exec(lead.where(col(Trial.id) == trial_id))).scalars().all()
        found += (await session.exec(_taking_part(trial_id))).scalars().all()
    order = {number: place for place, number in reversed(list(enumerate(found))) if number is not None}
    query: Any = select(Partner.id, Partner.name, Partner.slug).where(  # type: ignore[call-overload]
        col(Partner.id).in_(list(order)), known(actor)
    )
    rows = (await session.exec(query.order_by(in_swedish(col(Partner.name))))).all()
    refs = [Ref(id=row.id, title=row.name, url=f"/partners/{row.slug}") for row in rows]
    return sorted(refs, key=lambda each: order[each.id])


async def _own(session: AsyncSession, actor: Actor, trial_id: int) -> list[int]:
    query = _taking_part(trial_id).where(col(PilotPartner.partner_id).in_(memberships(actor)))
    return list((await session.exec(query)).scalars().all())


def _taking_part(trial_id: int) -> Any:
    """Partners that take part in the trial's pilot today in a role that hands in results."""
    roles, _ = roles_of(ROLES)
    return (
        select(col(PilotPartner.partner_id))
        .join(Trial, col(Trial.pilot_id) == col(PilotPartner.pilot_id))
        .where(
            col(Trial.id) == trial_id,
            col(PilotPartner.roles).overlap(sorted(roles)),  # type: ignore[attr-defined]
            col(PilotPartner.joined_on) <= TODAY,
            or_(col(PilotPartner.left_on).is_(None), col(PilotPartner.left_on) > TODAY),
        )
        .order_by(col(PilotPartner.id))
    )


async def expected(session: AsyncSession, actor: Actor, trial_id: int) -> UploadView:
    """What somebody should know before they choose a file.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``. Conflict: the trial is archived.
    """
    trial = await fetch(session, actor, service.UPLOAD, Trial, col(Trial.id) == trial_id)
    _open(trial)
    return UploadView(
        trial=await service.shown(session, actor, trial), partners=await senders(session, actor, trial_id)
    )
