"""What a form about devices lets people pick, and what a body names: only what the actor may see or use."""

from typing import Any

from sqlalchemy import ColumnElement, exists, or_, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor, PilotPartner
from testbed.access.relations import TODAY, memberships
from testbed.access.rights import ABSENT, SIGN_IN, VIEW, allowed, fetch
from testbed.devices.models import Deployment, Device, DeviceModel, Place
from testbed.devices.views import ModelView
from testbed.errors import ATTENTION, Invalid, NotFound, SignInNeeded
from testbed.lists import Ref, in_language, in_swedish
from testbed.pilots.models import Pilot
from testbed.testbeds.models import Testbed
from testbed.texts import language, message, said

REGISTER = "device.register"


def known_models(actor: Actor) -> ColumnElement[bool]:
    """Models of devices the actor may see, and those the actor described: others would tell of hidden devices."""
    used = exists().where(col(Device.device_model_id) == DeviceModel.id, allowed(actor, VIEW, Device))
    if actor.person_id is None:
        return used
    return or_(used, col(DeviceModel.created_by_id) == actor.person_id)


def known_places(actor: Actor) -> ColumnElement[bool]:
    """Places of the testbeds the actor may see, except those where only devices hidden from the actor have sat."""
    sat = exists().where(col(Deployment.place_id) == Place.id).correlate(Place)
    sat_visibly = sat.where(allowed(actor, VIEW, Deployment))
    coordinated = exists().where(col(Testbed.id) == Place.testbed_id, allowed(actor, REGISTER, Testbed))
    coordinated = coordinated.correlate(Place)
    mine = col(Place.created_by_id) == actor.person_id if actor.person_id is not None else coordinated
    visible: ColumnElement[bool] = allowed(actor, VIEW, Place) & or_(~sat, sat_visibly, coordinated, mine)
    return visible


async def models(session: AsyncSession, actor: Actor) -> list[ModelView]:
    """The catalogue of device models as the actor may know it, by maker and name."""
    query: Any = (
        select(DeviceModel)
        .where(known_models(actor))
        .order_by(in_swedish(col(DeviceModel.maker)), in_swedish(col(DeviceModel.name)), col(DeviceModel.id))
    )
    return [ModelView.model_validate(each) for each in (await session.exec(query)).scalars()]


async def testbeds(session: AsyncSession, actor: Actor) -> list[Ref]:
    """Testbeds in which the actor may register devices."""
    query: Any = (
        select(col(Testbed.id), col(Testbed.name), col(Testbed.slug))
        .where(allowed(actor, REGISTER, Testbed), col(Testbed.archived_at).is_(None))
        .order_by(in_swedish(in_language(col(Testbed.name), language.get())))
    )
    rows = await session.exec(query)
    return [Ref(id=row.id, title=said(row.name), url=f"/testbeds/{row.slug}") for row in rows]


async def pilots(session: AsyncSession, actor: Actor, testbed_id: int | None = None) -> list[tuple[str, str]]:
    """Codes and titles of the pilots for which the actor may register devices, in one testbed or in all."""
    query: Any = (
        select(col(Pilot.code), col(Pilot.title))
        .where(allowed(actor, REGISTER, Pilot), col(Pilot.archived_at).is_(None))
        .order_by(col(Pilot.code).desc())
    )
    if testbed_id is not None:
        query = query.where(col(Pilot.testbed_id) == testbed_id)
    return [(row.code, f"{row.code} {said(row.title)}") for row in await session.exec(query)]


async def places(session: AsyncSession, actor: Actor, testbed_id: int) -> list[Ref]:
    """Places of a testbed where a device may be put."""
    name = in_language(col(Place.name), language.get())
    query: Any = (
        select(col(Place.id), col(Place.name), col(Place.code))
        .where(col(Place.testbed_id) == testbed_id, known_places(actor))
        .order_by(in_swedish(name), col(Place.id))
    )
    rows = await session.exec(query)
    return [Ref(id=row.id, title=said(row.name), url=f"/places/{row.code}") for row in rows]


async def testbed_named(session: AsyncSession, actor: Actor, number: int | None, field: str) -> Testbed:
    """The testbed a body names, if the actor may register devices in it.

    Raises:
        SignInNeeded, Forbidden: the actor may not. Invalid: none named, absent, hidden or archived.
    """
    if actor.person_id is None:
        raise SignInNeeded(SIGN_IN)
    if number is None:
        raise Invalid(ATTENTION, fields={field: message("This is needed.")})
    there = (col(Testbed.id) == number, col(Testbed.archived_at).is_(None))
    try:
        return await fetch(session, actor, REGISTER, Testbed, *there)
    except NotFound:
        raise Invalid(ATTENTION, fields={field: ABSENT}) from None


async def pilot_named(session: AsyncSession, actor: Actor, code: str, testbed_id: int | None) -> Pilot:
    """The pilot a body names by its code, if the actor may register devices for it.

    Raises:
        SignInNeeded, Forbidden: the actor may not. Invalid: absent, hidden, archived, or of another testbed.
    """
    if actor.person_id is None:
        raise SignInNeeded(SIGN_IN)
    there = (col(Pilot.code) == code, col(Pilot.archived_at).is_(None))
    try:
        pilot = await fetch(session, actor, REGISTER, Pilot, *there)
    except NotFound:
        raise Invalid(ATTENTION, fields={"pilot": ABSENT}) from None
    if testbed_id is not None and pilot.testbed_id != testbed_id:
        raise Invalid(ATTENTION, fields={"pilot": message("This pilot is in another testbed.")})
    return pilot


async def own_partner(session: AsyncSession, actor: Actor, pilot_id: int) -> int | None:
    """The partner the actor belongs to in a pilot, the longest there first."""
    query: Any = (
        select(col(PilotPartner.partner_id))
        .where(
            col(PilotPartner.pilot_id) == pilot_id,
            col(PilotPartner.partner_id).in_(memberships(actor)),
            or_(col(PilotPartner.left_on).is_(None), col(PilotPartner.left_on) > TODAY),
        )
        .order_by(col(PilotPartner.id))
        .limit(1)
    )
    found: int | None = (await session.exec(query)).scalar_one_or_none()
    return found
