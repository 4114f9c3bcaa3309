"""What one can do with testbeds. Every function takes the session and the actor first."""

from typing import Any

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor, TestbedCoordinator
from testbed.access.rights import VIEW, allowed, demand, fetch, may, referred
from testbed.activity import history, record
from testbed.errors import ATTENTION, Invalid
from testbed.lists import Asked, Listed, in_language, in_swedish, matching, page_of
from testbed.partners.models import Partner
from testbed.partners.service import called, known
from testbed.people.models import Person
from testbed.revisions import archive, revise, slug_of
from testbed.testbeds.geo import as_text
from testbed.testbeds.models import Environment, Testbed, TestbedDraft, TestbedItem, TestbedPatch, TestbedView
from testbed.testbeds.season import is_open
from testbed.testbeds.uses import uses_of
from testbed.texts import language, message, said

EDIT = "testbed.edit"
BOTH_DAYS = message("A season has a first and a last day.")


async def register(session: AsyncSession, actor: Actor, draft: TestbedDraft) -> Testbed:
    """Create a testbed.

    Raises:
        SignInNeeded, Forbidden: the actor is no admin.
        Invalid: the owner is unknown, or half a season is given.
    """
    await demand(session, actor, "testbed.create")
    await referred(session, actor, Partner, draft.owner_partner_id, "owner_partner_id")
    _whole_season(draft.season_from, draft.season_to)
    bed = Testbed(**draft.model_dump(), slug=slug_of(said(draft.name)), created_by_id=actor.person_id)
    session.add(bed)
    await session.flush()
    await session.refresh(bed)
    await record(session, actor, "testbed.register", "testbed", bed.id, name=bed.name)
    return bed


async def edit(
    session: AsyncSession, actor: Actor, slug: str, patch: TestbedPatch, seen_version: int
) -> Testbed:
    """Change what is said of a testbed.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``. Stale: see ``revisions.revise``.
        Invalid: the owner is unknown, or half a season is given.
    """
    bed = await fetch(session, actor, EDIT, Testbed, col(Testbed.slug) == slug, lock=True)
    written = patch.model_dump(exclude_unset=True, exclude={"row_version"})
    if written.get("owner_partner_id", bed.owner_partner_id) != bed.owner_partner_id:
        await referred(session, actor, Partner, written["owner_partner_id"], "owner_partner_id")
    _whole_season(*(written.get(name, getattr(bed, name)) for name in ("season_from", "season_to")))
    await revise(session, actor, bed, written, seen_version, action=EDIT)
    return bed


def _whole_season(first: str | None, last: str | None) -> None:
    if (first is None) != (last is None):
        missing = "season_from" if first is None else "season_to"
        raise Invalid(ATTENTION, fields={missing: BOTH_DAYS})


async def put_away(session: AsyncSession, actor: Actor, slug: str, *, back: bool = False) -> Testbed:
    """Archive a testbed; its pilots and their history stay."""
    bed = await fetch(session, actor, EDIT, Testbed, col(Testbed.slug) == slug, lock=True)
    await archive(session, actor, bed, action="testbed.restore" if back else "testbed.archive", back=back)
    return bed


async def page(
    session: AsyncSession,
    actor: Actor,
    asked: Asked,
    *,
    environment: Environment | None = None,
    archived: bool = False,
) -> Listed[TestbedItem]:
    """A page of the testbeds the actor may see."""
    query: Any = (
        select(
            col(Testbed.id), col(Testbed.slug), col(Testbed.name), col(Testbed.environment),
            col(Partner.name).label("owner"), col(Testbed.location), col(Testbed.capacity), col(Testbed.infrastructure),
            col(Testbed.season_from), col(Testbed.season_to),
        )
        .select_from(Testbed)
        .join(Partner, (col(Partner.id) == col(Testbed.owner_partner_id)) & known(actor), isouter=True)
        .where(allowed(actor, VIEW, Testbed), matching(Testbed, asked.q))
        .where(col(Testbed.archived_at).is_not(None) if archived else col(Testbed.archived_at).is_(None))
    )  # fmt: skip
    if environment is not None:
        query = query.where(col(Testbed.environment) == environment)
    orders = {
        "name": in_swedish(in_language(col(Testbed.name), language.get())),
        "environment": col(Testbed.environment),
        "created": col(Testbed.created_at),
    }
    rows, after = await page_of(session, query, asked, key=col(Testbed.id), orders=orders)
    items = [TestbedItem.model_validate(row, from_attributes=True) for row in rows]
    return Listed(items=items, next=after, q=asked.q, sort=asked.sort)


async def view(session: AsyncSession, actor: Actor, slug: str) -> TestbedView:
    """One testbed, with what the actor may do and its history."""
    bed = await fetch(session, actor, VIEW, Testbed, col(Testbed.slug) == slug)
    granted = await may(
        session, actor, bed, [EDIT, "pilot.register", "device.register", "coordinator.assign"]
    )
    owner = await called(session, actor, bed.owner_partner_id)
    return TestbedView.model_validate(
        bed,
        update={
            "owner": owner,
            "location_text": as_text(bed.location),
            "open_now": is_open(bed.season_from, bed.season_to),
            "coordinators": await _coordinators(session, bed.id) if granted else [],
            "uses": await uses_of(session, actor, bed.id),
            "may": granted,
            "activity": await history(session, "testbed", bed.id) if granted else [],
        },
    )


async def _coordinators(session: AsyncSession, number: int) -> list[str]:
    query: Any = (
        select(col(Person.name))
        .join(TestbedCoordinator, col(TestbedCoordinator.person_id) == col(Person.id))
        .where(col(TestbedCoordinator.testbed_id) == number)
        .order_by(in_swedish(col(Person.name)))
    )
    return [row.name for row in await session.exec(query)]
