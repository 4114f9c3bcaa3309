"""Text with delimiters: which one, is there a header, and the careful reading that knows its lines."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from testbed.tabular import kinds
from testbed.tabular.limits import Limits
from testbed.tabular.problems import Problems, Unreadable
from testbed.tabular.rows import Canonical, Refused
from testbed.tabular.sniff import Text

DELIMITERS = (",", ";", "\t", "|")
NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
HEAD_BYTES = 1 << 20
HEAD_RECORDS = 1000
SOUGHT_BYTES = 1 << 14
"""Of small blocks few have to be cut into lines."""
SPOTS = 100
SPOT_BYTES = 1 << 13
FEW = 10
"""In so few records a delimiter needs no majority: the rows that differ are named."""
SHORT = 30
NOTHING = "\x1f"
"""The delimiter of a table of one column."""


@dataclass(frozen=True, slots=True)
class Dialect:
    delimiter: str
    columns: int
    agreement: float
    """Which share of the first records has that many columns."""


def head_of(text: Text) -> tuple[str, bool]:
    """The first MiB, cut after a whole line, and whether that is all."""
    with text.path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        whole = not file.read(1)
    if not whole:
        head = head[: head.rfind(b"\n") + 1] or head
    return head.decode("utf-8-sig", "ignore"), whole


def records(text: str, delimiter: str, most: int = HEAD_RECORDS) -> list[list[str]]:
    """The first records; reading ends quietly where the text breaks its own rules."""
    found: list[list[str]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while len(found) < most:
        try:
            record = next(reader)
        except StopIteration:
            break
        except csv.Error:
            continue
        if record:
            found.append(record)
    return found


def dialect_of(
    head: str, *, delimiter: str | None = None, recognised: Callable[[Sequence[str]], int] | None = None
) -> Dialect:
    """The delimiter that was told; else the one whose first record has most names that are ``recognised``; else the
    one that cuts most records into as many values as the first one.

    Raises: Unreadable when there is none and the text reads like prose.
    """
    tried = [_tried(head, each) for each in ((delimiter,) if delimiter else DELIMITERS)]
    if delimiter and tried[0].columns:
        return tried[0]
    if recognised is not None:
        tops = [
            (recognised(_first(head, each.delimiter)), each) for each in (*tried, Dialect(NOTHING, 1, 1.0))
        ]
        most, dialect = max(tops, key=lambda top: (top[0], round(top[1].agreement, 2)))
        if most:
            return dialect
    wide = [each for each in tried if each.columns > 1]
    best = max(wide, key=lambda each: (round(each.agreement, 2), each.columns), default=None)
    if best and (best.agreement >= 0.5 or len(records(head, best.delimiter)) <= FEW):
        return best
    lines = [line for line in head.splitlines() if line.strip()]
    if not lines:
        raise Unreadable("empty")
    _refuse_long(lines)
    if _is_prose(lines):
        raise Unreadable("not-a-table")
    return Dialect(NOTHING, 1, 1.0)


def _tried(head: str, delimiter: str) -> Dialect:
    found = records(head, delimiter)
    if not found:
        return Dialect(delimiter, 0, 0.0)
    share = sum(len(record) == len(found[0]) for record in found) / len(found)
    return Dialect(delimiter, len(found[0]), share)


def _first(head: str, delimiter: str) -> Sequence[str]:
    return next(iter(records(head, delimiter, 1)), ())


def _is_prose(lines: Sequence[str]) -> bool:
    """One column is a table when its values have a type, or are short."""
    about = kinds.guess(lines[1:HEAD_RECORDS])
    typed = bool(about.candidates) and not about.unseen
    return not typed and sum(map(len, lines)) > SHORT * len(lines)


def _refuse_long(lines: Sequence[str]) -> None:
    if any(len(line) > csv.field_size_limit() for line in lines):
        raise Unreadable("field-too-long", line=1)


def has_header(first: Sequence[Sequence[str]]) -> bool:
    """Whether the first record names the columns: it does not look like the values below it."""
    if not first:
        return False
    top, below = first[0], first[1:]
    typed = [(i, kinds.guess([row[i] if i < len(row) else None for row in below])) for i in range(len(top))]
    votes = [
        any(kind.fits(top[i].strip()) for kind in about.candidates)
        for i, about in typed
        if about.candidates and not about.unseen and top[i].strip()
    ]
    if votes:
        return votes.count(False) > votes.count(True)
    like_values = any(kind.fits(title.strip()) for title in top for kind in kinds.KINDS)
    return not like_values and any(title.strip() for title in top)


def spots(text: Text, dialect: Dialect, count: int) -> list[list[str]]:
    """Records from places spread over a file in which every line is a record; none if its head has them all."""
    size = text.path.stat().st_size
    if size <= HEAD_BYTES and text.lines <= HEAD_RECORDS:
        return []
    found: list[list[str]] = []
    with text.path.open("rb") as file:
        for spot in range(1, count + 1):
            file.seek(max(0, (size - SPOT_BYTES) * spot // count))
            lines = file.read(SPOT_BYTES).split(b"\n")[1:-1]
            part = b"\n".join(lines).decode("utf-8", "ignore")
            found += [record for record in records(part, dialect.delimiter) if len(record) == dialect.columns]
    return found


def is_simple(text: Text, dialect: Dialect) -> bool:
    """Whether lines are records beyond doubt: one sort of line end, every quotation mark around a whole value.

    A quoted value must begin after a delimiter or line start and end before one, without a line break in it; if
    all quotation marks of the file are in such values, two readers cannot disagree.
    """
    if not text.line_end or (text.line_end == "\r\n" and text.line_ends == 0):
        return False
    if text.quotes == 0:
        return True
    cut = re.escape(dialect.delimiter.encode())
    quoted = re.compile(
        rb"(?:^|(?<=" + cut + rb'))"(?:[^"\r\n]|"")*"(?=' + cut + rb"|[\r\n]|\Z)", re.MULTILINE
    )
    counted = 0
    with text.path.open("rb") as file:
        if text.bom:
            file.read(3)
        while lines := file.readlines(1 << 20):
            block = b"".join(lines)
            counted += sum(value.count(b'"') for value in quoted.findall(block))
    return counted == text.quotes


def prepass(
    text: Text,
    dialect: Dialect,
    header: Sequence[str] | None,
    canonical: Canonical,
    refused: Refused,
    problems: Problems,
    limits: Limits,
) -> None:
    """Read strictly, record by record, each with the physical line it begins on. About 1 s a million rows.

    Raises: Unreadable (open-quote, field-too-long, too-many-rows).
    """
    for line, record, said in _strict(text, dialect.delimiter, limits):
        if record is None:
            _refuse("quote", line, [], said, canonical, refused, problems)
        elif record == header:
            header = None
        elif len(record) != dialect.columns:
            _refuse("columns", line, record, dialect.delimiter.join(record), canonical, refused, problems)
        else:
            canonical.write_text(line, record)
            if canonical.rows > limits.rows:
                raise Unreadable("too-many-rows", line=line)


def _strict(text: Text, delimiter: str, limits: Limits) -> Iterator[tuple[int, list[str] | None, str]]:
    """Every record with the line it begins on; None and its text where its quotation marks do not match."""
    csv.field_size_limit(limits.field_characters)
    lines: list[str] = []
    with text.path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(_remembering(file, lines), delimiter=delimiter, strict=True)
        while True:
            line = reader.line_num + 1
            lines.clear()
            try:
                record = next(reader)
            except StopIteration:
                return
            except csv.Error as wrong:
                _judge(wrong, line)
                yield line, None, "".join(lines).rstrip("\r\n")
                continue
            if record:
                yield line, record, ""


def _refuse(
    rule: str,
    line: int,
    record: list[str],
    said: str,
    canonical: Canonical,
    refused: Refused,
    problems: Problems,
) -> None:
    problems.add(rule, line=line, value=said)
    canonical.records += 1
    refused.add(line, canonical.records, rule, record, None if record else said)


def _remembering(lines: Iterable[str], kept: list[str]) -> Iterator[str]:
    """The same lines; those of the record under way are kept, for the reader forgets what it cannot read."""
    for line in lines:
        kept.append(line)
        yield line


def lines_at(text: Text, delimiter: str, wanted: Sequence[int]) -> Iterator[tuple[int, list[str]]]:
    """The records on some lines (from 1, ascending) of a file in which every line is a record; lines only are counted."""
    left = list(reversed(wanted))
    first, rest = 1, b""
    with text.path.open("rb") as file:
        file.read(3 if text.bom else 0)
        while left and (block := file.read(SOUGHT_BYTES)):
            block = rest + block
            cut = block.rfind(b"\n") + 1
            block, rest = block[:cut], block[cut:]
            count = block.count(b"\n")
            if left[-1] < first + count:
                lines = block.split(b"\n")
                while left and left[-1] < first + count:
                    yield left[-1], _record(lines[left[-1] - first], delimiter)
                    left.pop()
            first += count
    if left:
        yield left[-1], _record(rest, delimiter)


def _record(line: bytes, delimiter: str) -> list[str]:
    return next(csv.reader([line.rstrip(b"\r").decode()], delimiter=delimiter, strict=True), [])


def _judge(wrong: csv.Error, line: int) -> None:
    """Raises: Unreadable for what concerns more than one row."""
    said = str(wrong)
    if "field larger" in said:
        raise Unreadable("field-too-long", line=line)
    if "unexpected end" in said:
        raise Unreadable("open-quote", line=line)
