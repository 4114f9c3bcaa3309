"""What one can do with partners. Every function takes the session and the actor first."""

from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor, PilotPartner
from testbed.access.relations import memberships
from testbed.access.rights import VIEW, allowed, demand, fetch, may, referred
from testbed.activity import history, record
from testbed.db import driver
from testbed.errors import Invalid
from testbed.lists import Asked, Listed, Ref, in_swedish, matching, page_of
from testbed.partners import orgnr
from testbed.partners.models import Kind, Partner, PartnerDraft, PartnerItem, PartnerPatch, PartnerView
from testbed.revisions import archive, revise, slug_of
from testbed.texts import message

EDIT = "partner.edit"
BESIDE = ["membership.manage", "webhook.manage", "delivery.follow"]
BELOW = """
    WITH RECURSIVE up (id, parent_id) AS (
        SELECT id, parent_id FROM partner WHERE id = $1
        UNION SELECT partner.id, partner.parent_id FROM partner JOIN up ON partner.id = up.parent_id)
    SELECT EXISTS (SELECT FROM up WHERE id = $2)
"""
CIRCLE = message("A partner cannot be a part of itself.")


async def register(session: AsyncSession, actor: Actor, draft: PartnerDraft) -> Partner:
    """Register an organisation.

    Raises:
        SignInNeeded, Forbidden: the actor is neither coordinator nor admin.
        Invalid: the organisation number is none, or the parent is unknown.
        sqlalchemy.exc.IntegrityError: the organisation number is registered already.
    """
    await demand(session, actor, "partner.create")
    values = await _values(session, actor, draft.model_dump())
    partner = Partner(**values, slug=slug_of(draft.name), created_by_id=actor.person_id)
    session.add(partner)
    await session.flush()
    await session.refresh(partner)
    await record(session, actor, "partner.register", "partner", partner.id, name=partner.name)
    return partner


async def edit(
    session: AsyncSession, actor: Actor, slug: str, patch: PartnerPatch, seen_version: int
) -> Partner:
    """Change what is said of a partner.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``. Stale: see ``revisions.revise``.
        Invalid: as ``register``, or the parent is the partner itself or below it.
    """
    partner = await fetch(session, actor, EDIT, Partner, col(Partner.slug) == slug, lock=True)
    given = patch.model_dump(exclude_unset=True, exclude={"row_version"})
    await drop_unchanged(session, actor, given, "parent_id", partner.parent_id)
    written = await _values(session, actor, given)
    if (parent := written.get("parent_id")) is not None and await _is_below(session, parent, partner.id):
        raise Invalid(CIRCLE, fields={"parent_id": CIRCLE})
    await revise(session, actor, partner, written, seen_version, action=EDIT)
    return partner


async def put_away(session: AsyncSession, actor: Actor, slug: str, *, back: bool = False) -> Partner:
    """Archive a partner: its people lose the rights it gave them, its history stays."""
    partner = await fetch(session, actor, EDIT, Partner, col(Partner.slug) == slug, lock=True)
    await archive(session, actor, partner, action="partner.restore" if back else "partner.archive", back=back)
    return partner


async def _values(session: AsyncSession, actor: Actor, written: dict[str, Any]) -> dict[str, Any]:
    if written.get("orgnr"):
        written["orgnr"], written["orgnr_personal"] = orgnr.read(written["orgnr"])
    if written.get("parent_id") is not None:
        await referred(session, actor, Partner, written["parent_id"], "parent_id")
    return written


async def _is_below(session: AsyncSession, number: int, top: int) -> bool:
    """Whether partner ``number`` is ``top`` or a part of it, however far down."""
    connection = await driver(session)
    return bool(await connection.fetchval(BELOW, number, top))


async def page(
    session: AsyncSession, actor: Actor, asked: Asked, *, kind: Kind | None = None, archived: bool = False
) -> Listed[PartnerItem]:
    """A page of the partners the actor may see, with the number of visible pilots each takes part in."""
    above = aliased(Partner)
    pilots = (
        select(func.count())
        .select_from(PilotPartner)
        .where(
            col(PilotPartner.partner_id) == Partner.id,
            col(PilotPartner.left_on).is_(None),
            allowed(actor, VIEW, PilotPartner),
        )
        .scalar_subquery()
    )
    query: Any = (
        select(
            col(Partner.id),
            col(Partner.slug),
            col(Partner.name),
            col(Partner.kind),
            col(above.name).label("parent"),
            pilots.label("pilots"),
        )
        .join(above, (col(above.id) == col(Partner.parent_id)) & known(actor, above), isouter=True)
        .where(allowed(actor, VIEW, Partner), matching(Partner, asked.q))
        .where(col(Partner.archived_at).is_not(None) if archived else col(Partner.archived_at).is_(None))
    )
    if kind is not None:
        query = query.where(col(Partner.kind) == kind)
    orders = {
        "name": in_swedish(col(Partner.name)),
        "kind": col(Partner.kind),
        "created": col(Partner.created_at),
    }
    rows, after = await page_of(session, query, asked, key=col(Partner.id), orders=orders)
    items = [PartnerItem.model_validate(row, from_attributes=True) for row in rows]
    return Listed(items=items, next=after, q=asked.q, sort=asked.sort)


async def view(session: AsyncSession, actor: Actor, slug: str) -> PartnerView:
    """One partner, as far as the actor may see it, with what it may do and its history."""
    return await shown(session, actor, await fetch(session, actor, VIEW, Partner, col(Partner.slug) == slug))


async def shown(session: AsyncSession, actor: Actor, partner: Partner) -> PartnerView:
    """The view of a partner that was fetched for the actor already, who may have lost it by what they did."""
    granted = await may(session, actor, partner, [EDIT, *BESIDE])
    inside = {EDIT, "membership.manage"} & {*granted}
    return PartnerView.model_validate(
        partner,
        update={
            "parent": await called(session, actor, partner.parent_id),
            "orgnr": orgnr.shown(partner.orgnr) if inside or not partner.orgnr_personal else None,
            "may": granted,
            "activity": await history(session, "partner", partner.id) if inside else [],
        },
    )


def known(actor: Actor, entity: Any = Partner) -> ColumnElement[bool]:
    """The condition for partners whose names the actor may meet: those it may view, and its own."""
    seen = allowed(actor, VIEW, entity)
    return seen if actor.person_id is None else or_(seen, entity.id.in_(memberships(actor)))


async def called(session: AsyncSession, actor: Actor, number: int | None) -> Ref | None:
    """The partner that another record names; none where the actor may not know of it."""
    if number is None:
        return None
    query: Any = select(col(Partner.name), col(Partner.slug)).where(col(Partner.id) == number, known(actor))
    found = (await session.exec(query)).one_or_none()
    return Ref(id=number, title=found.name, url=f"/partners/{found.slug}") if found else None


async def drop_unchanged(
    session: AsyncSession, actor: Actor, written: dict[str, Any], field: str, kept: int | None
) -> None:
    """Take ``field`` out of an edit that leaves it as it was shown: a form shows a hidden partner as none."""
    shown = await called(session, actor, kept)
    if field in written and written[field] == (shown.id if shown else None):
        del written[field]


async def choices(session: AsyncSession, actor: Actor, *kinds: Kind) -> list[Ref]:
    """The partners one may pick in a form, by name; all kinds unless some are named."""
    query: Any = select(col(Partner.id), col(Partner.name), col(Partner.slug)).where(
        allowed(actor, VIEW, Partner), col(Partner.archived_at).is_(None)
    )
    if kinds:
        query = query.where(col(Partner.kind).in_(kinds))
    rows = await session.exec(query.order_by(in_swedish(col(Partner.name))))
    return [Ref(id=row.id, title=row.name, url=f"/partners/{row.slug}") for row in rows]
