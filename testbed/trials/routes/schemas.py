"""Table schemas over HTTP: read, change in a form or as JSON, and the templates made of them."""

from contextlib import aclosing
from typing import Annotated, Any

from litestar import Controller, MediaType, Request, Response, get, post, put
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from pydantic import StringConstraints
from sqlmodel import Field, SQLModel, col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.access.rights import VIEW, fetch
from testbed.canonical import canonical
from testbed.errors import ATTENTION, Invalid, Stale
from testbed.texts import Passage, message
from testbed.trials import blank_files, schemas
from testbed.trials.column_rows import acted, beside, filled, typed
from testbed.trials.models import Trial
from testbed.trials.routes.results import CODE, key_of
from testbed.trials.schema_views import SchemaForm, SchemaImport, SchemaPlan, SchemaStart, SchemaView
from testbed.trials.soundness import sound
from testbed.web.blobs import disposition
from testbed.web.bodies import arriving
from testbed.web.forms import Broken, strict_json
from testbed.web.given import Caller, Session, number
from testbed.web.multipart import form_with_file
from testbed.web.needs import needs
from testbed.web.pages import Created, Page, wants_html
from testbed.web.wording import spoken

Req = Request[Any, Any, Any]
FORM, CHECK, IMPORT = "trials/schema_form.html", "trials/schema_check.html", "trials/schema_import.html"
Body = dict[str, Any]
IMPORT_BYTES = 2**20
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv; charset=utf-8; header=present"
NOT_JSON = message("This is not valid JSON.")


class SchemaDraft(SQLModel):
    """A table schema as it arrives: ``descriptor`` is an object as schema.json has it, or its text as a form carries it."""

    model_config = {"extra": "forbid"}

    descriptor: Any = Field(
        description="Table Schema (Data Package v2) with the keys of docs/reference/table-schema.md."
    )
    seen: int | None = Field(
        default=None, ge=0, description="The version that is changed; 0: there is none yet."
    )
    note: Passage | None = Field(
        default=None, max_length=1000, description="Why; everybody who sees the trial reads it."
    )
    origin: Annotated[str, StringConstraints(pattern=f"^{CODE.pattern}$")] | None = Field(
        default=None, description="Code of the result it was proposed from."
    )


class SchemaRoutes(Controller):
    path = "/trials/{trial:str}"
    tags = ["trials"]

    @get("/schema", opt=needs(VIEW, Trial))
    async def show(self, session: Session, actor: Caller, trial: FromPath[str]) -> Page[SchemaView]:
        """Show what a file for this trial must look like; ``number`` is null while nothing is said of that."""
        view = await schemas.view(session, actor, number(trial))
        return Page(view, "trials/schema.html", etag=f'"{view.number or 0}"')

    @get("/schema/{schema:str}", opt=needs(VIEW, Trial))
    async def at(
        self, session: Session, actor: Caller, trial: FromPath[str], schema: FromPath[str]
    ) -> Page[SchemaView]:
        """Show a version of the table schema; it never changes."""
        return Page(await schemas.view(session, actor, number(trial), number(schema)), "trials/schema.html")

    @get("/schema/new", opt=needs("trial.edit", Trial), include_in_schema=False)
    async def new(
        self, session: Session, actor: Caller, trial: FromPath[str],
        origin: Annotated[str | None, QueryParameter(name="from", max_length=40)] = None,
        limits: FromQuery[str] = "",
    ) -> Page[SchemaStart] | Page[SchemaForm]:  # fmt: skip
        """Show the ways to begin; with ``from`` the form, filled from what a result held; ``limits=yes``: limits too."""
        if origin is None:
            return Page(await schemas.start(session, actor, number(trial)), "trials/schema_new.html")
        return Page(
            await schemas.form(session, actor, number(trial), key_of(origin.strip()), limits=limits == "yes"),
            FORM,
        )

    @get("/schema/edit", opt=needs("trial.edit", Trial), include_in_schema=False)
    async def edit(self, session: Session, actor: Caller, trial: FromPath[str]) -> Page[SchemaForm]:
        """Show the form, filled with the schema that holds now."""
        return Page(await schemas.form(session, actor, number(trial)), FORM)

    @post("/schema/edit", opt=needs("trial.edit", Trial), status_code=200, include_in_schema=False)
    async def work(
        self, request: Req, session: Session, actor: Caller, trial: FromPath[str]
    ) -> Page[SchemaForm] | Page[SchemaPlan]:
        """Add, move or take away a row of the form, or see what the change would mean; saves nothing."""
        return await _worked(request, session, actor, number(trial))

    @get("/schema/import", opt=needs("trial.edit", Trial), include_in_schema=False)
    async def paste(self, session: Session, actor: Caller, trial: FromPath[str]) -> Page[SchemaImport]:
        """Show the page that takes a schema as JSON."""
        return Page(await schemas.blank_import(session, actor, number(trial)), IMPORT)

    @post("/schema/import", opt=needs("trial.edit", Trial), status_code=200, include_in_schema=False)
    async def take(
        self, request: Req, session: Session, actor: Caller, trial: FromPath[str]
    ) -> Page[SchemaImport] | Page[SchemaPlan]:
        """Take a schema as JSON, pasted or as a file, and show what it would mean; saves nothing."""
        return await _taken(request, session, actor, number(trial))

    @post("/schema/check", opt=needs("trial.edit", Trial), status_code=200)
    async def check(
        self, session: Session, actor: Caller, trial: FromPath[str], data: JSONBody[SchemaDraft]
    ) -> Page[SchemaPlan]:
        """Show what saving a table schema would change; saves nothing."""
        body = understood(data.descriptor, "descriptor")
        found = await schemas.plan(session, actor, number(trial), body, note=data.note, origin=data.origin)
        return Page(found, CHECK, status_code=200)

    @post("/schema", opt=needs("trial.edit", Trial))
    async def save(
        self, request: Req, session: Session, actor: Caller, trial: FromPath[str], data: JSONBody[SchemaDraft]
    ) -> Created[SchemaView] | Page[SchemaPlan]:
        """Save a table schema as the next version; 200 if nothing differs, 412 if ``seen`` is not the version there is."""
        return await _saved(request, session, actor, number(trial), data)

    @put("/schema.json", opt=needs("trial.edit", Trial), status_code=201)
    async def replace(
        self, request: Req, session: Session, actor: Caller, trial: FromPath[str], data: JSONBody[Any]
    ) -> Created[SchemaView] | Page[SchemaPlan]:
        """Save the file that GET gives, changed. ``If-Match`` names the version that was changed, when there is one."""
        draft = SchemaDraft(descriptor=data, seen=_seen(request))
        return await _saved(request, session, actor, number(trial), draft, "")

    @get("/schema.json", opt=needs(VIEW, Trial), media_type=MediaType.JSON)
    async def descriptor(self, session: Session, actor: Caller, trial: FromPath[str]) -> Response[bytes]:
        """Download the table schema that holds now: Table Schema (Data Package v2)."""
        found = await schemas.version(session, actor, number(trial), None)
        return _sent(canonical(found.body), MediaType.JSON, "schema.json", f'"{found.number}"')

    @get("/schema/{schema:str}/schema.json", opt=needs(VIEW, Trial), media_type=MediaType.JSON)
    async def kept(
        self, session: Session, actor: Caller, trial: FromPath[str], schema: FromPath[str]
    ) -> Response[bytes]:
        """Download a version of the table schema; its SHA-256 is the one on its page."""
        found = await schemas.version(session, actor, number(trial), number(schema))
        return _sent(
            canonical(found.body), MediaType.JSON, f"schema-v{found.number}.json", f'"{found.sha256}"'
        )


class TemplateRoutes(Controller):
    path = "/trials/{trial:str}"
    tags = ["trials"]

    @get("/template.csv", opt=needs(VIEW, Trial), media_type=CSV)
    async def header(self, session: Session, actor: Caller, trial: FromPath[str]) -> Response[bytes]:
        """Download the header of the table, to fill in below."""
        found, name, _ = await schemas.handed_out(session, actor, number(trial))
        return _sent(blank_files.header_csv(found.body), CSV, f"{name}.csv", f'"{found.sha256}"')

    @get("/example.csv", opt=needs(VIEW, Trial), media_type=CSV)
    async def example(self, session: Session, actor: Caller, trial: FromPath[str]) -> Response[bytes]:
        """Download what each column means, one a line, with an example."""
        found, name, _ = await schemas.handed_out(session, actor, number(trial))
        return _sent(blank_files.example_csv(found.body), CSV, f"{name}-example.csv", f'"{found.sha256}"')

    @get("/template.xlsx", opt=needs(VIEW, Trial), media_type=XLSX)
    async def workbook(self, session: Session, actor: Caller, trial: FromPath[str]) -> Response[bytes]:
        """Download a workbook to fill in: the header, rules for the cells, and a sheet that explains the columns."""
        found, name, title = await schemas.handed_out(session, actor, number(trial))
        made = blank_files.workbook(found.body, title=title, made_at=found.frozen_at)
        return _sent(made, XLSX, f"{name}.xlsx", f'"{found.sha256}"')


def _sent(content: bytes, media_type: str, filename: str, etag: str) -> Response[bytes]:
    headers = {"Content-Disposition": disposition(filename), "ETag": etag}
    return Response(content, media_type=media_type, headers=headers)


def understood(given: Any, below: str = "") -> Body:
    """A schema found sound, in its one spelling, of an object or of its text.

    Raises:
        Invalid: with what is wrong, field by field, named from ``below`` on.
    """
    body, faults = sound(read(given) if isinstance(given, str) else given)
    if faults:
        wrong = spoken(faults)
        raise Invalid(
            ATTENTION, fields={f"{below}.{name}" if below else name: says for name, says in wrong.items()}
        )
    return body


def read(text: str) -> Any:
    """JSON as strictly as a body is read. Raises: Invalid."""
    try:
        return strict_json(text.encode("utf-8", "surrogatepass"))
    except Broken as error:
        raise Invalid(NOT_JSON, fields={"text": NOT_JSON}) from error
    except Invalid as error:  # the same key twice, a number too large
        raise Invalid(error.detail, fields={"text": error.detail}) from error


def _seen(request: Req) -> int | None:
    sent = request.headers.get("if-match", "").strip().strip('"')
    return int(sent) if sent.isascii() and sent.isdigit() and len(sent) < 10 else None


async def _saved(
    request: Req,
    session: AsyncSession,
    actor: Actor,
    trial: int,
    draft: SchemaDraft,
    below: str = "descriptor",
) -> Created[SchemaView] | Page[SchemaPlan]:
    """Save, or show a person anew what saving would mean, when somebody else has saved meanwhile."""
    body, about = understood(draft.descriptor, below), {"note": draft.note, "origin": draft.origin}
    try:
        made, new = await schemas.freeze(session, actor, trial, body, draft.seen, **about)
    except Stale:
        if not wants_html(request):
            raise
        found = await schemas.plan(session, actor, trial, body, **about)
        return Page(found.model_copy(update={"meanwhile": True}), CHECK, status_code=412)
    view = await schemas.view(session, actor, trial, made.number)
    return Created(view, f"/trials/{trial}/schema/{made.number}", status_code=201 if new else 200)


async def _worked(
    request: Req, session: AsyncSession, actor: Actor, trial: int
) -> Page[SchemaForm] | Page[SchemaPlan]:
    """One button of the form was pushed; whatever was typed comes back."""
    given = await _given(request, session, actor, trial)
    origin = str(given.get("origin") or "") or None
    if "descriptor" in given:  # from the page that shows what a change means, back to the form
        body = understood(str(given["descriptor"]))
        return Page(
            await schemas.redrawn(session, actor, trial, filled(body), body=body, origin=origin),
            FORM,
            status_code=200,
        )
    sheet, do = typed(given), str(given.get("do") or "check")
    if do != "check":
        at = acted(sheet, do)
        return Page(
            await schemas.redrawn(session, actor, trial, sheet, looked_at=at, origin=origin),
            FORM,
            status_code=200,
        )
    sheet = sheet.pruned()
    body, faults = sound(sheet.descriptor())
    if faults:
        errors = beside(spoken(faults))
        return Page(
            await schemas.redrawn(session, actor, trial, sheet, errors=errors, origin=origin),
            FORM,
            status_code=422,
        )
    return Page(await schemas.plan(session, actor, trial, body, origin=origin), CHECK, status_code=200)


async def _given(request: Req, session: AsyncSession, actor: Actor, trial: int) -> dict[str, Any]:
    """The form as it was sent, after it was asked whether the actor may send it."""
    await fetch(session, actor, schemas.EDIT, Trial, col(Trial.id) == trial)
    await request.json()
    return getattr(request.state, "given", {})


async def _taken(
    request: Req, session: AsyncSession, actor: Actor, trial: int
) -> Page[SchemaImport] | Page[SchemaPlan]:
    await fetch(session, actor, schemas.EDIT, Trial, col(Trial.id) == trial)
    text = ""
    try:
        text = await _pasted(request)
        body = understood(text)
    except Invalid as wrong:
        view = await schemas.blank_import(session, actor, trial, text, wrong.fields)
        return Page(view, IMPORT, status_code=422)
    return Page(await schemas.plan(session, actor, trial, body), CHECK, status_code=200)


async def _pasted(request: Req) -> str:
    """The text of a file, or of the field ``text``. Raises: Invalid (no file was chosen; not UTF-8)."""
    if request.content_type[0] != "multipart/form-data":
        await request.json()
        return str(getattr(request.state, "given", {}).get("text") or "")
    async with aclosing(arriving(request)) as body:
        form = await form_with_file(request.headers["content-type"], body, most_bytes=IMPORT_BYTES)
        content = b"".join([chunk async for chunk in form.chunks])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid(NOT_JSON, fields={"file": NOT_JSON}) from error
