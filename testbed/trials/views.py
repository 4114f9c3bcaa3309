"""Trials and results as they leave: in lists, on their pages, as receipts."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field, SQLModel

from testbed.access.models import Access, Visibility
from testbed.activity import Event
from testbed.jobs import JobState
from testbed.lists import Listed, Ref
from testbed.pilots.chain import Chain
from testbed.trials.allocation import Allocation
from testbed.trials.models import (
    Acceptance,
    DeliveryFields,
    DeliveryState,
    Design,
    ResultState,
    TrialFields,
)
from testbed.trials.schema_views import Templates, WantedColumn

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
    acceptance: Acceptance = Acceptance.open
    generated: bool = False
    received_at: datetime


class DeliveryItem(SQLModel):
    """A planned delivery in a list. How it stands is told to those who take part in the pilot."""

    id: int
    code: str = Field(schema_extra={"examples": ["D1"]})
    title: dict[str, str]
    description: dict[str, str] | None = None
    partner: str | None = Field(default=None, description="None where the reader may not know of it.")
    partner_slug: str | None = None
    trial_id: int
    trial: dict[str, str]
    pilot: str = Field(description="Code of the pilot.")
    due_on: date = Field(description="The last day, in Europe/Stockholm.")
    days_left: int = Field(description="Until the last day; negative when it is past.")
    state: DeliveryState | None = None
    received_at: datetime | None = Field(default=None, description="When the first file came.")
    lost_reason: str | None = None
    archived_at: datetime | None = None
    url: str
    upload: str | None = Field(default=None, description="Where the reader can upload what is still missing.")


class DeliveryRef(SQLModel):
    """The delivery a file answers; ``on_time``: it came on the due day at the latest."""

    code: str
    title: dict[str, str]
    due_on: date
    on_time: bool


class DeliveryView(DeliveryFields):
    """A planned delivery as it leaves, with the files that answer it, as far as the reader may see them."""

    id: int
    identifier: UUID
    code: str
    title: dict[str, str]
    description: dict[str, str] | None = None
    partner: Ref | None = Field(default=None, description="None where the reader may not know of it.")
    trial: Ref
    pilot: Ref
    state: DeliveryState | None = None
    received_at: datetime | None = None
    lost_reason: str | None = None
    results: list[ResultItem] = []
    upload: str | None = None
    archived_at: datetime | None = None
    row_version: int
    may: list[str] = []
    activity: list[Event] = []


class Planned(Listed[DeliveryItem]):
    """What is planned in one trial, by due date."""

    trial: Ref
    may: list[str] = []


class Expected(Listed[DeliveryItem]):
    """What is expected of a partner, by due date: what is open, or what has ended (received or lost)."""

    partner: Ref
    which: str = "open"


class TrialView(TrialFields):
    """A trial as it leaves, with the results the reader may see, newest first."""

    id: int
    identifier: UUID
    title: dict[str, str]
    description: dict[str, str] | None = None
    pilot: Ref
    pilot_code: str
    results: list[ResultItem] = []
    schema_number: int | None = Field(
        default=None, description="The version of the table schema that holds; none yet."
    )
    deliveries: list[DeliveryItem] = []
    allocation: Allocation = Field(default_factory=Allocation)
    archived_at: datetime | None = None
    row_version: int
    may: list[str] = []
    activity: list[Event] = []
    chain: Chain | None = Field(default=None, exclude=True)


class Receipt(SQLModel):
    """What the sender keeps; nothing in it ever changes but the case number, which a registrar may add.

    Names stand as they were when the file came, whatever they are changed to later.

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
    delivery: DeliveryRef | None = Field(default=None, description="The planned delivery it answers.")
    next: list[str] = Field(default=[], description="What happens next, in the language of the request.")
    links: dict[str, str] = {}
    url: str


class JobView(SQLModel):
    """How far the reading has come; ``done`` of ``total`` are in whatever ``step`` counts."""

    state: JobState
    step: str | None = None
    step_words: str | None = Field(default=None, description="The step in the language of the request.")
    done: int | None = None
    total: int | None = None
    error: str | None = None
    since: datetime | None = Field(default=None, description="When the reading was asked for.")
    attempts: int | None = Field(default=None, description="How often it was begun.")


class Standing(SQLModel):
    """What a result was checked against and what was decided of it.

    ``left`` counts the rows with errors that no accepted correction stands for.
    """

    acceptance: Acceptance
    needed: bool = Field(description="Whether it must be accepted before a dataset may hold it.")
    schema_number: int | None = Field(default=None, description="The table schema it was checked against.")
    outdated: bool = Field(default=False, description="Whether the trial has another table schema by now.")
    answers: dict[str, Any] = {}
    reason: str | None = None
    accepted_at: datetime | None = None
    asked_at: datetime | None = None
    corrects: Ref | None = Field(default=None, description="The result whose rows these rows join.")
    correction: dict[str, Any] = {}
    replaces: Ref | None = Field(default=None, description="The result that it stands in for as a whole.")
    replaced_by: Ref | None = None
    corrections: list[Ref] = []
    left: int = 0


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
    looked_through: bool = Field(
        description="Whether all of the file was read and searched for personal data; before that, `public` and `registered` "
        "count as `consortium`."
    )
    generated: bool
    trial: Ref
    pilot: Ref
    owner: Ref | None = None
    rows: int | None = None
    rejected: int = 0
    kind: str | None = None
    assumed: dict[str, Any] = {}
    entry: str | None = Field(default=None, description="The table that it is, of several in a zip file.")
    same_file: list[ResultItem] = Field(
        default=[], description="The results that are the other tables of the same zip file."
    )
    columns: list[dict[str, Any]] = []
    problems: list[dict[str, Any]] = []
    preview: dict[str, Any] = {}
    personal: dict[str, Any] = Field(
        default={},
        description="What may say something of a person: {rules, rows, scanned, found: [{columns, kind, count, known}]}.",
    )
    receipt: Receipt
    job: JobView
    table: str | None = Field(default=None, description="Address of the table as Parquet, once there is one.")
    rejected_rows: str | None = Field(
        default=None, description="Address of the rows that were not taken, as CSV."
    )
    report: str = Field(description="Address of the report that lists everything wrong.")
    counts: list[dict[str, Any]] = []
    standing: "Standing"
    raw: str = Field(description="Address of the file exactly as it was sent.")
    delivery: DeliveryRef | None = Field(default=None, description="The planned delivery it answers now.")
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
    deliveries: list[DeliveryItem] = Field(
        default=[], description="What is planned from them, open ones first."
    )
    delivery: DeliveryItem | None = Field(default=None, description="The one this page was opened for.")
    upload_max_bytes: int | None = Field(default=None, description="The most that PUT takes, in bytes.")
    form_max_bytes: int | None = Field(default=None, description="The most that a form takes, in bytes.")
    formats: list[str] = list(FORMATS)
    extensions: str = EXTENSIONS
    columns: list[WantedColumn] = Field(
        default=[], description="What the table schema asks for; empty without one."
    )
    templates: Templates | None = None


class TrialForm(SQLModel):
    """What the form shows beside its fields; ``trial`` is what an edit starts from."""

    pilot: Ref
    trial: TrialView | None = None
    visibility: Visibility = Visibility.public


class ResultForm(SQLModel):
    """What the form for a result's note and access starts from."""

    result: ResultView
    deliveries: list[DeliveryItem] = []


class DeliveryForm(SQLModel):
    """What the form of a planned delivery shows beside its fields; ``delivery`` is what an edit starts from."""

    trial: Ref
    partners: list[Ref]
    delivery: DeliveryView | None = None
