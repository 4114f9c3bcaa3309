"""Which language a request is answered in. What is said in it lies in ``testbed.catalogues``."""

from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

from testbed.catalogues import choices, gettext, label, ngettext
from testbed.texts import FALLBACK, LANGUAGES

COOKIE = "lang"


def chosen(scope: Any) -> str:
    """The language asked for: ``?lang=``, else the cookie, else ``Accept-Language``, else Swedish."""
    if asked := asked_for(scope):
        return asked
    headers = {name: value.decode("latin-1") for name, value in scope.get("headers", [])}
    if (cookie := _cookie(headers.get(b"cookie", ""))) in LANGUAGES:
        return cookie
    return preferred(headers.get(b"accept-language", ""))


def asked_for(scope: Any) -> str:
    """The language of the switch on every page, ``?lang=``; it is kept in a cookie from then on."""
    if b"lang=" not in (query := scope.get("query_string", b"")):
        return ""
    asked = parse_qs(query.decode("latin-1")).get("lang", [""])[-1]
    return asked if asked in LANGUAGES else ""


def _cookie(header: str) -> str:
    kept: SimpleCookie = SimpleCookie()
    try:
        kept.load(header)
    except CookieError:
        return ""
    return kept[COOKIE].value if COOKIE in kept else ""


def preferred(header: str) -> str:
    """The best of our languages by an ``Accept-Language`` header."""
    ranked: list[tuple[float, int, str]] = []
    for place, part in enumerate(header.split(",")[:20]):
        tag, _, quality = part.strip().partition(";")
        try:
            weight = float(quality.strip().removeprefix("q=")) if quality else 1.0
        except ValueError:
            continue
        ranked.append((-weight, place, tag.split("-")[0].strip().lower()))
    return next((tag for _, _, tag in sorted(ranked) if tag in LANGUAGES), FALLBACK)


__all__ = ["COOKIE", "asked_for", "choices", "chosen", "gettext", "label", "ngettext", "preferred"]
