"""The whole report as a file: for a spreadsheet, and for a program. A slow client holds nothing but its place."""

import asyncio
import csv
import io
import json
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import msgspec
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.access.rights import READ, fetch
from testbed.files import Store
from testbed.tabular.kept import Finding
from testbed.tabular.rejected import guard
from testbed.texts import message
from testbed.trials.findings import Words, batches
from testbed.trials.models import Result
from testbed.trials.reports import ReportView, frame
from testbed.trials.results import Key, named

HEADS = (
    message("Line"), message("Row"), message("Column"), message("Value"), message("Rule"), message("What is wrong"),
    message("Expected"), message("First line with the same key"), message("Severity"),
)  # fmt: skip


class Whole(msgspec.Struct):
    """Everything a streamed report needs once its transaction has ended."""

    result: Any
    head: ReportView


async def whole(session: AsyncSession, actor: Actor, key: Key) -> Whole:
    """What to stream.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``.
    """
    result = await fetch(session, actor, READ, Result, named(key))
    return Whole(result, await frame(session, result))


async def as_csv(
    store: Store, what: Whole, heads: Sequence[str], language: str, delimiter: str
) -> AsyncGenerator[bytes, None]:
    """All findings for a spreadsheet: with a byte order mark, texts quoted, and nothing that runs as a formula."""
    words = Words(what.result.report or {})
    yield b"\xef\xbb\xbf" + _lines([list(heads)], delimiter)
    async for batch in batches(store, what.result):
        rows = [
            [each.line, each.row, each.column, each.value, each.rule, words.of(each.rule, each.column)[language],
             each.expected, each.first_line, each.severity]
            for each in batch
        ]  # fmt: skip
        yield await asyncio.to_thread(_lines, rows, delimiter)


def _lines(rows: list[list[Any]], delimiter: str) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerows([_guarded(value) for value in row] for row in rows)
    return text.getvalue().encode()


def _guarded(value: Any) -> Any:
    if value is None:
        return ""
    return guard(value) if isinstance(value, str) else value


async def as_json(store: Store, what: Whole) -> AsyncGenerator[bytes, None]:
    """The whole report as one object; values exactly as they stand in the file."""
    head = msgspec.to_builtins(what.head)
    for name in ("findings", "columns", "refused_rows", "next", "corrected"):
        del head[name]
    yield json.dumps(head, ensure_ascii=False).encode()[:-1] + b', "findings": ['
    words, first = Words(what.result.report or {}), True
    async for batch in batches(store, what.result):
        text = await asyncio.to_thread(_objects, batch, words)
        yield text if first else b",\n" + text
        first = False
    yield b"]}\n"


def _objects(batch: list[Finding], words: Words) -> bytes:
    return b",\n".join(msgspec.json.encode(words.place(each)) for each in batch)
