"""Trials and results as they leave: in lists, on their pages, as receipts."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field, SQLModel

from testbed.access.models import Access, Visibility
from testbed.activity import Event
from testbed.jobs import JobState
from testbed.lists import Ref
from testbed.pilots.chain import Chain
from testbed.trials.models import Design, ResultState, TrialFields

RUNNING = {ResultState.received, ResultState.reading}
FORMATS = ("CSV", "TSV", "JSON Lines", "JSON", "Excel (XLSX)", "Parquet")
EXTENSIONS = ".csv,.tsv,.txt,.json,.jsonl,.ndjson,.xlsx,.parquet,.gz"


class TrialItem(SQLModel):
    """A trial in a list; ``results`` counts those the reader may see."""

    id: int
    title: dict[str, str]
    pilot: str = Field(description="Code of the pilot.", schema_extra={"examples": ["LUL-2026-001"]})
    pilot_title: dict[str, str]
    design: Design | None = None
    start_on: date | None = None
    end_on: date | None = None
    results: int = 0


class ResultItem(SQLModel):
    """A result in a list."""

    id: int
    code: str = Field(schema_extra={"examples": ["R-7Q2KM4"]})
    filename: str
    state: ResultState
    rows: int | None = None
    size: int
    trial_id: int
    trial: dict[str, str]
    pilot: str
    owner: str | None = None
    access: Access
    generated: bool = False
    received_at: datetime


class TrialView(TrialFields):
    """A trial as it leaves, with the results the reader may see, newest first."""

    id: int
    identifier: UUID
    title: dict[str, str]
    description: dict[str, str] | None = None
    pilot: Ref
    pilot_code: str
    results: list[ResultItem] = []
    archived_at: datetime | None = None
    row_version: int
    may: list[str] = []
    activity: list[Event] = []
    chain: Chain | None = Field(default=None, exclude=True)


class Receipt(SQLModel):
    """What the sender keeps; nothing in it ever changes but the case number, which a registrar may add.

    ``received_at`` is the database's time when the file was safe; ``digest_declared`` says whether the
    sender declared the SHA-256 beforehand, so that the file is proved to have arrived unharmed.
    """

    result: str = Field(schema_extra={"examples": ["R-7Q2KM4"]})
    received_at: datetime
    filename: str
    size: int = Field(description="Bytes.")
    sha256: str
    digest_declared: bool
    trial: str
    trial_id: int
    pilot: str
    partner: str | None = None
    person: str | None = Field(
        default=None, description="Who sent it; only for those who may edit the result."
    )
    case: str | None = Field(
        default=None, description="Case number (diarienummer); none until it is registered."
    )
    url: str


class JobView(SQLModel):
    """How far the reading has come; ``done`` of ``total`` are in whatever ``step`` counts."""

    state: JobState
    step: str | None = None
    step_words: str | None = Field(default=None, description="The step in the language of the request.")
    done: int | None = None
    total: int | None = None
    error: str | None = None


class ResultView(SQLModel):
    """A result as it leaves. ``columns``, ``problems`` and ``preview`` are empty until the file was read.

    A column is ``{name, title, type, statistics}``; a problem is ``{rule, severity, column, count, hint, examples}``.
    """

    id: int
    identifier: UUID
    code: str
    state: ResultState
    filename: str
    size: int
    sha256: str
    received_at: datetime
    note: str | None = None
    access: Access
    generated: bool
    trial: Ref
    pilot: Ref
    owner: Ref | None = None
    rows: int | None = None
    rejected: int = 0
    kind: str | None = None
    assumed: dict[str, Any] = {}
    columns: list[dict[str, Any]] = []
    problems: list[dict[str, Any]] = []
    preview: dict[str, Any] = {}
    receipt: Receipt
    job: JobView
    table: str | None = Field(default=None, description="Address of the table as Parquet, once there is one.")
    rejected_rows: str | None = Field(
        default=None, description="Address of the rows that were not taken, as CSV."
    )
    raw: str = Field(description="Address of the file exactly as it was sent.")
    archived_at: datetime | None = None
    row_version: int
    may: list[str] = []
    activity: list[Event] = []
    chain: Chain | None = Field(default=None, exclude=True)


class UploadView(SQLModel):
    """What somebody should know before they choose a file."""

    trial: TrialView
    partners: list[Ref] = Field(description="On whose behalf one may upload here; the first is the default.")
    several: bool = Field(default=False, description="Whether one must say for which of them.")
    upload_max_bytes: int | None = Field(default=None, description="The most that PUT takes, in bytes.")
    form_max_bytes: int | None = Field(default=None, description="The most that a form takes, in bytes.")
    formats: list[str] = list(FORMATS)
    extensions: str = EXTENSIONS


class TrialForm(SQLModel):
    """What the form shows beside its fields; ``trial`` is what an edit starts from."""

    pilot: Ref
    trial: TrialView | None = None
    visibility: Visibility = Visibility.public


class ResultForm(SQLModel):
    """What the form for a result's note and access starts from."""

    result: ResultView
