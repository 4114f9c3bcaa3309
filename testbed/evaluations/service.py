"""Outcomes: one indicator's answer, resting on one published version."""

from dataclasses import replace
from typing import Any

from babel.numbers import format_decimal
from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.access.rights import ABSENT, READ, VIEW, allowed, fetch, may, referred
from testbed.activity import history, record
from testbed.datasets.downloads import exact_number
from testbed.datasets.models import Dataset, Version
from testbed.errors import ATTENTION, Invalid, NotFound
from testbed.evaluations.models import (
    Outcome,
    OutcomeDraft,
    OutcomeItem,
    OutcomePatch,
    OutcomeView,
    VersionRef,
)
from testbed.lists import Asked, Listed, Ref, in_language, in_swedish, page_of
from testbed.pilots.chain import Link, Node, chain_of, tells
from testbed.pilots.models import Pilot
from testbed.revisions import archive, revise
from testbed.texts import language, message, said

RECORD, EDIT = "outcome.record", "outcome.edit"
NEEDED = message("Say which published version it rests on.")
ELSEWHERE = message("This version is not of a dataset of this pilot.")


async def register(session: AsyncSession, actor: Actor, code: str, draft: OutcomeDraft) -> Outcome:
    """Record an outcome of a pilot.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``; whoever stands on a supplier's side may not.
        Invalid: the version is unknown, of another pilot, or not the actor's to read.
    """
    pilot = await fetch(session, actor, RECORD, Pilot, col(Pilot.code) == code)
    version, generated = await _version(session, actor, pilot.id, draft.version, draft.version_id)
    outcome = Outcome(
        **draft.model_dump(exclude={"version", "version_id"}),
        pilot_id=pilot.id, version_id=version.id, generated=generated, created_by_id=actor.person_id,
    )  # fmt: skip
    session.add(outcome)
    await session.flush()
    await session.refresh(outcome)
    details = {"indicator": said(outcome.indicator, "sv"), "result": outcome.result, "unit": outcome.unit}
    await record(session, actor, RECORD, "outcome", outcome.id, pilot_id=pilot.id, **details)
    return outcome


async def edit(
    session: AsyncSession, actor: Actor, number: int, patch: OutcomePatch, seen_version: int
) -> Outcome:
    """Correct an outcome; what it said before stays in its history.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``. Stale: see ``revisions.revise``.
        Invalid: as ``register``.
    """
    outcome = await fetch(session, actor, EDIT, Outcome, col(Outcome.id) == number, lock=True)
    written = patch.model_dump(exclude_unset=True, exclude={"row_version", "version", "version_id"})
    if patch.version is not None or patch.version_id is not None:
        version, generated = await _version(session, actor, outcome.pilot_id, patch.version, patch.version_id)
        written |= {"version_id": version.id, "generated": generated}
    await revise(session, actor, outcome, written, seen_version, action=EDIT, pilot_id=outcome.pilot_id)
    return outcome


async def put_away(session: AsyncSession, actor: Actor, number: int, *, back: bool = False) -> Outcome:
    """Archive an outcome: it leaves the lists and the chain, its page stays."""
    outcome = await fetch(session, actor, EDIT, Outcome, col(Outcome.id) == number, lock=True)
    action = "outcome.restore" if back else "outcome.archive"
    await archive(session, actor, outcome, action=action, pilot_id=outcome.pilot_id, back=back)
    return outcome


async def _version(
    session: AsyncSession, actor: Actor, pilot_id: int, named: VersionRef | None, number: int | None
) -> tuple[Version, bool]:
    """The version a body names, which the actor may read, and whether its rows are made up."""
    field = "version_id" if named is None else "version"
    if named is not None:
        number = await _number_of(session, actor, named)
    if number is None:
        raise Invalid(ATTENTION, fields={field: NEEDED})
    version = await referred(session, actor, Version, number, field, READ)
    dataset = await session.get_one(Dataset, version.dataset_id)
    if dataset.pilot_id != pilot_id:
        raise Invalid(ATTENTION, fields={field: ELSEWHERE})
    return version, dataset.generated


async def _number_of(session: AsyncSession, actor: Actor, named: VersionRef) -> int:
    try:
        exact = await exact_number(session, actor, named.dataset, named.number)
    except NotFound:
        raise Invalid(ATTENTION, fields={"version": ABSENT}) from None
    query: Any = (
        select(col(Version.id))
        .join(Dataset, col(Dataset.id) == Version.dataset_id)
        .where(col(Dataset.slug) == named.dataset, col(Version.number) == exact)
    )
    found = (await session.exec(query)).one_or_none()
    if found is None:
        raise Invalid(ATTENTION, fields={"version": ABSENT})
    return int(found[0])


async def usable_versions(session: AsyncSession, actor: Actor, pilot_id: int) -> list[Ref]:
    """The versions of a pilot's datasets that an outcome may rest on, newest first."""
    query: Any = (
        select(col(Version.id), col(Version.number), col(Dataset.title), col(Dataset.slug))
        .join(Dataset, col(Dataset.id) == Version.dataset_id)
        .where(col(Dataset.pilot_id) == pilot_id, allowed(actor, READ, Version))
        .order_by(col(Version.id).desc())
        .limit(200)
    )
    return [
        Ref(id=number, title=f"{said(title)} {version}", url=f"/datasets/{slug}/versions/{version}")
        for number, version, title, slug in (await session.exec(query)).all()
    ]


async def view(session: AsyncSession, actor: Actor, number: int, *, with_chain: bool = False) -> OutcomeView:
    """One outcome; its version only where the actor may see that too.

    Raises:
        NotFound: absent or hidden.
    """
    outcome = await fetch(session, actor, VIEW, Outcome, col(Outcome.id) == number)
    pilot = await session.get_one(Pilot, outcome.pilot_id)
    granted = await may(session, actor, outcome, [EDIT])
    seen: Any = (
        select(col(Version.number), col(Dataset.title), col(Dataset.slug))
        .join(Dataset, col(Dataset.id) == Version.dataset_id)
        .where(col(Version.id) == outcome.version_id, allowed(actor, VIEW, Version))
    )
    rests = (await session.exec(seen)).one_or_none()
    version = None
    if rests is not None:
        url = f"/datasets/{rests.slug}/versions/{rests.number}"
        version = Ref(id=outcome.version_id, title=f"{said(rests.title)} {rests.number}", url=url)
    return OutcomeView.model_validate(
        outcome,
        update={
            "pilot": ref(pilot),
            "pilot_code": pilot.code,
            "version": version,
            "version_id": version.id if version else None,
            "met": met(outcome),
            "may": granted,
            "activity": await history(session, "outcome", outcome.id) if granted else [],
            "chain": await chain_of(session, actor, pilot.id, pilot.code) if with_chain else None,
        },
    )


def met(outcome: Outcome) -> bool | None:
    """Whether the target was reached; its direction is that from the baseline, so without one nobody can tell."""
    if outcome.baseline is None or outcome.target is None or outcome.baseline == outcome.target:
        return None
    if outcome.target > outcome.baseline:
        return outcome.result >= outcome.target
    return outcome.result <= outcome.target


def ref(pilot: Pilot) -> Ref:
    return Ref(id=pilot.id, title=f"{pilot.code} {said(pilot.title)}", url=f"/pilots/{pilot.code}")


async def page(
    session: AsyncSession, actor: Actor, asked: Asked, *, pilot: str = "", archived: bool = False
) -> Listed[OutcomeItem]:
    """A page of the outcomes the actor may see, the newest first; of one pilot, if its code is named."""
    query: Any = (
        select(
            Outcome.id, Outcome.indicator, Outcome.result, Outcome.unit, Outcome.baseline, Outcome.target,  # type: ignore[call-overload]
            Outcome.generated, Outcome.created_at, col(Pilot.code).label("pilot"),
        )
        .select_from(Outcome)
        .join(Pilot, col(Pilot.id) == Outcome.pilot_id)
        .where(allowed(actor, VIEW, Outcome))
        .where(col(Outcome.archived_at).is_not(None) if archived else col(Outcome.archived_at).is_(None))
    )  # fmt: skip
    if pilot:
        query = query.where(col(Pilot.code) == pilot)
    orders = {
        "created": col(Outcome.created_at),
        "indicator": in_swedish(in_language(col(Outcome.indicator), language.get())),
        "pilot": col(Pilot.code),
    }
    asked = replace(asked, sort=asked.sort or "-created")
    rows, after = await page_of(session, query, asked, key=col(Outcome.id), orders=orders)
    items = [OutcomeItem.model_validate(row, from_attributes=True) for row in rows]
    return Listed(items=items, next=after, sort=asked.sort)


async def of_pilot(session: AsyncSession, actor: Actor, code: str, asked: Asked) -> Listed[OutcomeItem]:
    """A page of one pilot's outcomes.

    Raises:
        NotFound: the pilot is absent or hidden.
    """
    await fetch(session, actor, VIEW, Pilot, col(Pilot.code) == code)
    return await page(session, actor, asked, pilot=code)


async def nodes(session: AsyncSession, actor: Actor, pilot_id: int) -> list[Node]:
    """The outcomes of a pilot in the chain; each rests on its version."""
    query: Any = (
        select(Outcome)
        .where(
            col(Outcome.pilot_id) == pilot_id,
            col(Outcome.archived_at).is_(None),
            allowed(actor, VIEW, Outcome),
        )
        .order_by(col(Outcome.id))
    )
    return [
        Node(
            key=f"outcome:{row.id}", kind=Link.outcome, title=row.indicator, url=f"/outcomes/{row.id}",
            note=f"{format_decimal(row.result, locale=language.get())} {row.unit}", at=row.created_at,
            rests_on=[f"version:{row.version_id}"], generated=row.generated,
        )
        for (row,) in (await session.exec(query)).all()
    ]  # fmt: skip


tells(Link.outcome, nodes)
