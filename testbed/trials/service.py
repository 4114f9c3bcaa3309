"""What one can do with trials. Every function takes the session and the actor first."""

from typing import Any

from sqlalchemy import func, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.access.rights import VIEW, allowed, fetch, may
from testbed.activity import history, record
from testbed.errors import NotFound
from testbed.lists import Asked, Listed, Ref, in_language, in_swedish, matching, page_of
from testbed.pilots.models import Pilot
from testbed.revisions import archive, revise
from testbed.texts import language, message, said
from testbed.trials import allocation, deliveries, results
from testbed.trials.models import Result, TableSchema, Trial, TrialDraft, TrialPatch
from testbed.trials.views import TrialForm, TrialItem, TrialView

CREATE, EDIT, UPLOAD = "trial.create", "trial.edit", "result.upload"


async def register(session: AsyncSession, actor: Actor, code: str, draft: TrialDraft) -> Trial:
    """Begin a trial of the pilot ``code``.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``.
        sqlalchemy.exc.IntegrityError: it ends before it starts.
    """
    pilot = await fetch(session, actor, CREATE, Pilot, col(Pilot.code) == code)
    trial = Trial(**draft.model_dump(), pilot_id=pilot.id, created_by_id=actor.person_id)
    session.add(trial)
    await session.flush()
    await session.refresh(trial)
    await record(
        session, actor, "trial.register", "trial", trial.id, pilot_id=pilot.id, title=said(trial.title, "sv")
    )
    return trial


async def edit(
    session: AsyncSession, actor: Actor, number: int, patch: TrialPatch, seen_version: int
) -> Trial:
    """Change what is said of a trial.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``. Stale: see ``revisions.revise``.
        sqlalchemy.exc.IntegrityError: it ends before it starts.
    """
    trial = await fetch(session, actor, EDIT, Trial, col(Trial.id) == number, lock=True)
    written = patch.model_dump(exclude_unset=True, exclude={"row_version"})
    await revise(session, actor, trial, written, seen_version, action=EDIT, pilot_id=trial.pilot_id)
    return trial


async def put_away(session: AsyncSession, actor: Actor, number: int, *, back: bool = False) -> Trial:
    """Archive a trial: it takes no more files; its results and their addresses stay."""
    trial = await fetch(session, actor, EDIT, Trial, col(Trial.id) == number, lock=True)
    action = "trial.restore" if back else "trial.archive"
    await archive(session, actor, trial, action=action, pilot_id=trial.pilot_id, back=back)
    return trial


async def page(
    session: AsyncSession, actor: Actor, asked: Asked, *, pilot: str | None = None, archived: bool = False
) -> Listed[TrialItem]:
    """A page of the trials the actor may see; of one pilot, if its code is named."""
    count = (
        select(func.count())
        .select_from(Result)
        .where(
            col(Result.trial_id) == Trial.id, col(Result.archived_at).is_(None), allowed(actor, VIEW, Result)
        )
        .scalar_subquery()
    )
    query: Any = (
        select(
            Trial.id, Trial.title, Trial.design, Trial.start_on, Trial.end_on,  # type: ignore[call-overload]
            Pilot.code.label("pilot"), Pilot.title.label("pilot_title"), count.label("results"),  # type: ignore[attr-defined]
        )
        .join(Pilot, col(Pilot.id) == Trial.pilot_id)
        .where(allowed(actor, VIEW, Trial), matching(Trial, asked.q))
        .where(col(Trial.archived_at).is_not(None) if archived else col(Trial.archived_at).is_(None))
    )  # fmt: skip
    if pilot is not None:
        query = query.where(col(Pilot.code) == pilot)
    begins = func.coalesce(col(Trial.start_on), func.date(col(Trial.created_at)))
    orders = {
        "title": in_swedish(in_language(Trial.title, language.get())),
        "pilot": col(Pilot.code),
        "start": begins,
        "created": col(Trial.created_at),
    }
    rows, after = await page_of(session, query, asked, key=col(Trial.id), orders=orders)
    items = [TrialItem.model_validate(row, from_attributes=True) for row in rows]
    return Listed(items=items, next=after, q=asked.q, sort=asked.sort)


async def of_pilot(session: AsyncSession, actor: Actor, code: str, asked: Asked) -> Listed[TrialItem]:
    """A page of one pilot's trials.

    Raises:
        NotFound: the pilot is absent or hidden.
    """
    await fetch(session, actor, VIEW, Pilot, col(Pilot.code) == code)
    return await page(session, actor, asked, pilot=code)


async def view(session: AsyncSession, actor: Actor, number: int) -> TrialView:
    """One trial with its results, as far as the actor may see them."""
    trial = await fetch(session, actor, VIEW, Trial, col(Trial.id) == number)
    return await shown(session, actor, trial)


async def shown(session: AsyncSession, actor: Actor, trial: Trial) -> TrialView:
    """The view of a trial that was fetched for the actor already."""
    granted = await may(session, actor, trial, [EDIT, UPLOAD])
    pilot = await pilot_of(session, trial)
    return TrialView.model_validate(
        trial,
        update={
            "pilot": ref(pilot),
            "pilot_code": pilot.code,
            "schema_number": await _schema_number(session, trial.id),
            "results": await results.of_trial(session, actor, trial.id),
            "deliveries": await deliveries.of_trial(session, actor, trial.id),
            "allocation": await allocation.of_trial(session, trial.id),
            "may": granted,
            "activity": await history(session, "trial", trial.id) if granted else [],
        },
    )


async def _schema_number(session: AsyncSession, trial_id: int) -> int | None:
    latest: Any = select(func.max(TableSchema.number)).where(col(TableSchema.trial_id) == trial_id)
    number: int | None = (await session.exec(latest)).scalar_one()
    return number


async def pilot_of(session: AsyncSession, trial: Trial) -> Pilot:
    found = await session.get(Pilot, trial.pilot_id)
    if found is None:  # a foreign key says otherwise
        raise NotFound(message("There is nothing here, or nothing you may see."))
    return found


def ref(pilot: Pilot) -> Ref:
    return Ref(id=pilot.id, title=f"{pilot.code} {said(pilot.title)}", url=f"/pilots/{pilot.code}")


async def blank(session: AsyncSession, actor: Actor, code: str) -> TrialForm:
    """What the form of a new trial shows."""
    pilot = await fetch(session, actor, CREATE, Pilot, col(Pilot.code) == code)
    return TrialForm(pilot=ref(pilot))


async def filled(session: AsyncSession, actor: Actor, number: int) -> TrialForm:
    """What the form of an edit starts from."""
    trial = await fetch(session, actor, EDIT, Trial, col(Trial.id) == number)
    return TrialForm(pilot=ref(await pilot_of(session, trial)), trial=await shown(session, actor, trial))
