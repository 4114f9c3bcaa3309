"""Deliveries as they are planned: registered, changed, put away by those who edit the trial."""

from typing import Any

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.access.rights import ABSENT, VIEW, fetch, may
from testbed.activity import history, record
from testbed.db import driver
from testbed.errors import ATTENTION, Invalid, NotFound
from testbed.lists import Ref, in_swedish
from testbed.partners.models import Partner
from testbed.partners.service import called, known
from testbed.pilots.models import Pilot
from testbed.revisions import archive, revise
from testbed.texts import message, said
from testbed.trials import deliveries, results
from testbed.trials.behalf import taking_part
from testbed.trials.models import DeliveryDraft, DeliveryPatch, PlannedDelivery, Result, Trial
from testbed.trials.views import DeliveryForm, DeliveryView, Planned

EDIT = "trial.edit"
NOT_PART = message("Choose a partner that takes part in the pilot and hands in results.")


async def register(
    session: AsyncSession, actor: Actor, trial_id: int, draft: DeliveryDraft
) -> PlannedDelivery:
    """Plan a delivery; its code is the next of the trial.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``.
        Invalid: the partner does not take part.
    """
    trial = await fetch(session, actor, EDIT, Trial, col(Trial.id) == trial_id, lock=True)
    await _insist(session, actor, trial, draft.from_partner_id)
    number = await (await driver(session)).fetchval(
        "SELECT count(*) + 1 FROM planned_delivery WHERE trial_id = $1", trial.id
    )
    made = PlannedDelivery(
        **draft.model_dump(), trial_id=trial.id, code=f"D{number}", created_by_id=actor.person_id
    )
    session.add(made)
    await session.flush()
    await session.refresh(made)
    details = {"code": made.code, "due_on": made.due_on, "from_partner_id": made.from_partner_id}
    await record(
        session, actor, "delivery.register", "planned_delivery", made.id, pilot_id=trial.pilot_id, **details
    )
    return made


async def edit(
    session: AsyncSession, actor: Actor, trial_id: int, code: str, patch: DeliveryPatch, seen_version: int
) -> PlannedDelivery:
    """Change a planned delivery, or say why it will never come; what was received for it stays.

    Raises:
        As ``register``. Stale: see ``revisions.revise``.
    """
    trial = await fetch(session, actor, EDIT, Trial, col(Trial.id) == trial_id)
    found = await _named(session, trial_id, code, lock=True)
    written = patch.model_dump(exclude_unset=True, exclude={"row_version"})
    if written.get("from_partner_id", found.from_partner_id) != found.from_partner_id:
        await _insist(session, actor, trial, written["from_partner_id"])
    await revise(
        session, actor, found, written, seen_version, action="delivery.edit", pilot_id=trial.pilot_id
    )
    return found


async def put_away(
    session: AsyncSession, actor: Actor, trial_id: int, code: str, *, back: bool = False
) -> PlannedDelivery:
    """Archive a delivery: nobody is reminded of it any more; files that answered it stay."""
    trial = await fetch(session, actor, EDIT, Trial, col(Trial.id) == trial_id)
    found = await _named(session, trial_id, code, lock=True)
    action = "delivery.restore" if back else "delivery.archive"
    await archive(session, actor, found, action=action, pilot_id=trial.pilot_id, back=back)
    return found


async def page(session: AsyncSession, actor: Actor, trial_id: int) -> Planned:
    """The deliveries planned in a trial.

    Raises:
        NotFound: the trial is absent or hidden.
    """
    trial = await fetch(session, actor, VIEW, Trial, col(Trial.id) == trial_id)
    found = await deliveries.of_trial(session, actor, trial_id)
    return Planned(items=found, trial=_ref(trial), may=await may(session, actor, trial, [EDIT]))


def _ref(trial: Trial) -> Ref:
    return Ref(id=trial.id, title=said(trial.title), url=f"/trials/{trial.id}")


async def view(session: AsyncSession, actor: Actor, trial_id: int, code: str) -> DeliveryView:
    """One planned delivery, as far as the actor may see it."""
    trial = await fetch(session, actor, VIEW, Trial, col(Trial.id) == trial_id)
    return await shown(session, actor, trial, await _named(session, trial_id, code))


async def shown(session: AsyncSession, actor: Actor, trial: Trial, found: PlannedDelivery) -> DeliveryView:
    """The view of a delivery whose trial was fetched for the actor already."""
    granted = await may(session, actor, trial, [EDIT])
    told = await deliveries.item(session, actor, found.id)
    pilot = await session.get_one(Pilot, trial.pilot_id)
    items = await results.of_trial(session, actor, trial.id, col(Result.delivery_id) == found.id)
    return DeliveryView.model_validate(
        found,
        update={
            **told.model_dump(include={"state", "received_at", "lost_reason", "upload"}),
            "partner": await called(session, actor, found.from_partner_id),
            "trial": _ref(trial),
            "pilot": Ref(id=pilot.id, title=f"{pilot.code} {said(pilot.title)}", url=f"/pilots/{pilot.code}"),
            "results": items,
            "may": granted,
            "activity": await history(session, "planned_delivery", found.id) if granted else [],
        },
    )


async def blank(session: AsyncSession, actor: Actor, trial_id: int) -> DeliveryForm:
    """What the form of a new delivery shows."""
    trial = await fetch(session, actor, EDIT, Trial, col(Trial.id) == trial_id)
    return DeliveryForm(trial=_ref(trial), partners=await _partners(session, actor, trial))


async def filled(session: AsyncSession, actor: Actor, trial_id: int, code: str) -> DeliveryForm:
    """What the form of an edit starts from."""
    form = await blank(session, actor, trial_id)
    form.delivery = await view(session, actor, trial_id, code)
    partner = form.delivery.partner
    if partner is not None and partner.id not in {each.id for each in form.partners}:
        form.partners.append(partner)  # it has left the pilot since
    return form


async def _named(session: AsyncSession, trial_id: int, code: str, *, lock: bool = False) -> PlannedDelivery:
    query: Any = select(PlannedDelivery).where(
        col(PlannedDelivery.trial_id) == trial_id, col(PlannedDelivery.code) == code.upper()[:12]
    )
    found: PlannedDelivery | None = (
        await session.exec(query.with_for_update() if lock else query)
    ).scalar_one_or_none()
    if found is None:
        raise NotFound(ABSENT)
    return found


async def _insist(session: AsyncSession, actor: Actor, trial: Trial, partner_id: int) -> None:
    if partner_id not in {each.id for each in await _partners(session, actor, trial)}:
        raise Invalid(ATTENTION, fields={"from_partner_id": NOT_PART})


async def _partners(session: AsyncSession, actor: Actor, trial: Trial) -> list[Ref]:
    """Who may be asked for a delivery: whoever hands in results to the pilot today, and its lead, as far as known."""
    lead = select(col(Pilot.lead_partner_id)).where(col(Pilot.id) == trial.pilot_id)
    asked = col(Partner.id).in_(taking_part(trial.id)) | col(Partner.id).in_(lead)
    query: Any = select(Partner.id, Partner.name, Partner.slug).where(  # type: ignore[call-overload]
        asked, known(actor), col(Partner.archived_at).is_(None)
    )
    rows = (await session.exec(query.order_by(in_swedish(col(Partner.name))))).all()
    return [Ref(id=row.id, title=row.name, url=f"/partners/{row.slug}") for row in rows]
