"""Units and arms of a trial over HTTP."""

from typing import Any

from litestar import Controller, HttpMethod, Request, get, route
from litestar.params import FromPath, JSONBody
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.access.rights import VIEW
from testbed.trials import allocation
from testbed.trials.allocation import EDIT, AllocationPatch, AllocationView
from testbed.trials.models import Trial
from testbed.web.given import Caller, Session, edited_version, number
from testbed.web.needs import needs
from testbed.web.pages import Created, Form, Page

CHANGE = [HttpMethod.PATCH, HttpMethod.POST]


async def filled(session: AsyncSession, actor: Actor, trial: str) -> AllocationView:
    return await allocation.filled(session, actor, number(trial))


FORM = Form("trials/units_form.html", filled)


class AllocationRoutes(Controller):
    path = "/trials/{trial:str}/units"
    tags = ["trials"]

    @get("/", opt=needs(VIEW, Trial))
    async def show(self, session: Session, actor: Caller, trial: FromPath[str]) -> Page[AllocationView]:
        """List the units of a trial, by the arm they are allocated to."""
        view = await allocation.view(session, actor, number(trial))
        return Page(view, "trials/units.html", etag=f'"{view.row_version}"')

    @get("/edit", opt=needs(EDIT, Trial), include_in_schema=False)
    async def form(self, session: Session, actor: Caller, trial: FromPath[str]) -> Page[AllocationView]:
        """Show the form that changes units and arms."""
        return Page(await filled(session, actor, trial), FORM.template)

    @route("/", http_method=CHANGE, opt=needs(EDIT, Trial, form=FORM), status_code=200)
    async def edit(
        self, request: Request[Any, Any, Any], session: Session, actor: Caller, trial: FromPath[str],
        data: JSONBody[AllocationPatch],
    ) -> Created[AllocationView]:  # fmt: skip
        """Say which units a trial has, and in which arm each is: the whole list, as it is to be."""
        seen = edited_version(request, data.row_version)
        view = await allocation.edit(session, actor, number(trial), data, seen)
        return Created(view, f"/trials/{trial}/units", status_code=200)
