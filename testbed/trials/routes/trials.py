"""Trials over HTTP."""

from typing import Any

from litestar import Controller, HttpMethod, Request, get, post, route
from litestar.params import FromPath, FromQuery, JSONBody
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.access.rights import VIEW
from testbed.lists import Listed
from testbed.pilots.chain import chain_of
from testbed.pilots.models import Pilot
from testbed.trials import links, receiving, service  # noqa: F401 - links registers the nodes of the chain
from testbed.trials.models import Trial, TrialDraft, TrialPatch
from testbed.trials.views import TrialForm, TrialItem, TrialView, UploadView
from testbed.web.given import Caller, Chosen, List, Session, edited_version, number
from testbed.web.needs import needs
from testbed.web.pages import Created, Form, Page, wants_html

CHANGE = [HttpMethod.PATCH, HttpMethod.POST]


async def filled(session: AsyncSession, actor: Actor, trial: str) -> TrialForm:
    return await service.filled(session, actor, number(trial))


NEW, EDIT = Form("trials/form.html", service.blank), Form("trials/form.html", filled)


class PilotTrialRoutes(Controller):
    path = "/pilots/{code:str}/trials"
    tags = ["trials"]

    @get("/", opt=needs(VIEW, Pilot))
    async def index(
        self, session: Session, actor: Caller, asked: List, code: FromPath[str]
    ) -> Page[Listed[TrialItem]]:
        """List the trials of a pilot."""
        return Page(await service.of_pilot(session, actor, code, asked), "trials/index.html")

    @get("/new", opt=needs("trial.create", Pilot), include_in_schema=False)
    async def new(self, session: Session, actor: Caller, code: FromPath[str]) -> Page[TrialForm]:
        """Show the form for a new trial."""
        return Page(await service.blank(session, actor, code), NEW.template)

    @post("/", opt=needs("trial.create", Pilot, form=NEW))
    async def register(
        self, session: Session, actor: Caller, code: FromPath[str], data: JSONBody[TrialDraft]
    ) -> Created[TrialView]:
        """Begin a trial of a pilot; only ``title`` is needed."""
        trial = await service.register(session, actor, code, data)
        return Created(await service.shown(session, actor, trial), f"/trials/{trial.id}")


class TrialRoutes(Controller):
    path = "/trials"
    tags = ["trials"]

    @get("/", opt=needs(VIEW, Trial))
    async def index(
        self, session: Session, actor: Caller, asked: List, pilot: FromQuery[str | None] = None,
        archived: FromQuery[bool] = False,
    ) -> Page[Listed[TrialItem]]:  # fmt: skip
        """List the trials: search, of one pilot (by its code), sort by title, pilot, start or created."""
        page = await service.page(session, actor, asked, pilot=pilot, archived=archived)
        return Page(page, "trials/index.html")

    @get("/{trial:str}", opt=needs(VIEW, Trial))
    async def show(
        self, request: Request[Any, Any, Any], session: Session, actor: Caller, trial: FromPath[str]
    ) -> Page[TrialView]:
        """Show one trial with the results one may see."""
        view = await service.view(session, actor, number(trial))
        if wants_html(request):
            view.chain = await chain_of(session, actor, view.pilot.id, view.pilot_code)
        return Page(view, "trials/trial.html", etag=f'"{view.row_version}"')

    @get("/{trial:str}/edit", opt=needs("trial.edit", Trial), include_in_schema=False)
    async def form(self, session: Session, actor: Caller, trial: FromPath[str]) -> Page[TrialForm]:
        """Show the form that changes a trial."""
        return Page(await filled(session, actor, trial), EDIT.template)

    @route("/{trial:str}", http_method=CHANGE, opt=needs("trial.edit", Trial, form=EDIT), status_code=200)
    async def edit(
        self, request: Request[Any, Any, Any], session: Session, actor: Caller, trial: FromPath[str],
        data: JSONBody[TrialPatch],
    ) -> Created[TrialView]:  # fmt: skip
        """Change a trial; 412 with the current values if somebody saved it meanwhile."""
        seen = edited_version(request, data.row_version)
        row = await service.edit(session, actor, number(trial), data, seen)
        return Created(await service.shown(session, actor, row), f"/trials/{trial}", status_code=200)

    @post("/{trial:str}/archive", opt=needs("trial.edit", Trial), status_code=200)
    async def put_away(self, session: Session, actor: Caller, trial: FromPath[str]) -> Created[TrialView]:
        """Archive a trial: it takes no more files."""
        row = await service.put_away(session, actor, number(trial))
        return Created(await service.shown(session, actor, row), f"/trials/{trial}", status_code=200)

    @post("/{trial:str}/restore", opt=needs("trial.edit", Trial), status_code=200)
    async def restore(self, session: Session, actor: Caller, trial: FromPath[str]) -> Created[TrialView]:
        """Take an archived trial back."""
        row = await service.put_away(session, actor, number(trial), back=True)
        return Created(await service.shown(session, actor, row), f"/trials/{trial}", status_code=200)

    @get("/{trial:str}/upload", opt=needs("result.upload", Trial))
    async def upload(
        self, session: Session, actor: Caller, settings: Chosen, trial: FromPath[str],
        delivery: FromQuery[str | None] = None,
    ) -> Page[UploadView]:  # fmt: skip
        """Show what is expected of an upload: limits, formats, on whose behalf, for which delivery, and the form."""
        view = await receiving.expected(session, actor, number(trial), delivery)
        view.upload_max_bytes, view.form_max_bytes = settings.upload_max_bytes, settings.form_max_bytes
        return Page(view, "trials/upload.html")
