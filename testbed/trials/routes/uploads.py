"""Result files in, over HTTP: bodies of any size, never in a transaction and never in memory."""

from contextlib import aclosing
from typing import Any

from litestar import Controller, Request, get, post, put
from litestar.params import FromPath, FromQuery
from pydantic import ValidationError
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Access, Actor
from testbed.errors import ATTENTION, Invalid
from testbed.texts import message
from testbed.trials import receiving
from testbed.trials.models import Trial
from testbed.trials.receiving import Fields, Received, Sending
from testbed.trials.uploads import service as uploads
from testbed.trials.uploads.views import Limits
from testbed.trials.views import ResultView, UploadView
from testbed.web.bodies import announced, arriving, declared_digests, held_to
from testbed.web.forms import Unsupported
from testbed.web.given import Caller, Chosen, Db, Files, Session, number
from testbed.web.languages import choices, gettext
from testbed.web.multipart import form_with_file
from testbed.web.needs import needs
from testbed.web.pages import Created, Form
from testbed.web.wording import OTHERWISE, WORDS

Req = Request[Any, Any, Any]
URLENCODED = message("Send the file as multipart/form-data, or its bytes alone with PUT.")
MULTIPART = "multipart/form-data"


async def again(session: AsyncSession, actor: Actor, trial: str) -> UploadView:
    """The page of a refused form."""
    return await receiving.expected(session, actor, number(trial))


UPLOAD = Form("trials/upload.html", again)


class UploadRoutes(Controller):
    path = "/trials/{trial:str}/results"
    request_max_body_size = None  # counted by the store as the bytes arrive
    tags = ["results"]

    @get("/limits", opt=needs("result.upload", Trial))
    async def limits(self, session: Session, settings: Chosen, actor: Caller, trial: FromPath[str]) -> Limits:
        """Tell what an upload may hold, before a file is chosen: sizes, formats, what is left, who will see it."""
        told = await uploads.limits(session, actor, settings, number(trial))
        told.who_sees = dict(choices("Access"))
        return told

    @put(["/{filename:path}", "/limits"], opt=needs("result.upload", Trial), status_code=201)
    async def send(
        self, request: Req, db: Db, store: Files, settings: Chosen, actor: Caller, trial: FromPath[str],
        filename: FromPath[str] = "limits", partner_id: FromQuery[int | None] = None,
        access: FromQuery[Access] = Access.private, note: FromQuery[str | None] = None,
        replaces: FromQuery[str | None] = None, delivery: FromQuery[str | None] = None,
    ) -> Created[ResultView]:  # fmt: skip
        """Upload a result file as the raw body, of any kind and size.

        201 with the result and its receipt once the file is safe on disk; 200 with the earlier one if the same
        file was sent under the same name before. ``Content-Digest``, sha-256 or sha-512, is verified: 422 and nothing is
        kept if it does not fit. ``partner_id`` says on whose behalf, where that is not clear; ``replaces`` is the code
        of the result that this file corrects (if it has a column ``__line``) or replaces; ``delivery`` is the code of
        the planned delivery it answers.
        """
        about = {
            "partner_id": partner_id, "access": access, "note": note, "replaces": replaces, "delivery": delivery,
        }  # fmt: skip
        return await _raw(request, db, store, settings, actor, trial, filename, about)

    @post("/", opt=needs("result.upload", Trial, form=UPLOAD), status_code=201)
    async def post(
        self, request: Req, db: Db, store: Files, settings: Chosen, actor: Caller, trial: FromPath[str],
        filename: FromQuery[str] = "file",
    ) -> Created[ResultView]:  # fmt: skip
        """Upload a result file from a form (note, access, partner_id and delivery before the file), or as the raw body."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "application/x-www-form-urlencoded":
            raise Unsupported(URLENCODED)
        if kind != MULTIPART:
            return await _raw(request, db, store, settings, actor, trial, filename, {})
        return await _form(request, db, store, settings, actor, trial)


async def _raw(
    request: Req,
    db: Db,
    store: Files,
    settings: Chosen,
    actor: Actor,
    trial: str,
    filename: str,
    about: dict[str, Any],
) -> Created[ResultView]:
    row, length, most = number(trial), announced(request), settings.upload_max_bytes
    await receiving.admit(db, store, actor, row, length, most)
    digests = declared_digests(request)
    sha256, sha512 = digests.get("sha-256"), digests.get("sha-512")
    sending = Sending(
        filename=filename, sha256=sha256.hex() if sha256 else None, digest_declared=bool(digests), length=length,
        **_fields(about).model_dump(),
    )  # fmt: skip
    async with aclosing(arriving(request)) as arrived, aclosing(held_to(sha512, arrived)) as body:
        quota = settings.partner_quota_bytes
        return _answer(await receiving.upload(db, store, actor, row, sending, body, most, quota))


async def _form(
    request: Req, db: Db, store: Files, settings: Chosen, actor: Actor, trial: str
) -> Created[ResultView]:
    row, most = number(trial), settings.form_max_bytes
    await receiving.admit(db, store, actor, row, announced(request), most)
    request.state.given = {}
    async with aclosing(arriving(request)) as body:
        form = await form_with_file(request.headers["content-type"], body, most_bytes=most)
        request.state.given = form.fields
        async with aclosing(form.chunks) as chunks:
            about = _fields({name: text for name, text in form.fields.items() if text.strip()})
            sending = Sending(filename=form.filename, **about.model_dump())
            quota = settings.partner_quota_bytes
            return _answer(await receiving.upload(db, store, actor, row, sending, chunks, most, quota))


def _answer(received: Received) -> Created[ResultView]:
    status = 201 if received.new else 200
    return Created(received.view, f"/results/{received.view.code}", status_code=status)


def _fields(given: dict[str, Any]) -> Fields:
    """What is said beside a file, checked as every other form is.

    Raises:
        Invalid: with what is wrong, field by field.
    """
    try:
        return Fields.model_validate(given)
    except ValidationError as error:
        wrong = {
            ".".join(map(str, each["loc"])): gettext(WORDS.get(each["type"], OTHERWISE)).format(
                **each.get("ctx", {})
            )
            for each in error.errors()
        }
        raise Invalid(ATTENTION, fields=wrong) from error
