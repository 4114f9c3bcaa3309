"""Testbeds over HTTP."""

from typing import Any

from litestar import Controller, HttpMethod, Request, get, post, route
from litestar.params import FromPath, FromQuery, JSONBody
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.access.rights import VIEW, demand, fetch
from testbed.lists import Listed, Ref
from testbed.partners.service import choices
from testbed.testbeds import service
from testbed.testbeds.models import Environment, Testbed, TestbedDraft, TestbedItem, TestbedPatch, TestbedView
from testbed.web.given import Caller, List, Session, edited_version
from testbed.web.needs import needs
from testbed.web.pages import Created, Form, Page


class TestbedForm(SQLModel):
    """What the form shows beside its fields; ``testbed`` is what an edit starts from."""

    testbed: TestbedView | None = None
    owners: list[Ref]


async def blank(session: AsyncSession, actor: Actor) -> TestbedForm:
    await demand(session, actor, "testbed.create")
    return TestbedForm(owners=await choices(session, actor))


async def filled(session: AsyncSession, actor: Actor, slug: str) -> TestbedForm:
    await fetch(session, actor, service.EDIT, Testbed, Testbed.slug == slug)
    return TestbedForm(testbed=await service.view(session, actor, slug), owners=await choices(session, actor))


NEW, EDIT = Form("testbeds/form.html", blank), Form("testbeds/form.html", filled)


class TestbedRoutes(Controller):
    path = "/testbeds"
    tags = ["testbeds"]

    @get("/", opt=needs(VIEW, Testbed))
    async def index(
        self,
        session: Session,
        actor: Caller,
        asked: List,
        environment: FromQuery[Environment | None] = None,
        archived: FromQuery[bool] = False,
    ) -> Page[Listed[TestbedItem]]:
        """List the testbeds: search, filter by environment, sort by name, environment or created."""
        found = await service.page(session, actor, asked, environment=environment, archived=archived)
        return Page(found, "testbeds/index.html")

    @get("/new", opt=needs("testbed.create"), include_in_schema=False)
    async def new(self, session: Session, actor: Caller) -> Page[TestbedForm]:
        """Show the form for a new testbed."""
        return Page(await blank(session, actor), NEW.template)

    @post("/", opt=needs("testbed.create", form=NEW))
    async def register(
        self, session: Session, actor: Caller, data: JSONBody[TestbedDraft]
    ) -> Created[TestbedView]:
        """Create a testbed."""
        bed = await service.register(session, actor, data)
        return Created(await service.view(session, actor, bed.slug), f"/testbeds/{bed.slug}")

    @get("/{slug:str}", opt=needs(VIEW, Testbed))
    async def show(self, session: Session, actor: Caller, slug: FromPath[str]) -> Page[TestbedView]:
        """Show one testbed."""
        view = await service.view(session, actor, slug)
        return Page(view, "testbeds/testbed.html", etag=f'"{view.row_version}"')

    @get("/{slug:str}/edit", opt=needs("testbed.edit", Testbed), include_in_schema=False)
    async def form(self, session: Session, actor: Caller, slug: FromPath[str]) -> Page[TestbedForm]:
        """Show the form that changes a testbed."""
        return Page(await filled(session, actor, slug), EDIT.template)

    @route(
        "/{slug:str}",
        http_method=[HttpMethod.PATCH, HttpMethod.POST],
        opt=needs("testbed.edit", Testbed, form=EDIT),
        status_code=200,
    )
    async def edit(
        self,
        request: Request[Any, Any, Any],
        session: Session,
        actor: Caller,
        slug: FromPath[str],
        data: JSONBody[TestbedPatch],
    ) -> Created[TestbedView]:
        """Change a testbed; 412 with the current values if somebody saved it meanwhile."""
        seen = edited_version(request, data.row_version)
        await service.edit(session, actor, slug, data, seen)
        return Created(await service.view(session, actor, slug), f"/testbeds/{slug}", status_code=200)

    @post("/{slug:str}/archive", opt=needs("testbed.edit", Testbed), status_code=200)
    async def put_away(self, session: Session, actor: Caller, slug: FromPath[str]) -> Created[TestbedView]:
        """Archive a testbed."""
        await service.put_away(session, actor, slug)
        return Created(await service.view(session, actor, slug), f"/testbeds/{slug}", status_code=200)

    @post("/{slug:str}/restore", opt=needs("testbed.edit", Testbed), status_code=200)
    async def restore(self, session: Session, actor: Caller, slug: FromPath[str]) -> Created[TestbedView]:
        """Take an archived testbed back."""
        await service.put_away(session, actor, slug, back=True)
        return Created(await service.view(session, actor, slug), f"/testbeds/{slug}", status_code=200)
