"""What came out of a pilot, what was decided because of it, and what was learnt."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Field, SQLModel

from testbed.access.relations import register
from testbed.columns import document, identifier, identity, link, moment, row_version, word
from testbed.pilots.models import Pilot


class Verdict(StrEnum):
    """What a decision says; ``domain`` words."""

    adopt = "adopt"
    scale = "scale"
    iterate = "iterate"
    stop = "stop"


class LessonKind(StrEnum):
    technical = "technical"
    user = "user"
    legal = "legal"
    organisational = "organisational"
    procurement = "procurement"
    data = "data"
    winter = "winter"


class Outcome(SQLModel, table=True):
    """One indicator's answer, in ``unit``; it rests on one published version."""

    id: int = identity()
    identifier: UUID = identifier()
    pilot_id: int = link("pilot.id")
    version_id: int = link("version.id")
    indicator: dict[str, str] = document()
    unit: str = Field(max_length=40)
    baseline: float | None = None
    target: float | None = None
    result: float
    method: dict[str, str] = document()
    note: dict[str, str] | None = document(nullable=True)
    generated: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    archived_at: datetime | None = moment(nullable=True)
    created_at: datetime = moment()
    created_by_id: int | None = link("person.id", nullable=True)
    updated_at: datetime = moment()
    updated_by_id: int | None = link("person.id", nullable=True)
    row_version: int = row_version()


class Decision(SQLModel, table=True):
    """The latest of a pilot is in force; earlier ones stay readable."""

    id: int = identity()
    identifier: UUID = identifier()
    pilot_id: int = link("pilot.id")
    outcome: Verdict = word(Verdict, "outcome")
    decider: str = Field(max_length=200)
    decided_on: date
    rationale: dict[str, str] = document()
    case_id: int | None = link("pilot_case.id", nullable=True)
    superseded_by_id: int | None = link("decision.id", nullable=True)
    created_at: datetime = moment()
    created_by_id: int | None = link("person.id", nullable=True)
    row_version: int = row_version()


class Lesson(SQLModel, table=True):
    id: int = identity()
    pilot_id: int = link("pilot.id")
    kind: LessonKind = word(LessonKind, "kind")
    lesson: dict[str, str] = document()
    created_at: datetime = moment()
    created_by_id: int | None = link("person.id", nullable=True)




for _model in (Outcome, Decision, Lesson):
    register(_model, parent=Pilot, on=lambda row, pilot: row.pilot_id == pilot.id)
