"""The confined child: whatever it is given, the parent gets an answer and nothing is left behind."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from testbed.tabular.limits import Limits
from testbed.tabular.nursery import nursery
from testbed.tabular.run import Report, combine, read
from tests.tabular.conftest import Reader, rows_of, rules_of
from tests.tabular.many import made


def _children() -> set[str]:
    """What the nursery has forked and not ended."""
    pid = nursery()._process.pid
    return set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


async def test_hostile_files_of_many_parts_leave_nothing_behind(field_data: Path, work: Path) -> None:
    files = [each for each in made(field_data, work) if each.name.startswith(("xlsx_", "zip_", "gz"))]
    files += (field_data / "corpora/parquet-bad").rglob("*.parquet")
    target = work / "target"
    target.mkdir()
    two = asyncio.Semaphore(2)

    async def report_of(source: Path) -> Report:
        async with two:
            return await read(source, target)

    reports = dict(
        zip((each.name for each in files), await asyncio.gather(*map(report_of, files)), strict=True)
    )

    assert {report.state for name, report in reports.items() if name.startswith("zip_")} == {"unreadable"}
    assert reports["xlsx_good.xlsx"].state == "ready"
    assert reports["xlsx_many_cells.xlsx"].rows >= 199_999
    assert not [each for each in target.iterdir() if each.name.startswith("job-")]
    assert not _children()


async def test_a_child_that_is_killed_leaves_a_report_and_no_files(work: Path) -> None:
    source = work / "sent.csv"
    source.write_text("a,b\n" + "1,2\n" * 2_000_000)

    report = await read(source, work, limits=Limits(wall_seconds=0.3))

    assert (report.state, rules_of(report)) == ("unreadable", ["parser-failed"])
    assert [each.name for each in work.iterdir()] == ["sent.csv"]


async def test_too_little_memory_is_an_answer_too(reading: Reader) -> None:
    report = await reading("a,b\n1,2\n", limits=Limits(memory_bytes=64 * 2**20))

    assert rules_of(report) == ["parser-failed"]


async def test_cancelling_ends_the_child_and_cleans_up(work: Path) -> None:
    source = work / "sent.csv"
    source.write_text("a,b\n" + "1,2\n" * 2_000_000)
    task = asyncio.create_task(read(source, work))
    await asyncio.sleep(0.4)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert [each.name for each in work.iterdir()] == ["sent.csv"]
    assert not _children()


async def test_a_nursery_that_is_killed_in_the_middle_costs_no_file(work: Path) -> None:
    source = work / "sent.csv"
    source.write_text("a,b\n" + "1,2\n" * 2_000_000)
    first = nursery()
    task = asyncio.create_task(read(source, work))
    await asyncio.sleep(0.4)

    os.kill(first._process.pid, signal.SIGKILL)
    report = await task

    assert (report.state, report.rows) == ("ready", 2_000_000)
    assert nursery() is not first


async def test_children_end_with_the_nursery(work: Path) -> None:
    source = work / "sent.csv"
    source.write_text("a,b\n" + "1,2\n" * 2_000_000)
    task = asyncio.create_task(read(source, work))
    await asyncio.sleep(0.4)
    (child,) = _children()

    nursery().close()

    await task
    assert not Path(f"/proc/{child}").exists()


async def test_the_nursery_of_a_loop_that_is_over_is_not_used(work: Path) -> None:
    source = work / "sent.csv"
    source.write_text("a,b\n1,2\n")

    def elsewhere() -> str:
        return asyncio.run(read(source, work)).state

    states = [
        (await read(source, work)).state,
        await asyncio.to_thread(elsewhere),
        (await read(source, work)).state,
    ]

    assert states == ["ready"] * 3


async def test_many_children_at_once_have_each_their_own_answer(work: Path) -> None:
    for number in range(12):
        (work / f"{number}.csv").write_text("a\n" + f"{number}\n" * (number + 1))

    reports = await asyncio.gather(*(read(work / f"{number}.csv", work) for number in range(12)))

    assert [report.rows for report in reports] == list(range(1, 13))


async def test_progress_is_told(work: Path) -> None:
    source = work / "sent.csv"
    source.write_text("a,b\n" + "1,2\n" * 1_000_000)
    told: list[tuple[str, int, int]] = []

    async def listen(step: str, done: int, total: int) -> None:
        told.append((step, done, total))

    await read(source, work, progress=listen)

    assert told
    assert all(done <= total for _, done, total in told)


async def test_tables_are_joined_by_name_in_the_order_given(reading: Reader, work: Path) -> None:
    made = []
    for name, text in (("one", 'a;t\n1;x\n2;"y ""z"""\n'), ("two", "t;b\nw;2024-01-01T00:00:00Z\n")):
        report = await reading(text)
        assert report.table is not None
        made.append(report.table.rename(work / name))

    joined = await combine(made, work)

    assert (joined.state, joined.rows) == ("ready", 3)
    assert joined.csv is not None
    assert joined.csv.path.read_bytes() == (b'a,t,b\r\n1,x,\r\n2,"y ""z""",\r\n,w,2024-01-01T00:00:00Z\r\n')
    assert joined.csv.size == joined.csv.path.stat().st_size
    assert len(joined.csv.sha256) == 64


async def test_an_empty_text_and_a_missing_value_differ_in_the_csv(reading: Reader, work: Path) -> None:
    report = await reading('[{"a": "", "b": 1}, {"b": 2}]')
    assert report.table is not None
    kept = report.table.rename(work / "kept")

    joined = await combine([kept], work)

    assert joined.csv is not None
    assert joined.csv.path.read_bytes() == b'a,b\r\n"",1\r\n,2\r\n'


async def test_tables_whose_types_clash_are_not_joined(reading: Reader, work: Path) -> None:
    made = []
    for name, text in (("one", "a;b\n1;2\n"), ("two", "a;b\nx;2\n")):
        report = await reading(text)
        assert report.table is not None
        made.append(report.table.rename(work / name))

    joined = await combine(made, work)

    assert (joined.state, joined.problems[0]["rule"]) == ("unreadable", "columns-clash")
    assert joined.problems[0]["value"] == "a: BIGINT / VARCHAR"


async def test_statistics_tell_what_a_column_holds(reading: Reader) -> None:
    report = await reading(
        "v;t;s\n" + "".join(f"{i};2024-01-{i:02}T00:00:00;{'ab'[i % 2]}\n" for i in range(1, 11))
    )

    value, moment, word = (column["statistics"] for column in report.columns)
    assert (value["n"], value["missing"], value["distinct"], value["min"], value["max"]) == (10, 0, 10, 1, 10)
    assert (value["mean"], value["quantiles"]["0.5"], sum(value["histogram"]["counts"])) == (5.5, 5.5, 10)
    assert (moment["min"], moment["max"], moment["longest_gap_seconds"]) == (
        "2024-01-01T00:00:00", "2024-01-10T00:00:00", 86400.0,
    )  # fmt: skip
    assert word["top"] == [{"value": "a", "count": 5}, {"value": "b", "count": 5}]
    assert len(rows_of(report.table)) == len(report.preview["rows"]) == 10
