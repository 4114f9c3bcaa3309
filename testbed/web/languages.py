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
    """All messages of a language, merged from ``locale/<language>/*.po``; English has only its labels."""
    folder = LOCALE / wanted
    if not folder.is_dir():
        return NullTranslations()
    merged = Catalog(locale=wanted, charset="utf-8")
    for file in sorted(folder.glob("*.po")):
        with file.open("rb") as opened:
            for each in read_po(opened, locale=wanted):
                if each.id and each.string:
                    merged.add(each.id, each.string, context=each.context)
    packed = io.BytesIO()
    write_mo(packed, merged)
    packed.seek(0)
    return GNUTranslations(packed)


def gettext(text: str) -> str:
    """The message in the language of the request."""
    return catalogue(language.get()).gettext(text) if text else ""


def ngettext(one: str, many: str, number: int) -> str:
    return catalogue(language.get()).ngettext(one, many, number)


def label(word: Any, kind: str = "") -> str:
    """The words for a member of a closed set: of an enum, or of the enum named ``kind``."""
    context = kind or type(word).__name__
    return catalogue(language.get()).pgettext(context, str(word))


@cache
def members(kind: str) -> tuple[str, ...]:
    """The members of a closed set, in their order, as its labels list them."""
    with (LOCALE / FALLBACK / "labels.po").open("rb") as opened:
        return tuple(str(each.id) for each in read_po(opened) if each.context == kind)


def choices(kind: str) -> list[tuple[str, str]]:
    """Members and their words, for the options of a form or a filter."""
    return [(each, label(each, kind)) for each in members(kind)]


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
