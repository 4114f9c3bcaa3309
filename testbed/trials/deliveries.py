"""Planned deliveries as they stand: derived from what was received, judged by the day in Europe/Stockholm."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Date, and_, func, literal_column, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.access.relations import memberships
from testbed.access.rights import ABSENT, VIEW, allowed
from testbed.errors import ATTENTION, Invalid, NotFound
from testbed.lists import MOST, Asked, Ref, in_language, in_swedish, page_of
from testbed.partners.models import Partner
from testbed.partners.service import known
from testbed.pilots.models import Pilot
from testbed.texts import language, message
from testbed.trials.models import Acceptance, DeliveryState, PlannedDelivery, Result, Trial
from testbed.trials.views import DeliveryItem, DeliveryRef, Expected

FOLLOW, UPLOAD = "delivery.follow", "result.upload"
HOME = ZoneInfo("Europe/Stockholm")
SOON_DAYS = 14
TODAY: ColumnElement[Any] = literal_column("(now() AT TIME ZONE 'Europe/Stockholm')::date", Date)
NO_SUCH = message("The trial has no such delivery.")
OTHERS = message("This delivery is expected from another partner than the one the file comes from.")


def counts() -> ColumnElement[bool]:
    """Which results of a delivery answer it: not those that were put away, refused or withdrawn.

    One that a correction stands in for still does: the first file decides whether a delivery came in time.
    """
    gone = [Acceptance.refused, Acceptance.withdrawn]
    return and_(col(Result.archived_at).is_(None), col(Result.acceptance).not_in(gone))


RECEIVED: Any = (
    select(func.min(Result.received_at))
    .where(col(Result.delivery_id) == col(PlannedDelivery.id), counts())
    .correlate(PlannedDelivery)
    .scalar_subquery()
)
BY_DUE = (col(PlannedDelivery.due_on), col(PlannedDelivery.id))
OPEN: ColumnElement[bool] = and_(RECEIVED.is_(None), col(PlannedDelivery.lost_reason).is_(None))


def day_of(moment: datetime) -> date:
    """The day on which something happened, as people in Luleå count days."""
    return moment.astimezone(HOME).date()


def on_time(due_on: date, received_at: datetime) -> bool:
    return day_of(received_at) <= due_on


def state_of(due_on: date, received_at: datetime | None, *, lost: bool, today: date) -> DeliveryState:
    """How a delivery stands on a day: what was received counts first, then that it is lost, then the calendar."""
    if received_at is not None:
        return DeliveryState.received if on_time(due_on, received_at) else DeliveryState.received_late
    if lost:
        return DeliveryState.lost
    if today > due_on:
        return DeliveryState.overdue
    return DeliveryState.due_soon if today >= due_on - timedelta(days=SOON_DAYS) else DeliveryState.expected


def items(actor: Actor) -> Any:
    """The planned deliveries the actor may see, with what ``listed`` needs; partners they may know of by name."""
    return (
        select(
            PlannedDelivery.id, PlannedDelivery.code, PlannedDelivery.title, PlannedDelivery.description,  # type: ignore[call-overload]
            PlannedDelivery.due_on, PlannedDelivery.lost_reason, PlannedDelivery.archived_at, PlannedDelivery.trial_id,
            Partner.name.label("partner"), Partner.slug.label("partner_slug"), Trial.title.label("trial"),  # type: ignore[attr-defined]
            Trial.archived_at.label("closed_at"), Pilot.code.label("pilot"), RECEIVED.label("received_at"),  # type: ignore[union-attr, attr-defined]
            TODAY.label("today"), allowed(actor, UPLOAD, Trial).label("inside"),
        )
        .join(Trial, col(Trial.id) == col(PlannedDelivery.trial_id))
        .join(Pilot, col(Pilot.id) == col(Trial.pilot_id))
        .join(Partner, and_(col(Partner.id) == col(PlannedDelivery.from_partner_id), known(actor)), isouter=True)
        .where(allowed(actor, VIEW, PlannedDelivery))
    )  # fmt: skip


def listed(rows: Sequence[Any]) -> list[DeliveryItem]:
    return [_item(row) for row in rows]


def _item(row: Any) -> DeliveryItem:
    """How it stands is for those who take part: it is drawn from files that others may not even know of."""
    address = f"/trials/{row.trial_id}"
    item = DeliveryItem.model_validate(
        {
            **row._mapping,
            "url": f"{address}/deliveries/{row.code}",
            "days_left": (row.due_on - row.today).days,
            "received_at": None,
            "lost_reason": None,
        }
    )
    if not row.inside:
        return item
    lost = row.lost_reason is not None
    item.state = state_of(row.due_on, row.received_at, lost=lost, today=row.today)
    item.received_at, item.lost_reason = row.received_at, row.lost_reason
    if row.received_at is None and not lost and row.archived_at is None and row.closed_at is None:
        item.upload = f"{address}/upload?delivery={row.code}"
    return item


async def of_trial(
    session: AsyncSession, actor: Actor, trial_id: int, *, partners: Sequence[int] | None = None
) -> list[DeliveryItem]:
    """The deliveries planned in one trial, by due date; from some partners only, if they are named."""
    query = items(actor).where(
        col(PlannedDelivery.trial_id) == trial_id, col(PlannedDelivery.archived_at).is_(None)
    )
    if partners is not None:
        query = query.where(col(PlannedDelivery.from_partner_id).in_(partners))
    rows = await session.exec(query.order_by(*BY_DUE).limit(MOST))
    return listed(rows.all())


async def item(session: AsyncSession, actor: Actor, number: int) -> DeliveryItem:
    """One delivery as lists show it."""
    return _item((await session.exec(items(actor).where(col(PlannedDelivery.id) == number))).one())


async def expected_of(
    session: AsyncSession, actor: Actor, slug: str, asked: Asked, *, which: str = "open"
) -> Expected:
    """What is expected of a partner: for its members all of it, for coordinators what their testbeds expect.

    Raises:
        NotFound: to everybody else there is no such page.
    """
    partner = await _followed(session, actor, slug)
    ended = ~OPEN if which == "ended" else OPEN
    query = items(actor).where(
        col(PlannedDelivery.from_partner_id) == partner.id,
        col(PlannedDelivery.archived_at).is_(None),
        allowed(actor, FOLLOW, PlannedDelivery),
        ended,
    )
    orders = {
        "due": col(PlannedDelivery.due_on),
        "title": in_swedish(in_language(PlannedDelivery.title, language.get())),
        "pilot": col(Pilot.code),
    }
    rows, after = await page_of(session, query, asked, key=col(PlannedDelivery.id), orders=orders)
    here = Ref(id=partner.id, title=partner.name, url=f"/partners/{partner.slug}")
    return Expected(items=listed(rows), next=after, sort=asked.sort, partner=here, which=which)


async def _followed(session: AsyncSession, actor: Actor, slug: str) -> Partner:
    followed = select(col(PlannedDelivery.from_partner_id)).where(
        allowed(actor, FOLLOW, PlannedDelivery), col(PlannedDelivery.archived_at).is_(None)
    )
    concerns = allowed(actor, FOLLOW, Partner) | col(Partner.id).in_(followed)
    query: Any = select(Partner).where(col(Partner.slug) == slug, concerns, known(actor))
    found: Partner | None = (await session.exec(query)).scalar_one_or_none()
    if found is None:
        raise NotFound(ABSENT)
    return found


async def open_ones(session: AsyncSession, actor: Actor, *, own: bool) -> list[DeliveryItem]:
    """What is still missing, by due date: from the actor's own partners, or else what they coordinate and is due soon."""
    mine = col(PlannedDelivery.from_partner_id).in_(memberships(actor))
    soon = and_(~mine, col(PlannedDelivery.due_on) - SOON_DAYS <= TODAY)
    query = items(actor).where(
        allowed(actor, FOLLOW, PlannedDelivery), OPEN, mine if own else soon,
        col(PlannedDelivery.archived_at).is_(None), col(Trial.archived_at).is_(None), col(Pilot.archived_at).is_(None),
    )  # fmt: skip
    return listed((await session.exec(query.order_by(*BY_DUE).limit(60))).all())


async def named(session: AsyncSession, trial_id: int, code: str) -> PlannedDelivery:
    """The delivery that a sender names by its code.

    Raises:
        Invalid: the trial has no such delivery, or not any more.
    """
    query: Any = select(PlannedDelivery).where(
        col(PlannedDelivery.trial_id) == trial_id,
        col(PlannedDelivery.code) == code.strip().upper(),
        col(PlannedDelivery.archived_at).is_(None),
    )
    found: PlannedDelivery | None = (await session.exec(query)).scalar_one_or_none()
    if found is None:
        raise Invalid(ATTENTION, fields={"delivery": NO_SUCH})
    return found


async def answered(session: AsyncSession, result: Result, code: str | None) -> int | None:
    """The id of the delivery that a result is now said to answer; none if ``code`` is none.

    Raises:
        Invalid: no such delivery, or another partner's.
    """
    if code is None:
        return None
    found = await named(session, result.trial_id, code)
    if found.from_partner_id != result.owner_id:
        raise Invalid(ATTENTION, fields={"delivery": OTHERS})
    return found.id


async def of_result(session: AsyncSession, number: int) -> PlannedDelivery | None:
    """The delivery that a result answers, unless it was put away: what a correction of it answers too."""
    query: Any = select(PlannedDelivery).where(
        col(PlannedDelivery.id).in_(select(col(Result.delivery_id)).where(col(Result.id) == number)),
        col(PlannedDelivery.archived_at).is_(None),
    )
    found: PlannedDelivery | None = (await session.exec(query)).scalar_one_or_none()
    return found


async def brief(session: AsyncSession, result: Result) -> DeliveryRef | None:
    """The delivery a result answers, for the result's page and its receipt."""
    found = await session.get(PlannedDelivery, result.delivery_id) if result.delivery_id else None
    if found is None:
        return None
    return DeliveryRef(
        code=found.code,
        title=found.title,
        due_on=found.due_on,
        on_time=on_time(found.due_on, result.received_at),
    )
