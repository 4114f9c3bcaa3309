"""Pilots over HTTP: a handler reads the request, calls one service function, names a page."""

from datetime import UTC, datetime
from typing import Annotated, Any

from litestar import Controller, HttpMethod, Request, get, post, route
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from sqlmodel import SQLModel, col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.access.rights import VIEW, fetch
from testbed.lists import Listed, Ref, Rows
from testbed.partners.service import choices as partners_to_pick
from testbed.pilots import listing, parts, registration, service
from testbed.pilots.chain import Chain, chain_of
from testbed.pilots.drafts import (
    CaseDraft,
    NeedPatch,
    PartDraft,
    PartPatch,
    PilotDraft,
    PilotPatch,
    StageStep,
)
from testbed.pilots.models import Need, Pilot, Stage, State
from testbed.pilots.views import NeedItem, NeedView, PartView, PilotItem, PilotView
from testbed.testbeds.models import Testbed
from testbed.web.given import Caller, Chosen, List, Session, edited_version, number
from testbed.web.needs import needs
from testbed.web.pages import Created, Form, Page


class NewPilot(SQLModel):
    """What the nine-field form shows beside its fields."""

    testbeds: list[Ref]
    testbed_id: int | None
    leads: list[Ref]
    partners: list[Ref]
    needs: list[Ref]
    served_at: datetime


class PilotForm(SQLModel):
    pilot: PilotView
    leads: list[Ref]


class PartForm(SQLModel):
    """``part`` is what a change starts from; none for a new one."""

    pilot: PilotView
    part: PartView | None = None
    partners: list[Ref] = []


class StageForm(SQLModel):
    pilot: PilotView
    forward: Stage | None
    back: Stage | None


async def blank(session: AsyncSession, actor: Actor) -> NewPilot:
    testbeds, first = await registration.testbeds_to_pilot_in(session, actor)
    return NewPilot(
        testbeds=testbeds,
        testbed_id=first,
        leads=await partners_to_pick(session, actor, *registration.LEADS),
        partners=await partners_to_pick(session, actor),
        needs=await parts.needs_to_pick(session, actor),
        served_at=datetime.now(UTC),
    )


async def filled(session: AsyncSession, actor: Actor, code: str) -> PilotForm:
    await fetch(session, actor, service.EDIT, Pilot, col(Pilot.code) == code)
    leads = await partners_to_pick(session, actor, *registration.LEADS)
    return PilotForm(pilot=await service.view(session, actor, code), leads=leads)


async def at_stage(session: AsyncSession, actor: Actor, code: str) -> StageForm:
    pilot = await fetch(session, actor, service.ADVANCE, Pilot, col(Pilot.code) == code)
    forward, back = service.steps_from(pilot.stage)
    return StageForm(pilot=await service.view(session, actor, code), forward=forward, back=back)


async def new_part(session: AsyncSession, actor: Actor, code: str) -> PartForm:
    await fetch(session, actor, service.PARTS, Pilot, col(Pilot.code) == code)
    found = await partners_to_pick(session, actor)
    return PartForm(pilot=await service.view(session, actor, code), partners=found)


async def old_part(session: AsyncSession, actor: Actor, code: str, part: str) -> PartForm:
    _, found = await parts.part_of(session, actor, code, number(part))
    pilot = await service.view(session, actor, code)
    return PartForm(pilot=pilot, part=next(each for each in pilot.partners if each.id == found.id))


async def new_case(session: AsyncSession, actor: Actor, code: str) -> PartForm:
    await fetch(session, actor, service.EDIT, Pilot, col(Pilot.code) == code)
    found = await partners_to_pick(session, actor)
    return PartForm(pilot=await service.view(session, actor, code), partners=found)


async def old_need(session: AsyncSession, actor: Actor, need: str) -> NeedView:
    await fetch(session, actor, parts.NEED_EDIT, Need, col(Need.id) == number(need))
    return await parts.need_view(session, actor, number(need))


NEW, EDIT = Form("pilots/new.html", blank), Form("pilots/edit.html", filled)
STAGE, CASE = Form("pilots/stage.html", at_stage), Form("pilots/case.html", new_case)
JOIN, PART = Form("pilots/part.html", new_part), Form("pilots/part.html", old_part)
NEED = Form("pilots/need_form.html", old_need)
CHANGES = [HttpMethod.PATCH, HttpMethod.POST]


class PilotRoutes(Controller):
    path = "/pilots"
    tags = ["pilots"]

    @get("/", opt=needs(VIEW, Pilot))
    async def index(
        self, session: Session, actor: Caller, asked: List,
        stage: FromQuery[Stage | None] = None, in_state: Annotated[State | None, QueryParameter(name="state")] = None,
        testbed: FromQuery[str | None] = None, partner: FromQuery[str | None] = None,
        archived: FromQuery[bool] = False,
    ) -> Page[Rows[PilotItem]]:  # fmt: skip
        """List the pilots: search, filter, sort by updated, code, title or start (``-`` turns it round)."""
        found = await listing.page(
            session,
            actor,
            asked,
            stage=stage,
            state=in_state,
            testbed=testbed,
            partner=partner,
            archived=archived,
        )
        return Page(found, "pilots/index.html")

    @get("/new", opt=needs("pilot.register", Testbed), include_in_schema=False)
    async def new(self, session: Session, actor: Caller) -> Page[NewPilot]:
        """Show the nine fields."""
        return Page(await blank(session, actor), NEW.template)

    @post("/", opt=needs("pilot.register", Testbed, form=NEW))
    async def register(
        self, session: Session, actor: Caller, settings: Chosen, data: JSONBody[PilotDraft]
    ) -> Created[PilotView]:
        """Register a pilot; title, testbed and need are enough, with all nine fields it is proposed."""
        pilot = await registration.register(session, actor, data, settings.code_prefix)
        return Created(await service.view(session, actor, pilot.code), f"/pilots/{pilot.code}")

    @get("/{code:str}", opt=needs(VIEW, Pilot))
    async def show(self, session: Session, actor: Caller, code: FromPath[str]) -> Page[PilotView]:
        """Show one pilot and everything that hangs on it."""
        view = await service.view(session, actor, code)
        return Page(view, "pilots/pilot.html", etag=f'"{view.row_version}"')

    @get("/{code:str}/edit", opt=needs("pilot.edit", Pilot), include_in_schema=False)
    async def form(self, session: Session, actor: Caller, code: FromPath[str]) -> Page[PilotForm]:
        """Show the form that changes a pilot."""
        return Page(await filled(session, actor, code), EDIT.template)

    @route("/{code:str}", http_method=CHANGES, opt=needs("pilot.edit", Pilot, form=EDIT), status_code=200)
    async def edit(
        self, request: Request[Any, Any, Any], session: Session, actor: Caller, code: FromPath[str],
        data: JSONBody[PilotPatch],
    ) -> Created[PilotView]:  # fmt: skip
        """Change a pilot; 412 with the current values if somebody saved it meanwhile."""
        seen = edited_version(request, data.row_version)
        await service.edit(session, actor, code, data, seen)
        return Created(await service.view(session, actor, code), f"/pilots/{code}", status_code=200)

    @post("/{code:str}/archive", opt=needs("pilot.edit", Pilot), status_code=200)
    async def put_away(self, session: Session, actor: Caller, code: FromPath[str]) -> Created[PilotView]:
        """Archive a pilot."""
        await service.put_away(session, actor, code)
        return Created(await service.view(session, actor, code), f"/pilots/{code}", status_code=200)

    @post("/{code:str}/restore", opt=needs("pilot.edit", Pilot), status_code=200)
    async def restore(self, session: Session, actor: Caller, code: FromPath[str]) -> Created[PilotView]:
        """Take an archived pilot back."""
        await service.put_away(session, actor, code, back=True)
        return Created(await service.view(session, actor, code), f"/pilots/{code}", status_code=200)

    @get("/{code:str}/stage", opt=needs("pilot.advance", Pilot), include_in_schema=False)
    async def before_step(self, session: Session, actor: Caller, code: FromPath[str]) -> Page[StageForm]:
        """Show what a step of the stage means before it is taken."""
        return Page(await at_stage(session, actor, code), STAGE.template)

    @post("/{code:str}/stage", opt=needs("pilot.advance", Pilot, form=STAGE), status_code=200)
    async def advance(
        self, session: Session, actor: Caller, code: FromPath[str], data: JSONBody[StageStep]
    ) -> Created[PilotView]:
        """Take one step forward, or one back with a reason."""
        await service.advance(session, actor, code, data)
        return Created(await service.view(session, actor, code), f"/pilots/{code}", status_code=200)

    @get("/{code:str}/chain", opt=needs(VIEW, Pilot))
    async def chain(self, session: Session, actor: Caller, code: FromPath[str]) -> Page[Chain]:
        """Show the evidence chain: need, pilot, devices, trials, results, versions, outcomes, decisions."""
        pilot = await fetch(session, actor, VIEW, Pilot, col(Pilot.code) == code)
        return Page(await chain_of(session, actor, pilot.id, code), "pilots/chain.html")


class PartRoutes(Controller):
    """What is tied to a pilot: its partners and its case numbers."""

    path = "/pilots/{code:str}"
    tags = ["pilots"]

    @get("/partners/new", opt=needs("pilot_partner.edit", Pilot), include_in_schema=False)
    async def new(self, session: Session, actor: Caller, code: FromPath[str]) -> Page[PartForm]:
        """Show the form that lets a partner take part."""
        return Page(await new_part(session, actor, code), JOIN.template)

    @post("/partners", opt=needs("pilot_partner.edit", Pilot, form=JOIN))
    async def join(
        self, session: Session, actor: Caller, code: FromPath[str], data: JSONBody[PartDraft]
    ) -> Created[PilotView]:
        """Let a partner take part; by a new name it is added as a company."""
        await parts.join(session, actor, code, data)
        return Created(await service.view(session, actor, code), f"/pilots/{code}#partners")

    @get("/partners/{part:str}/edit", opt=needs("pilot_partner.edit", Pilot), include_in_schema=False)
    async def form(
        self, session: Session, actor: Caller, code: FromPath[str], part: FromPath[str]
    ) -> Page[PartForm]:
        """Show the form that changes a partner's roles."""
        return Page(await old_part(session, actor, code, part), PART.template)

    @route(
        "/partners/{part:str}",
        http_method=CHANGES,
        opt=needs("pilot_partner.edit", Pilot, form=PART),
        status_code=200,
    )
    async def change(
        self,
        session: Session,
        actor: Caller,
        code: FromPath[str],
        part: FromPath[str],
        data: JSONBody[PartPatch],
    ) -> Created[PilotView]:
        """Give a partner other roles."""
        await parts.change(session, actor, code, number(part), data)
        return Created(await service.view(session, actor, code), f"/pilots/{code}#partners", status_code=200)

    @post("/partners/{part:str}/leave", opt=needs("pilot_partner.edit", Pilot), status_code=200)
    async def leave(
        self, session: Session, actor: Caller, code: FromPath[str], part: FromPath[str]
    ) -> Created[PilotView]:
        """End a partner's part today; nothing that came from it is lost."""
        await parts.leave(session, actor, code, number(part))
        return Created(await service.view(session, actor, code), f"/pilots/{code}#partners", status_code=200)

    @get("/cases/new", opt=needs("pilot.edit", Pilot), include_in_schema=False)
    async def case_form(self, session: Session, actor: Caller, code: FromPath[str]) -> Page[PartForm]:
        """Show the form for a case number."""
        return Page(await new_case(session, actor, code), CASE.template)

    @post("/cases", opt=needs("pilot.edit", Pilot, form=CASE))
    async def open_case(
        self, session: Session, actor: Caller, code: FromPath[str], data: JSONBody[CaseDraft]
    ) -> Created[PilotView]:
        """Note a case number of an authority; 409 if the pilot has it already."""
        await parts.open_case(session, actor, code, data)
        return Created(await service.view(session, actor, code), f"/pilots/{code}#cases")


class NeedRoutes(Controller):
    path = "/needs"
    tags = ["needs"]

    @get("/", opt=needs(VIEW, Need))
    async def index(self, session: Session, actor: Caller, asked: List) -> Page[Listed[NeedItem]]:
        """List the needs that pilots answer."""
        return Page(await listing.needs(session, actor, asked), "pilots/needs.html")

    @get("/{need:str}", opt=needs(VIEW, Need))
    async def show(self, session: Session, actor: Caller, need: FromPath[str]) -> Page[NeedView]:
        """Show one need and the pilots that answer it."""
        view = await parts.need_view(session, actor, number(need))
        return Page(view, "pilots/need.html", etag=f'"{view.row_version}"')

    @get("/{need:str}/edit", opt=needs("need.edit", Need), include_in_schema=False)
    async def form(self, session: Session, actor: Caller, need: FromPath[str]) -> Page[NeedView]:
        """Show the form that changes a need."""
        return Page(await old_need(session, actor, need), NEED.template)

    @route("/{need:str}", http_method=CHANGES, opt=needs("need.edit", Need, form=NEED), status_code=200)
    async def edit(
        self, request: Request[Any, Any, Any], session: Session, actor: Caller, need: FromPath[str],
        data: JSONBody[NeedPatch],
    ) -> Created[NeedView]:  # fmt: skip
        """Change a need; 412 with the current values if somebody saved it meanwhile."""
        seen = edited_version(request, data.row_version)
        await parts.edit_need(session, actor, number(need), data, seen)
        return Created(await parts.need_view(session, actor, number(need)), f"/needs/{need}", status_code=200)
