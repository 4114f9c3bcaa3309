"""Partners over HTTP: a handler reads the request, calls one service function, names a page."""

from typing import Any

from litestar import Controller, HttpMethod, Request, get, post, route
from litestar.params import FromPath, FromQuery, JSONBody
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.access.rights import VIEW, demand, fetch
from testbed.lists import Listed, Ref
from testbed.partners import service
from testbed.partners.models import Kind, Partner, PartnerDraft, PartnerItem, PartnerPatch, PartnerView
from testbed.web.given import Caller, List, Session, edited_version
from testbed.web.needs import needs
from testbed.web.pages import Created, Form, Page


class PartnerForm(SQLModel):
    """What the form shows beside its fields; ``partner`` is what an edit starts from."""

    partner: PartnerView | None = None
    parents: list[Ref]


async def blank(session: AsyncSession, actor: Actor) -> PartnerForm:
    await demand(session, actor, "partner.create")
    return PartnerForm(parents=await service.choices(session, actor))


async def filled(session: AsyncSession, actor: Actor, slug: str) -> PartnerForm:
    await fetch(session, actor, service.EDIT, Partner, Partner.slug == slug)
    return PartnerForm(
        partner=await service.view(session, actor, slug), parents=await service.choices(session, actor)
    )


NEW, EDIT = Form("partners/form.html", blank), Form("partners/form.html", filled)


class PartnerRoutes(Controller):
    path = "/partners"
    tags = ["partners"]

    @get("/", opt=needs(VIEW, Partner))
    async def index(
        self, session: Session, actor: Caller, asked: List, kind: FromQuery[Kind | None] = None,
        archived: FromQuery[bool] = False,
    ) -> Page[Listed[PartnerItem]]:  # fmt: skip
        """List the partners: search, filter by kind, sort by name, kind or created."""
        return Page(
            await service.page(session, actor, asked, kind=kind, archived=archived), "partners/index.html"
        )

    @get("/new", opt=needs("partner.create"), include_in_schema=False)
    async def new(self, session: Session, actor: Caller) -> Page[PartnerForm]:
        """Show the form for a new partner."""
        return Page(await blank(session, actor), NEW.template)

    @post("/", opt=needs("partner.create", form=NEW))
    async def register(
        self, session: Session, actor: Caller, data: JSONBody[PartnerDraft]
    ) -> Created[PartnerView]:
        """Register a partner."""
        partner = await service.register(session, actor, data)
        return Created(await service.view(session, actor, partner.slug), f"/partners/{partner.slug}")

    @get("/{slug:str}", opt=needs(VIEW, Partner))
    async def show(self, session: Session, actor: Caller, slug: FromPath[str]) -> Page[PartnerView]:
        """Show one partner."""
        view = await service.view(session, actor, slug)
        return Page(view, "partners/partner.html", etag=f'"{view.row_version}"')

    @get("/{slug:str}/edit", opt=needs("partner.edit", Partner), include_in_schema=False)
    async def form(self, session: Session, actor: Caller, slug: FromPath[str]) -> Page[PartnerForm]:
        """Show the form that changes a partner."""
        return Page(await filled(session, actor, slug), EDIT.template)

    @route(
        "/{slug:str}",
        http_method=[HttpMethod.PATCH, HttpMethod.POST],
        opt=needs("partner.edit", Partner, form=EDIT),
        status_code=200,
    )
    async def edit(
        self, request: Request[Any, Any, Any], session: Session, actor: Caller, slug: FromPath[str],
        data: JSONBody[PartnerPatch],
    ) -> Created[PartnerView]:  # fmt: skip
        """Change a partner; 412 with the current values if somebody saved it meanwhile."""
        seen = edited_version(request, data.row_version)
        partner = await service.edit(session, actor, slug, data, seen)
        return Created(await service.view(session, actor, partner.slug), f"/partners/{slug}", status_code=200)

    @post("/{slug:str}/archive", opt=needs("partner.edit", Partner), status_code=200)
    async def put_away(self, session: Session, actor: Caller, slug: FromPath[str]) -> Created[PartnerView]:
        """Archive a partner."""
        partner = await service.put_away(session, actor, slug)
        return Created(await service.shown(session, actor, partner), f"/partners/{slug}", status_code=200)

    @post("/{slug:str}/restore", opt=needs("partner.edit", Partner), status_code=200)
    async def restore(self, session: Session, actor: Caller, slug: FromPath[str]) -> Created[PartnerView]:
        """Take an archived partner back."""
        await service.put_away(session, actor, slug, back=True)
        return Created(await service.view(session, actor, slug), f"/partners/{slug}", status_code=200)
