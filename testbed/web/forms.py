"""Let a browser form and a JSON client post to the same handler, and read both with care."""

import json
from typing import Any

from litestar import Request
from litestar.enums import RequestEncodingType
from litestar.exceptions import ClientException, SerializationException

from testbed.errors import Invalid
from testbed.texts import message

DEEPEST = 32
MOST_FIELDS = 1000
LARGEST_INT = 2**63 - 1
BROKEN = message("The body is not valid JSON.")


class Broken(ClientException):
    """400: the body cannot be read at all."""


class Unsupported(ClientException):
    status_code = 415


class FormRequest(Request[Any, Any, Any]):
    """A request whose ``json()`` also understands ``application/x-www-form-urlencoded``.

    Dots in field names make objects (``need.statement``), numbers between dots make lists, ``name[]`` is a
    list even with one value. A blank field is None: in an edit it clears, in a draft the default applies.
    What was written is kept in ``state.given``, so that a refused form can be shown again as it was left.
    """

    async def json(self) -> Any:
        kind = self.content_type[0]
        if kind == RequestEncodingType.URL_ENCODED:
            return await self._as_object()
        if kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json")):
            return strict_json(await self.body())
        raise Unsupported(message("Send JSON (application/json) or a form."))

    async def _as_object(self) -> dict[str, Any]:
        form = await self.form()
        given = {name: [str(value) for value in form.getall(name)] for name in form}
        if sum(map(len, given.values())) > MOST_FIELDS:
            raise Broken(message("The form has too many fields."))
        self.state.given = {
            name.removesuffix("[]"): values if name.endswith("[]") else values[-1]
            for name, values in given.items()
        }
        return nested(given)


def nested(given: dict[str, list[str]]) -> dict[str, Any]:
    """The object that dotted field names spell.

    Raises:
        Broken: a name is too deep, or is used both as a value and as an object.
    """
    whole: dict[str, Any] = {}
    for name, values in given.items():
        many = name.endswith("[]")
        *path, last = name.removesuffix("[]").split(".")
        here = whole
        if len(path) > DEEPEST:
            raise Broken(BROKEN)
        for step in path:
            here = here.setdefault(step, {})
            if not isinstance(here, dict):
                raise Broken(BROKEN)
        here[last] = (
            [v for v in values if v.strip()] if many else (values[-1] if values[-1].strip() else None)
        )
    return {name: _listed(value) for name, value in whole.items()}


def _listed(value: Any) -> Any:
    """An object whose keys are all numbers is a list, in their order; rows with nothing in them are left out."""
    if not isinstance(value, dict):
        return value
    made = {key: _listed(each) for key, each in value.items()}
    if made and all(key.isascii() and key.isdigit() for key in made):
        rows = [made[key] for key in sorted(made, key=int)]
        return [
            row for row in rows if not isinstance(row, dict) or any(v not in (None, []) for v in row.values())
        ]
    return made


def strict_json(body: bytes) -> Any:
    """Read JSON as RFC 8259 has it: UTF-8, no doubled keys, no NaN, no text PostgreSQL cannot keep.

    Raises:
        Broken: not JSON at all. Invalid: JSON that says one thing twice, or too much.
    """
    try:
        return _checked(
            json.loads(
                body.decode("utf-8"), object_pairs_hook=_single, parse_constant=_refuse, parse_int=_int64
            ),
            0,
        )
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError, SerializationException) as error:
        raise Broken(BROKEN) from error


def _single(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Invalid(message("The body has the same key twice."))
    return found


def _refuse(_: str) -> Any:
    raise SerializationException(BROKEN)


def _int64(digits: str) -> int:
    if len(digits) > 20 or abs(number := int(digits)) > LARGEST_INT:
        raise Invalid(message("A number in the body is too large."))
    return number


def _checked(value: Any, depth: int) -> Any:
    if depth > DEEPEST:
        raise Broken(message("The body is nested too deep."))
    if isinstance(value, dict):
        for key, each in value.items():
            _checked(key, depth + 1)
            _checked(each, depth + 1)
    elif isinstance(value, list):
        for each in value:
            _checked(each, depth + 1)
    elif isinstance(value, str) and ("\0" in value or any("\ud800" <= c <= "\udfff" for c in value)):
        raise Invalid(message("A text in the body holds characters that cannot be kept."))
    elif isinstance(value, float) and value in (float("inf"), float("-inf")):
        raise Invalid(message("A number in the body is too large."))
    return value
