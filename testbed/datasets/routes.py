"""Datasets over HTTP: describe, publish, find, fetch."""

from typing import Annotated, Any
from urllib.parse import quote

from litestar import Controller, HttpMethod, MediaType, Request, Response, get, post, route
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Access, Actor
from testbed.access.rights import READ, VIEW, fetch
from testbed.datasets import downloads, publishing, service, versions, weighing
from testbed.datasets.models import (
    AccessPatch,
    Dataset,
    DatasetDraft,
    DatasetPatch,
    DatasetState,
    Licence,
    Version,
    VersionDraft,
    VersionSource,
)
from testbed.datasets.views import DatasetItem, DatasetView, PlanView, PublishingView, SourceView, VersionView
from testbed.lists import Listed, Ref
from testbed.texts import said
from testbed.web.blobs import blob_response
from testbed.web.given import Caller, Chosen, Db, Files, List, Session, edited_version, number
from testbed.web.needs import needs
from testbed.web.pages import Created, Form, Page, see_other, wants_html

Asking = Request[Any, Any, Any]
GET_HEAD = [HttpMethod.GET, HttpMethod.HEAD]
CHANGE = [HttpMethod.PATCH, HttpMethod.POST]
BROWSER_WAITS = 3.0


class DatasetForm(SQLModel):
    """What the form shows beside its fields: the pilot and its results, or the pilots to choose from."""

    dataset: DatasetView | None = None
    pilot: Ref | None = None
    pilot_code: str | None = None
    pilots: list[Ref] = []
    results: list[SourceView] = []


class AccessForm(SQLModel):
    """Who may fetch the dataset now, and which choices would make the pilot's page public."""

    dataset: Ref
    title: dict[str, str]
    access: Access
    state: DatasetState
    opens: list[Access] = []


async def blank(session: AsyncSession, actor: Actor, code: str = "") -> DatasetForm:
    if not code:
        pilots = await service.pilots_to_choose(session, actor)
        return DatasetForm(
            pilots=[Ref(id=p.id, title=f"{p.code} {said(p.title)}", url=p.code) for p in pilots]
        )
    pilot = await service.creator_may(session, actor, code)
    results = await service.usable_results(session, actor, pilot.id)
    return DatasetForm(
        pilot=Ref(id=pilot.id, title=f"{pilot.code} {said(pilot.title)}", url=f"/pilots/{pilot.code}"),
        pilot_code=pilot.code,
        results=[weighing.source_of(result) for result in results],
    )


async def filled(session: AsyncSession, actor: Actor, slug: str) -> DatasetForm:
    dataset = await fetch(session, actor, service.EDIT, Dataset, Dataset.slug == slug)
    return DatasetForm(
        dataset=await versions.view(session, actor, None, slug),
        results=[
            weighing.source_of(r) for r in await service.usable_results(session, actor, dataset.pilot_id)
        ],
    )


async def access_form(session: AsyncSession, actor: Actor, slug: str) -> AccessForm:
    dataset, opening = await weighing.access_choices(session, actor, slug)
    ref = Ref(id=dataset.id, title=said(dataset.title), url=f"/datasets/{slug}")
    return AccessForm(
        dataset=ref, title=dataset.title, access=dataset.access, state=dataset.state, opens=opening
    )


NEW = Form("datasets/form.html", blank, about={"pilot": "code"})
EDIT = Form("datasets/form.html", filled)
ACCESS = Form("datasets/access.html", access_form)
PUBLISH = Form("datasets/publish.html", weighing.plan)


class DatasetRoutes(Controller):
    path = "/datasets"
    tags = ["datasets"]

    @get("/", opt=needs(VIEW, Dataset))
    async def index(
        self, session: Session, actor: Caller, asked: List, pilot: FromQuery[str] = "",
        licence: FromQuery[Licence | None] = None, access: FromQuery[Access | None] = None,
        standing: Annotated[DatasetState | None, QueryParameter(name="state")] = None, archived: FromQuery[bool] = False,
    ) -> Page[Listed[DatasetItem]]:  # fmt: skip
        """List the datasets: search, filter by pilot, licence, access or state, sort by title, owner or created."""
        found = await service.page(
            session,
            actor,
            asked,
            pilot=pilot,
            licence=licence,
            access=access,
            state=standing,
            archived=archived,
        )
        return Page(found, "datasets/index.html")

    @get("/new", opt=needs("dataset.create"), include_in_schema=False)
    async def new(self, session: Session, actor: Caller, pilot: FromQuery[str] = "") -> Page[DatasetForm]:
        """Show the form for a new dataset of a pilot, or the pilots to choose from."""
        return Page(await blank(session, actor, pilot), NEW.template)

    @post("/", opt=needs("dataset.create", form=NEW))
    async def register(
        self, session: Session, actor: Caller, settings: Chosen, data: JSONBody[DatasetDraft]
    ) -> Created[DatasetView]:
        """Describe a dataset made of a pilot's results; publish it with a version."""
        dataset = await service.register(session, actor, data)
        view = await versions.view(session, actor, settings, dataset.slug)
        return Created(view, f"/datasets/{dataset.slug}")

    @get("/{slug:str}", opt=needs(VIEW, Dataset))
    async def show(
        self, request: Asking, session: Session, actor: Caller, settings: Chosen, slug: FromPath[str]
    ) -> Page[DatasetView]:
        """Show a dataset with its versions."""
        view = await versions.view(session, actor, settings, slug, with_chain=wants_html(request))
        return Page(view, "datasets/dataset.html", etag=f'"{view.row_version}"')

    @get("/{slug:str}/edit", opt=needs("dataset.edit", Dataset), include_in_schema=False)
    async def form(self, session: Session, actor: Caller, slug: FromPath[str]) -> Page[DatasetForm]:
        """Show the form that changes a dataset."""
        return Page(await filled(session, actor, slug), EDIT.template)

    @route(
        "/{slug:str}",
        http_method=[HttpMethod.PATCH, HttpMethod.POST],
        opt=needs("dataset.edit", Dataset, form=EDIT),
        status_code=200,
    )
    async def edit(
        self, request: Asking, session: Session, actor: Caller, settings: Chosen, slug: FromPath[str],
        data: JSONBody[DatasetPatch],
    ) -> Created[DatasetView]:  # fmt: skip
        """Change what is said of a dataset, or the results of its next version."""
        await service.edit(session, actor, slug, data, edited_version(request, data.row_version))
        view = await versions.view(session, actor, settings, slug)
        return Created(view, f"/datasets/{slug}", status_code=200)

    @post("/{slug:str}/archive", opt=needs("dataset.edit", Dataset), status_code=200)
    async def put_away(
        self, session: Session, actor: Caller, settings: Chosen, slug: FromPath[str]
    ) -> Created[DatasetView]:
        """Archive a dataset; its versions stay where they are."""
        await service.put_away(session, actor, slug)
        view = await versions.view(session, actor, settings, slug)
        return Created(view, f"/datasets/{slug}", status_code=200)

    @post("/{slug:str}/restore", opt=needs("dataset.edit", Dataset), status_code=200)
    async def restore(
        self, session: Session, actor: Caller, settings: Chosen, slug: FromPath[str]
    ) -> Created[DatasetView]:
        """Take an archived dataset back."""
        await service.put_away(session, actor, slug, back=True)
        view = await versions.view(session, actor, settings, slug)
        return Created(view, f"/datasets/{slug}", status_code=200)

    @get("/{slug:str}/access", opt=needs("access.set", Dataset), include_in_schema=False)
    async def access_page(self, session: Session, actor: Caller, slug: FromPath[str]) -> Page[AccessForm]:
        """Show who may fetch a dataset, and what each other choice would do."""
        return Page(await access_form(session, actor, slug), ACCESS.template)

    @post("/{slug:str}/access", opt=needs("access.set", Dataset, form=ACCESS), status_code=200)
    async def set_access(
        self,
        session: Session,
        actor: Caller,
        settings: Chosen,
        slug: FromPath[str],
        data: JSONBody[AccessPatch],
    ) -> Created[DatasetView]:
        """Say who may fetch a dataset from now on; it acts at the next request."""
        reviewed = data.personal_data is not None
        await weighing.set_access(session, actor, slug, data.access, reviewed=reviewed)
        view = await versions.view(session, actor, settings, slug)
        return Created(view, f"/datasets/{slug}", status_code=200)


class PublishRoutes(Controller):
    path = "/datasets/{slug:str}"
    tags = ["datasets"]

    @get("/publish", opt=needs("version.publish", Dataset))
    async def plan(self, session: Session, actor: Caller, slug: FromPath[str]) -> Page[PlanView]:
        """Show exactly what publishing would do now."""
        return Page(await weighing.plan(session, actor, slug), PUBLISH.template)

    @post(
        "/versions",
        opt=needs("version.publish", Dataset, form=PUBLISH),
        responses={
            202: ResponseSpec(PublishingView, description="It takes longer; Location says how it goes.")
        },
    )
    async def publish(
        self,
        request: Asking,
        db: Db,
        actor: Caller,
        settings: Chosen,
        slug: FromPath[str],
        data: JSONBody[VersionDraft],
    ) -> Created[VersionView]:
        """Publish a version: 201 when it is made within 45 seconds, else 202 with the page that shows how it goes."""
        job = await publishing.ask(db, actor, slug, data)
        ended = await publishing.waited(
            db, job, BROWSER_WAITS if wants_html(request) else publishing.WAIT_SECONDS
        )
        return await _answered(db, actor, settings, slug, job, ended)

    @get("/publishing/{job:str}", opt=needs("version.publish", Dataset))
    async def progress(
        self, request: Asking, session: Session, actor: Caller, slug: FromPath[str], job: FromPath[str]
    ) -> Page[PublishingView]:
        """Show how far a publication has come; a browser goes on to the version once it is there."""
        view = await publishing.progress(session, actor, slug, number(job))
        if view.version and wants_html(request):
            return see_other(f"/datasets/{slug}/versions/{view.version}")  # type: ignore[return-value]
        return Page(view, "datasets/publishing.html")


async def _answered(
    db: Db, actor: Actor, settings: Chosen, slug: str, job: int, ended: dict[str, Any] | None
) -> Created[Any]:
    """The version a job made, in a transaction of its own, or where to follow the job."""
    async with db.begin() as session:
        if ended is None:
            view = await publishing.progress(session, actor, slug, job)
            return Created(view, f"/datasets/{slug}/publishing/{job}", status_code=202)
        found, opened = publishing.number_of(ended)
        version = await versions.show(session, actor, settings, slug, found)
    version.pilot_published = opened
    return Created(version, version.url)


class VersionRoutes(Controller):
    path = "/datasets/{slug:str}/versions/{version:str}"
    tags = ["versions"]

    @get("/", opt=needs(VIEW, Version))
    async def show(
        self, request: Asking, session: Session, actor: Caller, settings: Chosen, slug: FromPath[str],
        version: FromPath[str],
    ) -> Page[VersionView]:  # fmt: skip
        """Show a version: ``1.2.0``; ``latest``, ``1`` and ``1.2`` lead to the newest of them."""
        exact = await downloads.exact_number(session, actor, slug, version)
        if exact != version:
            return _moved(request, slug, exact)  # type: ignore[return-value]
        view = await versions.show(session, actor, settings, slug, exact, with_chain=wants_html(request))
        return Page(view, "datasets/version.html", etag=None)

    @route(
        "/{name:str}", http_method=GET_HEAD, opt=needs(READ, Version), media_type="application/octet-stream"
    )
    async def file(
        self, request: Asking, db: Db, store: Files, actor: Caller, slug: FromPath[str], version: FromPath[str],
        name: FromPath[str],
    ) -> Response[Any]:  # fmt: skip
        """Fetch ``data.csv``, ``data.parquet`` or ``manifest.json``; ranges and conditional requests work."""
        return await _sent(request, db, store, actor, slug, version, name)

    @route(
        "/original/{filename:str}",
        http_method=GET_HEAD,
        opt=needs(READ, VersionSource),
        media_type="application/octet-stream",
    )
    async def original(
        self, request: Asking, db: Db, store: Files, actor: Caller, slug: FromPath[str], version: FromPath[str],
        filename: FromPath[str],
    ) -> Response[Any]:  # fmt: skip
        """Fetch a file as it was handed in."""
        return await _sent(request, db, store, actor, slug, version, filename, original=True)


async def _sent(
    request: Asking,
    db: Db,
    store: Files,
    actor: Actor,
    slug: str,
    version: str,
    name: str,
    *,
    original: bool = False,
) -> Response[Any]:
    """Ask for permission in a short transaction, and send the file when that has ended."""
    async with db.begin() as session:
        exact = await downloads.exact_number(session, actor, slug, version)
        if exact != version:
            return _moved(request, slug, exact)
        found = await downloads.download(session, actor, slug, exact, name, original=original)
    return await blob_response(
        request, store, sha256=found.sha256, size=found.size, filename=found.filename, media_type=found.media_type,
        public=found.public, last_modified=found.last_modified, headers=found.headers,
    )  # fmt: skip


def _moved(request: Asking, slug: str, exact: str) -> Response[str]:
    """The same below the full number; never cached, as the newest is another one tomorrow."""
    rest = request.scope["path"].split("/versions/", 1)[1].partition("/")[2]
    query = f"?{request.url.query}" if request.url.query else ""
    location = f"/datasets/{slug}/versions/{exact}{'/' if rest else ''}{quote(rest)}{query}"
    headers = {"Location": location, "Cache-Control": "no-cache"}
    return Response("", status_code=307, headers=headers, media_type=MediaType.TEXT)
