"""XLSX: the archive and the XML are judged first, then calamine reads, and the rows are counted against the XML.

Readers believe what a sheet says of its own size (and return 1 row of 200 000), and show error cells as empty.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import python_calamine

from testbed.tabular import archive
from testbed.tabular.limits import Limits
from testbed.tabular.problems import Problems, Unreadable
from testbed.tabular.sheet_xml import ERRORS, EXPLANATION, Scan, Sheet, name_of, relations, workbook

HEAD = 1000
PRECISE = 10**15
MACROS = re.compile(r"(^|/)(vbaProject|vbaData)|\.bin$|/(macrosheets|activeX)/", re.IGNORECASE)
HARMLESS_BINARY = re.compile(r"printerSettings\d*\.bin$", re.IGNORECASE)


@dataclass
class SheetRows:
    head: list[tuple[int, list[str | None]]]
    width: int
    _rest: Iterator[tuple[int, list[str | None]]]

    def all(self) -> Iterator[tuple[int, list[str | None]]]:
        """Row number and values of every row that is not blank; once."""
        yield from self.head
        yield from self._rest


def is_workbook(path: Path) -> bool:
    """Whether an archive is a workbook of some sort, be it one that we do not read."""
    names = {entry.name for entry in archive.entries(path)}
    return bool(names & {"[Content_Types].xml", "mimetype", "xl/workbook.bin", "xl/workbook.xml"})


def kind_of(path: Path) -> str:
    """``xlsx``, or Unreadable: other workbooks are not read."""
    names = {entry.name for entry in archive.entries(path)}
    if "[Content_Types].xml" not in names or "xl/workbook.xml" not in names:
        raise Unreadable(
            "old-spreadsheet" if "mimetype" in names or "xl/workbook.bin" in names else "not-a-table"
        )
    return "xlsx"


def checked(path: Path, limits: Limits, problems: Problems, name: str | None = None) -> Sheet:
    """The sheet to read (that of this name, or the first but our explanation), after every part was unpacked once.

    Raises: Unreadable (zip, sheet-unsafe, empty, answer).
    """
    parts = {entry.name: entry for entry in archive.entries(path)}
    if any(MACROS.search(name) and not HARMLESS_BINARY.search(name) for name in parts):
        raise Unreadable("sheet-unsafe", value="macros")
    found = _scanned(path, parts, name)
    if name is not None:
        found = [each for each in found if each.name == name]
        if not found:
            raise Unreadable("answer", value=f"sheet: {name}"[:200])
    else:
        found = [each for each in found if each.name != EXPLANATION] or found
    if not found:
        raise Unreadable("empty")
    _say(found, problems)
    if found[0].last_row > limits.rows:
        raise Unreadable("too-many-rows")
    return found[0]


def _scanned(path: Path, parts: dict[str, archive.Entry], wanted: str | None) -> list[Sheet]:
    """The visible sheets with content (and the one wanted), in order, after all XML was looked through."""
    targets = relations(path, parts)
    found = []
    for name, visible, relation in workbook(path, parts["xl/workbook.xml"]):
        part = parts.get(targets.get(relation, ""))
        if (visible or name == wanted) and part is not None and "worksheets/" in part.name:
            sheet = Sheet(name)
            Scan(sheet).run(path, part)
            if sheet.widest:
                found.append(sheet)
    for name, part in parts.items():
        if name.endswith((".xml", ".rels")) and "worksheets/sheet" not in name:
            Scan(Sheet(name), cells=False).run(path, part)
    return found


def _say(found: list[Sheet], problems: Problems) -> None:
    chosen = found[0]
    if len(found) > 1:
        problems.add("sheet", value=chosen.name, count=len(found))
    if chosen.merged:
        problems.add("merged-cells", count=chosen.merged)


def say_cells(sheet: Sheet, problems: Problems) -> None:
    """The cells that were left empty, or are no longer what was typed, by their places."""
    for rule, cells in (("formula-error", sheet.errors), ("excel-precision", sheet.rounded)):
        for row, column, text in cells:
            problems.add(rule, line=row, value=f"{name_of(column)}{row}" if rule == "formula-error" else text)


def rows(path: Path, sheet: Sheet, *, errors: bool = False) -> SheetRows:
    """With ``errors`` a failed formula is the text it shows, else it is missing.

    Raises: Unreadable when calamine does not come as far as the XML goes.
    """
    failed: dict[int, list[tuple[int, str]]] = {}
    for row, column, text in sheet.errors if errors else ():
        failed.setdefault(row, []).append((column, text))
    values = _values(path, sheet, failed)
    head = list(islice(values, HEAD))
    return SheetRows(head, sheet.widest, values)


def _values(
    path: Path, sheet: Sheet, failed: dict[int, list[tuple[int, str]]]
) -> Iterator[tuple[int, list[str | None]]]:
    opened = python_calamine.load_workbook(str(path)).get_sheet_by_name(sheet.name)
    top, left = opened.start or (0, 0)
    yield from _failed_only(
        failed, 1, top, sheet.widest
    )  # rows of nothing but errors may be outside what is read
    row = top
    for cells in opened.iter_rows():
        row += 1
        values = [None] * left + [
            _text(cell, row, place, sheet) for place, cell in enumerate(cells, left + 1)
        ]
        for column, text in failed.get(row, ()):
            values += [None] * (column - len(values))
            values[column - 1] = text
        if any(value is not None for value in values):
            yield row, values[: sheet.widest]
    if row < sheet.last_row:
        raise Unreadable("parser-failed", value=f"{row} / {sheet.last_row}")
    yield from _failed_only(failed, row + 1, max(failed, default=0), sheet.widest)


def _failed_only(
    failed: dict[int, list[tuple[int, str]]], first: int, last: int, width: int
) -> Iterator[tuple[int, list[str | None]]]:
    for row in sorted(failed):
        if first <= row <= last:
            texts = dict(failed[row])
            yield row, [texts.get(column) for column in range(1, width + 1)]


def _text(cell: Any, row: int, column: int, sheet: Sheet) -> str | None:
    """The value as text; numbers without a trailing ``.0``, times as ISO 8601 without zone."""
    match cell:
        case "":
            return None
        case bool():
            return "true" if cell else "false"
        case float() | int():
            text = str(int(cell)) if float(cell).is_integer() and abs(cell) < 1e18 else repr(cell)
            if abs(cell) >= PRECISE and float(cell).is_integer() and len(sheet.rounded) < ERRORS:
                sheet.rounded.append((row, column, text))
            return text
        case datetime():
            return cell.isoformat(sep="T")
        case date() | time():
            return cell.isoformat()
        case timedelta():
            return repr(cell.total_seconds())
    return str(cell).replace("\0", "")
