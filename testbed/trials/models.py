"""A trial is one measured run inside a pilot; a result is a file somebody handed in for it."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, and_, case, literal, not_, text
from sqlmodel import Field, SQLModel

from testbed.access.models import WIDE, Access, Visibility
from testbed.access.relations import register
from testbed.columns import document, identifier, identity, link, moment, row_version, rule, unique, word
from testbed.pilots.models import Pilot
from testbed.texts import Passage, message, optional_text2, text2


class Design(StrEnum):
    after_only = "after_only"
    before_after = "before_after"
    its = "its"
    controlled_before_after = "controlled_before_after"
    rct = "rct"
    crossover = "crossover"
    stepped_wedge = "stepped_wedge"
    qualitative = "qualitative"


class ResultState(StrEnum):
    """``ready``: every row was read. ``partly``: some rows or cells were not. ``unreadable``: no table; the file is kept."""

    received = "received"
    reading = "reading"
    ready = "ready"
    partly = "partly"
    unreadable = "unreadable"


class Acceptance(StrEnum):
    """What was decided of a result; only accepted ones enter a dataset, where their trial has a table schema."""

    open = "open"
    accepted = "accepted"
    accepted_partly = "accepted_partly"
    refused = "refused"
    replaced = "replaced"
    withdrawn = "withdrawn"


class Partial(StrEnum):
    """Who may accept the good rows of a file and keep the bad ones aside."""

    partner = "partner"
    coordinator = "coordinator"
    never = "never"


class DeliveryState(StrEnum):
    """How a planned delivery stands today. What was received stays received, in time or late."""

    expected = "expected"
    due_soon = "due_soon"
    overdue = "overdue"
    received = "received"
    received_late = "received_late"
    lost = "lost"


class TrialFields(SQLModel):
    """What people write about a trial; shared by the form, the API and the views."""

    title: text2(max_length=120) = Field(schema_extra={"examples": [{"sv": "Första veckan"}]})  # type: ignore[valid-type]
    description: optional_text2() = Field(  # type: ignore[valid-type]
        default=None, description="What is measured, and what files are expected from whom."
    )
    design: Design | None = None
    start_on: date | None = None
    end_on: date | None = None
    visibility: Visibility = Visibility.public
    auto_accept: bool = Field(
        default=False, description="Whether a file without errors is accepted as soon as it is checked."
    )
    partial: Partial = Field(
        default=Partial.coordinator,
        description="Who may accept the good rows of a file and keep the bad ones aside.",
    )


class TrialDraft(TrialFields):
    """A trial as it arrives."""

    model_config = {"extra": "forbid"}


class TrialPatch(SQLModel):
    """What an edit changes; what is absent stays. ``row_version`` says which version was seen."""

    model_config = {"extra": "forbid"}

    row_version: int | None = None
    title: text2(max_length=120) = Field(default_factory=dict)  # type: ignore[valid-type]
    description: optional_text2() = None  # type: ignore[valid-type]
    design: Design | None = None
    start_on: date | None = None
    end_on: date | None = None
    visibility: Visibility = Visibility.public
    auto_accept: bool = False
    partial: Partial = Partial.coordinator


class ResultPatch(SQLModel):
    """What may be changed about a result: never its file."""

    model_config = {"extra": "forbid"}

    row_version: int | None = None
    access: Access = Access.private
    note: Passage | None = Field(default=None, max_length=1000)
    delivery: str | None = Field(default=None, max_length=12, description="Code of the delivery it answers.")


class DeliveryFields(SQLModel):
    """What people write about a delivery they expect; ``due_on`` is inclusive, judged in Europe/Stockholm."""

    title: text2(max_length=120) = Field(schema_extra={"examples": [{"sv": "Vecka 1"}]})  # type: ignore[valid-type]
    from_partner_id: int = Field(
        description="The partner that hands it in: one that takes part in the pilot."
    )
    due_on: date = Field(schema_extra={"examples": ["2026-12-01"]})
    description: optional_text2(max_length=2000) = Field(  # type: ignore[valid-type]
        default=None, description="What is to be in it, so that nobody has to ask."
    )


class DeliveryDraft(DeliveryFields):
    """A delivery as it is expected."""

    model_config = {"extra": "forbid"}


class DeliveryPatch(SQLModel):
    """What an edit changes; what is absent stays. ``lost_reason`` says why it will never come."""

    model_config = {"extra": "forbid"}

    row_version: int | None = None
    title: text2(max_length=120) = Field(default_factory=dict)  # type: ignore[valid-type]
    from_partner_id: int = 0
    due_on: date = Field(default=None)
    description: optional_text2(max_length=2000) = None  # type: ignore[valid-type]
    lost_reason: Passage | None = Field(default=None, max_length=1000)


class Trial(SQLModel, table=True):
    __table_args__ = (
        rule(
            "start_on <= end_on",
            name="dates",
            field="end_on",
            says=message("A trial cannot end before it starts."),
        ),
    )

    id: int = identity()
    identifier: UUID = identifier()
    pilot_id: int = link("pilot.id", ondelete="RESTRICT")
    title: dict[str, str] = document()
    description: dict[str, str] | None = document(nullable=True)
    design: Design | None = word(Design, "design", nullable=True)
    start_on: date | None = None
    end_on: date | None = None
    visibility: Visibility = word(Visibility, "visibility", Visibility.public)
    auto_accept: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    partial: Partial = word(Partial, "partial", Partial.coordinator, of_database=True)
    archived_at: datetime | None = moment(nullable=True)
    created_at: datetime = moment()
    created_by_id: int | None = link("person.id", nullable=True)
    updated_at: datetime = moment()
    updated_by_id: int | None = link("person.id", nullable=True)
    row_version: int = row_version()


class TableSchema(SQLModel, table=True):
    """What a file handed in to a trial must look like; never changed (a trigger sees to it): a change is a new number.

    ``body`` is a Table Schema descriptor (Data Package v2), ``sha256`` the digest of its one spelling (RFC 8785).
    """

    __tablename__ = "table_schema"
    __table_args__ = (
        unique("trial_id", "number", says=message("The trial has this version of its table schema already.")),
        rule(
            "number >= 1",
            name="number",
            field="number",
            says=message("The versions of a table schema are counted from 1."),
        ),
        rule(
            "sha256 ~ '^[0-9a-f]{64}$'",
            name="sha256",
            field="sha256",
            says=message("A SHA-256 is 64 hexadecimal digits."),
        ),
    )

    id: int = identity()
    trial_id: int = link("trial.id")
    number: int
    body: dict[str, Any] = document()
    sha256: str = Field(max_length=64)
    note: str | None = Field(default=None, max_length=1000)
    frozen_at: datetime = moment()
    created_by_id: int | None = link("person.id", nullable=True)


class Result(SQLModel, table=True):
    """An uploaded file, which never changes: a correction is a new result. ``filename`` is a label, not a path.

    ``report`` is what ``testbed.tabular`` said of it; ``parquet_sha256`` names the table made of it.
    ``received_at`` is the database's time at the last durable byte; ``receipt`` keeps the names as they were then.
    ``replaces_id`` names the result it corrects or replaces: its rows join those of that result if ``corrects``, else
    they stand in for all of them. ``findings_sha256`` names the list of everything wrong; ``lines_sha256`` which lines
    a correction stands for. ``entry`` names the table that it is, of several in a zip file. ``looked_through``: all that
    is in the file is in the table, and was searched for personal data; before that it is open to nobody but those who
    work with it, whatever ``access`` says.
    """

    __table_args__ = (
        unique("code", says=message("Another result has this code already.")),
        rule(
            "sha256 ~ '^[0-9a-f]{64}$'",
            name="sha256",
            field="sha256",
            says=message("A SHA-256 is 64 hexadecimal digits."),
        ),
    )

    id: int = identity()
    identifier: UUID = identifier()
    code: str = Field(max_length=12)
    trial_id: int = link("trial.id")
    owner_id: int = link("partner.id")
    person_id: int | None = link("person.id", nullable=True)
    case_id: int | None = link("pilot_case.id", nullable=True)
    job_id: int | None = link("job.id", nullable=True)
    filename: str = Field(max_length=255)
    sha256: str = Field(max_length=64, index=True)
    size: int = Field(sa_type=BigInteger)
    digest_declared: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    note: str | None = Field(default=None, max_length=1000)
    access: Access = word(Access, "access", Access.private)
    generated: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    state: ResultState = word(ResultState, "state", ResultState.received)
    rows: int | None = Field(default=None, sa_type=BigInteger)
    report: dict[str, Any] | None = document(nullable=True)
    parquet_sha256: str | None = Field(default=None, max_length=64)
    rejected_sha256: str | None = Field(default=None, max_length=64)
    findings_sha256: str | None = Field(default=None, max_length=64)
    lines_sha256: str | None = Field(default=None, max_length=64)
    schema_id: int | None = link("table_schema.id", nullable=True)
    answers: dict[str, Any] = document()
    entry: str | None = Field(default=None, max_length=255)
    looked_through: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    replaces_id: int | None = link("result.id", nullable=True)
    corrects: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    acceptance: Acceptance = word(Acceptance, "acceptance", Acceptance.open, of_database=True)
    acceptance_reason: str | None = Field(default=None, max_length=1000)
    accepted_at: datetime | None = moment(nullable=True)
    accepted_by_id: int | None = link("person.id", nullable=True)
    asked_at: datetime | None = moment(nullable=True)
    received_at: datetime = moment()
    delivery_id: int | None = link("planned_delivery.id", nullable=True)
    receipt: dict[str, Any] | None = document(nullable=True)
    archived_at: datetime | None = moment(nullable=True)
    row_version: int = row_version()


class PlannedDelivery(SQLModel, table=True):
    """A file that a partner is to hand in by a day. ``code`` (D1, D2 …) is known within its trial."""

    __tablename__ = "planned_delivery"
    __table_args__ = (unique("trial_id", "code", says=message("The trial has such a delivery already.")),)

    id: int = identity()
    identifier: UUID = identifier()
    trial_id: int = link("trial.id")
    code: str = Field(max_length=12)
    title: dict[str, str] = document()
    description: dict[str, str] | None = document(nullable=True)
    from_partner_id: int = link("partner.id")
    due_on: date
    lost_reason: str | None = Field(default=None, max_length=1000)
    archived_at: datetime | None = moment(nullable=True)
    created_at: datetime = moment()
    created_by_id: int | None = link("person.id", nullable=True)
    updated_at: datetime = moment()
    updated_by_id: int | None = link("person.id", nullable=True)
    row_version: int = row_version()


def _level(row: Any) -> Any:
    """The access of a result, as far as it holds: nothing is open to many that was not looked through."""
    closed = literal(Access.consortium, row.access.type)
    return case((and_(row.access.in_(WIDE), not_(row.looked_through)), closed), else_=row.access)


register(
    Trial, level=lambda row: row.visibility, parent=Pilot, on=lambda row, pilot: row.pilot_id == pilot.id
)
register(TableSchema, parent=Trial, on=lambda row, trial: row.trial_id == trial.id)
register(
    Result,
    level=_level,
    owner=lambda row: row.owner_id,
    parent=Trial,
    on=lambda row, trial: row.trial_id == trial.id,
)
register(
    PlannedDelivery,
    owner=lambda row: row.from_partner_id,
    parent=Trial,
    on=lambda row, trial: row.trial_id == trial.id,
)
