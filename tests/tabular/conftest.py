"""Files made for one test, read by the real child."""

import gzip
import os
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from testbed.tabular import child
from testbed.tabular.limits import Limits
from testbed.tabular.run import Report, read

Reader = Callable[..., Awaitable[Report]]


@pytest.fixture
def work(folder: Path) -> Iterator[Path]:
    """An empty folder that other users may pass through."""

    made = Path(tempfile.mkdtemp(prefix="tabular-", dir=folder))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def reading(work: Path) -> Reader:
    """Read these bytes, or this text, as a file."""

    async def of(content: bytes | str, **options: Any) -> Report:
        source = work / "sent"
        source.write_bytes(content.encode() if isinstance(content, str) else content)
        report = await read(source, work, **options)
        source.unlink()
        return report

    return of


@pytest.fixture(scope="session")
def field_data() -> Path:
    given = os.environ.get("TESTBED_TEST_DATA")
    if not given:
        pytest.skip("TESTBED_TEST_DATA is not set")
    return Path(given)


@pytest.fixture
def unpacked(field_data: Path, work: Path) -> Callable[[str], Path]:
    def of(name: str) -> Path:
        target = work / name.removesuffix(".gz")
        target.write_bytes(gzip.decompress((field_data / "lorawan" / name).read_bytes()))
        return target

    return of


def rows_of(table: Path | None) -> list[tuple[Any, ...]]:
    assert table is not None
    with duckdb.connect() as connection:
        return connection.execute(f"SELECT * FROM read_parquet('{table}')").fetchall()


def types_of(report: Report) -> dict[str, str]:
    return {column["name"]: column["type"] for column in report.columns}


def rules_of(report: Report) -> list[str]:
    return [problem["rule"] for problem in report.problems]


@dataclass(frozen=True)
class Held:
    """What the child's own code says of a file, read without a process of its own, and what it wrote."""

    report: Report
    table: list[tuple[Any, ...]]
    """The rows of the table, as text."""
    findings: list[dict[str, Any]]
    rejected: str
    """The text of ``rejected.csv``."""

    def found(self, *names: str) -> list[tuple[Any, ...]]:
        return [tuple(each[name] for name in names) for each in self.findings]


Holding = Callable[..., Held]


@pytest.fixture
def holding(work: Path) -> Holding:
    """Read these bytes, or this text, in this very process: isolation is tried elsewhere."""

    def of(content: bytes | str, schema: dict[str, Any] | None = None, **more: Any) -> Held:
        job = Path(tempfile.mkdtemp(prefix="held-", dir=work))
        (job / "input").write_bytes(content.encode() if isinstance(content, str) else content)
        answer = child.answer(job, {"task": "read", "wall_seconds": 60, "schema": schema, **more}, Limits())
        held = _held(job, answer)
        shutil.rmtree(job)
        return held

    return of


def _held(job: Path, answer: dict[str, Any]) -> Held:
    report = Report(**answer)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone='UTC'")
        table, findings = job / "table.parquet", job / "findings.parquet"
        rows = []
        if report.state != "unreadable":
            rows = connection.execute(f"SELECT COLUMNS(*)::VARCHAR FROM read_parquet('{table}')").fetchall()
        found = []
        if findings.exists():
            told = connection.execute(f"SELECT * FROM read_parquet('{findings}')")
            names = [each[0] for each in told.description or ()]
            found = [dict(zip(names, row, strict=True)) for row in told.fetchall()]
    rejected = job / "rejected.csv"
    text = rejected.read_bytes().decode("utf-8-sig") if rejected.exists() else ""
    return Held(report, rows, found, text)


def schema_of(*fields: dict[str, Any] | str, **more: Any) -> dict[str, Any]:
    """A Table Schema; ``"v:number"`` is a field without constraints."""
    told = [
        dict(zip(("name", "type"), each.split(":"), strict=True)) if isinstance(each, str) else each
        for each in fields
    ]
    return {"fields": told, **{key.replace("__", ":"): value for key, value in more.items()}}
