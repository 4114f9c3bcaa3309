"""Resumable uploads over HTTP, as tus 1.0 has it: https://tus.io/protocols/resumable-upload."""

from contextlib import aclosing
from typing import Any

from litestar import Controller, Request, Response, delete, get, head, patch, post
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, SkipValidation

from testbed.access.models import Actor
from testbed.errors import DomainError
from testbed.trials.models import Trial
from testbed.trials.uploads import service, writing
from testbed.trials.uploads.leases import Desk
from testbed.trials.uploads.models import Upload
from testbed.trials.uploads.views import UploadProgress
from testbed.trials.uploads.writing import Piece, Standing
from testbed.web import tus
from testbed.web.bodies import announced, arriving
from testbed.web.given import Caller, Session
from testbed.web.languages import gettext
from testbed.web.needs import needs
from testbed.web.pages import Page
from testbed.web.problems import Problem, on_domain_error

Req = Request[Any, Any, Any]
At = NamedDependency[SkipValidation[Desk]]
CONTINUE = "result.continue"


def desk(state: State) -> Desk:
    return Desk(state.db, state.store, state.settings, state.writers)


def refused(request: Req, error: DomainError) -> Problem:
    """A problem with what a client of the protocol looks for in the head of it."""
    problem = on_domain_error(request, error)
    if "offset" in error.params and request.method != "HEAD":
        problem.headers["Upload-Offset"] = str(error.params["offset"])
    if isinstance(error, tus.NotSpoken):
        problem.headers["Tus-Version"] = tus.VERSION
    return problem


def spoken(view: UploadProgress) -> UploadProgress:
    """The same with its problem in the language of the request."""
    if view.problem is not None:
        view.problem = gettext(view.problem).format(**view.about)
    return view


class TusRoutes(Controller):
    path = tus.PREFIX
    request_max_body_size = None  # counted as the bytes arrive
    before_request = staticmethod(tus.spoken)
    dependencies = {"desk": Provide(desk, sync_to_thread=False)}
    exception_handlers = {DomainError: refused}
    tags = ["uploads"]

    @post("/", opt=needs("result.upload", Trial), status_code=201)
    async def begin(self, request: Req, desk: At, actor: Caller) -> Response[None]:
        """Begin a resumable upload; ``Upload-Metadata`` names the trial, ``Location`` is where its bytes go.

        ``Upload-Length`` says how large the file is, or ``Upload-Defer-Length: 1`` that it is said later. A body of
        ``application/offset+octet-stream`` is its first piece.
        """
        return await _begun(request, desk, actor)

    @head("/{upload:str}", opt=needs(CONTINUE, Upload), status_code=200)
    async def ask(self, desk: At, actor: Caller, upload: FromPath[str]) -> Response[None]:
        """Tell how many bytes of an upload are safe. A request that still writes to it is ended first."""
        return _standing(await service.head(desk, actor, service.named(upload)))

    @get("/{upload:str}", opt=needs(CONTINUE, Upload))
    async def show(self, session: Session, actor: Caller, upload: FromPath[str]) -> Page[UploadProgress]:
        """Show how far an upload is and what became of it, without disturbing it: ``result`` is the result's code."""
        view = await service.progress(session, actor, service.named(upload))
        return Page(spoken(view), "trials/upload_state.html")

    @patch("/{upload:str}", opt=needs(CONTINUE, Upload), status_code=204)
    async def add(self, request: Req, desk: At, actor: Caller, upload: FromPath[str]) -> Response[None]:
        """Add the bytes from ``Upload-Offset`` on; 204 with the new ``Upload-Offset`` once they are safe on disk."""
        if not tus.of_upload(request):
            raise tus.WrongType(tus.WRONG_TYPE)
        async with aclosing(arriving(request)) as body:
            piece = Piece(tus.offset_of(request), body, announced(request), tus.number_of(request, "Upload-Length"),
                          tus.checksum_of(request))  # fmt: skip
            return _added(await writing.append(desk, actor, service.named(upload), piece))

    @delete("/{upload:str}", opt=needs(CONTINUE, Upload), status_code=204)
    async def end(self, desk: At, actor: Caller, upload: FromPath[str]) -> None:
        """Take an upload back and remove its bytes. Of a finished one only the address goes; the result stays."""
        await service.abort(desk, actor, service.named(upload))


async def _begun(request: Req, desk: Desk, actor: Actor) -> Response[None]:
    length, sent = tus.length_of(request), request.headers.get("upload-metadata", "")
    checksum = tus.checksum_of(request)
    with_body = tus.has_body(request)
    if with_body and not tus.of_upload(request):
        raise tus.WrongType(tus.WRONG_TYPE)
    upload = await service.begin(desk, actor, length, sent)
    headers = {
        "Location": f"{tus.under(request)}{tus.PREFIX}/{upload.identifier}",
        "Upload-Expires": tus.spelt_time(upload.expires_at),
    }
    if with_body or length == 0:
        async with aclosing(arriving(request)) as body:
            piece = Piece(0, body, announced(request), None, checksum)
            headers |= _added(await writing.first(desk, actor, upload.identifier, piece)).headers
    return Response(None, headers=headers)


def _added(standing: Standing) -> Response[None]:
    headers = {
        "Upload-Offset": str(standing.offset),
        "Upload-Expires": tus.spelt_time(standing.expires_at),
    }
    if standing.result is not None:
        headers["Link"] = f'</results/{standing.result}>; rel="related"'
    return Response(None, headers=headers)


def _standing(upload: Upload) -> Response[None]:
    length = upload.length_bytes
    headers = {
        "Upload-Offset": str(upload.offset_bytes),
        "Upload-Expires": tus.spelt_time(upload.expires_at),
        "Cache-Control": "no-store",
        **({"Upload-Defer-Length": "1"} if length is None else {"Upload-Length": str(length)}),
        **({"Upload-Metadata": upload.metadata_sent} if upload.metadata_sent else {}),
    }
    return Response(None, headers=headers)
