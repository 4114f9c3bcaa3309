"""The job that reads a received file: what is in it, as a table, and what is wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import structlog
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.activity import record
from testbed.db import driver
from testbed.jobs import Kind, LeaseLost, Task, Workshop, scratch
from testbed.notices.models import Happening
from testbed.tabular import run
from testbed.tabular.run import Report
from testbed.trials import acceptance, correcting, dividing, families, secrecy
from testbed.trials.answers import engine_answers, header_of
from testbed.trials.chosen import current
from testbed.trials.correcting import Ground, ground
from testbed.trials.models import Result, ResultState, Trial
from testbed.trials.references import references
from testbed.trials.telling import tell
from testbed.trials.views import RUNNING

log = structlog.get_logger(__name__)

WORKER = Actor(kind="job")
OURS = "SELECT id FROM job WHERE id = $1 AND worker = $2 AND attempts = $3 AND state = 'running' FOR UPDATE"
STUCK = """
    SELECT result.id, job.error FROM result JOIN job ON job.id = result.job_id
    WHERE result.state IN ('received', 'reading') AND job.state IN ('failed', 'cancelled')
"""
GIVEN_UP: dict[str, Any] = {
    "rule": "given-up",
    "severity": "error",
    "line": None,
    "column": None,
    "value": None,
    "count": 1,
    "hint": {
        "sv": "Läsningen avbröts flera gånger och gavs upp. Filen är sparad precis som den skickades.",
        "en": "The reading broke off several times and was given up. The file is kept exactly as it was sent.",
    },
    "examples": [],
}


async def profile(task: Task) -> Mapping[str, Any] | None:
    """Read the file of the result ``task.args["result"]``, keep its table, and write the report.

    May be done twice: the same file gives the same table. A result that is gone ends it quietly.
    """
    shop, number = task.shop, int(task.args["result"])
    order = await _begin(shop, number)
    if order is None:
        return {"gone": number}
    with scratch(task) as work:
        (work / "raw").mkdir(mode=0o711)
        await task.beat("fetching", 0, 0)
        source = await shop.store.local(order.sha256, work / "raw")
        report, schema_id = await _checked(task, order, source, work)
        tables = [] if order.chosen else dividing.tables_of(report)
        if tables:  # this result is the first of them
            first = replace(order, answers=order.answers | {"sheet": tables[0]})
            report, schema_id = await _checked(task, first, source, work)
        on = order.ground if report.lines is not None else None
        kept = Kept(
            table=await _kept(shop, report.table),
            rejected=await _kept(shop, report.rejected_rows),
            findings=await _kept(shop, report.findings),
            lines=await _kept(shop, report.lines),
            header=header_of(source, report),
            correction=await correcting.told(report.lines, on) if report.lines and on else None,
            schema_id=schema_id,
        )
    await _end(task, number, report, kept, tables)
    return {"state": report.state, "rows": report.rows}


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be read, and against what: all as it was when the reading began.

    ``chosen``: which table it is was said, or cannot be asked, for it takes the place of another file.
    """

    sha256: str
    schema_id: int | None
    schema: dict[str, Any] | None
    answers: dict[str, Any]
    references: dict[str, Any]
    ground: Ground | None
    chosen: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """What was made of a file, by digest; ``header`` tells files of one shape from others."""

    table: str | None
    rejected: str | None
    findings: str | None
    lines: str | None
    header: str
    correction: dict[str, Any] | None
    schema_id: int | None


async def _checked(task: Task, order: Order, source: Path, work: Path) -> tuple[Report, int | None]:
    """The report, and the schema it was held to: of a correction that of the file it corrects."""

    async def read(schema: dict[str, Any] | None, **more: Any) -> Report:
        return await run.read(
            source, work, schema=schema, answers=order.answers, references=order.references,
            progress=task.beat, **more,
        )  # fmt: skip

    on = order.ground
    if on is not None:
        report = await read(on.schema, corrects=await correcting.laid(task.shop.store, work, on))
        if report.lines is not None or on.schema_id == order.schema_id:
            return report, on.schema_id
    return await read(order.schema), order.schema_id


async def _begin(shop: Workshop, number: int) -> Order | None:
    """Say that the reading has begun; what is to be done, or None if there is no such result."""
    async with shop.db.begin() as session:
        result = await _locked(session, number)
        if result is None:
            return None
        if result.state == ResultState.received:
            result.state = ResultState.reading
            session.add(result)
        trial = await session.get_one(Trial, result.trial_id)
        schema = await current(session, trial.id)
        answers = ({"sheet": result.entry} if result.entry else {}) | engine_answers(result.answers)
        return Order(
            result.sha256, schema.id if schema else None, schema.body if schema else None,
            answers, await references(session, trial), await ground(session, result),
            "sheet" in answers or result.replaces_id is not None,
        )  # fmt: skip


async def _kept(shop: Workshop, path: Path | None) -> str | None:
    return (await shop.store.keep_file(path)).sha256 if path is not None else None


async def _end(task: Task, number: int, report: Report, kept: Kept, tables: list[str]) -> None:
    """Write everything the reading found in one transaction, unless the job is somebody else's by now.

    ``tables``: those of the zip file, where it has several; the others become results now.
    """
    async with task.shop.db.begin() as session:
        connection = await driver(session)
        if await connection.fetchval(OURS, task.id, task.worker, task.attempts) is None:
            raise LeaseLost
        result = await _locked(session, number)
        if result is None:
            return
        result.state = ResultState(report.state)
        result.rows = report.rows
        more = {"correction": kept.correction} if kept.correction else {}
        result.report = report.document() | {"header": kept.header} | more
        result.parquet_sha256, result.rejected_sha256 = kept.table, kept.rejected
        result.findings_sha256, result.lines_sha256 = kept.findings, kept.lines
        result.schema_id, result.corrects = kept.schema_id, kept.correction is not None
        result.looked_through = report.whole and bool(report.personal)
        session.add(result)
        if tables:
            await dividing.divide(session, WORKER, result, tables)
        await _say(session, result, rows=report.rows, rejected=report.rejected, schema=kept.schema_id)
        await secrecy.close(session, WORKER, result)
        await _at_once(session, result)


async def _at_once(session: AsyncSession, result: Result) -> None:
    """Where the trial says so, a file without errors needs nobody to accept it."""
    matter = await acceptance.matter_of(session, result, lock=True)
    if matter.trial.auto_accept and not matter.aside and not acceptance.hindrances(matter):
        await acceptance.take(session, WORKER, matter, auto=True)


async def _locked(session: AsyncSession, number: int) -> Result | None:
    """The result, and with it what it corrects and what corrects it, so that no decision falls in between."""
    result = await session.get(Result, number)
    if result is None:
        return None
    await families.held(session, result)
    query = select(Result).where(col(Result.id) == number).with_for_update()
    return (await session.exec(query.execution_options(populate_existing=True))).one_or_none()


async def _say(session: AsyncSession, result: Result, **details: Any) -> None:
    trial = await session.get_one(Trial, result.trial_id)
    await record(
        session, WORKER, "result.read", "result", result.id,
        pilot_id=trial.pilot_id, code=result.code, state=result.state.value, **details,
    )  # fmt: skip
    await tell(session, Happening.result_checked, result)


async def gave_up(shop: Workshop, args: Mapping[str, Any], error: str) -> None:
    """Give the result an end when its reading failed for good: the file is kept, and the page says so."""
    async with shop.db.begin() as session:
        result = await _locked(session, int(args["result"]))
        if result is None or result.state not in RUNNING:
            return
        log.warning("reading given up", result=result.code, error=error)
        result.state, result.rows = ResultState.unreadable, 0
        result.report, result.looked_through = (
            Report("unreadable", "other", problems=[GIVEN_UP]).document(),
            False,
        )
        session.add(result)
        await secrecy.close(session, WORKER, result)
        await _say(session, result, given_up=True)


async def mend(shop: Workshop) -> None:
    """Give an end to results whose job has ended without one: its worker died before it could say so."""
    async with shop.db.raw() as connection:
        left = await connection.fetch(STUCK)
    for row in left:
        await gave_up(shop, {"result": row["id"]}, row["error"] or "the worker died")


KINDS = {"profile": Kind(profile, gave_up)}
