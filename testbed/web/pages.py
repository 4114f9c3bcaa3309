"""One handler, three faces: a view leaves as HTML to people, as JSON to programs, a list also as CSV."""

import csv
import io
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import msgspec
from litestar import MediaType, Request
from litestar.response import Response
from litestar.response.base import ASGIResponse

from testbed.access.models import NOBODY, Actor
from testbed.texts import LANGUAGES, language
from testbed.web.templates import Here

ViewT = TypeVar("ViewT")
CSV = "text/csv"
FORMATS = {"json": MediaType.JSON, "html": MediaType.HTML, "csv": CSV}
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def wanted(request: Request[Any, Any, Any]) -> str:
    """The media type to answer with: ``?format=``, else ``Accept``; no preference means JSON."""
    if (named := request.query_params.get("format")) in FORMATS:
        return str(FORMATS[named])
    offered = [MediaType.JSON, MediaType.HTML, CSV]
    return str(request.accept.best_match(offered, default=MediaType.JSON))


def wants_html(request: Request[Any, Any, Any]) -> bool:
    return wanted(request) == MediaType.HTML


@dataclass(frozen=True)
class Form:
    """A form's template and what it shows beside the fields.

    Named in the ``opt`` of the handler that takes the form (``needs(…, form=FORM)``), it lets a refused form
    come back filled: ``load(session, actor, **path parameters)`` is called anew, in a transaction of its own.
    ``about`` names the fields of the form that ``load`` needs as well, and what it calls them.
    """

    template: str
    load: Callable[..., Awaitable[Any]]
    about: dict[str, str] = field(default_factory=dict)

    def words(self, given: dict[str, Any]) -> dict[str, str]:
        """What ``load`` is to know of a form that was sent."""
        return {name: given[sent] for sent, name in self.about.items() if isinstance(given.get(sent), str)}


def rendered(request: Request[Any, Any, Any], template: str, **context: Any) -> bytes:
    """A page as bytes, with what every page knows: who looks, in which language, at which address."""
    actor: Actor = getattr(request.state, "actor", NOBODY)
    state = request.app.state
    return bytes(
        state.templates.get_template(template).render(
            lang=language.get(),
            languages=LANGUAGES,
            me=actor if actor.person_id is not None else None,
            here=Here(request.url.path, list(request.query_params.multi_items())),
            **{"given": {}, "errors": {}, "current": None} | context,
        ),
        "utf-8",
    )


class Page(Response[ViewT], Generic[ViewT]):
    """A view and the template that can show it; ``Accept`` decides which one is sent."""

    def __init__(
        self, view: ViewT, template: str, *, status_code: int | None = None, etag: str | None = None
    ) -> None:
        super().__init__(view, status_code=status_code, headers={"ETag": etag} if etag else None)
        self.template = template

    def to_asgi_response(self, request: Request[Any, Any, Any], **options: Any) -> ASGIResponse:  # type: ignore[override]
        options.pop("app", None)
        kind = wanted(request)
        if kind == CSV and hasattr(self.content, "items"):
            body = as_csv(msgspec.to_builtins(self.content.items, enc_hook=_plain))
            name = request.url.path.strip("/").replace("/", "-") or "list"
            headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
            return _answer(body, f"{CSV}; header=present", self, headers, options)
        if kind != MediaType.HTML:
            return super().to_asgi_response(None, request, **options)
        return _answer(rendered(request, self.template, view=self.content), MediaType.HTML, self, {}, options)


class Created(Response[ViewT], Generic[ViewT]):
    """Something new or changed at ``location``: its view to programs, 303 to a browser's form.

    ``status_code`` is 201 unless told otherwise; edits answer 200.
    """

    def __init__(self, view: ViewT, location: str, *, status_code: int = 201) -> None:
        super().__init__(view, status_code=status_code, headers={"Location": location})

    def to_asgi_response(self, request: Request[Any, Any, Any], **options: Any) -> ASGIResponse:  # type: ignore[override]
        options.pop("app", None)
        if not wants_html(request):
            return super().to_asgi_response(None, request, **options | {"status_code": self.status_code})
        headers = {"Location": self.headers["Location"]}
        cookies = [*self.cookies, *(options.get("cookies") or [])]
        return ASGIResponse(body=b"", status_code=303, headers=headers, cookies=cookies)


def see_other(location: str) -> Response[None]:
    """Send a browser on to a page after its form was taken."""
    return Response(None, status_code=303, headers={"Location": location})


def _answer(
    body: bytes, media_type: str, response: Response[Any], more: dict[str, str], options: dict[str, Any]
) -> ASGIResponse:
    status = response.status_code or options.get("status_code") or 200
    headers = {**(options.get("headers") or {}), **response.headers, **more}
    cookies = [*response.cookies, *(options.get("cookies") or [])]
    return ASGIResponse(
        body=body,
        status_code=status,
        headers=headers,
        cookies=cookies,
        media_type=media_type,
        is_head_response=options.get("is_head_response", False),
        background=response.background or options.get("background"),
    )


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else str(value)


def as_csv(items: list[dict[str, Any]]) -> bytes:
    """Rows as CSV (RFC 4180, UTF-8); objects become dotted columns, lists are joined by ``; ``.

    Opens in a spreadsheet, so a text that would be run as a formula gets an apostrophe before it.
    """
    flat = [dict(_flat(item)) for item in items]
    columns = list(dict.fromkeys(name for row in flat for name in row))
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([_cell(row.get(name)) for name in columns] for row in flat)
    return text.getvalue().encode()


def _flat(item: dict[str, Any], before: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in item.items():
        if isinstance(value, dict):
            found += _flat(value, f"{before}{name}.")
        elif isinstance(value, list):
            found.append((f"{before}{name}", "; ".join(str(each) for each in value)))
        else:
            found.append((f"{before}{name}", value))
    return found


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
