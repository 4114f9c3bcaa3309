"""Texts in several languages: what the public reads is kept as ``{"sv": …, "en": …}``."""

import unicodedata
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, StringConstraints

LANGUAGES = ("sv", "en")
FALLBACK = "sv"

language: ContextVar[str] = ContextVar("language", default=FALLBACK)
"""The language of the request at hand; set by ``testbed.web.languages``."""


def message(text: str) -> str:
    """Mark a message id for the catalogues where it is written down, not where it is shown."""
    return text


def clean(text: Any) -> Any:
    """NFC, blanks trimmed, line ends as ``\\n``; control characters are refused (PostgreSQL takes no NUL)."""
    if not isinstance(text, str):
        return text
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip()
    if any(unicodedata.category(c) in {"Cc", "Cs"} and c not in "\n\t" for c in text):
        raise ValueError(message("control characters are not allowed"))
    return text


Line = Annotated[str, BeforeValidator(clean), StringConstraints(max_length=300, pattern=r"^[^\n]*$")]
"""One line of text of at most 300 characters."""

Passage = Annotated[str, BeforeValidator(clean), StringConstraints(max_length=10_000)]
"""Text of several lines, at most 10 000 characters."""

Mailbox = Annotated[
    str,
    BeforeValidator(clean),
    StringConstraints(max_length=254, pattern=r"^[^@\s<>]+@[^@\s<>]+\.[^@\s<>.]+$"),
]
"""An e-mail address, as far as a form can tell."""

WebAddress = Annotated[
    str, BeforeValidator(clean), StringConstraints(max_length=300, pattern=r"^https?://[^\s<>\"]+$")
]
"""An http or https address; nothing else becomes a link."""

Country = Annotated[str, BeforeValidator(clean), StringConstraints(pattern=r"^[A-Z]{2}$")]
"""ISO 3166-1 alpha-2."""


def _in_languages(given: Any) -> Any:
    """A plain text is in the language of the request; a language a form left blank is not there."""
    if isinstance(given, str):
        return {language.get(): given}
    if isinstance(given, Mapping):
        return {key: text for key, text in given.items() if text is not None}
    return given


def _known(given: dict[str, str]) -> dict[str, str]:
    unknown = set(given) - set(LANGUAGES)
    if unknown:
        raise ValueError(message("a text is kept in Swedish (sv) and English (en) only"))
    kept = {key: text for key, text in given.items() if text}
    if not kept:
        raise ValueError(message("a text is needed in at least one language"))
    return kept


def _optional(given: Any) -> Any:
    """No text in any language is no text at all."""
    given = _in_languages(given)
    if isinstance(given, Mapping) and not any(given.values()):
        return None
    return given


def text2(*, min_length: int = 1, max_length: int = 300) -> Any:
    """A text in one language or more, each of ``min_length`` to ``max_length`` characters."""
    one = Annotated[str, BeforeValidator(clean), StringConstraints(max_length=max_length)]

    def long_enough(given: dict[str, str]) -> dict[str, str]:
        if any(len(text) < min_length for text in given.values()):
            raise ValueError(message("this text is too short"))
        return given

    return Annotated[
        dict[str, one], BeforeValidator(_in_languages), AfterValidator(_known), AfterValidator(long_enough)
    ]


def optional_text2(*, max_length: int = 4000) -> Any:
    """As ``text2``, or nothing."""
    return Annotated[text2(max_length=max_length) | None, BeforeValidator(_optional)]


def said(text: Mapping[str, str] | None, wanted: str | None = None) -> str:
    """The text in the wanted language (of the request, unless named), else in Swedish, else in any."""
    if not text:
        return ""
    for each in (wanted or language.get(), FALLBACK, *text):
        if text.get(each):
            return text[each]
    return ""


def said_in(text: Mapping[str, str] | None) -> str:
    """The language that ``said`` falls back to: for the ``lang`` attribute."""
    shown = said(text)
    return next((each for each, words in (text or {}).items() if words == shown), language.get())


__all__ = [
    "FALLBACK", "LANGUAGES", "Country", "Line", "Mailbox", "Passage", "WebAddress", "clean", "language", "message",
    "optional_text2", "said", "said_in", "text2",
]  # fmt: skip
