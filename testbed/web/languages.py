"""Which language a request is answered in, and the catalogues of messages."""

import io
from functools import cache
from gettext import GNUTranslations, NullTranslations
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from testbed.texts import FALLBACK, LANGUAGES, language

LOCALE = Path(__file__).parent.parent / "locale"
COOKIE = "lang"


@cache
def catalogue(wanted: str) -> NullTranslations:
    """All messages of a language, merged from ``locale/<language>/*.po``; English needs none."""
    folder = LOCALE / wanted
    if not folder.is_dir():
        return NullTranslations()
    merged = Catalog(locale=wanted, charset="utf-8")
    for file in sorted(folder.glob("*.po")):
        with file.open("rb") as opened:
            for each in read_po(opened, locale=wanted):
                if each.id and each.string:
                    merged.add(each.id, each.string)
    packed = io.BytesIO()
    write_mo(packed, merged)
    packed.seek(0)
    return GNUTranslations(packed)


def gettext(text: str) -> str:
    """The message in the language of the request."""
    return catalogue(language.get()).gettext(text) if text else ""


def ngettext(one: str, many: str, number: int) -> str:
    return catalogue(language.get()).ngettext(one, many, number)


def chosen(scope: Any) -> str:
    """The language asked for: ``?lang=``, else the cookie, else ``Accept-Language``, else Swedish."""
    asked = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("lang", [""])[-1]
    if asked in LANGUAGES:
        return asked
    headers = {name: value.decode("latin-1") for name, value in scope.get("headers", [])}
    if (cookie := _cookie(headers.get(b"cookie", ""))) in LANGUAGES:
        return cookie
    return preferred(headers.get(b"accept-language", ""))


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
