"""Places where devices can sit: a post, a roof, a room."""

from typing import Any

from sqlalchemy import exists, func, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.access.rights import ABSENT, VIEW, allowed
from testbed.activity import record
from testbed.devices import picking
from testbed.devices.codes import is_code, new_code
from testbed.devices.drafts import NewPlace, PlaceDraft
from testbed.devices.models import Deployment, Device, Place
from testbed.devices.views import PlaceItem, PlaceView
from testbed.errors import NotFound
from testbed.lists import Asked, Listed, Ref, in_language, in_swedish, page_of
from testbed.testbeds.models import Testbed
from testbed.texts import language, said


async def register(session: AsyncSession, actor: Actor, draft: PlaceDraft) -> Place:
    """Register a place before anything sits there.

    Raises:
        SignInNeeded, Forbidden: the actor registers no devices in the testbed. Invalid: no such testbed.
    """
    testbed = await picking.testbed_named(session, actor, draft.testbed_id, "testbed_id")
    return await add(session, actor, testbed.id, draft)


async def add(session: AsyncSession, actor: Actor, testbed_id: int, draft: NewPlace) -> Place:
    """Write a place down; whoever calls has checked that the actor may."""
    place = Place(
        code=await new_code(session, "P", col(Place.code)),
        testbed_id=testbed_id,
        name=draft.name,
        position=draft.position,
        indoor=bool(draft.indoor),
        created_by_id=actor.person_id,
    )
    session.add(place)
    await session.flush()
    await record(session, actor, "place.register", "place", place.id, code=place.code, name=place.name)
    return place


async def page(
    session: AsyncSession, actor: Actor, asked: Asked, *, testbed: str | None = None
) -> Listed[PlaceItem]:
    """A page of the places the actor may know of, by name, with the devices it sees there now."""
    sitting = (
        select(func.count())
        .select_from(Deployment)
        .where(
            col(Deployment.place_id) == Place.id,
            func.upper_inf(Deployment.during),
            exists().where(col(Device.id) == Deployment.device_id, allowed(actor, VIEW, Device)),
        )
        .scalar_subquery()
    )
    name = in_language(col(Place.name), language.get())
    query: Any = (
        select(
            col(Place.id),
            col(Place.code),
            col(Place.name),
            col(Place.position),
            col(Place.indoor),
            col(Testbed.slug).label("testbed"),
            col(Testbed.name).label("testbed_name"),
            sitting.label("devices"),
        )
        .join(Testbed, col(Testbed.id) == Place.testbed_id)
        .where(picking.known_places(actor))
    )
    if asked.q:
        query = query.where(name.icontains(asked.q, autoescape=True))
    if testbed:
        query = query.where(col(Testbed.slug) == testbed)
    orders = {"name": in_swedish(name), "code": col(Place.code), "created": col(Place.created_at)}
    rows, after = await page_of(session, query, asked, key=col(Place.id), orders=orders)
    items = [PlaceItem.model_validate(row, from_attributes=True) for row in rows]
    return Listed(items=items, next=after, q=asked.q, sort=asked.sort)


async def view(session: AsyncSession, actor: Actor, code: str) -> PlaceView:
    """One place, with the devices that sit there now.

    Raises:
        NotFound: absent, or the actor may not know of it.
    """
    query: Any = (
        select(Place, Testbed)
        .join(Testbed, col(Testbed.id) == Place.testbed_id)
        .where(is_code(col(Place.code), code), picking.known_places(actor))
    )
    if (found := (await session.exec(query)).one_or_none()) is None:
        raise NotFound(ABSENT)
    place, testbed = found
    here: Any = (
        select(col(Device.id), col(Device.name), col(Device.code))
        .join(Deployment, col(Deployment.device_id) == Device.id)
        .where(
            col(Deployment.place_id) == place.id,
            func.upper_inf(Deployment.during),
            allowed(actor, VIEW, Device),
        )
        .order_by(in_swedish(col(Device.name)))
    )
    devices = [Ref(id=row.id, title=row.name, url=f"/devices/{row.code}") for row in await session.exec(here)]
    return PlaceView.model_validate(
        place,
        update={
            "testbed": Ref(id=testbed.id, title=said(testbed.name), url=f"/testbeds/{testbed.slug}"),
            "devices": devices,
        },
    )
