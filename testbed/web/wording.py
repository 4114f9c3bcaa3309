"""What pydantic and msgspec find wrong with a body, in words for people, beside the field it is about."""

from collections.abc import Iterable
from typing import Any

from litestar.exceptions import ValidationException

from testbed.texts import message
from testbed.web.languages import gettext

NEEDED = message("This is needed.")
WORDS = {
    "missing": NEEDED,
    "extra_forbidden": message("There is no field of this name."),
    "string_too_short": message("Write at least {min_length} characters."),
    "string_too_long": message("Write at most {max_length} characters."),
    "string_type": message("Write a text here."),
    "string_pattern_mismatch": message("This does not have the form that is wanted here."),
    "int_type": message("Write a whole number."),
    "int_parsing": message("Write a whole number."),
    "int_from_float": message("Write a whole number."),
    "float_type": message("Write a number."),
    "float_parsing": message("Write a number."),
    "finite_number": message("Write a number."),
    "bool_type": message("Answer yes or no."),
    "bool_parsing": message("Answer yes or no."),
    "date_type": message("Write a date as 2026-11-23."),
    "date_parsing": message("Write a date as 2026-11-23."),
    "date_from_datetime_parsing": message("Write a date as 2026-11-23."),
    "date_from_datetime_inexact": message("Write a date as 2026-11-23."),
    "datetime_type": message("Write a time as 2026-11-23 14:30."),
    "datetime_parsing": message("Write a time as 2026-11-23 14:30."),
    "datetime_from_date_parsing": message("Write a time as 2026-11-23 14:30."),
    "timezone_aware": message("Write the time with its zone, as 2026-11-23T14:30+01:00."),
    "enum": message("Choose one of: {expected}."),
    "literal_error": message("Choose one of: {expected}."),
    "too_short": message("Choose at least {min_length}."),
    "too_long": message("Choose at most {max_length}."),
    "list_type": message("A list is wanted here."),
    "dict_type": message("An object is wanted here."),
    "model_type": message("An object is wanted here."),
    "model_attributes_type": message("An object is wanted here."),
    "greater_than": message("The number must be greater than {gt}."),
    "greater_than_equal": message("The number must be at least {ge}."),
    "less_than": message("The number must be less than {lt}."),
    "less_than_equal": message("The number must be at most {le}."),
}
OTHERWISE = message("This is not understood here.")


def field_errors(error: ValidationException) -> dict[str, str]:
    """The first thing wrong with each field, by its dotted name, in the language of the request."""
    found = spoken(getattr(error.__cause__, "errors", None) or [])
    if not found:
        for item in error.extra if isinstance(error.extra, list) else []:
            found.setdefault(str(item.get("key", "")).removeprefix("data."), gettext(OTHERWISE))
    return found


def spoken(errors: Iterable[dict[str, Any]]) -> dict[str, str]:
    """The same of errors as pydantic lists them (``loc``, ``type``, ``ctx``, ``input``)."""
    found: dict[str, str] = {}
    for each in errors:
        found.setdefault(_name(each["loc"]), _said(each))
    return found


def _name(loc: tuple[Any, ...]) -> str:
    """A location without the body's own name and the branches of unions that pydantic names in between."""
    steps = [str(step) for step in loc if not (isinstance(step, str) and ("[" in step or "(" in step))]
    if steps and steps[0] == "data":
        steps = steps[1:]
    return ".".join(steps) or "body"


def _said(each: dict[str, Any]) -> str:
    kind, given = each["type"], each.get("ctx") or {}
    if kind in ("too_short", "too_long") and isinstance(each.get("input"), str):
        kind = f"string_{kind}"  # a text with a cleaner before it is measured as any value is
    if kind == "value_error":
        return gettext(str(given.get("error", OTHERWISE)))
    if each.get("input", ...) is None and kind != "extra_forbidden":
        return gettext(NEEDED)
    if "expected" in given:
        given = {**given, "expected": str(given["expected"]).replace("' or '", "', '")}
    return gettext(WORDS.get(kind, OTHERWISE)).format(**given)
