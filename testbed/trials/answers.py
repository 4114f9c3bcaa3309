"""What was assumed of a file and can be said otherwise: an answer has the same raw file checked again."""

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator
from sqlalchemy import select
from sqlmodel import Field, SQLModel, col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.access.rights import fetch
from testbed.activity import record
from testbed.errors import Conflict, Stale
from testbed.jobs import later
from testbed.revisions import STALE
from testbed.tabular.run import Report
from testbed.texts import Line, message
from testbed.trials import acceptance
from testbed.trials.models import Result, ResultState
from testbed.trials.results import Key, named
from testbed.trials.views import RUNNING

ANSWER = "result.answer"
NAMES = ("encoding", "delimiter", "decimal", "date_order", "zone", "sheet", "header", "columns", "units")
ENCODINGS = (
    "utf-8", "windows-1252", "iso-8859-1", "iso-8859-15", "utf-16-le", "utf-16-be", "ibm850", "macintosh",
)  # fmt: skip
DELIMITERS = (",", ";", "\t", "|")
HEAD_BYTES = 1 << 16
NONE = "*"
PACKED = (b"\x1f\x8b", b"PK", b"PAR1")


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(message("This is no time zone. Write one as Europe/Stockholm or UTC.")) from None
    return name


Zone = Annotated[Line, AfterValidator(_zone)]


class Pair(SQLModel):
    """A column as the file calls it, and the field of the schema it is; ``*``: it is none."""

    model_config = {"extra": "forbid"}

    title: str = Field(max_length=300)
    field: Line | None = None


class Scale(SQLModel):
    """A field, and the unit the file has it in."""

    model_config = {"extra": "forbid"}

    field: Line
    unit: Line | None = None


class AnswersDraft(SQLModel):
    """What the sender says of a file instead of what was guessed; what is left out is guessed again.

    ``pairs`` and ``scales`` say in lists, as a form does, what ``columns`` and ``units`` say in objects.
    """

    model_config = {"extra": "forbid"}

    encoding: Literal[ENCODINGS] | None = None  # type: ignore[valid-type]
    delimiter: Literal[DELIMITERS] | None = None  # type: ignore[valid-type]
    decimal: Literal[",", "."] | None = None
    date_order: Literal["day-first", "month-first"] | None = None
    zone: Zone | None = None
    sheet: str | None = Field(default=None, max_length=100)
    header: bool | None = None
    columns: dict[str, Line | None] = Field(default_factory=dict, max_length=2000)
    units: dict[str, Line] = Field(default_factory=dict, max_length=2000)
    pairs: list[Pair] = Field(default_factory=list, max_length=2000)
    scales: list[Scale] = Field(default_factory=list, max_length=2000)
    same_as: Line | None = Field(
        default=None, description="Code of the result these answers were taken from."
    )
    row_version: int | None = None

    def kept(self) -> dict[str, Any]:
        """As they are kept with the result: only what was said."""
        told = {name: getattr(self, name) for name in NAMES[:7]}
        said = {each.title: each.field for each in self.pairs if each.field}
        columns = self.columns | {title: None if name == NONE else name for title, name in said.items()}
        units = self.units | {each.field: each.unit for each in self.scales if each.unit}
        whole = {**told, "columns": columns, "units": units}
        return {name: value for name, value in whole.items() if value is not None and value != {}}


def engine_answers(kept: dict[str, Any]) -> dict[str, Any]:
    """Those that a reading understands."""
    return {name: kept[name] for name in NAMES if name in kept}


def header_of(source: Path, report: Report) -> str:
    """Digest of the header a file came with, so that the next one like it is known whatever was guessed of it."""
    with source.open("rb") as file:
        head = file.readline(HEAD_BYTES)
    if head.startswith(PACKED) or report.kind in {"json", "jsonl", "other"}:
        head = json.dumps([each["title"] for each in report.columns]).encode()
    return hashlib.sha256(head.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n")).hexdigest()


async def answer(session: AsyncSession, actor: Actor, key: Key, draft: AnswersDraft) -> Result:
    """Keep the answers and have the same file checked again, against the schema the trial has now.

    What was decided before is undone. Without any answer the file is checked as if it had just come.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``. Stale: it changed since it was looked at.
        Conflict: it is being read, is archived, was replaced or withdrawn, or an accepted correction rests on it.
    """
    result = await fetch(session, actor, ANSWER, Result, named(key))
    matter = await acceptance.matter_of(session, result, lock=True)
    if draft.row_version is not None and draft.row_version != result.row_version:
        raise Stale(STALE, current={"row_version": result.row_version})
    if result.state in RUNNING:
        raise Conflict(acceptance.READING)
    if result.archived_at is not None:
        raise Conflict(acceptance.ARCHIVED)
    before = await acceptance.reopen(session, actor, matter)
    kept = draft.kept()
    source = await _source(session, result, draft.same_as, kept)
    result.answers = kept | ({"same_as": source.code} if source else {})
    result.state, result.looked_through = ResultState.received, False
    key_of_job = f"profile:{result.id}:{result.row_version}"  # the job before may be about to end
    result.job_id = await later(
        session, "profile", person_id=actor.person_id, unique_key=key_of_job, result=result.id
    )
    session.add(result)
    told = {"code": result.code, "answers": result.answers, "undone": before.value}
    await record(session, actor, ANSWER, "result", result.id, pilot_id=matter.trial.pilot_id, **told)
    return result


async def _source(
    session: AsyncSession, result: Result, code: str | None, kept: dict[str, Any]
) -> Result | None:
    """The result the answers were taken from, if it says the same."""
    found = await offered(session, result)
    same = found is not None and found.code == code and engine_answers(found.answers) == kept
    return found if same else None


async def offered(session: AsyncSession, result: Result) -> Result | None:
    """The latest other file of the same partner, trial and header for which something was answered.

    Whoever may answer for a partner's file may answer for every file of that partner, so none is hidden from them.
    """
    header = (result.report or {}).get("header")
    if not header:
        return None
    query: Any = (
        select(Result)
        .where(
            col(Result.trial_id) == result.trial_id,
            col(Result.owner_id) == result.owner_id,
            col(Result.id) != result.id,
            col(Result.report)["header"].astext == header,
            col(Result.answers) != {},
        )
        .order_by(col(Result.id).desc())
        .limit(1)
    )
    row = (await session.exec(query)).first()
    return row[0] if row else None
