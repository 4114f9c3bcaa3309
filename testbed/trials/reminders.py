"""Reminders of planned deliveries: 14 and 3 days before the due day, on it, and every week after it.

Each is sent once to each receiver, and each receiver gets one letter a day at most, which holds everything. Days are
those of Europe/Stockholm. One row a day decides which worker begins; rows decide what was sent before.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import select
from sqlmodel import Field, SQLModel, col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.catalogues import spoken_in
from testbed.columns import identity, link, moment, unique
from testbed.db import driver
from testbed.jobs import Kind, Task, Workshop, later
from testbed.lists import Ref
from testbed.notices import mail
from testbed.notices.mail import Receiver
from testbed.partners.models import Partner
from testbed.people.models import MailKind
from testbed.pilots.models import Pilot
from testbed.settings import Settings
from testbed.texts import message
from testbed.trials import deliveries, letters
from testbed.trials.models import PlannedDelivery, Trial
from testbed.trials.views import DeliveryItem

Eyes = dict[int, Sequence[int]]
"""By partner, the people with whose eyes a receiver reads: their own, or those of all members of the organisation."""

KIND = "remind"
BEGINS = time(7)
"""Before seven in the morning nobody wants to be reminded."""

CLAIM = "INSERT INTO reminder_day (day) VALUES ($1) ON CONFLICT (day) DO NOTHING RETURNING id"
REMIND = """
    INSERT INTO reminder (delivery_id, address, step, day) VALUES ($1, $2, $3, $4)
    ON CONFLICT (delivery_id, address, step) DO NOTHING RETURNING delivery_id
"""
WRITTEN = "SELECT EXISTS (SELECT FROM mail WHERE once = $1)"
MEMBERS = """
    SELECT m.person_id, m.role = 'manager' OR EXISTS (
        SELECT FROM result WHERE result.person_id = m.person_id AND result.owner_id = m.partner_id) AS hands_in
    FROM membership m WHERE m.partner_id = $1 AND m.from_on <= $2 AND coalesce(m.to_on, 'infinity') >= $2
    ORDER BY m.person_id
"""


class ReminderDay(SQLModel, table=True):
    """A day on which reminders were begun."""

    __tablename__ = "reminder_day"
    __table_args__ = (unique("day", says=message("This day's reminders are begun already.")),)

    id: int = identity()
    day: date
    begun_at: datetime = moment()


class Reminder(SQLModel, table=True):
    """That somebody was reminded of a delivery at a step of its calendar."""

    __table_args__ = (
        unique("delivery_id", "address", "step", says=message("This reminder is sent already.")),
    )

    id: int = identity()
    delivery_id: int = link("planned_delivery.id", ondelete="CASCADE")
    address: str = Field(max_length=254)
    step: str = Field(max_length=12)
    day: date


def step(due_on: date, today: date) -> str | None:
    """The step of a delivery's calendar that holds on a day: the last one whose day has come; none before the first."""
    left = (due_on - today).days
    if left > 14:
        return None
    if left > 3:
        return "14 days"
    if left > 0:
        return "3 days"
    weeks = -left // 7
    return f"week {weeks}" if weeks else "due"


async def each_morning(shop: Workshop, *, now: datetime | None = None) -> bool:
    """Ask for a day's reminders, once whoever asks and however often; True for the one that did.

    ``now`` is the database's time unless given: workers' clocks may differ.
    """
    if shop.settings.smtp_host is None:
        return False
    async with shop.db.begin() as session:
        connection = await driver(session)
        here = (now or await connection.fetchval("SELECT now()")).astimezone(deliveries.HOME)
        if here.time() < BEGINS or await connection.fetchval(CLAIM, here.date()) is None:
            return False
        await later(session, KIND, day=here.date().isoformat())
        await mail.forget(session)
    return True


async def work(task: Task) -> Mapping[str, Any]:
    """The job: one letter to everybody who is to be reminded on this day, each in a transaction of its own."""
    today, written = date.fromisoformat(task.args["day"]), 0
    async with task.shop.db.begin() as session:
        everybody = await _receivers(session, today)
    for place, (to, eyes) in enumerate(everybody):
        await task.beat("reminding", place, len(everybody))
        async with task.shop.db.begin() as session:
            written += await _remind(session, task.shop.settings, to, eyes, today)
    return {"letters": written}


def _missing(today: date) -> Any:
    """What is open and near enough to remind of, in trials and pilots that are not put away."""
    return (
        deliveries.OPEN,
        col(PlannedDelivery.due_on) <= today + timedelta(days=14),
        col(PlannedDelivery.archived_at).is_(None),
        col(PlannedDelivery.trial_id).in_(
            select(col(Trial.id))
            .join(Pilot, col(Pilot.id) == col(Trial.pilot_id))
            .where(col(Trial.archived_at).is_(None), col(Pilot.archived_at).is_(None))
        ),
    )


async def _receivers(session: AsyncSession, today: date) -> list[tuple[Receiver, Eyes]]:
    """Everybody who may have to be reminded, each once, for however many partners.

    The mailbox of a partner comes first, then its managers and whoever handed in for it before.
    """
    found: dict[str, tuple[Receiver, Eyes]] = {}
    partners: Any = select(col(PlannedDelivery.from_partner_id)).where(*_missing(today)).distinct()
    for partner_id in sorted((await session.exec(partners)).scalars().all()):
        rows = await (await driver(session)).fetch(MEMBERS, partner_id, today)
        box = await mail.mailbox(session, partner_id)
        handing_in = [row["person_id"] for row in rows if row["hands_in"]]
        people = await mail.members(session, partner_id, handing_in, MailKind.reminder)
        eyes = {} if box is None else {box: [row["person_id"] for row in rows]}
        for to, seeing in {**eyes, **{each: [each.person_id or 0] for each in people}}.items():
            found.setdefault(to.address, (to, {}))[1].setdefault(partner_id, seeing)
    return list(found.values())


async def _remind(session: AsyncSession, settings: Settings, to: Receiver, eyes: Eyes, today: date) -> bool:
    """Write one receiver's letter of the day, if a step of some delivery has come that they were not reminded of."""
    connection, once = await driver(session), f"reminder:{today}"
    if await connection.fetchval(WRITTEN, f"{once}:{to.address}"[:400]):
        return False
    new, parts = 0, []
    for partner_id, people in eyes.items():
        missing = await _seen(session, partner_id, people, today)
        for each in missing:
            known = (each.id, to.address, step(each.due_on, today), today)
            new += await connection.fetchval(REMIND, *known) is not None
        if missing:
            partner = await session.get_one(Partner, partner_id)
            parts.append((Ref(id=partner.id, title=partner.name, url=f"/partners/{partner.slug}"), missing))
    if not new:
        return False
    with spoken_in(to.language):
        letter = letters.reminder(settings.base_url, parts, today, to)
    return await mail.write(session, settings, to, MailKind.reminder, letter, once)


async def _seen(
    session: AsyncSession, partner_id: int, people: Sequence[int], today: date
) -> list[DeliveryItem]:
    """What is missing from a partner, as far as any of these people may know of it."""
    found: dict[int, DeliveryItem] = {}
    for number in people:
        actor = Actor(kind="job", person_id=number)
        query = deliveries.items(actor).where(
            col(PlannedDelivery.from_partner_id) == partner_id,
            *_missing(today),
        )
        rows = (await session.exec(query.order_by(*deliveries.BY_DUE))).all()
        found |= {each.id: each for each in deliveries.listed(rows)}
    return sorted(found.values(), key=lambda each: (each.due_on, each.id))


KINDS = {KIND: Kind(work)}
