"""What is wrong with a file, place by place: read from where it is kept, in a thread and outside any transaction."""

import asyncio
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from testbed.errors import Unavailable
from testbed.files import Store, damaged
from testbed.tabular import hints, kept
from testbed.tabular.kept import Finding
from testbed.texts import message
from testbed.trials.models import Result

BATCH = 20_000
AT_ONCE = asyncio.Semaphore(2)  # each reading may take 128 MB
TOO_SLOW = message("The report takes too long to read just now. Try again shortly.")
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


class Wanted(msgspec.Struct, frozen=True):
    """Which findings: of one rule, of one column, behind a place."""

    rule: str | None = None
    column: str | None = None
    after: int = -1


class Words:
    """What a rule means and what to do, in both languages, as exactly as the reading of a file knew."""

    def __init__(self, report: dict[str, Any]) -> None:
        self._told = {(each["rule"], each["column"]): each["hint"] for each in report.get("problems", [])}

    def of(self, rule: str, column: str | None) -> dict[str, str]:
        told: dict[str, str] | None = self._told.get((rule, column))
        if told is not None:
            return told
        return hints.hint(rule) if rule in hints.RULES else {"sv": rule, "en": rule}

    def place(self, each: Finding) -> Place:
        said = self.of(each.rule, each.column)
        return Place(
            each.line, each.row, each.column, each.column_no, each.value, each.rule, each.severity, each.expected,
            each.first_line, said["sv"], said["en"],
        )  # fmt: skip


def counts_of(report: dict[str, Any]) -> list[Count]:
    """Errors first, the most frequent before the others."""
    told = report.get("counts") or [
        {"rule": each["rule"], "column": each["column"], "severity": each["severity"], "n": each["count"]}
        for each in report.get("problems", [])
    ]
    words = Words(report)
    made = [
        Count(
            each["rule"], each["column"], each["severity"], each["n"], words.of(each["rule"], each["column"])
        )
        for each in told
    ]
    return sorted(made, key=lambda each: (each.severity, -each.n))


async def findings(store: Store, result: Result, wanted: Wanted, most: int) -> list[Finding]:
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


async def batches(store: Store, result: Result) -> AsyncGenerator[list[Finding], None]:
    """All findings, in short readings: a slow client holds nothing but its place."""
    if result.findings_sha256 is None:
        yield _examples(result.report or {})
        return
    async with at_hand(store, result.findings_sha256) as path:
        after = -1
        while batch := await _listed(result.findings_sha256, path, Wanted(after=after), BATCH):
            yield batch
            after = batch[-1].at


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
