"""On whose behalf somebody hands in a file."""

from typing import Any

from sqlalchemy import or_, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor, PilotPartner
from testbed.access.policy import roles_of
from testbed.access.relations import TODAY, holds, memberships
from testbed.errors import ATTENTION, Invalid
from testbed.lists import Ref, in_swedish
from testbed.partners.models import Partner
from testbed.partners.service import known
from testbed.pilots.models import Pilot
from testbed.texts import message
from testbed.trials.models import Trial

ROLES = "pilot:lead need_owner host supplier researcher evaluator"
WHICH = message("You belong to several partners of this pilot: say for which one you upload.")
NOT_YOURS = message("You cannot upload on behalf of this partner.")
NO_LEAD = message("The pilot has no lead partner yet: say on whose behalf you upload.")


async def owner_of(session: AsyncSession, actor: Actor, trial_id: int, partner_id: int | None) -> int:
    """The partner a file is handed in for: the sender's own in the pilot, else what ``partner_id`` says.

    Raises:
        Invalid: it is not the actor's to upload for, or it must be said which.
    """
    mine = await senders(session, actor, trial_id)
    if partner_id is not None:
        if partner_id not in {each.id for each in mine}:
            raise Invalid(ATTENTION, fields={"partner_id": NOT_YOURS})
        return partner_id
    if not mine:
        raise Invalid(ATTENTION, fields={"partner_id": NO_LEAD})
    own = await _own(session, actor, trial_id)
    if len(own) > 1:
        raise Invalid(ATTENTION, fields={"partner_id": WHICH})
    return own[0] if own else mine[0].id


async def senders(session: AsyncSession, actor: Actor, trial_id: int) -> list[Ref]:
    """The partners the actor may upload for, the default first.

    One's own partners in the pilot; for a coordinator then its lead and whoever else takes part.
    """
    own = await _own(session, actor, trial_id)
    coordinates: Any = select(col(Trial.id)).where(
        col(Trial.id) == trial_id, col(Pilot.id) == col(Trial.pilot_id), holds(actor, "coordinator", Pilot)
    )
    found = list(own)
    if (await session.exec(coordinates)).first() is not None:
        lead: Any = select(col(Pilot.lead_partner_id)).join(Trial, col(Trial.pilot_id) == col(Pilot.id))
        found += (await session.exec(lead.where(col(Trial.id) == trial_id))).scalars().all()
        found += (await session.exec(taking_part(trial_id))).scalars().all()
    order = {number: place for place, number in reversed(list(enumerate(found))) if number is not None}
    query: Any = select(Partner.id, Partner.name, Partner.slug).where(  # type: ignore[call-overload]
        col(Partner.id).in_(list(order)), known(actor)
    )
    rows = (await session.exec(query.order_by(in_swedish(col(Partner.name))))).all()
    refs = [Ref(id=row.id, title=row.name, url=f"/partners/{row.slug}") for row in rows]
    return sorted(refs, key=lambda each: order[each.id])


async def _own(session: AsyncSession, actor: Actor, trial_id: int) -> list[int]:
    query = taking_part(trial_id).where(col(PilotPartner.partner_id).in_(memberships(actor)))
    return list((await session.exec(query)).scalars().all())


def taking_part(trial_id: int) -> Any:
    """Partners that take part in the trial's pilot today in a role that hands in results."""
    roles, _ = roles_of(ROLES)
    return (
        select(col(PilotPartner.partner_id))
        .join(Trial, col(Trial.pilot_id) == col(PilotPartner.pilot_id))
        .where(
            col(Trial.id) == trial_id,
            col(PilotPartner.roles).overlap(sorted(roles)),  # type: ignore[attr-defined]
            col(PilotPartner.joined_on) <= TODAY,
            or_(col(PilotPartner.left_on).is_(None), col(PilotPartner.left_on) > TODAY),
        )
        .order_by(col(PilotPartner.id))
    )
