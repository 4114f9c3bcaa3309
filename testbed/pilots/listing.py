"""Lists of pilots and of needs: columns, not rows, in one query."""

from datetime import date
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import and_, exists, func, literal, or_, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor, PilotPartner
from testbed.access.rights import VIEW, allowed
from testbed.lists import Asked, Listed, Rows, in_language, in_swedish, matching, page_of
from testbed.partners.models import Partner
from testbed.pilots.models import Need, Pilot, PilotNeed, Stage, State
from testbed.pilots.views import NeedItem, PilotItem
from testbed.testbeds import uses
from testbed.testbeds.models import Testbed
from testbed.texts import language

LATEST = date(9999, 12, 31)
OVER = (Stage.decided, Stage.benefits, Stage.archived)
TOLD = 20


async def page(
    session: AsyncSession,
    actor: Actor,
    asked: Asked,
    *,
    stage: Stage | None = None,
    state: State | None = None,
    testbed: str | None = None,
    partner: str | None = None,
    archived: bool = False,
) -> Rows[PilotItem]:
    """A page of the pilots the actor may see, the latest changed first; ``testbed`` and ``partner`` are slugs."""
    query = _seen_by(actor, archived)
    if asked.q:
        query = query.where(matching(Pilot, asked.q))
    if stage is not None:
        query = query.where(col(Pilot.stage) == stage)
    if state is not None:
        query = query.where(col(Pilot.state) == state)
    if testbed:
        query = query.where(col(Testbed.slug) == testbed)
    if partner:
        query = query.where(_with(actor, partner))
    rows, after = await page_of(session, query, asked, key=col(Pilot.id), orders=_orders(language.get()))
    return Rows([PilotItem(*row[:11]) for row in rows], after, asked.q, asked.sort)


@lru_cache(512)
def _seen_by(actor: Actor, archived: bool) -> Any:
    """The list of one actor before it is narrowed: building it costs as much as asking it, and it never changes."""
    query: Any = (
        select(
            Pilot.id,
            Pilot.code,
            Pilot.title,
            Pilot.stage,
            Pilot.state,
            Testbed.slug,
            Testbed.name,  # type: ignore[call-overload]
            Partner.name,
            Pilot.planned_start_on,
            Pilot.planned_end_on,
            Pilot.updated_at,
        )
        .select_from(Pilot)
        .join(Testbed, and_(col(Testbed.id) == Pilot.testbed_id, allowed(actor, VIEW, Testbed)), isouter=True)
        .join(
            Partner,
            and_(col(Partner.id) == Pilot.lead_partner_id, allowed(actor, VIEW, Partner)),
            isouter=True,
        )
        .where(allowed(actor, VIEW, Pilot))
        .where(col(Pilot.archived_at).is_not(None) if archived else col(Pilot.archived_at).is_(None))
    )
    return query


@cache
def _orders(spoken: str) -> dict[str, Any]:
    return {
        "-updated": col(Pilot.updated_at),
        "updated": col(Pilot.updated_at),
        "code": col(Pilot.code),
        "title": in_swedish(in_language(col(Pilot.title), spoken)),
        "start": func.coalesce(col(Pilot.planned_start_on), literal(LATEST)),
    }


def _with(actor: Actor, slug: str) -> Any:
    """Pilots in which the partner takes part today."""
    taking_part = (
        select(1)
        .select_from(PilotPartner)
        .join(Partner, col(Partner.id) == PilotPartner.partner_id)
        .where(
            col(PilotPartner.pilot_id) == Pilot.id,
            col(PilotPartner.left_on).is_(None),
            col(Partner.slug) == slug,
            allowed(actor, VIEW, Partner),
        )
    )
    return exists(taking_part)


async def needs(session: AsyncSession, actor: Actor, asked: Asked) -> Listed[NeedItem]:
    """A page of the needs the actor may see, newest first, with the number of visible pilots that answer each."""
    pilots = (
        select(func.count())
        .select_from(PilotNeed)
        .join(Pilot, col(Pilot.id) == PilotNeed.pilot_id)
        .where(col(PilotNeed.need_id) == Need.id, allowed(actor, VIEW, Pilot))
        .scalar_subquery()
    )
    query: Any = select(
        Need.id,
        Need.statement,
        Need.user_groups,
        Need.created_at,
        pilots.label("pilots"),  # type: ignore[call-overload]
    ).where(allowed(actor, VIEW, Need))
    if asked.q:
        query = query.where(col(Need.statement).icontains(asked.q, autoescape=True))
    orders = {
        "-created": col(Need.created_at),
        "created": col(Need.created_at),
        "statement": in_swedish(col(Need.statement)),
    }
    rows, after = await page_of(session, query, asked, key=col(Need.id), orders=orders)
    items = [NeedItem.model_validate(row, from_attributes=True) for row in rows]
    return Listed(items=items, next=after, q=asked.q, sort=asked.sort)


async def _in_testbed(session: AsyncSession, actor: Actor, testbed_id: int) -> list[uses.Use]:
    """The latest pilots of a testbed that the actor may see, decided and archived ones after those that go on."""
    over = or_(col(Pilot.stage).in_(OVER), col(Pilot.archived_at).is_not(None))
    query: Any = (
        select(
            col(Pilot.code), col(Pilot.title), col(Pilot.stage), over.label("over"),
            col(Pilot.planned_start_on).label("start_on"), col(Pilot.planned_end_on).label("end_on"),
        )
        .where(col(Pilot.testbed_id) == testbed_id, allowed(actor, VIEW, Pilot))
        .order_by(over, col(Pilot.planned_start_on).desc().nulls_last(), col(Pilot.id).desc())
        .limit(TOLD)
    )  # fmt: skip
    return [
        uses.Use.model_validate(dict(row._mapping) | {"url": f"/pilots/{row.code}", "stage": str(row.stage)})
        for row in (await session.exec(query)).all()
    ]


uses.tells(_in_testbed)
