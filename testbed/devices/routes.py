"""Devices, where they sit, and places over HTTP."""

from typing import Annotated, Any

from litestar import Controller, HttpMethod, Request, get, post, route
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from sqlmodel import SQLModel, col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.access.rights import NOT_YOURS, SIGN_IN, VIEW, fetch
from testbed.devices import deployments, picking, places, service
from testbed.devices.codes import is_code
from testbed.devices.drafts import DeploymentDraft, DeviceDraft, DevicePatch, EndDraft, PlaceDraft
from testbed.devices.models import Deployment, Device, DeviceState, ModelKind, Place
from testbed.devices.picking import REGISTER
from testbed.devices.views import DeploymentView, DeviceItem, DeviceView, ModelView, PlaceItem, PlaceView
from testbed.errors import Forbidden, SignInNeeded
from testbed.lists import Listed, Ref
from testbed.partners.service import choices as partners_to_pick
from testbed.testbeds.models import Testbed
from testbed.web.given import Caller, List, Session, edited_version
from testbed.web.needs import needs
from testbed.web.pages import Created, Form, Page


class DeviceForm(SQLModel):
    """What the form shows beside its fields; ``device`` is what an edit starts from."""

    device: DeviceView | None = None
    testbeds: list[Ref] = []
    pilots: list[tuple[str, str]]
    owners: list[Ref]
    models: list[ModelView] = []


class DeploymentForm(SQLModel):
    """``moving``: the device sits somewhere, and is moved from there."""

    device: DeviceView
    places: list[Ref]
    pilots: list[tuple[str, str]]
    moving: bool


class EndForm(SQLModel):
    device: DeviceView
    retiring: bool


class PlaceForm(SQLModel):
    testbeds: list[Ref]


async def blank(session: AsyncSession, actor: Actor) -> DeviceForm:
    testbeds, pilots = await picking.testbeds(session, actor), await picking.pilots(session, actor)
    if not testbeds and not pilots:
        raise SignInNeeded(SIGN_IN) if actor.person_id is None else Forbidden(NOT_YOURS)
    return DeviceForm(
        testbeds=testbeds,
        pilots=pilots,
        owners=await partners_to_pick(session, actor),
        models=await picking.models(session, actor),
    )


async def filled(session: AsyncSession, actor: Actor, code: str) -> DeviceForm:
    device = await fetch(session, actor, service.EDIT, Device, is_code(col(Device.code), code))
    return DeviceForm(
        device=await service.view(session, actor, code),
        pilots=await picking.pilots(session, actor, device.testbed_id),
        owners=await partners_to_pick(session, actor),
    )


async def to_put_up(session: AsyncSession, actor: Actor, code: str) -> DeploymentForm:
    device = await fetch(session, actor, service.DEPLOY, Device, is_code(col(Device.code), code))
    view = await service.view(session, actor, code)
    return DeploymentForm(
        device=view,
        places=await picking.places(session, actor, device.testbed_id),
        pilots=await picking.pilots(session, actor, device.testbed_id),
        moving=view.deployment is not None,
    )


async def to_remove(session: AsyncSession, actor: Actor, code: str) -> EndForm:
    await fetch(session, actor, service.DEPLOY, Device, is_code(col(Device.code), code))
    return EndForm(device=await service.view(session, actor, code), retiring=False)


async def to_retire(session: AsyncSession, actor: Actor, code: str) -> EndForm:
    return EndForm(device=(await to_remove(session, actor, code)).device, retiring=True)


async def new_place(session: AsyncSession, actor: Actor) -> PlaceForm:
    if not (found := await picking.testbeds(session, actor)):
        raise SignInNeeded(SIGN_IN) if actor.person_id is None else Forbidden(NOT_YOURS)
    return PlaceForm(testbeds=found)


NEW, EDIT = Form("devices/new.html", blank), Form("devices/edit.html", filled)
PUT_UP = Form("devices/deployment.html", to_put_up)
REMOVE, RETIRE = Form("devices/end.html", to_remove), Form("devices/end.html", to_retire)
PLACE = Form("devices/place_form.html", new_place)


class DeviceRoutes(Controller):
    path = "/devices"
    tags = ["devices"]

    @get("/", opt=needs(VIEW, Device))
    async def index(
        self, session: Session, actor: Caller, asked: List,
        in_state: Annotated[DeviceState | None, QueryParameter(name="state")] = None,
        kind: FromQuery[ModelKind | None] = None, testbed: FromQuery[str | None] = None,
        pilot: FromQuery[str | None] = None, archived: FromQuery[bool] = False,
    ) -> Page[Listed[DeviceItem]]:  # fmt: skip
        """List the devices, with where each sits now: search (also DevEUI and serial number), filter, sort by name, code,
        state or created. ``testbed`` is a slug, ``pilot`` a code."""
        found = await service.page(
            session, actor, asked, state=in_state, kind=kind, testbed=testbed, pilot=pilot, archived=archived
        )
        return Page(found, "devices/index.html")

    @get("/new", opt=needs(REGISTER, Testbed), include_in_schema=False)
    async def new(self, session: Session, actor: Caller) -> Page[DeviceForm]:
        """Show the form for a new device."""
        return Page(await blank(session, actor), NEW.template)

    @post("/", opt=needs(REGISTER, Testbed, form=NEW))
    async def register(
        self, session: Session, actor: Caller, data: JSONBody[DeviceDraft]
    ) -> Created[DeviceView]:
        """Register a device; it is put up at a place in a second step."""
        device = await service.register(session, actor, data)
        return Created(await service.view(session, actor, device.code), f"/devices/{device.code}")

    @get("/{code:str}", opt=needs(VIEW, Device))
    async def show(self, session: Session, actor: Caller, code: FromPath[str]) -> Page[DeviceView]:
        """Show one device: why it is there, who answers for it, where it sits and has sat."""
        view = await service.view(session, actor, code)
        return Page(view, "devices/device.html", etag=None if view.chain else f'"{view.row_version}"')

    @get("/{code:str}/edit", opt=needs(service.EDIT, Device), include_in_schema=False)
    async def form(self, session: Session, actor: Caller, code: FromPath[str]) -> Page[DeviceForm]:
        """Show the form that changes a device."""
        return Page(await filled(session, actor, code), EDIT.template)

    @route(
        "/{code:str}",
        http_method=[HttpMethod.PATCH, HttpMethod.POST],
        opt=needs(service.EDIT, Device, form=EDIT),
        status_code=200,
    )
    async def edit(
        self, request: Request[Any, Any, Any], session: Session, actor: Caller, code: FromPath[str],
        data: JSONBody[DevicePatch],
    ) -> Created[DeviceView]:  # fmt: skip
        """Change a device; 412 with the current values if somebody saved it meanwhile."""
        seen = edited_version(request, data.row_version)
        device = await service.edit(session, actor, code, data, seen)
        return _changed(await service.view(session, actor, device.code))

    @post("/{code:str}/archive", opt=needs(service.EDIT, Device), status_code=200)
    async def put_away(self, session: Session, actor: Caller, code: FromPath[str]) -> Created[DeviceView]:
        """Archive a device that sits nowhere."""
        await service.put_away(session, actor, code)
        return _changed(await service.view(session, actor, code))

    @post("/{code:str}/restore", opt=needs(service.EDIT, Device), status_code=200)
    async def restore(self, session: Session, actor: Caller, code: FromPath[str]) -> Created[DeviceView]:
        """Take an archived device back."""
        await service.put_away(session, actor, code, back=True)
        return _changed(await service.view(session, actor, code))

    @get("/{code:str}/deployments", opt=needs(VIEW, Device))
    async def episodes(
        self, session: Session, actor: Caller, code: FromPath[str]
    ) -> Page[Listed[DeploymentView]]:
        """List where a device sits and has sat, the latest first."""
        view = await service.view(session, actor, code)
        return Page(Listed(items=view.deployments), "devices/deployments.html")

    @get("/{code:str}/deployments/new", opt=needs(service.DEPLOY, Device), include_in_schema=False)
    async def putting_up(self, session: Session, actor: Caller, code: FromPath[str]) -> Page[DeploymentForm]:
        """Show the form that puts a device up, or moves one that is up."""
        return Page(await to_put_up(session, actor, code), PUT_UP.template)

    @post("/{code:str}/deployments", opt=needs(service.DEPLOY, Device, form=PUT_UP))
    async def install(
        self, session: Session, actor: Caller, code: FromPath[str], data: JSONBody[DeploymentDraft]
    ) -> Created[DeploymentView]:
        """Put a device up at a place; 409 if it sits somewhere at that time."""
        made = await deployments.install(session, actor, code, data)
        return await _put_up(session, actor, code, made)

    @post("/{code:str}/move", opt=needs(service.DEPLOY, Device, form=PUT_UP))
    async def move(
        self, session: Session, actor: Caller, code: FromPath[str], data: JSONBody[DeploymentDraft]
    ) -> Created[DeploymentView]:
        """Move a device: its present deployment ends at the instant at which the new one begins."""
        made = await deployments.move(session, actor, code, data)
        return await _put_up(session, actor, code, made)

    @get("/{code:str}/remove", opt=needs(service.DEPLOY, Device), include_in_schema=False)
    async def removing(self, session: Session, actor: Caller, code: FromPath[str]) -> Page[EndForm]:
        """Show what taking a device down does."""
        return Page(await to_remove(session, actor, code), REMOVE.template)

    @post("/{code:str}/remove", opt=needs(service.DEPLOY, Device, form=REMOVE), status_code=200)
    async def remove(
        self, session: Session, actor: Caller, code: FromPath[str], data: JSONBody[EndDraft]
    ) -> Created[DeviceView]:
        """Take a device down; it stays registered."""
        await deployments.remove(session, actor, code, data)
        return _changed(await service.view(session, actor, code))

    @get("/{code:str}/retire", opt=needs(service.DEPLOY, Device), include_in_schema=False)
    async def retiring(self, session: Session, actor: Caller, code: FromPath[str]) -> Page[EndForm]:
        """Show what taking a device out of use does."""
        return Page(await to_retire(session, actor, code), RETIRE.template)

    @post("/{code:str}/retire", opt=needs(service.DEPLOY, Device, form=RETIRE), status_code=200)
    async def retire(
        self, session: Session, actor: Caller, code: FromPath[str], data: JSONBody[EndDraft]
    ) -> Created[DeviceView]:
        """Take a device out of use, and down if it is up."""
        await deployments.retire(session, actor, code, data)
        return _changed(await service.view(session, actor, code))


class ModelRoutes(Controller):
    path = "/device-models"
    tags = ["devices"]

    @get("/", opt=needs(VIEW, Device))
    async def index(self, session: Session, actor: Caller) -> Page[Listed[ModelView]]:
        """List the models of the devices one may see; a new model is described when a device is registered."""
        return Page(Listed(items=await picking.models(session, actor)), "devices/models.html")


class PlaceRoutes(Controller):
    path = "/places"
    tags = ["devices"]

    @get("/", opt=needs(VIEW, Place))
    async def index(
        self, session: Session, actor: Caller, asked: List, testbed: FromQuery[str | None] = None
    ) -> Page[Listed[PlaceItem]]:
        """List the places where devices sit or can sit; ``testbed`` is a slug. Sort by name, code or created."""
        return Page(await places.page(session, actor, asked, testbed=testbed), "devices/places.html")

    @get("/new", opt=needs(REGISTER, Testbed), include_in_schema=False)
    async def new(self, session: Session, actor: Caller) -> Page[PlaceForm]:
        """Show the form for a new place."""
        return Page(await new_place(session, actor), PLACE.template)

    @post("/", opt=needs(REGISTER, Testbed, form=PLACE))
    async def register(
        self, session: Session, actor: Caller, data: JSONBody[PlaceDraft]
    ) -> Created[PlaceView]:
        """Register a place before anything sits there."""
        place = await places.register(session, actor, data)
        return Created(await places.view(session, actor, place.code), f"/places/{place.code}")

    @get("/{code:str}", opt=needs(VIEW, Place))
    async def show(self, session: Session, actor: Caller, code: FromPath[str]) -> Page[PlaceView]:
        """Show one place, and the devices that sit there now."""
        return Page(await places.view(session, actor, code), "devices/place.html")


def _changed(view: DeviceView) -> Created[DeviceView]:
    return Created(view, f"/devices/{view.code}", status_code=200)


async def _put_up(
    session: AsyncSession, actor: Actor, code: str, made: Deployment
) -> Created[DeploymentView]:
    device = await service.view(session, actor, code)
    episode = next(each for each in device.deployments if each.id == made.id)
    return Created(episode, f"/devices/{device.code}#places")
