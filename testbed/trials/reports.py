"""What is wrong with a file, as people and programs read it: counted first, then place by place.

The findings lie in a file and are read a page at a time, in a thread and outside any transaction.
"""

import asyncio
import csv
import io
import json
import re
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.access.rights import READ, fetch
from testbed.db import Database
from testbed.errors import Unavailable
from testbed.files import Store, damaged
from testbed.tabular import kept
from testbed.tabular.kept import Finding
from testbed.tabular.problems import RULES
from testbed.texts import message
from testbed.trials import results
from testbed.trials.models import Result, TableSchema
from testbed.trials.results import Key, named

PAGE = 100
BATCH = 20_000
COLUMNS = 10
AT_ONCE = asyncio.Semaphore(2)  # each reading may take 128 MB
TOO_SLOW = message("The report takes too long to read just now. Try again shortly.")
HEADS = (
    message("Line"), message("Row"), message("Column"), message("Value"), message("Rule"), message("What is wrong"),
    message("Expected"), message("First line with the same key"), message("Severity"),
)  # fmt: skip
FORMULA = re.compile(r"[\s\u00a0\u200b-\u200f\u2060\ufeff]*[=+\-@\t\r\n＝＋－＠]")
ReadT = TypeVar("ReadT")


class Count(msgspec.Struct):
    """How often a rule was broken in a column; exact."""

    rule: str
    column: str | None
    severity: str
    n: int
    hint: dict[str, str]


class Place(msgspec.Struct):
    """One finding. ``line`` is physical and counts from 1; ``row`` counts records below the header."""

    line: int | None
    row: int | None
    column: str | None
    column_no: int | None
    value: str | None
    rule: str
    severity: str
    expected: str | None
    first_line: int | None
    hint_sv: str
    hint_en: str


class ReportView(msgspec.Struct, dict=True):
    """A page of the report. ``refused_rows`` holds the rows of this page that were not taken, by their line, as sent."""

    result: str
    schema: int | None
    state: str
    acceptance: str
    rows: int
    accepted: int
    rejected: int
    answers: dict[str, Any]
    assumed: dict[str, Any]
    counts: list[Count]
    findings: list[Place] = []
    columns: list[str] = []
    refused_rows: dict[str, list[str | None]] = {}
    next: str | None = None

    def heads(self) -> list[int]:
        """Which columns of the file a page shows, by their place: all of a few, else the first and those with findings."""
        marked = {place for each in self.findings if (place := self.place_of(each)) is not None}
        first = range(min(len(self.columns), COLUMNS))
        if len(self.columns) <= COLUMNS:
            return list(first)
        return sorted(marked | set(first[: max(2, COLUMNS - len(marked))]))[: 2 * COLUMNS]

    def place_of(self, finding: Place) -> int | None:
        """The column of the file a finding is in, from 0."""
        if finding.column is not None and finding.column in self.columns:
            return self.columns.index(finding.column)
        number = (finding.column_no or 0) - 1
        return number if 0 <= number < len(self.columns) else None

    def lines(self) -> list[dict[str, Any]]:
        """The findings of this page put together by line: ``{line, severity, findings, cells, marked}``."""
        found: list[dict[str, Any]] = []
        for each in self.findings:
            if not found or each.line is None or found[-1]["line"] != each.line:
                cells = self.refused_rows.get(str(each.line)) if each.line else None
                whole = list(cells) if cells else [None] * len(self.columns)
                found.append(
                    {"line": each.line, "findings": [], "cells": whole, "marked": {}, "known": bool(cells)}
                )
            line, place = found[-1], self.place_of(each)
            line["findings"].append(each)
            if place is not None:
                line["marked"].setdefault(place, each.severity)
                if not line["known"]:
                    line["cells"][place] = each.value
        return found


class Wanted(msgspec.Struct, frozen=True):
    """Which findings: of one rule, of one column, behind a place."""

    rule: str | None = None
    column: str | None = None
    after: int = -1


async def page(db: Database, store: Store, actor: Actor, key: Key, wanted: Wanted) -> ReportView:
    """A page of the report, with up to 100 places. The page of the result itself is in ``view.around``, for templates.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``. Conflict: a kept file is damaged.
    """
    async with db.begin() as session:
        result = await fetch(session, actor, READ, Result, named(key))
        view = await _frame(session, result)
        vars(view)["around"] = await results.shown(session, actor, result)
    found = await _findings(store, result, wanted, PAGE + 1)
    shown = found[:PAGE]
    view.findings = [_place(each) for each in shown]
    view.next = str(shown[-1].at) if len(found) > PAGE else None
    await _context(store, result, view)
    return view


async def _frame(session: AsyncSession, result: Result) -> ReportView:
    report = result.report or {}
    schema = await session.get(TableSchema, result.schema_id) if result.schema_id else None
    accepted, rejected = result.rows or 0, int(report.get("rejected", 0))
    return ReportView(
        result=result.code, schema=schema.number if schema else None, state=result.state.value,
        acceptance=result.acceptance.value, rows=accepted + rejected, accepted=accepted, rejected=rejected,
        answers=result.answers, assumed=report.get("assumed", {}), counts=counts_of(report),
    )  # fmt: skip


def counts_of(report: dict[str, Any]) -> list[Count]:
    """Errors first, the most frequent before the others."""
    told = report.get("counts") or [
        {"rule": each["rule"], "column": each["column"], "severity": each["severity"], "n": each["count"]}
        for each in report.get("problems", [])
    ]
    made = [
        Count(each["rule"], each["column"], each["severity"], each["n"], hint(each["rule"])) for each in told
    ]
    return sorted(made, key=lambda each: (each.severity, -each.n))


def hint(rule: str) -> dict[str, str]:
    """What a rule means and what to do, in both languages."""
    _, sv, en = RULES.get(rule, ("", rule, rule))
    return {"sv": sv, "en": en}


def _place(each: Finding) -> Place:
    said = hint(each.rule)
    return Place(
        each.line, each.row, each.column, each.column_no, each.value, each.rule, each.severity, each.expected,
        each.first_line, said["sv"], said["en"],
    )  # fmt: skip


async def _findings(store: Store, result: Result, wanted: Wanted, most: int) -> list[Finding]:
    if result.findings_sha256 is None:
        return [each for each in _examples(result.report or {}) if _fits(each, wanted)][:most]
    async with at_hand(store, result.findings_sha256) as path:
        return await _listed(result.findings_sha256, path, wanted, most)


async def _listed(sha256: str, path: Path, wanted: Wanted, most: int) -> list[Finding]:
    return await read(
        sha256,
        lambda: kept.findings(path, rule=wanted.rule, column=wanted.column, after=wanted.after, most=most),
    )


def _examples(report: dict[str, Any]) -> list[Finding]:
    """What a reading without a list of findings told: the first hundred places of each kind."""
    places = [
        (each.get("line"), problem, each.get("value"))
        for problem in report.get("problems", [])
        for each in problem["examples"] or [problem]
    ]
    places.sort(key=lambda each: each[0] or 0)
    return [
        Finding(at, line, None, problem["column"], None, value, problem["rule"], problem["severity"])
        for at, (line, problem, value) in enumerate(places)
    ]


def _fits(each: Finding, wanted: Wanted) -> bool:
    return (
        each.at > wanted.after
        and wanted.rule in (None, each.rule)
        and wanted.column in (None, each.column)
    )  # fmt: skip


async def _context(store: Store, result: Result, view: ReportView) -> None:
    """The refused rows that the page speaks of."""
    lines = sorted({each.line for each in view.findings if each.line and each.severity == "error"})
    if result.rejected_sha256 is None or not lines:
        return
    async with at_hand(store, result.rejected_sha256) as path:
        found = await read(result.rejected_sha256, lambda: kept.refused(path, lines))
    view.columns = found.titles
    view.refused_rows = {str(line): values for line, values in found.rows.items()}


@asynccontextmanager
async def at_hand(store: Store, sha256: str) -> AsyncIterator[Path]:
    """A kept file as a path: where the store is a bucket, a copy that is gone afterwards.

    Raises:
        Conflict: it is missing.
    """
    if (path := store.path(sha256)) is not None:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="report-") as folder:
        yield await store.local(sha256, Path(folder))


async def read(sha256: str, what: Callable[[], ReadT]) -> ReadT:
    """Do a blocking reading of the kept file in a thread, two at a time.

    Raises:
        Conflict: the file is damaged. Unavailable: it takes too long.
    """
    async with AT_ONCE:
        try:
            return await asyncio.to_thread(what)
        except kept.TooSlow:
            raise Unavailable(TOO_SLOW, retry_after=10) from None
        except (kept.Broken, UnicodeDecodeError, OSError):
            damaged(sha256)


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
    return Whole(result, await _frame(session, result))


async def _batches(store: Store, result: Result) -> AsyncGenerator[list[Finding], None]:
    """All findings, in short readings: a slow client holds nothing but its place."""
    if result.findings_sha256 is None:
        yield _examples(result.report or {})
        return
    async with at_hand(store, result.findings_sha256) as path:
        after = -1
        while batch := await _listed(result.findings_sha256, path, Wanted(after=after), BATCH):
            yield batch
            after = batch[-1].at


async def as_csv(
    store: Store, what: Whole, heads: Sequence[str], language: str, delimiter: str
) -> AsyncGenerator[bytes, None]:
    """All findings for a spreadsheet: with a byte order mark, texts quoted, and nothing that runs as a formula."""
    yield b"\xef\xbb\xbf" + _lines([list(heads)], delimiter)
    async for batch in _batches(store, what.result):
        rows = [
            [each.line, each.row, each.column, each.value, each.rule, hint(each.rule)[language], each.expected,
             each.first_line, each.severity]
            for each in batch
        ]  # fmt: skip
        yield await asyncio.to_thread(_lines, rows, delimiter)


def _lines(rows: list[list[Any]], delimiter: str) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerows([guarded(value) for value in row] for row in rows)
    return text.getvalue().encode()


def guarded(value: Any) -> Any:
    """A text that a spreadsheet would run gets an apostrophe before it; numbers stay as they are."""
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and FORMULA.match(value) else value


async def as_json(store: Store, what: Whole) -> AsyncGenerator[bytes, None]:
    """The whole report as one object; values exactly as they stand in the file."""
    head = msgspec.to_builtins(what.head)
    for name in ("findings", "columns", "refused_rows", "next"):
        del head[name]
    yield json.dumps(head, ensure_ascii=False).encode()[:-1] + b', "findings": ['
    first = True
    async for batch in _batches(store, what.result):
        text = await asyncio.to_thread(_objects, batch)
        yield text if first else b",\n" + text
        first = False
    yield b"]}\n"


def _objects(batch: list[Finding]) -> bytes:
    return b",\n".join(msgspec.json.encode(_place(each)) for each in batch)
