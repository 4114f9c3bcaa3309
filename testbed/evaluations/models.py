"""What came out of a pilot, what was decided because of it, and what was learnt."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import AllowInfNan, BeforeValidator
from sqlalchemy import text
from sqlmodel import Field, SQLModel

from testbed.access.relations import register
from testbed.activity import Event
from testbed.columns import document, identifier, identity, link, moment, row_version, word
from testbed.lists import Ref
from testbed.pilots.chain import Chain
from testbed.pilots.models import Pilot
from testbed.texts import Line, optional_text2, text2


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


def _point(given: Any) -> Any:
    """A number as Swedes write it: ``1 234,5``; a text with a point is left as it is."""
    if isinstance(given, str):
        return given.strip().replace("\N{NO-BREAK SPACE}", "").replace(" ", "").replace(",", ".")
    return given


Number = Annotated[float, BeforeValidator(_point), AllowInfNan(False)]


class VersionRef(SQLModel):
    """A published version by its dataset and number."""

    model_config = {"extra": "forbid"}

    dataset: Line = Field(description="The slug of the dataset.")
    number: Line = Field(default="latest", max_length=20, schema_extra={"examples": ["1.0.0"]})


class OutcomeDraft(SQLModel):
    """One indicator's answer, and the published version it rests on: ``version`` or ``version_id``."""

    model_config = {"extra": "forbid"}

    indicator: text2(max_length=300) = Field(  # type: ignore[valid-type]
        schema_extra={"examples": [{"sv": "Tömningar per vecka", "en": "Collections a week"}]}
    )
    unit: Line = Field(min_length=1, max_length=40, schema_extra={"examples": ["1/week"]})
    baseline: Number | None = None
    target: Number | None = None
    result: Number
    method: text2(max_length=4000)  # type: ignore[valid-type]
    version: VersionRef | None = None
    version_id: int | None = None
    note: optional_text2() = None  # type: ignore[valid-type]


class OutcomePatch(SQLModel):
    """What an edit changes; what is absent stays."""

    model_config = {"extra": "forbid"}

    row_version: int | None = None
    indicator: text2(max_length=300) = Field(default_factory=dict)  # type: ignore[valid-type]
    unit: Line = Field(default="", min_length=1, max_length=40)
    baseline: Number | None = None
    target: Number | None = None
    result: Number = 0.0
    method: text2(max_length=4000) = Field(default_factory=dict)  # type: ignore[valid-type]
    version: VersionRef | None = None
    version_id: int | None = None
    note: optional_text2() = None  # type: ignore[valid-type]


class OutcomeView(SQLModel):
    """An outcome as it leaves; ``met`` says whether the target was reached, where one can tell."""

    id: int
    identifier: UUID
    pilot: Ref
    pilot_code: str
    indicator: dict[str, str]
    unit: str
    baseline: float | None = None
    target: float | None = None
    result: float
    met: bool | None = None
    method: dict[str, str]
    note: dict[str, str] | None = None
    version: Ref | None = None
    version_id: int | None = None
    generated: bool
    created_at: datetime
    archived_at: datetime | None = None
    row_version: int
    may: list[str] = []
    activity: list[Event] = []
    chain: Chain | None = None


class OutcomeItem(SQLModel):
    """An outcome in a list."""

    id: int
    pilot: str
    indicator: dict[str, str]
    result: float
    unit: str
    baseline: float | None = None
    target: float | None = None
    generated: bool
    created_at: datetime


class DecisionDraft(SQLModel):
    """What was decided, why, by whom and when; the latest of a pilot is in force."""

    model_config = {"extra": "forbid"}

    outcome: Verdict
    rationale: text2(max_length=10_000)  # type: ignore[valid-type]
    decider: Line = Field(min_length=2, max_length=200, schema_extra={"examples": ["Stadsbyggnadsnämnden"]})
    decided_on: date
    case_id: int | None = Field(default=None, description="The case (diarienummer) it was decided in.")


class DecisionView(SQLModel):
    """A decision as it leaves; ``superseded_by`` is the one in force instead."""

    id: int
    identifier: UUID
    pilot: Ref
    pilot_code: str
    outcome: Verdict
    rationale: dict[str, str]
    decider: str
    decided_on: date
    case: str | None = None
    superseded_by: Ref | None = None
    outcomes: list[OutcomeItem] = []
    created_at: datetime
    activity: list[Event] = []
    chain: Chain | None = None


class DecisionItem(SQLModel):
    """A decision in a list."""

    id: int
    pilot: str
    pilot_title: dict[str, str]
    outcome: Verdict
    decider: str
    decided_on: date
    in_force: bool


class DecisionPlan(SQLModel):
    """Exactly what recording a decision will do; ``fields`` is the form, to be sent once more."""

    pilot: Ref
    pilot_code: str
    decision: DecisionDraft
    case: str | None = None
    fields: dict[str, str]
    supersedes: Ref | None = None
    outcomes: list[OutcomeItem] = []


class LessonDraft(SQLModel):
    """Something others should know before they try the same."""

    model_config = {"extra": "forbid"}

    kind: LessonKind
    lesson: text2(max_length=4000)  # type: ignore[valid-type]


class LessonView(SQLModel):
    """A lesson as it leaves."""

    id: int
    pilot: Ref
    pilot_code: str
    kind: LessonKind
    lesson: dict[str, str]
    created_at: datetime


class LessonItem(SQLModel):
    """A lesson in a list."""

    id: int
    pilot: str
    kind: LessonKind
    lesson: dict[str, str]
    created_at: datetime


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
