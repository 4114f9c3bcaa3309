"""What one can do with a pilot once it is registered. Every function takes the session and the actor first."""

from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor, PilotPartner, Role
from testbed.access.policy import POLICY
from testbed.access.relations import TODAY, holds
from testbed.access.rights import READING, VIEW, allowed, fetch, may
from testbed.activity import history
from testbed.errors import ATTENTION, Conflict, Invalid
from testbed.lists import Ref
from testbed.partners.models import Partner
from testbed.partners.service import drop_unchanged, known
from testbed.people.models import Person
from testbed.pilots.chain import Link, Node, chain_of, tells
from testbed.pilots.drafts import PilotPatch, StageStep, span_problem
from testbed.pilots.models import Case, Need, Pilot, PilotNeed, Stage
from testbed.pilots.registration import REGISTER, leading, nine, settle, step
from testbed.pilots.views import CaseView, NeedItem, PartView, PilotView, Todo
from testbed.revisions import archive, revise
from testbed.testbeds.models import Testbed
from testbed.texts import message, said

EDIT, ADVANCE, PARTS = "pilot.edit", "pilot.advance", "pilot_partner.edit"
BUTTONS = [
    EDIT, ADVANCE, PARTS, "trial.create", "device.register", "dataset.create", "outcome.record", "decision.record",
    "lesson.write",
]  # fmt: skip
COLUMNS = {"start_planned": "planned_start_on", "end_planned": "planned_end_on"}
STAGES = list(Stage)
ONE_STEP = message("A pilot goes one step at a time, forward or back.")
WHY_BACK = message("Say why the pilot goes back.")
STEPS_BEFORE_START = {
    "user_groups": (message("Say whom it helps"), "need"),
    "lead": (message("Choose the department that leads"), "lead_partner_id"),
    "partner": (message("Find a partner"), "partners"),
    "start": (message("Set the planned start"), "start_planned"),
    "end": (message("Set the planned end"), "end_planned"),
    "quick": (message("Answer the four questions"), "quick.personal"),
    "question": (message("Write the question the pilot shall answer"), "question"),
    "summary_plain": (message("Explain the pilot in plain words"), "summary_plain"),
}


async def edit(session: AsyncSession, actor: Actor, code: str, patch: PilotPatch, seen_version: int) -> Pilot:
    """Change what is said of a pilot; once its nine fields are filled it is proposed.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``. Stale: see ``revisions.revise``.
        Invalid: the lead is not of the city, or the times do not fit.
    """
    pilot = await fetch(session, actor, EDIT, Pilot, col(Pilot.code) == code, lock=True)
    given = patch.model_dump(exclude_unset=True, exclude={"row_version"})
    written = {COLUMNS.get(name, name): value for name, value in given.items()}
    if "quick" in written:
        written["quick"] = {key: answer for key, answer in written["quick"].items() if answer is not None}
    start, end = (written.get(name, getattr(pilot, name)) for name in COLUMNS.values())
    if problem := span_problem(start, end):
        raise Invalid(ATTENTION, fields={"end_planned": problem})
    before = pilot.lead_partner_id
    await drop_unchanged(session, actor, written, "lead_partner_id", before)
    if "lead_partner_id" in written:
        await _may_change_lead(session, actor, pilot)
        if (lead := written["lead_partner_id"]) is not None:
            await leading(session, actor, lead)
    await revise(session, actor, pilot, written, seen_version, action=EDIT, pilot_id=pilot.id)
    if pilot.lead_partner_id != before:
        await _lead_changes(session, pilot.id, before, pilot.lead_partner_id)
    await settle(session, actor, pilot)
    return pilot


async def _may_change_lead(session: AsyncSession, actor: Actor, pilot: Pilot) -> None:
    """The lead's people get rights: naming the first is a part of registering, another is a change of partners."""
    if pilot.lead_partner_id is None:
        await fetch(session, actor, REGISTER, Testbed, col(Testbed.id) == pilot.testbed_id)
    else:
        await fetch(session, actor, PARTS, Pilot, col(Pilot.id) == pilot.id)


async def _lead_changes(session: AsyncSession, pilot_id: int, before: int | None, after: int | None) -> None:
    query: Any = select(PilotPartner).where(
        col(PilotPartner.pilot_id) == pilot_id, col(PilotPartner.partner_id).in_([before, after])
    )
    parts = {part.partner_id: part for part in (await session.exec(query)).scalars()}
    if before is not None and (old := parts.get(before)) is not None:
        old.roles = [role for role in old.roles if role != Role.lead] or old.roles
        if str(Role.lead) in old.roles:
            old.left_on = TODAY
    if after is not None:
        new = parts.get(after) or PilotPartner(pilot_id=pilot_id, partner_id=after)
        new.roles = list(dict.fromkeys([str(Role.lead), *new.roles]))
        new.left_on = None
        session.add(new)
    await session.flush()


async def put_away(session: AsyncSession, actor: Actor, code: str, *, back: bool = False) -> Pilot:
    """Archive a pilot: it leaves the lists, its address and everything that points at it stay."""
    pilot = await fetch(session, actor, EDIT, Pilot, col(Pilot.code) == code, lock=True)
    action = "pilot.restore" if back else "pilot.archive"
    await archive(session, actor, pilot, action=action, pilot_id=pilot.id, back=back)
    return pilot


def steps_from(stage: Stage) -> tuple[Stage | None, Stage | None]:
    """The next stage and the one before."""
    place = STAGES.index(stage)
    forward = STAGES[place + 1] if place + 1 < len(STAGES) else None
    return forward, STAGES[place - 1] if place else None


async def advance(session: AsyncSession, actor: Actor, code: str, wanted: StageStep) -> Pilot:
    """Take one step forward, or one back with a reason.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``.
        Conflict: more than one step. Invalid: back without a reason.
    """
    pilot = await fetch(session, actor, ADVANCE, Pilot, col(Pilot.code) == code, lock=True)
    forward, back = steps_from(pilot.stage)
    if wanted.to not in (forward, back):
        raise Conflict(ONE_STEP)
    if wanted.to == back and not wanted.reason:
        raise Invalid(ATTENTION, fields={"reason": WHY_BACK})
    await step(session, actor, pilot, wanted.to, wanted.reason)
    return pilot


async def view(session: AsyncSession, actor: Actor, code: str) -> PilotView:
    """One pilot as far as the actor may see it; names of people only for those who take part in it."""
    pilot = await fetch(session, actor, VIEW, Pilot, col(Pilot.code) == code)
    granted = await may(session, actor, pilot, BUTTONS)
    inside = await takes_part(session, actor, pilot)
    testbed: Any = select(Testbed).where(col(Testbed.id) == pilot.testbed_id, allowed(actor, VIEW, Testbed))
    place: Testbed | None = (await session.exec(testbed)).scalar_one_or_none()
    parts, needs = await parts_of(session, actor, pilot.id), await needs_of(session, pilot.id)
    lead = next((part.partner for part in parts if part.partner.id == pilot.lead_partner_id), None)
    return PilotView.model_validate(
        pilot,
        update={
            "testbed": Ref(id=place.id, title=said(place.name), url=f"/testbeds/{place.slug}")
            if place
            else None,
            "lead": lead,
            "contact": place.contact_mailbox if place else None,
            "coordinator": await _name(session, pilot.coordinator_id) if inside else None,
            "start_planned": pilot.planned_start_on,
            "end_planned": pilot.planned_end_on,
            "needs": needs,
            "partners": parts,
            "cases": await _cases(session, actor, pilot.id),
            "checklist": _todo(pilot, needs, parts) if EDIT in granted else [],
            "may": granted,
            "activity": await history(session, "pilot", pilot.id) if inside else [],
            "chain": await chain_of(session, actor, pilot.id, code),
        },
    )


async def takes_part(session: AsyncSession, actor: Actor, pilot: Pilot) -> bool:
    """Whether the actor is of those whom a pilot with the level ``partners`` admits: they know each other's names."""
    if actor.scopes is not None and not actor.scopes & READING:
        return False
    level = POLICY.read["partners"]
    terms = (holds(actor, term, Pilot) for term in (*level.audience, *level.also))
    query: Any = select(or_(*terms)).select_from(Pilot).where(col(Pilot.id) == pilot.id)
    return bool((await session.exec(query)).scalar_one())


async def _name(session: AsyncSession, person_id: int | None) -> str | None:
    person = await session.get(Person, person_id) if person_id is not None else None
    return person.name if person else None


async def parts_of(session: AsyncSession, actor: Actor, pilot_id: int) -> list[PartView]:
    """Every part in a pilot, those who left last."""
    query: Any = (
        select(PilotPartner, Partner.name, Partner.slug)  # type: ignore[call-overload]
        .join(Partner, col(Partner.id) == PilotPartner.partner_id)
        .where(col(PilotPartner.pilot_id) == pilot_id, allowed(actor, VIEW, Partner))
        .order_by(col(PilotPartner.left_on).is_not(None), col(PilotPartner.id))
    )
    return [
        PartView.model_validate(
            part, update={"partner": Ref(id=part.partner_id, title=name, url=f"/partners/{slug}")}
        )
        for part, name, slug in await session.exec(query)
    ]


async def needs_of(session: AsyncSession, pilot_id: int) -> list[NeedItem]:
    """The needs a pilot answers; whoever sees the pilot sees them."""
    query: Any = (
        select(Need)
        .join(PilotNeed, col(PilotNeed.need_id) == Need.id)
        .where(col(PilotNeed.pilot_id) == pilot_id)
        .order_by(col(Need.id))
    )
    return [NeedItem.model_validate(need) for need in (await session.exec(query)).scalars()]


async def _cases(session: AsyncSession, actor: Actor, pilot_id: int) -> list[CaseView]:
    query: Any = (
        select(Case, Partner.name)  # type: ignore[call-overload]
        .outerjoin(Partner, and_(col(Partner.id) == Case.authority_id, known(actor)))
        .where(col(Case.pilot_id) == pilot_id)
        .order_by(col(Case.id))
    )
    return [
        CaseView.model_validate(case, update={"authority": authority})
        for case, authority in await session.exec(query)
    ]


def _todo(pilot: Pilot, needs: list[NeedItem], parts: list[PartView]) -> list[Todo]:
    filled = nine(pilot, needs, [part.roles for part in parts if part.left_on is None])
    filled |= {"question": bool(pilot.question), "summary_plain": bool(pilot.summary_plain)}
    where = {"partners": f"/pilots/{pilot.code}/partners/new"}
    if needs:
        where["need"] = f"/needs/{needs[0].id}/edit#user_groups"
    return [
        Todo(key=said_, done=filled[name], href=where.get(field, f"/pilots/{pilot.code}/edit#{field}"))
        for name, (said_, field) in STEPS_BEFORE_START.items()
    ]


async def _tell_needs(session: AsyncSession, actor: Actor, pilot_id: int) -> list[Node]:
    query: Any = (
        select(Need.id, Need.statement, Need.created_at)  # type: ignore[call-overload]
        .join(PilotNeed, col(PilotNeed.need_id) == Need.id)
        .where(col(PilotNeed.pilot_id) == pilot_id, allowed(actor, VIEW, Need))
        .order_by(col(Need.id))
    )
    return [
        Node(
            key=f"need:{row.id}",
            kind=Link.need,
            title=row.statement,
            url=f"/needs/{row.id}",
            at=row.created_at,
        )
        for row in await session.exec(query)
    ]


async def _tell_pilot(session: AsyncSession, _: Actor, pilot_id: int) -> list[Node]:
    """The pilot itself: whoever is shown a chain was shown its name."""
    needs = func.array(
        select(PilotNeed.need_id).where(col(PilotNeed.pilot_id) == Pilot.id).scalar_subquery()  # type: ignore[call-overload]
    )
    query: Any = select(Pilot.id, Pilot.code, Pilot.title, Pilot.created_at, needs.label("needs")).where(  # type: ignore[call-overload]
        col(Pilot.id) == pilot_id
    )
    return [
        Node(
            key=f"pilot:{row.id}",
            kind=Link.pilot,
            title=row.title,
            url=f"/pilots/{row.code}",
            note=row.code,
            at=row.created_at,
            rests_on=[f"need:{need}" for need in row.needs],
        )
        for row in await session.exec(query)
    ]


tells(Link.need, _tell_needs)
tells(Link.pilot, _tell_pilot)
