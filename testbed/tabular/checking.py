"""Rows held to a Table Schema: the good ones become the table, the others are listed with all that is wrong with them.

One pass reads, types and judges every cell (``staging``); what needs several rows is asked of the typed rows (``between``);
``findings`` writes it down. About 1 s a million rows of six columns beyond what DuckDB needs to cast and write them.
"""

from testbed.tabular import assuming, between, correcting, staging
from testbed.tabular.between import Moments
from testbed.tabular.conditions import Cell
from testbed.tabular.engine import copy_parquet, ident
from testbed.tabular.findings import Findings
from testbed.tabular.kinds import TEXT, Kind
from testbed.tabular.matching import Match, match
from testbed.tabular.reading import Found, Reading
from testbed.tabular.rows import named
from testbed.tabular.schema import Schema
from testbed.tabular.staging import Staged
from testbed.tabular.typed import Column


def check(schema: Schema, reading: Reading, found: Found) -> list[Column] | None:
    """Write table, findings and rejected rows; None when a quick reading did not find every line. Raises: Unreadable."""
    claims = correcting.claimed(reading, found)
    found = reading.without_own(found)
    matched = match(schema, found.titles, reading.answers, named=found.named or found.header is not None)
    reading.step("writing", 2, 4)
    staged = staging.stage(reading, found, staging.bind(schema, matched, found, reading), matched.extra)
    if staged is None:
        return None
    findings = Findings(reading.connection)
    findings.add_flags(staged, reading.references)
    times = between.moments(findings, staged)
    _between(findings, schema, staged, times, reading, found, whole=claims is None)
    if claims is not None:
        correcting.judge(findings, schema, staged, times, reading, claims)
    wrong = findings.close(staged, found, reading.job)
    assuming.say(reading, found, matched, staged, times)
    of_file = [each for each in reading.problems.listed() if each["rule"] not in {"columns", "quote", "json"}]
    findings.tell(reading.problems)
    refused = found.refused.count if found.refused else 0
    reading.rejected = refused + (found.rows if matched.wrong else wrong)
    if reading.problems.counts():
        findings.write(reading, found, of_file)
    if reading.rejected and not matched.wrong:
        findings.write_rejected(reading, found)
    if claims is not None:
        correcting.write_lines(reading, found, staged)
    if matched.wrong or (found.rows and wrong == found.rows):
        return []
    return _write(reading, found, matched, staged, times)


def _between(
    findings: Findings,
    schema: Schema,
    staged: Staged,
    times: dict[int, Moments],
    reading: Reading,
    found: Found,
    *,
    whole: bool,
) -> None:
    """``whole``: whether rows follow each other as they were measured, which single rows of a correction do not."""
    cells = [cell for cell in staged.cells if cell.place is not None]
    between.clock(findings, times)
    if schema.key and all(staged.cells[schema.place(name)] in cells for name in schema.key):
        between.twice(
            findings,
            staged,
            "key-duplicate",
            [staged.cells[schema.place(name)] for name in schema.key],
            times,
        )
    for cell in cells:
        if cell.field.constraints.get("unique") is True and schema.key != (cell.field.name,):
            between.twice(findings, staged, "unique", [cell], times)
    between.swapped(findings, cells)
    time = _time(cells)
    devices = [cell for cell in cells if cell.field.check == "deployed-at-time"]
    if devices and reading.references.get("devices") is not None:
        between.deployed(findings, devices, time, times, reading.references["devices"])
    if time is not None and whole:
        series = [cell for cell in cells if cell.key and cell != time and not cell.timed]
        between.order(findings, time, series, times)
        between.gaps(findings, time, series, times)
    between.rounded(findings, staged, found.rounded)


def _time(cells: list[Cell]) -> Cell | None:
    """The column that says when: in the key, or held to the period of the trial, or the first of its kind."""
    moments = [cell for cell in cells if cell.field.type in {"datetime", "date"}]
    ranked = sorted(
        moments, key=lambda cell: (not cell.key, cell.field.check != "in-trial-period", not cell.timed)
    )
    return ranked[0] if ranked else None


def _write(
    reading: Reading, found: Found, matched: Match, staged: Staged, times: dict[int, Moments]
) -> list[Column]:
    """The rows without errors, in order, in the columns of the schema and those that were kept besides."""
    fields = [cell.field.name for cell in staged.cells]
    extra = named([*fields, *(found.titles[i] for i in matched.extra)]).names[len(fields) :]
    columns = []
    selected = []
    for cell in staged.cells:
        moment = times.get(cell.number)
        sql = moment.sql if moment else cell.spelling.sql
        title = (found.titles[cell.place] if cell.place is not None else None) or cell.field.name
        columns.append(Column(cell.field.name, title, Kind("schema", cell.field.kept, "", "", sql)))
        selected.append(f"{moment.value if moment else cell.typed} AS {ident(cell.field.name)}")
    for name, i in zip(extra, matched.extra, strict=True):
        columns.append(Column(name, found.titles[i] or name, TEXT))
        selected.append(f"e{i} AS {ident(name)}")
    copy_parquet(
        reading.connection,
        f"SELECT {', '.join(selected)} FROM staged WHERE flags IS NULL AND late IS NULL",
        reading.target,
    )
    return columns
