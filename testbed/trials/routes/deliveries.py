"""Planned deliveries over HTTP: of a trial, and what is expected of a partner."""

from typing import Any, Literal

from litestar import Controller, HttpMethod, Request, get, post, route
from litestar.params import FromPath, FromQuery, JSONBody
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.access.rights import VIEW
from testbed.trials import deliveries, planning
from testbed.trials.models import DeliveryDraft, DeliveryPatch, PlannedDelivery, Trial
from testbed.trials.planning import EDIT
from testbed.trials.views import DeliveryForm, DeliveryView, Expected, Planned
from testbed.web.given import Caller, List, Session, edited_version, number
from testbed.web.needs import needs
from testbed.web.pages import Created, Form, Page

CHANGE = [HttpMethod.PATCH, HttpMethod.POST]


async def blank(session: AsyncSession, actor: Actor, trial: str) -> DeliveryForm:
    return await planning.blank(session, actor, number(trial))


async def filled(session: AsyncSession, actor: Actor, trial: str, delivery: str) -> DeliveryForm:
    return await planning.filled(session, actor, number(trial), delivery)


NEW, OLD = Form("trials/delivery_form.html", blank), Form("trials/delivery_form.html", filled)


class DeliveryRoutes(Controller):
    path = "/trials/{trial:str}/deliveries"
    tags = ["trials"]

    @get("/", opt=needs(VIEW, Trial))
    async def index(self, session: Session, actor: Caller, trial: FromPath[str]) -> Page[Planned]:
        """List the deliveries planned in a trial, by due date."""
        return Page(await planning.page(session, actor, number(trial)), "trials/deliveries.html")

    @get("/new", opt=needs(EDIT, Trial), include_in_schema=False)
    async def new(self, session: Session, actor: Caller, trial: FromPath[str]) -> Page[DeliveryForm]:
        """Show the form for a new delivery."""
        return Page(await blank(session, actor, trial), NEW.template)

    @post("/", opt=needs(EDIT, Trial, form=NEW))
    async def register(
        self, session: Session, actor: Caller, trial: FromPath[str], data: JSONBody[DeliveryDraft]
    ) -> Created[DeliveryView]:
        """Plan a delivery: who hands in what by when. Its code is the next of the trial."""
        made = await planning.register(session, actor, number(trial), data)
        view = await planning.view(session, actor, number(trial), made.code)
        return Created(view, f"/trials/{trial}/deliveries/{made.code}")

    @get("/{delivery:str}", opt=needs(VIEW, Trial))
    async def show(
        self, session: Session, actor: Caller, trial: FromPath[str], delivery: FromPath[str]
    ) -> Page[DeliveryView]:
        """Show one delivery, how it stands, and the files that answer it."""
        view = await planning.view(session, actor, number(trial), delivery)
        return Page(view, "trials/delivery.html", etag=f'"{view.row_version}"')

    @get("/{delivery:str}/edit", opt=needs(EDIT, Trial), include_in_schema=False)
    async def form(
        self, session: Session, actor: Caller, trial: FromPath[str], delivery: FromPath[str]
    ) -> Page[DeliveryForm]:
        """Show the form that changes a delivery."""
        return Page(await filled(session, actor, trial, delivery), OLD.template)

    @route("/{delivery:str}", http_method=CHANGE, opt=needs(EDIT, Trial, form=OLD), status_code=200)
    async def edit(
        self, request: Request[Any, Any, Any], session: Session, actor: Caller, trial: FromPath[str],
        delivery: FromPath[str], data: JSONBody[DeliveryPatch],
    ) -> Created[DeliveryView]:  # fmt: skip
        """Change a delivery, or say with ``lost_reason`` why it will never come."""
        seen = edited_version(request, data.row_version)
        row = await planning.edit(session, actor, number(trial), delivery, data, seen)
        return await _again(session, actor, trial, row)

    @post("/{delivery:str}/archive", opt=needs(EDIT, Trial), status_code=200)
    async def put_away(
        self, session: Session, actor: Caller, trial: FromPath[str], delivery: FromPath[str]
    ) -> Created[DeliveryView]:
        """Archive a delivery: nobody is reminded of it any more."""
        row = await planning.put_away(session, actor, number(trial), delivery)
        return await _again(session, actor, trial, row)

    @post("/{delivery:str}/restore", opt=needs(EDIT, Trial), status_code=200)
    async def restore(
        self, session: Session, actor: Caller, trial: FromPath[str], delivery: FromPath[str]
    ) -> Created[DeliveryView]:
        """Take an archived delivery back."""
        row = await planning.put_away(session, actor, number(trial), delivery, back=True)
        return await _again(session, actor, trial, row)


class ExpectedRoutes(Controller):
    path = "/partners/{slug:str}/expected"
    tags = ["partners"]

    @get("/", opt=needs(deliveries.FOLLOW, PlannedDelivery))
    async def show(
        self, session: Session, actor: Caller, asked: List, slug: FromPath[str],
        which: FromQuery[Literal["open", "ended"]] = "open",
    ) -> Page[Expected]:  # fmt: skip
        """List what is expected of a partner, by due date: ``which`` is open, or ended (received or lost)."""
        view = await deliveries.expected_of(session, actor, slug, asked, which=which)
        return Page(view, "trials/expected.html")


async def _again(
    session: AsyncSession, actor: Actor, trial: str, row: PlannedDelivery
) -> Created[DeliveryView]:
    view = await planning.view(session, actor, number(trial), row.code)
    return Created(view, f"/trials/{trial}/deliveries/{row.code}", status_code=200)
