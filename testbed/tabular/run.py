"""The parent: gives the confined child its job, follows it, ends it, and takes over what it made."""

import asyncio
import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from testbed.tabular.basis import Basis
from testbed.tabular.limits import Limits
from testbed.tabular.nursery import Lost, nursery
from testbed.tabular.problems import Problems

Progress = Callable[[str, int, int], Awaitable[None]]
POLL_SECONDS = 0.3
NOBODY = 65534
PACKED = (b"\x1f\x8b", b"PK", b"PAR1")


@dataclass(frozen=True, slots=True)
class Report:
    """What a file holds. ``table``, ``rejected_rows`` and ``findings`` lie in the work folder; None when there are none.

    ``columns``: ``{name, title, type, statistics[, zone]}``; ``problems``: ``{rule, severity, line, column, value,
    count, hint: {sv, en}, examples: [{line, value}]}``, one per rule and column; ``preview``: ``{columns, rows}``.
    ``counts``: ``{rule, column, severity, n}``, exact. ``findings``: Parquet of the first million, in order of line:
    ``line, row, column, column_no, value, rule, severity, expected, first_line``; ``row`` counts records below the header.
    ``lines``: where the rows of a correction belong, see ``tabular.correcting``.
    ``proposal``: a Table Schema descriptor of the whole columns, when none was given; else empty.
    ``personal``: what may say something of a person, see ``tabular.personal.scan``; empty where nobody looked.
    ``whole``: everything in the file is in the table: no row, column, sheet or file was left out.
    """

    state: Literal["ready", "partly", "unreadable"]
    kind: str
    rows: int = 0
    rejected: int = 0
    assumed: dict[str, Any] = field(default_factory=dict)
    columns: list[dict[str, Any]] = field(default_factory=list)
    problems: list[dict[str, Any]] = field(default_factory=list)
    preview: dict[str, Any] = field(default_factory=lambda: {"columns": [], "rows": []})
    software: str = ""
    counts: list[dict[str, Any]] = field(default_factory=list)
    proposal: dict[str, Any] = field(default_factory=dict)
    personal: dict[str, Any] = field(default_factory=dict)
    whole: bool = False
    table: Path | None = None
    rejected_rows: Path | None = None
    findings: Path | None = None
    lines: Path | None = None

    def document(self) -> dict[str, Any]:
        """As JSON keeps it, without the paths."""
        whole = asdict(self)
        for path in ("table", "rejected_rows", "findings", "lines"):
            del whole[path]
        return whole


@dataclass(frozen=True, slots=True)
class File:
    path: Path
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Combined:
    """One table made of several; ``problems`` is empty unless ``state`` is ``unreadable``.

    ``twice``: the first keys that occur more than once: ``{key: [texts], sources: [places]}``.
    """

    state: Literal["ready", "unreadable"]
    rows: int = 0
    columns: list[dict[str, Any]] = field(default_factory=list)
    problems: list[dict[str, Any]] = field(default_factory=list)
    preview: dict[str, Any] = field(default_factory=lambda: {"columns": [], "rows": []})
    twice: list[dict[str, Any]] = field(default_factory=list)
    parquet: File | None = None
    csv: File | None = None


async def read(
    source: Path,
    work: Path,
    *,
    schema: Mapping[str, Any] | None = None,
    answers: Mapping[str, Any] | None = None,
    references: Mapping[str, Any] | None = None,
    corrects: Basis | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> Report:
    """What is in ``source``, whatever it is; ``work`` gets ``table.parquet``, ``rejected.csv`` and ``findings.parquet``.

    ``schema``: a Table Schema descriptor (Data Package 2) with the ``testbed:`` keys; the table then holds the rows without
    errors, in its columns and types. ``answers`` overrides what would be guessed: ``encoding, delimiter, decimal,
    date_order, zone, sheet, header, columns, units``. ``references``: what ``testbed:check`` compares with: ``units, arms,
    devices, period``. ``corrects``: what rows with a ``__line`` are held against. Never raises for a bad file. Cancelling
    ends the child and removes what it wrote.
    """
    limits = limits or Limits()
    size, packed = _measured(source)
    with _job(work) as job:
        _bring(source, job / "input")
        task = {
            "task": "read", "schema": schema and dict(schema), "answers": dict(answers or {}),
            "references": dict(references or {}) | ({"corrects": corrects.code} if corrects else {}),
        }  # fmt: skip
        for path in (corrects.lines, corrects.keys) if corrects else ():
            if path is not None:
                _bring(path, job / path.name)
        answer = await _ask(job, task, size, limits, packed=packed, progress=progress)
        if answer is None or "kind" not in answer:
            return Report("unreadable", "other", problems=_failed())
        return Report(
            **answer,
            table=_take(job, work, "table.parquet"),
            rejected_rows=_take(job, work, "rejected.csv"),
            findings=_take(job, work, "findings.parquet"),
            lines=_take(job, work, "lines.parquet"),
        )


async def combine(
    sources: Sequence[Path],
    work: Path,
    *,
    types: Mapping[str, str] | None = None,
    keys: Sequence[Mapping[str, Any]] = (),
    without: Collection[str] = (),
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> Combined:
    """One ``work/table.parquet`` and ``work/table.csv`` of several canonical tables, rows in the order given.

    ``types`` tells which text columns hold nested JSON (``object``, ``list``). ``keys``: names of ``columns`` of which no two
    rows of some ``sources`` (by place) may be alike in all; none is made where they are. No column ``without`` is in what is
    made, though it may be part of a key.
    """
    limits = limits or Limits()
    with _job(work) as job:
        given = []
        for i, source in enumerate(sources):
            _bring(source, job / f"source-{i}.parquet")
            given.append({"name": f"source-{i}.parquet", "types": dict(types or {})})
        size = sum(source.stat().st_size for source in sources)
        task = {
            "task": "combine", "sources": given, "keys": [dict(each) for each in keys], "without": sorted(without),
        }  # fmt: skip
        answer = await _ask(job, task, size, limits, packed=True, progress=progress)
        if answer is None:
            return Combined("unreadable", problems=_failed())
        if answer["state"] != "ready":
            return Combined("unreadable", problems=answer["problems"], twice=answer.get("twice", []))
        files = answer.pop("files")
        made = {
            kind: File(path, **files[kind])
            for kind, name in (("parquet", "table.parquet"), ("csv", "table.csv"))
            if (path := _take(job, work, name)) is not None
        }
        return Combined(**answer, parquet=made.get("parquet"), csv=made.get("csv"))


async def look(table: Path, work: Path, *, devices: Sequence[Any] = ()) -> dict[str, Any]:
    """What may say something of a person in a canonical table, see ``personal.scan``; empty when it could not be asked."""
    with _job(work) as job:
        _bring(table, job / "source-0.parquet")
        task = {"task": "look", "devices": list(devices)}
        size, packed = _measured(table)
        answer = await _ask(job, task, size, Limits(), packed=packed, progress=None)
        return dict((answer or {}).get("personal") or {})


def _measured(source: Path) -> tuple[int, bool]:
    """Its size, and whether much more may be in it."""
    with source.open("rb") as file:
        return os.fstat(file.fileno()).st_size, file.read(4).startswith(PACKED)


def _failed() -> list[dict[str, Any]]:
    problems = Problems()
    problems.add("parser-failed")
    return problems.listed()


@contextlib.contextmanager
def _job(work: Path) -> Iterator[Path]:
    job = Path(tempfile.mkdtemp(prefix="job-", dir=work)).resolve()
    try:
        yield job
    finally:
        shutil.rmtree(job, ignore_errors=True)


def _bring(source: Path, target: Path) -> None:
    """The input at its own place in the job folder: linked where the disk allows, else copied."""
    try:
        os.link(source.resolve(), target)
    except OSError:
        shutil.copyfile(source, target)


def _take(job: Path, work: Path, name: str) -> Path | None:
    if not (job / name).exists():
        return None
    if os.geteuid() == 0:
        os.chown(job / name, 0, 0)
    return (job / name).replace(work / name)


async def _ask(
    job: Path, task: dict[str, Any], size: int, limits: Limits, *, packed: bool, progress: Progress | None
) -> dict[str, Any] | None:
    wall = limits.wall(size, packed=packed)
    task |= {
        "limits": asdict(limits), "memory_bytes": limits.memory_bytes, "cpu_seconds": limits.cpu(size, packed=packed),
        "file_bytes": limits.file_bytes(size), "wall_seconds": wall, "uid": _own_user(job),
    }  # fmt: skip
    (job / "task.json").write_text(json.dumps(task))
    following = asyncio.create_task(_follow(job, progress)) if progress else None
    try:
        async with asyncio.timeout(wall + 1):
            try:
                said = await _said(job, limits.answer_bytes)
            except (
                Lost
            ):  # for a reason that need not be this file: once more, and then whoever asked may ask again
                said = await _said(job, limits.answer_bytes)
    except (TimeoutError, ValueError):
        return None
    finally:
        if following:
            following.cancel()
    return json.loads(said) if said else None


async def _said(job: Path, most: int) -> bytes:
    """What the child answers; nothing if it failed. Raises: ValueError when the answer is too long, Lost."""
    async with nursery().child(job, most + 1024) as child:
        said = b""
        while part := await child.said.read(1 << 16):
            said += part
            if len(said) > most:
                raise ValueError("the answer is too long")
        return said if await child.ended == 0 else b""


async def _follow(job: Path, progress: Progress) -> None:
    told: tuple[str, int, int] | None = None
    while True:
        await asyncio.sleep(POLL_SECONDS)
        with contextlib.suppress(OSError, ValueError, KeyError):
            said = json.loads((job / "progress.json").read_bytes())
            now = (said["step"], said["done"], said["total"])
            if now != told:
                told = now
                await progress(*now)


def _own_user(job: Path) -> int | None:
    """As root the child becomes nobody, if nobody can reach the folder and the interpreter's packages."""
    if os.geteuid() != 0:
        return None
    # Python loads some modules late: an interpreter below /root would fail in the middle of a file.
    needed = (job, Path(os.__file__), Path(__file__))
    if not all(folder.stat().st_mode & 0o001 for path in needed for folder in path.parents):
        return None
    for path in (job, *job.iterdir()):
        if path.is_dir() or not path.name.startswith(("input", "source")):
            os.chown(path, NOBODY, NOBODY)
        elif not path.stat().st_mode & 0o004:
            return None
    return NOBODY
