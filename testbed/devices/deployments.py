"""Where devices sit: putting up, moving, taking down, retiring. A device sits at one place at a time."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.orm import aliased
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.access.rights import ABSENT, VIEW, allowed, fetch
from testbed.activity import record
from testbed.devices import picking
from testbed.devices.codes import is_code
from testbed.devices.drafts import DeploymentDraft, EndDraft
from testbed.devices.models import Deployment, Device, DeviceState, Place
from testbed.devices.places import add
from testbed.devices.views import DeploymentView, Spot
from testbed.errors import ATTENTION, Conflict, Invalid
from testbed.lists import Ref
from testbed.people.models import Person
from testbed.pilots.models import Pilot
from testbed.texts import message, said

DEPLOY = "deployment.edit"
GONE = message("This device is retired.")
ARCHIVED = message("This device is archived; take it back first.")
WHICH_PLACE = message("Choose a place, or describe a new one; not both.")
NOWHERE = message("The device sits at no place now.")
TOO_EARLY = message("The device came to its place later than that.")


async def install(session: AsyncSession, actor: Actor, code: str, draft: DeploymentDraft) -> Deployment:
    """Put a device up at a place, from an instant on.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``. Conflict: retired or archived.
        Invalid: no such place or pilot. IntegrityError: it sits somewhere then (constraint, 409).
    """
    device = await _usable(session, actor, code)
    return await _put_up(
        session, actor, device, draft, draft.from_at or datetime.now(UTC), "deployment.install"
    )


async def move(session: AsyncSession, actor: Actor, code: str, draft: DeploymentDraft) -> Deployment:
    """End the present deployment and begin one elsewhere, at the same instant.

    Raises:
        As ``install``. Conflict: it sits nowhere. Invalid: it came later than the given instant.
    """
    device = await _usable(session, actor, code)
    at = draft.from_at or datetime.now(UTC)
    await _end(session, actor, device, at, "from_at")
    return await _put_up(session, actor, device, draft, at, "deployment.move")


async def remove(session: AsyncSession, actor: Actor, code: str, draft: EndDraft) -> Device:
    """Take a device down; it stays registered.

    Raises:
        As ``move``.
    """
    device = await _locked(session, actor, code)
    await _end(session, actor, device, draft.at or datetime.now(UTC), "at")
    await _become(session, actor, device, DeviceState.registered)
    await _log(session, actor, device, "deployment.remove")
    return device


async def retire(session: AsyncSession, actor: Actor, code: str, draft: EndDraft) -> Device:
    """Take a device out of use for good, and down if it is up. Its history stays.

    Raises:
        As ``move``. Conflict: it is retired already.
    """
    device = await _locked(session, actor, code)
    if device.state == DeviceState.retired:
        raise Conflict(GONE)
    if await now_at(session, device.id) is not None:
        await _end(session, actor, device, draft.at or datetime.now(UTC), "at")
    await _become(session, actor, device, DeviceState.retired)
    await _log(session, actor, device, "device.retire")
    return device


async def _locked(session: AsyncSession, actor: Actor, code: str) -> Device:
    return await fetch(session, actor, DEPLOY, Device, is_code(col(Device.code), code), lock=True)


async def _usable(session: AsyncSession, actor: Actor, code: str) -> Device:
    device = await _locked(session, actor, code)
    if device.state == DeviceState.retired:
        raise Conflict(GONE)
    if device.archived_at is not None:
        raise Conflict(ARCHIVED)
    return device


async def _put_up(
    session: AsyncSession, actor: Actor, device: Device, draft: DeploymentDraft, at: datetime, action: str
) -> Deployment:
    pilot_id = device.pilot_id
    if draft.pilot:
        pilot_id = (await picking.pilot_named(session, actor, draft.pilot, device.testbed_id)).id
    place = await _place(session, actor, device, draft)
    deployment = Deployment(
        device_id=device.id,
        place_id=place.id,
        pilot_id=pilot_id,
        during=Range(at, None, bounds="[)"),
        height_m=draft.height_m,
        note=draft.note,
        installed_by_id=actor.person_id,
    )
    session.add(deployment)
    await session.flush()
    await _become(session, actor, device, DeviceState.active)
    await _log(session, actor, device, action, place=place.name, from_at=at.isoformat())
    return deployment


async def _place(session: AsyncSession, actor: Actor, device: Device, draft: DeploymentDraft) -> Place:
    if (draft.place_id is None) == (draft.place is None):
        raise Invalid(ATTENTION, fields={"place_id": WHICH_PLACE})
    if draft.place is not None:
        return await add(session, actor, device.testbed_id, draft.place)
    query: Any = select(Place).where(
        col(Place.id) == draft.place_id,
        col(Place.testbed_id) == device.testbed_id,
        picking.known_places(actor),
    )
    place: Place | None = (await session.exec(query)).scalar_one_or_none()
    if place is None:
        raise Invalid(ATTENTION, fields={"place_id": ABSENT})
    return place


async def now_at(session: AsyncSession, device_id: int) -> Deployment | None:
    """The deployment that lasts, if there is one."""
    query: Any = select(Deployment).where(
        col(Deployment.device_id) == device_id, func.upper_inf(Deployment.during)
    )
    found: Deployment | None = (await session.exec(query)).scalar_one_or_none()
    return found


async def _end(session: AsyncSession, actor: Actor, device: Device, at: datetime, field: str) -> None:
    deployment = await now_at(session, device.id)
    if deployment is None:
        raise Conflict(NOWHERE)
    begun = deployment.during.lower
    if begun is None or at <= begun:
        raise Invalid(ATTENTION, fields={field: TOO_EARLY})
    deployment.during = Range(begun, at, bounds="[)")
    deployment.removed_by_id = actor.person_id
    session.add(deployment)
    await session.flush()


async def _become(session: AsyncSession, actor: Actor, device: Device, state: DeviceState) -> None:
    """Change the state; an edit that saw the old one becomes stale."""
    if device.state == state:
        return
    device.state = state
    device.row_version += 1
    device.updated_at = datetime.now(UTC)
    device.updated_by_id = actor.person_id
    session.add(device)
    await session.flush()


async def _log(session: AsyncSession, actor: Actor, device: Device, action: str, **details: Any) -> None:
    await record(session, actor, action, "device", device.id, pilot_id=device.pilot_id, **details)


async def episodes(
    session: AsyncSession, actor: Actor, device_id: int, *, names: bool
) -> list[DeploymentView]:
    """Where a device has been, the latest first; the caller has fetched the device. ``names`` tells who did it."""
    came, went = aliased(Person), aliased(Person)
    query: Any = (
        select(Deployment, Place, Pilot, col(came.name).label("came"), col(went.name).label("went"))
        .join(Place, col(Place.id) == Deployment.place_id)
        .outerjoin(Pilot, and_(col(Pilot.id) == Deployment.pilot_id, allowed(actor, VIEW, Pilot)))
        .outerjoin(came, col(came.id) == Deployment.installed_by_id)
        .outerjoin(went, col(went.id) == Deployment.removed_by_id)
        .where(col(Deployment.device_id) == device_id)
        .order_by(func.lower(Deployment.during).desc())
    )
    return [
        DeploymentView(
            id=row.id,
            place=Spot.model_validate(place),
            from_at=row.during.lower,
            to_at=row.during.upper,
            pilot=Ref(id=pilot.id, title=said(pilot.title), url=f"/pilots/{pilot.code}") if pilot else None,
            height_m=row.height_m,
            note=row.note if names else None,
            installed_by=installed if names else None,
            removed_by=removed if names else None,
        )
        for row, place, pilot, installed, removed in await session.exec(query)
    ]
