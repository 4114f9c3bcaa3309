"""The Jinja environment: every page's globals and filters, and nothing that is not shown."""

import hashlib
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import nh3
from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markdown_it import MarkdownIt
from markupsafe import Markup

from testbed.settings import Settings, shipped
from testbed.texts import language, said, said_in
from testbed.web.languages import choices, gettext, label, ngettext

STATIC = Path(__file__).parent.parent / "static"
HOME = ZoneInfo("Europe/Stockholm")
MARKDOWN = MarkdownIt("js-default")
TAGS = {"p", "br", "em", "strong", "a", "ul", "ol", "li", "code", "pre", "blockquote", "h2", "h3", "h4", "hr"}
UNITS = ("byte", "kB", "MB", "GB", "TB")


class Here:
    """The page at hand: links to itself with other words in the query."""

    def __init__(self, path: str, query: list[tuple[str, str]]) -> None:
        self.path = path
        self.query = dict(query)
        self._pairs = query

    def with_(self, **changes: Any) -> str:
        """This page's address with some query words changed; None takes one away."""
        kept = [(name, value) for name, value in self._pairs if name not in changes]
        kept += [(name, str(value)) for name, value in changes.items() if value is not None]
        return f"{self.path}?{urlencode(kept)}" if kept else self.path

    @property
    def url(self) -> str:
        return self.with_()


SETTINGS = (
    "city", "base_url", "form_max_bytes", "upload_max_bytes", "upload_chunk_bytes", "upload_expiry_days", "map_tiles",
    "map_attribution",
)  # fmt: skip
"""What pages say of the settings."""


def environment(settings: Settings) -> Environment:
    """Make the environment of one application; templates are compiled once."""
    env = Environment(
        loader=FileSystemLoader(shipped("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
        auto_reload=False,
    )
    env.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]
    env.globals |= {
        **{name: getattr(settings, name) for name in SETTINGS},
        "mail_on": settings.smtp_host is not None,
        "static": static,
        "said_attrs": said_attrs,
        "typed": typed,
        "choices": choices,
        "today": today,
    }
    env.filters |= {
        "date": show_date,
        "day_of_year": show_day_of_year,
        "datetime": show_datetime,
        "country": show_country,
        "num": show_number,
        "decimal": show_decimal,
        "size": show_size,
        "label": _label,
        "ref_option": ref_option,
        "said": _said,
        "markdown": show_markdown,
    }
    return env


@cache
def static(name: str) -> str:
    """The address of a static file, with a digest of its content so that it may be cached for ever."""
    file = STATIC / name
    mark = hashlib.sha256(file.read_bytes()).hexdigest()[:10] if file.is_file() else "missing"
    return f"/static/{name}?v={mark}"


@pass_context
def typed(context: Context, name: str, otherwise: Any = "") -> Any:
    """What a refused form had in a field, else the value it starts with."""
    given = context.get("given") or {}
    return given.get(name, otherwise)


def ref_option(ref: Any) -> tuple[int, str]:
    """Another record as an option of a form: its id and its title."""
    return ref.id, said(ref.title) if isinstance(ref.title, dict) else ref.title


@pass_context
def _label(_: Context, word: Any, kind: str = "") -> str:
    return label(word, kind)


@pass_context
def _said(_: Context, text: Any) -> str:
    return text if isinstance(text, str) else said(text)


@pass_context
def said_attrs(_: Context, text: Any) -> Markup:
    """`` lang="en"`` where a text is in another language than the page."""
    spoken = said_in(text) if isinstance(text, dict) and text else language.get()
    return Markup("") if spoken == language.get() else Markup(' lang="{}"').format(spoken)


@lru_cache(8192)
def show_date(day: date | str | None) -> Markup:
    """The day as 2026-11-24, of a date or of a moment; lists draw the same days again and again."""
    if not day:
        return Markup("")
    written = day if isinstance(day, str) else day.isoformat()
    return Markup('<time datetime="{0}">{0}</time>').format(written[:10])


def today() -> date:
    """The day it is in Sweden."""
    return datetime.now(HOME).date()


def show_country(code: str | None) -> str:
    """``SE`` as people say it: Sverige, in the language of the page."""
    return Locale(language.get()).territories.get(code, code) if code else ""


def show_day_of_year(day: str | None) -> str:
    """``12-15`` as people say it: 15 december."""
    if not day:
        return ""
    month, _, number = day.partition("-")
    return format_date(date(2024, int(month), int(number)), "d MMMM", locale=language.get())


@pass_context
def show_datetime(_: Context, at: datetime | str | None) -> Markup:
    """In Swedish local time, with the zone on hover."""
    if not at:
        return Markup("")
    moment = datetime.fromisoformat(at) if isinstance(at, str) else at
    local = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(HOME)
    full = format_datetime(local, "full", locale=language.get())
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        local.isoformat(timespec="seconds"), full, f"{local:%Y-%m-%d %H:%M}"
    )


@pass_context
def show_number(_: Context, number: float | None, digits: int = 6) -> str:
    if number is None:
        return ""
    return format_decimal(number, format=f"#,##0.{'#' * digits}", locale=Locale(language.get()))


@pass_context
def show_decimal(_: Context, number: float | None) -> str:
    """As people type it into a field: the language's decimal mark, nothing between the thousands."""
    return (
        "" if number is None else format_decimal(number, format="0.##########", locale=Locale(language.get()))
    )


@pass_context
def show_size(context: Context, size: int | None) -> str:
    """Bytes in the largest unit (powers of 1000) that keeps a figure before the point."""
    if size is None:
        return ""
    shown, unit = float(size), 0
    while shown >= 1000 and unit < len(UNITS) - 1:
        shown, unit = shown / 1000, unit + 1
    return f"{show_number(context, round(shown, 1), 1)} {UNITS[unit]}"


@pass_context
def show_markdown(_: Context, text: str | None) -> Markup:
    if not text:
        return Markup("")
    made = MARKDOWN.render(text)
    return Markup(  # noqa: S704 - cleaned by an allow-list in the same breath
        nh3.clean(made, tags=TAGS, attributes={"a": {"href"}}, url_schemes={"https", "http", "mailto"})
    )
