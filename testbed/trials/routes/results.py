"""Results over HTTP: the register, the page of one, its receipt, its progress and its files."""

import re
from typing import Annotated, Any

from litestar import Controller, HttpMethod, Request, Response, get, post, route
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.response import Stream
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.access.rights import READ, VIEW, fetch
from testbed.lists import Listed
from testbed.pilots.chain import chain_of
from testbed.texts import message
from testbed.trials import deliveries, following, results
from testbed.trials.models import Acceptance, Result, ResultPatch, ResultState
from testbed.trials.results import Key, named
from testbed.trials.views import JobView, Receipt, ResultForm, ResultItem, ResultView
from testbed.web.blobs import blob_response
from testbed.web.given import Caller, Db, Files, List, Session, edited_version, number
from testbed.web.languages import gettext
from testbed.web.needs import needs
from testbed.web.pages import Created, Form, Page, wants_html

CODE = re.compile(r"R-[0-9A-HJKMNP-TV-Z]{6}")
LIVE_LINE = {"X-Accel-Buffering": "no", "Cache-Control": "no-store"}
STEPS = {
    "fetching": message("The file is fetched from where it is kept."),
    "looking": message("What kind of file it is is found out."),
    "reading": message("The rows are read."),
    "writing": message("The types of the columns are checked."),
    "profiling": message("What the columns hold is counted."),
    "done": message("The table is kept."),
}
FETCH = [HttpMethod.GET, HttpMethod.HEAD]
CHANGE = [HttpMethod.PATCH, HttpMethod.POST]
Req = Request[Any, Any, Any]


def key_of(given: str) -> Key:
    """A result's code, in whatever case it was typed, or its number."""
    return given.upper() if CODE.fullmatch(given.upper()) else number(given)


def spoken(job: JobView) -> JobView:
    """The same with its step in words, in the language of the request."""
    job.step_words = gettext(STEPS[job.step]) if job.step in STEPS else None
    return job


async def filled(session: AsyncSession, actor: Actor, result: str) -> ResultForm:
    row = await fetch(session, actor, results.EDIT, Result, named(key_of(result)))
    planned = await deliveries.of_trial(session, actor, row.trial_id, partners=[row.owner_id])
    return ResultForm(result=await results.shown(session, actor, row), deliveries=planned)


EDIT = Form("trials/result_form.html", filled)


class ResultRoutes(Controller):
    path = "/results"
    tags = ["results"]

    @get("/", opt=needs(VIEW, Result))
    async def index(
        self, session: Session, actor: Caller, asked: List,
        ended: Annotated[ResultState | None, QueryParameter(name="state")] = None,
        acceptance: FromQuery[Acceptance | None] = None,
        trial: Annotated[int | None, QueryParameter(ge=1, le=2**63 - 1)] = None,
        pilot: FromQuery[str | None] = None, archived: FromQuery[bool] = False,
    ) -> Page[Listed[ResultItem]]:  # fmt: skip
        """List the results: search; filter by state, acceptance, trial and pilot; sort by received, filename, size, state."""
        page = await results.page(
            session,
            actor,
            asked,
            state=ended,
            acceptance=acceptance,
            trial=trial,
            pilot=pilot,
            archived=archived,
        )
        return Page(page, "trials/results.html")

    @get("/{result:str}", opt=needs(VIEW, Result))
    async def show(
        self, request: Req, session: Session, actor: Caller, result: FromPath[str]
    ) -> Page[ResultView]:
        """Show a result by id or code: ``state`` ends in ready, partly or unreadable; then rows, columns and problems."""
        view = await results.view(session, actor, key_of(result))
        if wants_html(request):
            view.chain = await chain_of(session, actor, view.pilot.id, view.receipt.pilot)
        return Page(view, "trials/result.html", etag=f'"{view.row_version}"')

    @get("/{result:str}/receipt", opt=needs(VIEW, Result))
    async def receipt(self, session: Session, actor: Caller, result: FromPath[str]) -> Page[Receipt]:
        """Show the receipt of a result, to keep or print: it never changes."""
        return Page(await results.receipt(session, actor, key_of(result)), "trials/receipt.html")

    @get("/{result:str}/progress", opt=needs(VIEW, Result))
    async def progress(self, session: Session, actor: Caller, result: FromPath[str]) -> JobView:
        """How far the reading of a result is."""
        return spoken(await results.following(session, actor, key_of(result)))

    @get("/{result:str}/events", opt=needs(VIEW, Result), media_type="text/event-stream")
    async def events(self, db: Db, actor: Caller, result: FromPath[str]) -> Stream:
        """The same as server-sent events, until the reading has ended or the line is 25 seconds old."""
        async with db.begin() as session:
            await results.following(session, actor, key_of(result))
        told = following.events(db, actor, key_of(result), spoken)
        return Stream(told, media_type="text/event-stream", headers=LIVE_LINE)

    @route("/{result:str}/raw", http_method=FETCH, opt=needs(READ, Result))
    async def raw(
        self, request: Req, db: Db, store: Files, actor: Caller, result: FromPath[str]
    ) -> Response[None]:
        """Download the file exactly as it was sent."""
        return await _file(request, db, store, actor, result, "raw")

    @route("/{result:str}/table.parquet", http_method=FETCH, opt=needs(READ, Result))
    async def table(
        self, request: Req, db: Db, store: Files, actor: Caller, result: FromPath[str]
    ) -> Response[None]:
        """Download the table that was made of the file."""
        return await _file(request, db, store, actor, result, "table")

    @route("/{result:str}/rejected.csv", http_method=FETCH, opt=needs(READ, Result))
    async def rejected(
        self, request: Req, db: Db, store: Files, actor: Caller, result: FromPath[str]
    ) -> Response[None]:
        """Download the rows that were not taken, each with its line and the reason."""
        return await _file(request, db, store, actor, result, "rejected")

    @get("/{result:str}/edit", opt=needs("result.edit", Result), include_in_schema=False)
    async def form(self, session: Session, actor: Caller, result: FromPath[str]) -> Page[ResultForm]:
        """Show the form that changes a result's note and who may see it."""
        return Page(await filled(session, actor, result), EDIT.template)

    @route("/{result:str}", http_method=CHANGE, opt=needs("result.edit", Result, form=EDIT), status_code=200)
    async def edit(
        self,
        request: Req,
        session: Session,
        actor: Caller,
        result: FromPath[str],
        data: JSONBody[ResultPatch],
    ) -> Created[ResultView]:
        """Change a result's note, or who may see it; never its file."""
        seen = edited_version(request, data.row_version)
        row = await results.edit(session, actor, key_of(result), data, seen)
        return Created(await results.shown(session, actor, row), f"/results/{row.code}", status_code=200)

    @post("/{result:str}/archive", opt=needs("result.edit", Result), status_code=200)
    async def put_away(self, session: Session, actor: Caller, result: FromPath[str]) -> Created[ResultView]:
        """Take a result out of the lists; its file stays."""
        row = await results.put_away(session, actor, key_of(result))
        return Created(await results.shown(session, actor, row), f"/results/{row.code}", status_code=200)

    @post("/{result:str}/restore", opt=needs("result.edit", Result), status_code=200)
    async def restore(self, session: Session, actor: Caller, result: FromPath[str]) -> Created[ResultView]:
        """Put an archived result back into the lists."""
        row = await results.put_away(session, actor, key_of(result), back=True)
        return Created(await results.shown(session, actor, row), f"/results/{row.code}", status_code=200)


async def _file(request: Req, db: Db, store: Files, actor: Actor, result: str, what: str) -> Response[None]:
    """Ask for permission in a transaction of its own; the bytes flow without one."""
    async with db.begin() as session:
        found = await results.download(session, actor, key_of(result), what)
    size = found.size if what == "raw" else await store.size(found.sha256)
    return await blob_response(
        request,
        store,
        sha256=found.sha256,
        size=size or 0,
        filename=found.filename,
        media_type=found.media_type,
        public=found.public,
        last_modified=found.result.received_at,
    )
