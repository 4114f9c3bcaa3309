"""What is wrong with a file, as people and programs read it: counted first, then place by place."""

from typing import Any

import msgspec
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.access.rights import READ, fetch
from testbed.db import Database
from testbed.files import Store
from testbed.tabular import kept
from testbed.trials import results
from testbed.trials.findings import Count, Place, Wanted, Words, at_hand, counts_of, findings, read
from testbed.trials.models import Result, TableSchema
from testbed.trials.results import Key, named

PAGE = 100
COLUMNS = 10


class Cell(msgspec.Struct):
    """A cell that a correction changed, as both files spell it."""

    column: str
    before: str | None
    after: str | None


class Corrected(msgspec.Struct):
    """A row that stands for a refused one: its line, the line ``of`` the corrected file, and what changed."""

    line: int
    of: int
    cells: list[Cell]


class ReportView(msgspec.Struct, dict=True):
    """A page of the report. ``refused_rows`` holds the rows of this page that were not taken, by their line, as sent.

    ``corrected``: of a correction, the first hundred rows before and after.
    """

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
    corrected: list[Corrected] = []

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


async def page(db: Database, store: Store, actor: Actor, key: Key, wanted: Wanted) -> ReportView:
    """A page of the report, with up to 100 places. The page of the result itself is in ``view.around``, for templates.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``. Conflict: a kept file is damaged.
    """
    async with db.begin() as session:
        result = await fetch(session, actor, READ, Result, named(key))
        view = await frame(session, result)
        vars(view)["around"] = await results.shown(session, actor, result)
        parent = await session.get(Result, result.replaces_id) if result.corrects else None
    found = await findings(store, result, wanted, PAGE + 1)
    shown = found[:PAGE]
    words = Words(result.report or {})
    view.findings = [words.place(each) for each in shown]
    view.next = str(shown[-1].at) if len(found) > PAGE else None
    await _context(store, result, view)
    if parent is not None and wanted == Wanted():
        view.corrected = await _pairs(store, result, parent)
    return view


async def frame(session: AsyncSession, result: Result) -> ReportView:
    report = result.report or {}
    schema = await session.get(TableSchema, result.schema_id) if result.schema_id else None
    accepted, rejected = result.rows or 0, int(report.get("rejected", 0))
    return ReportView(
        result=result.code, schema=schema.number if schema else None, state=result.state.value,
        acceptance=result.acceptance.value, rows=accepted + rejected, accepted=accepted, rejected=rejected,
        answers=result.answers, assumed=report.get("assumed", {}), counts=counts_of(report),
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


async def _pairs(store: Store, result: Result, parent: Result) -> list[Corrected]:
    """The first rows of a correction beside those they stand for; the sender corrected his own file, so may see both."""
    if result.lines_sha256 is None or parent.rejected_sha256 is None:
        return []
    async with at_hand(store, result.lines_sha256) as path:
        rows = await read(result.lines_sha256, lambda: kept.corrected(path, most=PAGE))
    async with at_hand(store, parent.rejected_sha256) as refused:
        old = await read(parent.rejected_sha256, lambda: kept.refused(refused, [row.of for row in rows]))
    titles = (result.report or {}).get("assumed", {}).get("titles", [])
    return [
        Corrected(
            row.line,
            row.of,
            _changed(dict(zip(old.titles, old.rows.get(row.of, []), strict=False)), titles, row),
        )
        for row in rows
    ]


def _changed(before: dict[str, str | None], titles: list[str], row: kept.Corrected) -> list[Cell]:
    after = dict(zip(titles, row.raw, strict=False))
    return [
        Cell(column, before.get(column), value)
        for column, value in after.items()
        if (value or "") != (before.get(column) or "")
    ]
