"""Files made for one test, read by the real child."""

import gzip
import os
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

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
