"""What the child does once it is confined; every failure becomes an answer."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from testbed.tabular import answers, combining, engine, report, schema
from testbed.tabular.limits import Limits
from testbed.tabular.problems import Problems, Unreadable
from testbed.tabular.reading import Reading


def answer(job: Path, task: dict[str, Any], limits: Limits) -> dict[str, Any]:
    """The report of a reading, or of a joining of tables."""
    try:
        connection = engine.connect(job, milliseconds=int(task["wall_seconds"] * 1000))
        if task["task"] == "combine":
            return combining.combine(
                connection, job, task["sources"], task["without"], _stepping(job), task["keys"]
            )
        if task["task"] == "look":
            return combining.look(connection, job / "source-0.parquet", task["devices"])
        given = task.get("schema")
        reading = Reading(
            job, connection, limits, _stepping(job), answers.parse(task.get("answers") or {}),
            None if given is None else schema.parse(given), task.get("references") or {},
        )  # fmt: skip
        return report.read(reading, job / "input")
    except Unreadable as wrong:
        problems = Problems()
        problems.add(wrong.rule, line=wrong.line, value=wrong.value)
        return report.unreadable("other", problems)
    except Exception as wrong:  # noqa: BLE001 - parsers raise whatever they like
        problems = Problems()
        problems.add("parser-failed", value=f"{type(wrong).__name__}: {wrong}".replace(str(job), "…"))
        return report.unreadable("other", problems)


def _stepping(job: Path) -> Callable[[str, int, int], None]:
    started = time.monotonic()

    def step(name: str, done: int, total: int) -> None:
        fresh = job / "progress.new"
        said = {"step": name, "done": done, "total": total, "seconds": round(time.monotonic() - started, 1)}
        fresh.write_text(json.dumps(said))
        fresh.replace(job / "progress.json")

    return step
