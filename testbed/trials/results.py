"""What one can do with results that were received: see them, follow their reading, say who may see them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, and_, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import NOBODY, WIDE, Actor
from testbed.access.rights import READ, VIEW, allowed, fetch, may
from testbed.activity import history
from testbed.db import driver
from testbed.errors import NotFound
from testbed.jobs import JobState
from testbed.lists import Asked, Listed, Ref, in_swedish, matching, page_of
from testbed.partners.models import Partner
from testbed.partners.service import called, known
from testbed.pilots.models import Pilot
from testbed.revisions import archive, revise
from testbed.texts import message, said
from testbed.trials import deliveries, receipts
from testbed.trials.models import Acceptance, Result, ResultPatch, ResultState, Trial
from testbed.trials.secrecy import insist_harmless
from testbed.trials.standing import standing
from testbed.trials.views import JobView, Receipt, ResultItem, ResultView

EDIT = "result.edit"
ACTIONS = [EDIT, "result.answer", "result.accept", "result.decide", "result.withdraw"]
LIVE = {JobState.queued, JobState.running}
REPORTED = ("rejected", "kind", "assumed", "columns", "problems", "preview", "counts", "personal")
NO_TABLE = message("No table was made of this file. The file itself is kept.")
PROGRESS = """
    SELECT job.state, job.step, job.done, job.total, job.error, job.created_at AS since, job.attempts,
           result.state IN ('received', 'reading') AS running
    FROM result LEFT JOIN job ON job.id = result.job_id WHERE result.id = $1
"""

Key = int | str
"""A result is known by its number or by its code."""


@dataclass(frozen=True, slots=True)
class Download:
    """A kept file and what a client needs to know of it; ``public`` if anybody may fetch it."""

    sha256: str
    size: int
    filename: str
    media_type: str
    public: bool
    result: Result


def named(key: Key) -> ColumnElement[bool]:
    """The condition that picks one result."""
    return col(Result.code) == key if isinstance(key, str) else col(Result.id) == key


async def view(session: AsyncSession, actor: Actor, key: Key) -> ResultView:
    """One result, as far as the actor may see it.

    Raises:
        NotFound: absent or hidden.
    """
    return await shown(session, actor, await fetch(session, actor, VIEW, Result, named(key)))


async def receipt(session: AsyncSession, actor: Actor, key: Key) -> Receipt:
    """The receipt of one result.

    Raises:
        NotFound: absent or hidden.
    """
    result = await fetch(session, actor, VIEW, Result, named(key))
    return await receipts.told(session, actor, result, inside=bool(await may(session, actor, result, [EDIT])))


async def shown(session: AsyncSession, actor: Actor, result: Result) -> ResultView:
    """The view of a result that the actor was found entitled to already; about a dozen short queries."""
    granted = await may(session, actor, result, ACTIONS)
    trial, pilot = await above(session, result)
    report = result.report or {}
    below = f"/results/{result.code}"
    return ResultView.model_validate(
        result,
        update={
            "trial": Ref(id=trial.id, title=said(trial.title), url=f"/trials/{trial.id}"),
            "pilot": Ref(id=pilot.id, title=f"{pilot.code} {said(pilot.title)}", url=f"/pilots/{pilot.code}"),
            "owner": await called(session, actor, result.owner_id),
            **{name: report[name] for name in REPORTED if name in report},
            "receipt": await receipts.told(session, actor, result, inside=EDIT in granted),
            "delivery": await deliveries.brief(session, result),
            "job": await progress(session, result.id),
            "table": f"{below}/table.parquet" if result.parquet_sha256 else None,
            "rejected_rows": f"{below}/rejected.csv" if result.rejected_sha256 else None,
            "raw": f"{below}/raw",
            "report": f"{below}/report",
            "standing": await standing(session, actor, result),
            "same_file": await _same_file(session, actor, result) if result.entry else [],
            "may": granted,
            "activity": await history(session, "result", result.id) if granted else [],
        },
    )


async def above(session: AsyncSession, result: Result) -> tuple[Trial, Pilot]:
    """The trial a result was handed in for, and its pilot."""
    trial = await session.get_one(Trial, result.trial_id)
    return trial, await session.get_one(Pilot, trial.pilot_id)


async def progress(session: AsyncSession, number: int) -> JobView:
    """How far the reading of a result is: one query by keys.

    The result ends before its job when all goes well and after it when the reading is given up; whoever
    waits is told of an end only when there is something to see.
    """
    connection = await driver(session)
    found = dict(await connection.fetchrow(PROGRESS, number))
    if found.pop("running") and found["state"] not in LIVE:
        found["state"] = JobState.running
    elif found["state"] is None:  # jobs are not remembered for ever, results are
        found["state"] = JobState.done
    return JobView.model_validate(found)


async def following(session: AsyncSession, actor: Actor, key: Key) -> JobView:
    """As ``progress``, for somebody who may see the result.

    Raises:
        NotFound: absent or hidden.
    """
    result = await fetch(session, actor, VIEW, Result, named(key))
    return await progress(session, result.id)


async def page(
    session: AsyncSession,
    actor: Actor,
    asked: Asked,
    *,
    state: ResultState | None = None,
    acceptance: Acceptance | None = None,
    trial: int | None = None,
    pilot: str | None = None,
    archived: bool = False,
) -> Listed[ResultItem]:
    """A page of the results the actor may see, newest first unless asked otherwise."""
    query = _items(actor).where(
        matching(Result, asked.q),
        col(Result.archived_at).is_not(None) if archived else col(Result.archived_at).is_(None),
    )
    filters = (
        (Result.state, state), (Result.acceptance, acceptance), (Result.trial_id, trial), (Pilot.code, pilot),
    )  # fmt: skip
    for column, value in filters:
        if value is not None:
            query = query.where(col(column) == value)
    orders = {
        "received": col(Result.received_at),
        "filename": in_swedish(col(Result.filename)),
        "size": col(Result.size),
        "state": col(Result.state),
        "owner": in_swedish(col(Partner.name)),
    }
    sorted_by = replace(asked, sort=asked.sort or "-received")
    rows, after = await page_of(session, query, sorted_by, key=col(Result.id), orders=orders)
    return Listed(items=_listed(rows), next=after, q=asked.q, sort=sorted_by.sort)


async def of_trial(
    session: AsyncSession, actor: Actor, number: int, *where: ColumnElement[bool]
) -> list[ResultItem]:
    """The results of one trial, and of ``where``, that the actor may see, the newest 200 first."""
    query = _items(actor).where(col(Result.trial_id) == number, col(Result.archived_at).is_(None), *where)
    rows = await session.exec(
        query.order_by(col(Result.received_at).desc(), col(Result.id).desc()).limit(200)
    )
    return _listed(rows.all())


async def _same_file(session: AsyncSession, actor: Actor, result: Result) -> list[ResultItem]:
    same = (
        col(Result.sha256) == result.sha256,
        col(Result.owner_id) == result.owner_id,
        col(Result.entry).is_not(None),
        col(Result.id) != result.id,
    )
    return await of_trial(session, actor, result.trial_id, *same)


def _items(actor: Actor) -> Any:
    return (
        select(
            Result.id, Result.code, Result.filename, Result.state, Result.rows, Result.size, Result.trial_id,  # type: ignore[call-overload]
            Trial.title.label("trial"), Pilot.code.label("pilot"), Partner.name.label("owner"),  # type: ignore[attr-defined]
            Result.access, Result.acceptance, Result.generated, Result.received_at,
        )
        .join(Trial, col(Trial.id) == Result.trial_id)
        .join(Pilot, col(Pilot.id) == Trial.pilot_id)
        .join(Partner, and_(col(Partner.id) == Result.owner_id, known(actor)), isouter=True)
        .where(allowed(actor, VIEW, Result))
    )  # fmt: skip


def _listed(rows: Sequence[Any]) -> list[ResultItem]:
    return [ResultItem.model_validate(row, from_attributes=True) for row in rows]


async def edit(
    session: AsyncSession, actor: Actor, key: Key, patch: ResultPatch, seen_version: int
) -> Result:
    """Change the note, who may see the result, or which delivery it answers; its receipt stays as it was.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``. Stale: see ``revisions.revise``.
        Invalid: no such delivery, or another partner's. Conflict: many would get columns that they may not have.
    """
    result = await fetch(session, actor, EDIT, Result, named(key), lock=True)
    _, pilot = await above(session, result)
    written = patch.model_dump(exclude_unset=True, exclude={"row_version"})
    if written.get("access", result.access) in WIDE - {result.access}:
        await insist_harmless(session, result)
    if "delivery" in written:
        written["delivery_id"] = await deliveries.answered(session, result, written.pop("delivery"))
    await revise(session, actor, result, written, seen_version, action=EDIT, pilot_id=pilot.id)
    return result


async def put_away(session: AsyncSession, actor: Actor, key: Key, *, back: bool = False) -> Result:
    """Take a result out of the lists; its file, its address and what was made of it stay."""
    result = await fetch(session, actor, EDIT, Result, named(key), lock=True)
    _, pilot = await above(session, result)
    action = "result.restore" if back else "result.archive"
    await archive(session, actor, result, action=action, pilot_id=pilot.id, back=back)
    return result


async def download(session: AsyncSession, actor: Actor, key: Key, what: str) -> Download:
    """Which kept file to send for ``what``: raw, table or rejected. The size of the latter two is not known here.

    Raises:
        NotFound: absent or hidden, or there is no such file of it.
    """
    result = await fetch(session, actor, READ, Result, named(key))
    everybody: Any = select(col(Result.id)).where(col(Result.id) == result.id, allowed(NOBODY, READ, Result))
    public = (await session.exec(everybody)).first() is not None
    stem = result.filename.rpartition(".")[0] or result.filename
    found = {
        "raw": (result.sha256, result.filename, "application/octet-stream"),
        "table": (result.parquet_sha256, f"{stem}.parquet", "application/vnd.apache.parquet"),
        "rejected": (result.rejected_sha256, f"{stem}-rejected.csv", "text/csv; charset=utf-8"),
    }[what]
    if found[0] is None:
        raise NotFound(NO_TABLE)
    return Download(found[0], result.size if what == "raw" else -1, found[1], found[2], public, result)
