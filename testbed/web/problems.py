"""Every error leaves as an RFC 9457 problem document, as a page, or as the form with what was written in it."""

from http import HTTPStatus
from typing import Any, cast

import structlog
from litestar import MediaType, Request, Response
from litestar.enums import RequestEncodingType
from litestar.exceptions import HTTPException, ValidationException
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send
from sqlalchemy import Constraint, UniqueConstraint
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlmodel import SQLModel

from testbed.access.models import NOBODY
from testbed.db import AWAY, is_away
from testbed.errors import ATTENTION, DomainError, NotFound, Unavailable
from testbed.log import request_id
from testbed.texts import message
from testbed.web.languages import gettext
from testbed.web.pages import Form, rendered, wants_html
from testbed.web.wording import field_errors

log = structlog.get_logger(__name__)

CRASHED = message(
    "Something broke on our side. What you sent was not saved; the operator can find it by its number."
)
TITLES = {
    400: message("The request cannot be read"),
    401: message("Sign in first"),
    403: message("Not allowed"),
    404: message("Not found"),
    405: message("Not possible here"),
    409: message("Not possible now"),
    410: message("Its time is over"),
    412: message("Somebody saved this meanwhile"),
    413: message("Too large"),
    415: message("Unknown kind of content"),
    422: message("Something needs your attention"),
    423: message("In use"),
    428: message("Say which version you edit"),
    429: message("Too many tries"),
    460: message("The bytes changed on their way"),
    500: message("Something broke"),
    503: message("Away for the moment"),
    507: message("The disk is full"),
}


def broken(name: str | None) -> Constraint | None:
    """The constraint of this name, if its table says what to tell people when it does not hold."""
    constraints = (each for table in SQLModel.metadata.tables.values() for each in table.constraints)
    return next((each for each in constraints if each.info and each.name == name), None)


class Problem(Response[dict[str, Any]]):
    """One problem. A form that named itself in its handler's ``opt`` comes back filled instead of a page."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: dict[str, str] | None = None,
        params: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        params = params or {}
        self.errors = {field: _told(text, params) for field, text in (errors or {}).items()}
        self.current = params.get("current")
        document: dict[str, Any] = {
            "type": f"/problems#{status}",
            "title": gettext(TITLES.get(status) or HTTPStatus(status).phrase),
            "status": status,
            "detail": _told(detail, params),
            "instance": f"urn:request:{request_id.get()}",
        }
        if self.errors:
            document["errors"] = [
                {"pointer": "#/" + field.replace(".", "/"), "field": field, "message": text}
                for field, text in self.errors.items()
            ]
        if self.current is not None:
            document["current"] = self.current
        if "retry_after" in params:
            headers = {**(headers or {}), "Retry-After": str(params["retry_after"])}
        super().__init__(document, status_code=status, media_type="application/problem+json", headers=headers)

    def to_asgi_response(self, request: Request[Any, Any, Any], **options: Any) -> ASGIResponse:  # type: ignore[override]
        options.pop("app", None)
        if not wants_html(request):
            return super().to_asgi_response(None, request, **options)
        handler: Any = request.scope.get("route_handler")  # absent when no route matched
        form = handler.opt.get("form") if handler is not None else None
        if (
            isinstance(form, Form)
            and (self.errors or self.current is not None)
            and _sent(request) is not None
        ):
            return _Refilled(self, request, form)
        return self.page(self.plain(request))

    def plain(self, request: Request[Any, Any, Any]) -> bytes:
        """The problem on a page of its own."""
        given = getattr(request.state, "given", {})
        return rendered(
            request, "problem.html", problem={"errors": [], **self.content}, errors=self.errors, given=given
        )

    def page(self, body: bytes) -> ASGIResponse:
        return ASGIResponse(
            body=body, status_code=self.status_code or 500, headers=self.headers, media_type=MediaType.HTML
        )


class _Refilled(ASGIResponse):
    """A refused form: its view is loaded anew, in a transaction of its own, as the first was rolled back."""

    def __init__(self, problem: Problem, request: Request[Any, Any, Any], form: Form) -> None:
        super().__init__(body=b"", status_code=problem.status_code or 422)
        self.problem, self.request, self.form = problem, request, form

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        actor, given = getattr(self.request.state, "actor", NOBODY), _sent(self.request) or {}
        try:
            async with self.request.app.state.db.begin() as session:
                about = self.form.words(given)
                view = await self.form.load(session, actor, **self.request.path_params, **about)
            body = rendered(
                self.request,
                self.form.template,
                view=view,
                given=given,
                errors=self.problem.errors,
                problem=self.problem.content,
                current=self.problem.current,
            )
        except DomainError:  # the form itself is gone, or not theirs any more
            body = self.problem.plain(self.request)
        await self.problem.page(body)(scope, receive, send)


def _sent(request: Request[Any, Any, Any]) -> dict[str, Any] | None:
    """What a browser's form sent; of one without a single field there was no body to read."""
    bare: dict[str, Any] | None = {} if request.content_type[0] == RequestEncodingType.URL_ENCODED else None
    return cast("dict[str, Any] | None", getattr(request.state, "given", bare))


def _told(text: str, params: dict[str, Any]) -> str:
    translated = gettext(text)
    return translated.format(**params) if params and "{" in translated else translated


def on_domain_error(_: Request[Any, Any, Any], error: DomainError) -> Problem:
    headers = {"WWW-Authenticate": "Bearer"} if error.status == HTTPStatus.UNAUTHORIZED else None
    return Problem(int(error.status), error.detail, errors=error.fields, params=error.params, headers=headers)


def on_http_exception(_: Request[Any, Any, Any], error: HTTPException) -> Problem:
    if isinstance(error, ValidationException):
        return Problem(422, ATTENTION, errors=field_errors(error))
    if error.status_code == HTTPStatus.NOT_FOUND:
        return on_domain_error(_, NotFound(message("There is nothing here, or nothing you may see.")))
    headers = {
        name: value
        for name, value in (error.headers or {}).items()
        if name.lower() in {"allow", "retry-after"}
    }
    told = error.detail if error.status_code < 500 else CRASHED
    return Problem(error.status_code, told, headers=headers)


def on_database_error(request: Request[Any, Any, Any], error: DBAPIError) -> Problem:
    if is_away(error):
        return on_domain_error(request, Unavailable(AWAY, retry_after=5))
    cause = getattr(error.orig, "__cause__", None)
    constraint = broken(getattr(cause, "constraint_name", None))
    if not isinstance(error, IntegrityError) or constraint is None:
        return on_crash(request, error)
    status = 409 if isinstance(constraint, UniqueConstraint | ExcludeConstraint) else 422
    says = constraint.info["says"]
    return Problem(status, says, errors={constraint.info["field"]: says})


def on_crash(request: Request[Any, Any, Any], error: Exception) -> Problem:
    if is_away(error):
        return on_domain_error(request, Unavailable(AWAY, retry_after=5))
    log.error("request crashed", path=request.url.path, exc_info=error)
    return Problem(500, CRASHED)


HANDLERS: dict[int | type[Exception], Any] = {
    DomainError: on_domain_error,
    DBAPIError: on_database_error,
    HTTPException: on_http_exception,
    Exception: on_crash,
}
