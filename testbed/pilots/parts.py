"""What is tied to a pilot: the partners that take part, its case numbers, the needs it answers."""

from typing import Any

from sqlalchemy import func, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor, PilotPartner, Role
from testbed.access.relations import TODAY
from testbed.access.rights import ABSENT, VIEW, allowed, fetch, may, referred
from testbed.activity import history, record
from testbed.errors import ATTENTION, Conflict, Invalid, NotFound
from testbed.lists import Ref
from testbed.partners.models import Partner
from testbed.pilots.drafts import CaseDraft, NeedPatch, PartDraft, PartPatch
from testbed.pilots.models import Case, Need, Pilot, PilotNeed
from testbed.pilots.registration import named, settle
from testbed.pilots.service import EDIT, PARTS
from testbed.pilots.views import NeedView
from testbed.revisions import revise
from testbed.texts import message, said

NEED_EDIT = "need.edit"
TAKES_PART = message("This partner takes part in the pilot already.")
LEADS = message("This partner leads the pilot; let another lead first.")
LEAD_ELSEWHERE = message("Who leads is chosen on the pilot's own form.")
CASE_THERE = message("The pilot has this case already.")


async def join(session: AsyncSession, actor: Actor, code: str, draft: PartDraft) -> PilotPartner:
    """Let a partner take part from today; one that left comes back.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``.
        Invalid: no such partner, or the lead is named here. Conflict: it takes part already.
    """
    pilot = await fetch(session, actor, PARTS, Pilot, col(Pilot.code) == code, lock=True)
    if Role.lead in draft.roles:
        raise Invalid(ATTENTION, fields={"roles": LEAD_ELSEWHERE})
    partner = await named(session, actor, draft, "")
    query: Any = select(PilotPartner).where(
        col(PilotPartner.pilot_id) == pilot.id, col(PilotPartner.partner_id) == partner.id
    )
    part: PilotPartner | None = (await session.exec(query)).scalar_one_or_none()
    if part is not None and part.left_on is None:
        raise Conflict(TAKES_PART, fields={"name" if draft.name else "partner_id": TAKES_PART})
    part = part or PilotPartner(pilot_id=pilot.id, partner_id=partner.id)
    part.roles = [str(role) for role in dict.fromkeys(draft.roles or [Role.supplier])]
    part.left_on = None
    await _kept(session, part)
    await _told(session, actor, "pilot_partner.join", pilot, partner_id=partner.id, roles=part.roles)
    await settle(session, actor, pilot)
    return part


async def change(
    session: AsyncSession, actor: Actor, code: str, number: int, patch: PartPatch
) -> PilotPartner:
    """Give a partner other roles; whoever leads keeps leading.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``, or no such part. Invalid: the lead is named.
    """
    pilot, part = await part_of(session, actor, code, number)
    leads = str(Role.lead) in part.roles
    if (Role.lead in patch.roles) != leads:
        raise Invalid(ATTENTION, fields={"roles": LEADS if leads else LEAD_ELSEWHERE})
    before, part.roles = part.roles, [str(role) for role in dict.fromkeys(patch.roles)]
    await _kept(session, part)
    changed = {"roles": [before, part.roles]}
    await _told(session, actor, "pilot_partner.change", pilot, partner_id=part.partner_id, changed=changed)
    await settle(session, actor, pilot)
    return part


async def leave(session: AsyncSession, actor: Actor, code: str, number: int) -> PilotPartner:
    """End a partner's part today: its people lose what it gave them, nothing that came from it is lost.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``, or no such part.
        Conflict: it left already, or it leads.
    """
    pilot, part = await part_of(session, actor, code, number)
    if part.left_on is not None:
        raise Conflict(message("This was done already."))
    if str(Role.lead) in part.roles:
        raise Conflict(LEADS)
    part.left_on = TODAY  # type: ignore[assignment]
    await _kept(session, part)
    await _told(session, actor, "pilot_partner.leave", pilot, partner_id=part.partner_id)
    return part


async def part_of(session: AsyncSession, actor: Actor, code: str, number: int) -> tuple[Pilot, PilotPartner]:
    """A part that the actor may change, with its pilot."""
    pilot = await fetch(session, actor, PARTS, Pilot, col(Pilot.code) == code, lock=True)
    query: Any = (
        select(PilotPartner)
        .join(Partner, col(Partner.id) == PilotPartner.partner_id)
        .where(
            col(PilotPartner.id) == number,
            col(PilotPartner.pilot_id) == pilot.id,
            allowed(actor, VIEW, Partner),
        )
    )
    part: PilotPartner | None = (await session.exec(query)).scalar_one_or_none()
    if part is None:
        raise NotFound(ABSENT)
    return pilot, part


async def _kept(session: AsyncSession, part: PilotPartner) -> None:
    session.add(part)
    await session.flush()
    await session.refresh(part)


async def _told(session: AsyncSession, actor: Actor, action: str, pilot: Pilot, **details: Any) -> None:
    """Partners are told by number: not everybody who reads the history of a pilot may know of them."""
    await record(session, actor, action, "pilot", pilot.id, pilot_id=pilot.id, **details)


async def open_case(session: AsyncSession, actor: Actor, code: str, draft: CaseDraft) -> Case:
    """Note a case number of an authority.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``. Invalid: no such authority.
        Conflict: the pilot has this case.
    """
    pilot = await fetch(session, actor, EDIT, Pilot, col(Pilot.code) == code, lock=True)
    authority = await referred(session, actor, Partner, draft.authority_id, "authority_id")
    same: Any = (
        select(func.count())
        .select_from(Case)
        .where(
            col(Case.pilot_id) == pilot.id,
            col(Case.authority_id) == authority.id,
            col(Case.number) == draft.number,
        )
    )
    if (await session.exec(same)).scalar_one():
        raise Conflict(CASE_THERE, fields={"number": CASE_THERE})
    case = Case(pilot_id=pilot.id, **draft.model_dump())
    session.add(case)
    await session.flush()
    await _told(session, actor, "case.add", pilot, number=case.number, authority_id=authority.id)
    return case


async def need_view(session: AsyncSession, actor: Actor, number: int) -> NeedView:
    """A need with the pilots that answer it, as far as the actor may see them."""
    need = await fetch(session, actor, VIEW, Need, col(Need.id) == number)
    granted = await may(session, actor, need, [NEED_EDIT])
    query: Any = (
        select(Pilot.id, Pilot.title, Pilot.code)  # type: ignore[call-overload]
        .join(PilotNeed, col(PilotNeed.pilot_id) == Pilot.id)
        .where(col(PilotNeed.need_id) == need.id, allowed(actor, VIEW, Pilot))
        .order_by(col(Pilot.id))
    )
    pilots = [
        Ref(id=row.id, title=f"{row.code} {said(row.title)}", url=f"/pilots/{row.code}")
        for row in await session.exec(query)
    ]
    events = await history(session, "need", need.id) if granted else []
    return NeedView.model_validate(need, update={"pilots": pilots, "may": granted, "activity": events})


async def edit_need(
    session: AsyncSession, actor: Actor, number: int, patch: NeedPatch, seen_version: int
) -> Need:
    """Change a need; pilots that lacked just this are proposed.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``. Stale: see ``revisions.revise``.
    """
    need = await fetch(session, actor, NEED_EDIT, Need, col(Need.id) == number, lock=True)
    written = patch.model_dump(exclude_unset=True, exclude={"row_version"})
    if "user_groups" in written:
        written["user_groups"] = [str(group) for group in dict.fromkeys(written["user_groups"])]
    await revise(session, actor, need, written, seen_version, action=NEED_EDIT)
    query: Any = (
        select(Pilot)
        .join(PilotNeed, col(PilotNeed.pilot_id) == Pilot.id)
        .where(col(PilotNeed.need_id) == need.id)
    )
    for pilot in (await session.exec(query.with_for_update(of=Pilot))).scalars().all():
        await settle(session, actor, pilot)
    return need


async def needs_to_pick(session: AsyncSession, actor: Actor) -> list[Ref]:
    """The latest needs one may build a pilot on."""
    query: Any = (
        select(Need.id, Need.statement)  # type: ignore[call-overload]
        .where(allowed(actor, VIEW, Need))
        .order_by(col(Need.id).desc())
        .limit(100)
    )
    return [Ref(id=row.id, title=row.statement, url=f"/needs/{row.id}") for row in await session.exec(query)]
