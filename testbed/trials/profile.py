"""The job that reads a received file: what is in it, as a table, and what is wrong with it."""

from collections.abc import Mapping
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
from testbed.trials.models import Result, ResultState, Trial
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
    sha256 = await _begin(shop, number)
    if sha256 is None:
        return {"gone": number}
    with scratch(task) as work:
        (work / "raw").mkdir(mode=0o711)
        await task.beat("fetching", 0, 0)
        source = await shop.store.local(sha256, work / "raw")
        report = await run.read(source, work, progress=task.beat)
        table = await _kept(shop, report.table)
        rejected = await _kept(shop, report.rejected_rows)
    await _end(task, number, report, table, rejected)
    return {"state": report.state, "rows": report.rows}


async def _begin(shop: Workshop, number: int) -> str | None:
    """Say that the reading has begun; the digest of the file, or None if there is no such result."""
    async with shop.db.begin() as session:
        result = await _locked(session, number)
        if result is None:
            return None
        if result.state == ResultState.received:
            result.state = ResultState.reading
            session.add(result)
        return result.sha256


async def _kept(shop: Workshop, path: Path | None) -> str | None:
    return (await shop.store.keep_file(path)).sha256 if path is not None else None


async def _end(task: Task, number: int, report: Report, table: str | None, rejected: str | None) -> None:
    """Write everything the reading found in one transaction, unless the job is somebody else's by now."""
    async with task.shop.db.begin() as session:
        connection = await driver(session)
        if await connection.fetchval(OURS, task.id, task.worker, task.attempts) is None:
            raise LeaseLost
        result = await _locked(session, number)
        if result is None:
            return
        result.state = ResultState(report.state)
        result.rows = report.rows
        result.report = report.document()
        result.parquet_sha256, result.rejected_sha256 = table, rejected
        session.add(result)
        await _say(session, result, rows=report.rows, rejected=report.rejected)


async def _locked(session: AsyncSession, number: int) -> Result | None:
    return (
        await session.exec(select(Result).where(col(Result.id) == number).with_for_update())
    ).one_or_none()


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
        result.report = Report("unreadable", "other", problems=[GIVEN_UP]).document()
        session.add(result)
        await _say(session, result, given_up=True)


async def mend(shop: Workshop) -> None:
    """Give an end to results whose job has ended without one: its worker died before it could say so."""
    async with shop.db.raw() as connection:
        left = await connection.fetch(STUCK)
    for row in left:
        await gave_up(shop, {"result": row["id"]}, row["error"] or "the worker died")


KINDS = {"profile": Kind(profile, gave_up)}
