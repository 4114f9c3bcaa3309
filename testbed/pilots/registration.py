"""Registering a pilot: a code nobody else gets, a need, the parts of its partners; proposed once it is whole."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor, PilotPartner, Role
from testbed.access.rights import ABSENT, VIEW, allowed, fetch, referred
from testbed.activity import record
from testbed.db import driver
from testbed.errors import ATTENTION, Forbidden, Invalid, NotFound, SignInNeeded
from testbed.lists import Ref, in_language, in_swedish
from testbed.partners.models import Kind, Partner, PartnerDraft
from testbed.partners.orgnr import read
from testbed.partners.service import register as register_partner
from testbed.pilots.drafts import NeedDraft, PartDraft, PilotDraft, span_problem
from testbed.pilots.models import Need, Pilot, PilotNeed, Stage, StageChange
from testbed.testbeds.models import Testbed
from testbed.texts import language, message, said

REGISTER = "pilot.register"
LEADS = (Kind.department, Kind.municipal_company, Kind.city)
NO_LEAD = message("A department, a municipal company or the city leads a pilot.")
ONE_NEED = message("Write the need, or pick a registered one; not both.")
NO_NEED = message("Say the need in one sentence, or pick a registered one.")
TWICE = message("This partner is named twice.")
NO_TESTBED = message("You coordinate no testbed yet; an administrator makes you coordinator of one.")
NEXT_CODE = """
    INSERT INTO code_counter AS c (prefix, year, last) VALUES ($1, $2, 1)
    ON CONFLICT (prefix, year) DO UPDATE SET last = c.last + 1 RETURNING last
"""
TODAY = "SELECT (now() AT TIME ZONE 'Europe/Stockholm')::date"
LONGEST_FORM = 86_400


async def register(session: AsyncSession, actor: Actor, draft: PilotDraft, prefix: str) -> Pilot:
    """Register a pilot; ``prefix`` begins its code. With all nine fields it is proposed at once.

    Raises:
        SignInNeeded, Forbidden: the actor does not coordinate the testbed.
        Invalid: a field refers to nothing the actor may see, or the times do not fit.
    """
    testbed = await _testbed(session, actor, draft.testbed_id)
    if problem := span_problem(draft.start_planned, draft.end_planned):
        raise Invalid(ATTENTION, fields={"end_planned": problem})
    if draft.lead_partner_id is not None:
        await leading(session, actor, draft.lead_partner_id)
    need = await _need(session, actor, draft.need, testbed.id)
    parts = await _parts(session, actor, draft)
    pilot = Pilot(
        code=await next_code(session, prefix),
        testbed_id=testbed.id,
        title=draft.title,
        lead_partner_id=draft.lead_partner_id,
        coordinator_id=actor.person_id,
        planned_start_on=draft.start_planned,
        planned_end_on=draft.end_planned,
        quick=draft.quick.answered(),
        form_seconds=_seconds_since(draft.served_at),
        created_by_id=actor.person_id,
        updated_by_id=actor.person_id,
    )
    session.add(pilot)
    await session.flush()
    session.add(PilotNeed(pilot_id=pilot.id, need_id=need.id))
    session.add_all(
        PilotPartner(pilot_id=pilot.id, partner_id=key, roles=roles) for key, roles in parts.items()
    )
    await session.flush()
    await session.refresh(pilot)
    await record(session, actor, REGISTER, "pilot", pilot.id, pilot_id=pilot.id, code=pilot.code)
    await settle(session, actor, pilot)
    return pilot


async def next_code(session: AsyncSession, prefix: str) -> str:
    """The next code of this year; a number is used once, as the counter's row is held until commit."""
    connection = await driver(session)
    year = (await connection.fetchval(TODAY)).year
    number = await connection.fetchval(NEXT_CODE, prefix, year)
    return f"{prefix}-{year}-{number:03}"


async def leading(session: AsyncSession, actor: Actor, number: int) -> Partner:
    """The partner that is to lead.

    Raises:
        Invalid: absent, hidden, or not of the city.
    """
    lead = await referred(session, actor, Partner, number, "lead_partner_id")
    if lead.kind not in LEADS:
        raise Invalid(ATTENTION, fields={"lead_partner_id": NO_LEAD})
    return lead


async def _testbed(session: AsyncSession, actor: Actor, number: int) -> Testbed:
    try:
        return await fetch(
            session, actor, REGISTER, Testbed, col(Testbed.id) == number, col(Testbed.archived_at).is_(None)
        )
    except NotFound:
        raise Invalid(ATTENTION, fields={"testbed_id": ABSENT}) from None


async def _need(session: AsyncSession, actor: Actor, draft: NeedDraft, testbed_id: int) -> Need:
    if (draft.id is None) == (draft.statement is None):
        told = NO_NEED if draft.id is None else ONE_NEED
        raise Invalid(ATTENTION, fields={"need.statement": told})
    if draft.id is not None:
        return await referred(session, actor, Need, draft.id, "need.id")
    need = Need(
        testbed_id=testbed_id,
        statement=draft.statement or "",
        user_groups=[str(group) for group in dict.fromkeys(draft.user_groups)],
        created_by_id=actor.person_id,
    )
    session.add(need)
    await session.flush()
    await record(session, actor, "need.register", "need", need.id)
    return need


async def _parts(session: AsyncSession, actor: Actor, draft: PilotDraft) -> dict[int, list[str]]:
    """Roles by partner; the lead department has its part too."""
    parts: dict[int, list[str]] = {}
    for place, part in enumerate(draft.partners):
        partner = await named(session, actor, part, f"partners.{place}")
        if partner.id in parts:
            raise Invalid(
                ATTENTION, fields={f"partners.{place}.{'name' if part.name else 'partner_id'}": TWICE}
            )
        parts[partner.id] = [str(role) for role in dict.fromkeys(part.roles or [Role.supplier])]
    if draft.lead_partner_id is not None:
        with_lead = [str(Role.lead), *parts.get(draft.lead_partner_id, [])]
        parts[draft.lead_partner_id] = list(dict.fromkeys(with_lead))
    return parts


async def named(session: AsyncSession, actor: Actor, part: PartDraft, field: str) -> Partner:
    """The partner a part names; an unknown name becomes a company, if the actor may add one.

    Raises:
        Invalid: absent or hidden. Forbidden: the name is new and the actor adds no partners.
    """
    prefix = f"{field}." if field else ""
    if part.partner_id is not None:
        return await referred(session, actor, Partner, part.partner_id, f"{prefix}partner_id")
    name = part.name or ""
    known = func.lower(Partner.name) == name.lower()
    if digits := _orgnr(name):
        known = col(Partner.orgnr) == digits
    query: Any = (
        select(Partner)
        .where(known, allowed(actor, VIEW, Partner), col(Partner.archived_at).is_(None))
        .order_by(col(Partner.id))
        .limit(1)
    )
    if (found := (await session.exec(query)).scalar_one_or_none()) is not None:
        return found  # type: ignore[no-any-return]
    if digits:
        told = message("Nobody with this organisation number is registered; write the name.")
        raise Invalid(ATTENTION, fields={f"{prefix}name": told})
    return await register_partner(session, actor, PartnerDraft(name=name, kind=Kind.company))


def _orgnr(name: str) -> str | None:
    try:
        return read(name)[0]
    except Invalid:
        return None


def _seconds_since(served_at: datetime | None) -> int | None:
    if served_at is None:
        return None
    served = served_at if served_at.tzinfo else served_at.replace(tzinfo=UTC)
    seconds = int((datetime.now(UTC) - served).total_seconds())
    return seconds if 0 <= seconds <= LONGEST_FORM else None


def nine(pilot: Pilot, needs: list[Any], parts: list[list[str]]) -> dict[str, bool]:
    """Which of the nine fields are filled; ``parts`` holds the roles of each partner that takes part."""
    return {
        "testbed": True,
        "title": True,
        "need": bool(needs),
        "user_groups": any(need.user_groups for need in needs),
        "lead": pilot.lead_partner_id is not None,
        "partner": any(set(roles) - {Role.lead} for roles in parts),
        "start": pilot.planned_start_on is not None,
        "end": pilot.planned_end_on is not None,
        "quick": len(pilot.quick) == 4,
    }


async def settle(session: AsyncSession, actor: Actor, pilot: Pilot) -> None:
    """Propose a pilot whose nine fields are filled; does nothing to any other."""
    if pilot.stage != Stage.need or not all(nine(pilot, *await belongings(session, pilot.id)).values()):
        return
    await step(session, actor, pilot, Stage.proposed)


async def belongings(session: AsyncSession, pilot_id: int) -> tuple[list[Need], list[list[str]]]:
    """The needs of a pilot, and the roles of each partner that takes part now."""
    needs: Any = select(Need).join(PilotNeed, col(PilotNeed.need_id) == Need.id)
    needs = needs.where(col(PilotNeed.pilot_id) == pilot_id).order_by(col(Need.id))
    roles: Any = select(PilotPartner.roles).where(  # type: ignore[call-overload]
        col(PilotPartner.pilot_id) == pilot_id, col(PilotPartner.left_on).is_(None)
    )
    found = list((await session.exec(needs)).scalars())
    return found, list((await session.exec(roles)).scalars())


async def step(
    session: AsyncSession, actor: Actor, pilot: Pilot, to: Stage, reason: str | None = None
) -> None:
    """Write a step of the stage; the caller has seen to it that it may be taken."""
    before = pilot.stage
    session.add(
        StageChange(pilot_id=pilot.id, from_stage=before, to_stage=to, reason=reason, by_id=actor.person_id)
    )
    pilot.stage = to
    pilot.row_version += 1
    pilot.updated_at = func.now()  # type: ignore[assignment]
    pilot.updated_by_id = actor.person_id
    session.add(pilot)
    await session.flush()
    await session.refresh(pilot)
    details = {"from": before, "to": to} | ({"reason": reason} if reason else {})
    await record(session, actor, "pilot.advance", "pilot", pilot.id, pilot_id=pilot.id, **details)


async def testbeds_to_pilot_in(session: AsyncSession, actor: Actor) -> tuple[list[Ref], int | None]:
    """The testbeds the actor may register a pilot in, and the one to start with: the last used, else the only one.

    Raises:
        SignInNeeded, Forbidden: there is none.
    """
    shown = in_language(col(Testbed.name), language.get())
    query: Any = (
        select(Testbed.id, Testbed.name, Testbed.slug)  # type: ignore[call-overload]
        .where(allowed(actor, REGISTER, Testbed), col(Testbed.archived_at).is_(None))
        .order_by(in_swedish(shown))
    )
    rows = (await session.exec(query)).all()
    if not rows:
        raise Forbidden(NO_TESTBED) if actor.person_id else SignInNeeded(message("Sign in to do this."))
    last: Any = (
        select(Pilot.testbed_id)  # type: ignore[call-overload]
        .where(
            col(Pilot.created_by_id) == actor.person_id, col(Pilot.testbed_id).in_([row.id for row in rows])
        )
        .order_by(col(Pilot.id).desc())
        .limit(1)
    )
    used = (await session.exec(last)).scalar_one_or_none()
    only = rows[0].id if len(rows) == 1 else None
    return [Ref(id=row.id, title=said(row.name), url=f"/testbeds/{row.slug}") for row in rows], used or only
