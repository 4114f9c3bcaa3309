"""The catalogues of messages, and the words for members of closed sets, in the language at hand."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from testbed.texts import FALLBACK, LANGUAGES, language

LOCALE = Path(__file__).parent / "locale"


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


@contextmanager
def spoken_in(wanted: str | None) -> Iterator[None]:
    """Let everything inside speak a person's language, or Swedish where nobody chose one: for mail."""
    before = language.set(wanted if wanted in LANGUAGES else FALLBACK)
    try:
        yield
    finally:
        language.reset(before)


def gettext(text: str) -> str:
    """The message in the language at hand."""
    return catalogue(language.get()).gettext(text) if text else ""


def ngettext(one: str, many: str, number: int) -> str:
    return catalogue(language.get()).ngettext(one, many, number)


def label(word: Any, kind: str = "") -> str:
    """The words for a member of a closed set: of an enum, or of the enum named ``kind``."""
    context = kind or type(word).__name__
    return catalogue(language.get()).pgettext(context, str(word))


@cache
def members(kind: str) -> tuple[str, ...]:
    """The members of a closed set, in their order, as ``labels.po`` lists them. Raises: LookupError."""
    with (LOCALE / FALLBACK / "labels.po").open("rb") as opened:
        found = tuple(str(each.id) for each in read_po(opened) if each.context == kind)
    if not found:
        raise LookupError(f"no labels for {kind}")
    return found


def choices(kind: str) -> list[tuple[str, str]]:
    """Members and their words, for the options of a form or a filter."""
    return [(each, label(each, kind)) for each in members(kind)]
