"""What one can do with a device on record. Every function takes the session and the actor first."""

from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.access.rights import ABSENT, VIEW, allowed, fetch, may, referred
from testbed.activity import history, record
from testbed.devices import picking
from testbed.devices.codes import is_code, new_code
from testbed.devices.deployments import episodes, now_at
from testbed.devices.drafts import DeviceDraft, DevicePatch
from testbed.devices.models import Deployment, Device, DeviceModel, DeviceState, ModelKind, Place
from testbed.devices.views import DeviceItem, DeviceView, ModelView
from testbed.errors import ATTENTION, Conflict, Invalid
from testbed.lists import Asked, Listed, Ref, in_swedish, matching, page_of
from testbed.partners.models import Partner
from testbed.pilots.chain import Link, Node, chain_of, tells
from testbed.pilots.models import Pilot
from testbed.revisions import archive, revise
from testbed.testbeds.models import Testbed
from testbed.texts import message, said

EDIT, DEPLOY = "device.edit", "deployment.edit"
WHICH_MODEL = message("Choose a model, or describe a new one; not both.")
STILL_UP = message("The device sits at a place; take it down first.")
RETIRE = message("A device is retired by its own button, which takes it down as well.")


async def register(session: AsyncSession, actor: Actor, draft: DeviceDraft) -> Device:
    """Register a device in a testbed, for a pilot or for none yet.

    Raises:
        SignInNeeded, Forbidden: the actor may register devices neither for the pilot nor in the testbed.
        Invalid: a pilot, testbed, model or owner that is not there. IntegrityError: serial or DevEUI is taken.
    """
    pilot = await picking.pilot_named(session, actor, draft.pilot, draft.testbed_id) if draft.pilot else None
    testbed = (
        await session.get_one(Testbed, pilot.testbed_id)
        if pilot
        else await picking.testbed_named(session, actor, draft.testbed_id, "testbed_id")
    )
    device = Device(
        **draft.model_dump(include={"name", "serial", "dev_eui", "purpose", "note", "visibility"}),
        code=await new_code(session, "D", col(Device.code)),
        device_model_id=await _model(session, actor, draft),
        testbed_id=testbed.id,
        owner_id=await _owner(session, actor, draft, pilot, testbed),
        pilot_id=pilot.id if pilot else None,
        created_by_id=actor.person_id,
    )
    session.add(device)
    await session.flush()
    await session.refresh(device)
    details = {"code": device.code, "name": device.name}
    await record(session, actor, "device.register", "device", device.id, pilot_id=device.pilot_id, **details)
    return device


async def _owner(
    session: AsyncSession, actor: Actor, draft: DeviceDraft, pilot: Pilot | None, testbed: Testbed
) -> int:
    if draft.owner_id is not None:
        return (await referred(session, actor, Partner, draft.owner_id, "owner_id")).id
    own = await picking.own_partner(session, actor, pilot.id) if pilot else None
    return own or testbed.owner_partner_id


async def _model(session: AsyncSession, actor: Actor, draft: DeviceDraft) -> int:
    """The id of the model a draft names; a new one is added to the catalogue, a known one is not doubled."""
    if (draft.device_model_id is None) == (draft.model is None):
        raise Invalid(ATTENTION, fields={"device_model_id": WHICH_MODEL})
    if draft.model is None:
        query: Any = select(col(DeviceModel.id)).where(
            col(DeviceModel.id) == draft.device_model_id, picking.known_models(actor)
        )
        if (found := (await session.exec(query)).scalar_one_or_none()) is None:
            raise Invalid(ATTENTION, fields={"device_model_id": ABSENT})
        return int(found)
    same: Any = select(col(DeviceModel.id)).where(
        func.lower(DeviceModel.maker) == (draft.model.maker or "").lower(),
        func.lower(DeviceModel.name) == draft.model.name.lower(),
    )
    if (known := (await session.exec(same.order_by(col(DeviceModel.id)))).scalars().first()) is not None:
        return int(known)
    written = draft.model.model_dump(exclude_none=True)
    made = DeviceModel(**written, created_by_id=actor.person_id)
    session.add(made)
    await session.flush()
    await record(
        session, actor, "device_model.add", "device_model", made.id, name=made.name, maker=made.maker
    )
    return made.id


async def edit(
    session: AsyncSession, actor: Actor, code: str, patch: DevicePatch, seen_version: int
) -> Device:
    """Change what is said of a device.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``. Stale: see ``revisions.revise``.
        Invalid: a pilot or owner that is not there, or retired by a word.
    """
    device = await fetch(session, actor, EDIT, Device, is_code(col(Device.code), code), lock=True)
    written = patch.model_dump(exclude_unset=True, exclude={"row_version"})
    if "pilot" in written and (named := written.pop("pilot")) != await _pilot_code(session, actor, device):
        pilot = await picking.pilot_named(session, actor, named, device.testbed_id) if named else None
        written["pilot_id"] = pilot.id if pilot else None
    if written.get("owner_id", device.owner_id) != device.owner_id:
        await referred(session, actor, Partner, written["owner_id"], "owner_id")
    if written.get("state", device.state) == DeviceState.retired != device.state:
        raise Invalid(ATTENTION, fields={"state": RETIRE})
    await revise(
        session, actor, device, written, seen_version, action="device.edit", pilot_id=device.pilot_id
    )
    return device


async def _pilot_code(session: AsyncSession, actor: Actor, device: Device) -> str | None:
    """The pilot a form shows: none where the actor may not see it, and then it stays."""
    pilot = await _seen(session, actor, Pilot, device.pilot_id)
    return pilot.code if pilot else None


async def put_away(session: AsyncSession, actor: Actor, code: str, *, back: bool = False) -> Device:
    """Archive a device that sits nowhere: it leaves the lists, its history stays.

    Raises:
        Conflict: it sits at a place, or is archived already.
    """
    device = await fetch(session, actor, EDIT, Device, is_code(col(Device.code), code), lock=True)
    if not back and await now_at(session, device.id) is not None:
        raise Conflict(STILL_UP)
    action = "device.restore" if back else "device.archive"
    await archive(session, actor, device, action=action, pilot_id=device.pilot_id, back=back)
    return device


async def page(
    session: AsyncSession,
    actor: Actor,
    asked: Asked,
    *,
    state: DeviceState | None = None,
    kind: ModelKind | None = None,
    testbed: str | None = None,
    pilot: str | None = None,
    archived: bool = False,
) -> Listed[DeviceItem]:
    """A page of the devices the actor may see, by name, with where each sits now; ``pilot`` is a code."""
    query = (
        _listed(actor)
        .where(allowed(actor, VIEW, Device), matching(Device, asked.q))
        .where(col(Device.archived_at).is_not(None) if archived else col(Device.archived_at).is_(None))
    )
    if state is not None:
        query = query.where(col(Device.state) == state)
    if kind is not None:
        query = query.where(col(DeviceModel.kind) == kind)
    if testbed:
        query = query.where(col(Testbed.slug) == testbed)
    if pilot:
        query = query.where(col(Pilot.code) == pilot)
    orders = {
        "name": in_swedish(col(Device.name)),
        "code": col(Device.code),
        "state": col(Device.state),
        "created": col(Device.created_at),
    }
    rows, after = await page_of(session, query, asked, key=col(Device.id), orders=orders)
    items = [DeviceItem.model_validate(row, from_attributes=True) for row in rows]
    return Listed(items=items, next=after, q=asked.q, sort=asked.sort)


def _listed(actor: Actor) -> Any:
    current = and_(col(Deployment.device_id) == Device.id, func.upper_inf(Deployment.during))
    return (
        select(
            col(Device.id),
            col(Device.code),
            col(Device.name),
            col(Device.state),
            col(DeviceModel.kind),
            col(DeviceModel.name).label("model"),
            col(DeviceModel.maker),
            col(Testbed.slug).label("testbed"),
            col(Pilot.code).label("pilot"),
            col(Partner.name).label("owner"),
            col(Place.name).label("place"),
            col(Place.position),
            func.lower(Deployment.during).label("since"),
            col(Device.dev_eui),
            col(Device.serial),
        )
        .join(DeviceModel, col(DeviceModel.id) == Device.device_model_id)
        .outerjoin(Testbed, and_(col(Testbed.id) == Device.testbed_id, allowed(actor, VIEW, Testbed)))
        .outerjoin(Pilot, and_(col(Pilot.id) == Device.pilot_id, allowed(actor, VIEW, Pilot)))
        .outerjoin(Partner, and_(col(Partner.id) == Device.owner_id, allowed(actor, VIEW, Partner)))
        .outerjoin(Deployment, current)
        .outerjoin(Place, col(Place.id) == Deployment.place_id)
    )


async def view(session: AsyncSession, actor: Actor, code: str) -> DeviceView:
    """One device, as far as the actor may see it, with its places so far and the chain of its pilot."""
    device = await fetch(session, actor, VIEW, Device, is_code(col(Device.code), code))
    granted = await may(session, actor, device, [EDIT, DEPLOY])
    testbed = await _seen(session, actor, Testbed, device.testbed_id)
    owner = await _seen(session, actor, Partner, device.owner_id)
    pilot = await _seen(session, actor, Pilot, device.pilot_id)
    history_of_places = await episodes(session, actor, device.id, names=bool(granted))
    return DeviceView.model_validate(
        device,
        update={
            "model": ModelView.model_validate(await session.get_one(DeviceModel, device.device_model_id)),
            "testbed": Ref(id=testbed.id, title=said(testbed.name), url=f"/testbeds/{testbed.slug}")
            if testbed
            else None,
            "owner": Ref(id=owner.id, title=owner.name, url=f"/partners/{owner.slug}") if owner else None,
            "contact": (owner and owner.contact_mailbox) or (testbed and testbed.contact_mailbox) or None,
            "pilot": Ref(id=pilot.id, title=said(pilot.title), url=f"/pilots/{pilot.code}")
            if pilot
            else None,
            "pilot_code": pilot.code if pilot else None,
            "deployment": next((each for each in history_of_places if each.to_at is None), None),
            "deployments": history_of_places,
            "may": granted,
            "activity": await history(session, "device", device.id) if granted else [],
            "chain": await chain_of(session, actor, pilot.id, pilot.code) if pilot else None,
        },
    )


async def _seen(session: AsyncSession, actor: Actor, model: Any, number: int | None) -> Any:
    if number is None:
        return None
    query: Any = select(model).where(model.id == number, allowed(actor, VIEW, model))
    return (await session.exec(query)).scalar_one_or_none()


async def _tell(session: AsyncSession, actor: Actor, pilot_id: int) -> list[Node]:
    """The devices of a pilot, and those that sat somewhere for it."""
    deployed: Any = select(col(Deployment.device_id)).where(col(Deployment.pilot_id) == pilot_id)
    query: Any = (
        select(col(Device.id), col(Device.name), col(Device.code), col(Device.created_at))
        .where(
            or_(col(Device.pilot_id) == pilot_id, col(Device.id).in_(deployed)), allowed(actor, VIEW, Device)
        )
        .order_by(col(Device.id))
    )
    return [
        Node(
            key=f"device:{row.id}",
            kind=Link.device,
            title=row.name,
            url=f"/devices/{row.code}",
            note=row.code,
            at=row.created_at,
            rests_on=[f"pilot:{pilot_id}"],
        )
        for row in await session.exec(query)
    ]


tells(Link.device, _tell)
