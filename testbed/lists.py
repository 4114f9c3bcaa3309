"""Lists of rows: full-text search, sorting and keyset paging, the same for every register."""

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import isfinite
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    DateTime,
    Enum,
    Integer,
    Numeric,
    func,
    literal,
    literal_column,
    or_,
    true,
    tuple_,
)
from sqlalchemy.types import TypeEngine
from sqlmodel import SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.errors import Invalid
from testbed.texts import message

ItemT = TypeVar("ItemT")
MOST, MOST_CSV = 200, 10_000
BAD_CURSOR = message("This page of the list cannot be found any more; start from its beginning.")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client wants of a list: words to search, a sort key (``-`` turns it round), a cursor, how many."""

    q: str = ""
    sort: str = ""
    after: str = ""
    limit: int = 50


class Listed(SQLModel, Generic[ItemT]):
    """A page of a list; ``next`` is the cursor of the page after it, none on the last."""

    items: list[ItemT]
    next: str | None = None
    q: str = ""
    sort: str = ""


class Rows(msgspec.Struct, Generic[ItemT]):
    """As ``Listed``, for items that are structs: they leave without a detour through pydantic."""

    items: list[ItemT]
    next: str | None = None
    q: str = ""
    sort: str = ""


class Ref(SQLModel):
    """Another record, as far as a link needs it."""

    id: int
    title: str
    url: str


def matching(model: type[SQLModel], words: str) -> ColumnElement[bool]:
    """Rows whose ``search`` column holds the words: by Swedish and English stems, or as beginnings of words."""
    plain = re.findall(r"\w+", words.lower())
    if not plain:
        return true()
    column: ColumnElement[Any] = literal_column(f"{model.__tablename__}.search")
    beginnings = " & ".join(f"'{word}':*" for word in plain)
    queries = [
        func.websearch_to_tsquery("pg_catalog.swedish", words),
        func.websearch_to_tsquery("pg_catalog.english", words),
        func.to_tsquery("pg_catalog.simple", beginnings),
    ]
    return or_(*(column.op("@@")(query) for query in queries))


async def page_of(
    session: AsyncSession,
    query: Any,
    asked: Asked,
    *,
    key: Any,
    orders: Mapping[str, Any],
) -> tuple[Sequence[Any], str | None]:
    """Return the rows of one page and the cursor of the next; every row ends with its sort value.

    ``orders`` names what may be sorted by, the first being the default; each expression must not be null.
    ``key`` is the unique column that breaks ties.

    Raises:
        Invalid: an unknown sort key, or a cursor of another order.
    """
    default = next(iter(orders))
    sort = asked.sort or default
    down = sort.startswith("-")
    expression = orders.get(sort) if sort in orders else orders.get(sort.removeprefix("-"))
    if expression is None:
        raise Invalid(message("This list cannot be sorted by {key}."), key=sort)
    if asked.after:
        value, number = _opened(asked.after, sort, expression.type)
        here, there = tuple_(expression, key), tuple_(literal(value, expression.type), literal(number))
        query = query.where(here < there if down else here > there)
    ordering = [expression.desc(), key.desc()] if down else [expression.asc(), key.asc()]
    query = query.add_columns(expression.label("sort_value"), key.label("sort_key"))
    rows = (await session.exec(query.order_by(*ordering).limit(asked.limit + 1))).all()
    if len(rows) <= asked.limit:
        return rows, None
    last = rows[asked.limit - 1]
    return rows[: asked.limit], _cursor(sort, last.sort_value, last.sort_key)


def in_swedish(expression: Any) -> ColumnElement[Any]:
    """Å, ä and ö after z, whatever the database's own order is."""
    return func.sv_key(func.coalesce(expression, "")).collate("C")


def in_language(column: Any, wanted: str) -> ColumnElement[Any]:
    """The text of a ``Text2`` column in the wanted language, else in any."""
    other = "en" if wanted == "sv" else "sv"
    found: ColumnElement[Any] = func.coalesce(column[wanted].astext, column[other].astext, "")
    return found


def _cursor(sort: str, value: Any, key: int) -> str:
    if isinstance(value, datetime):
        value = {"at": value.isoformat()}
    elif isinstance(value, date):
        value = {"on": value.isoformat()}
    packed = json.dumps([sort, value, key], separators=(",", ":"), default=str).encode()
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def _opened(cursor: str, sort: str, kind: TypeEngine[Any]) -> tuple[Any, int]:
    try:
        packed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        of, value, key = json.loads(packed)
        if of != sort or type(key) is not int or not 0 < key < 2**63:
            raise ValueError(cursor)
        if isinstance(value, dict):
            value = datetime.fromisoformat(value["at"]) if "at" in value else date.fromisoformat(value["on"])
        if not _fits(value, kind):
            raise ValueError(cursor)
    except (ValueError, KeyError, TypeError, binascii.Error, RecursionError) as error:
        raise Invalid(BAD_CURSOR) from error
    return value, key


def _fits(value: Any, kind: TypeEngine[Any]) -> bool:
    """Whether the database would take this value for a column of this kind; anybody can write a cursor."""
    if isinstance(kind, Enum):
        return value in kind.enums
    if isinstance(value, str):
        return not isinstance(kind, Numeric | Integer | Date | DateTime) and _is_text(value)
    if isinstance(value, datetime):
        return isinstance(kind, DateTime) and value.tzinfo is not None
    if isinstance(value, date):
        return isinstance(kind, Date)
    if isinstance(kind, Integer):
        return type(value) is int and abs(value) < (2**63 if isinstance(kind, BigInteger) else 2**31)
    return isinstance(kind, Numeric) and type(value) in (int, float) and isfinite(value)


def _is_text(value: str) -> bool:
    return "\0" not in value and not any("\ud800" <= c <= "\udfff" for c in value)
