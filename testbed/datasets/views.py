"""Datasets and versions as they leave."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field, SQLModel

from testbed.access.models import Access
from testbed.activity import Event
from testbed.datasets.models import DatasetState, Licence
from testbed.datasets.privacy import PersonalHit, Withheld
from testbed.lists import Ref
from testbed.pilots.chain import Chain


class SourceView(SQLModel):
    """A result a dataset or a version holds; ``url`` only for those who may see the result itself."""

    code: str | None = None
    filename: str
    rows: int | None = None
    size: int | None = None
    sha256: str | None = None
    url: str | None = None
    original: str | None = None
    id: int | None = None


class VersionLine(SQLModel):
    """A version in the list of its dataset; rows, size and hash only for those who may read it."""

    number: str
    url: str
    published_at: datetime
    notes: str | None = None
    rows: int | None = None
    manifest_sha256: str | None = None


class Preview(SQLModel):
    """The first rows, as they are."""

    columns: list[str] = []
    rows: list[list[Any]] = []


class File(SQLModel):
    """A file of a version, ready to fetch."""

    name: str
    url: str
    media_type: str
    size: int
    sha256: str


class Review(SQLModel):
    """What looked like personal data when a version was published, and who said when that it may be."""

    found: list[PersonalHit] = []
    at: datetime | None = None
    who: str | None = None


class VersionView(SQLModel):
    """A published version as it leaves. Content is there only where ``readable``."""

    id: int
    identifier: UUID
    number: str
    url: str
    dataset: Ref
    title: dict[str, str]
    description: dict[str, str]
    pilot: Ref | None = None
    owner: Ref | None = None
    licence: Licence
    access: Access
    open: bool = Field(default=False, description="Whether anyone may fetch it without signing in.")
    generated: bool = False
    published_at: datetime
    notes: str | None = None
    readable: bool = False
    rows: int | None = None
    columns: list[dict[str, Any]] = []
    preview: Preview = Preview()
    withheld: list[Withheld] = Field(default=[], description="Columns that were left out, and why.")
    review: "Review | None" = Field(default=None, description="Only for those who may publish the dataset.")
    files: list[File] = []
    sources: list[SourceView] = []
    manifest_sha256: str | None = None
    self_approved: bool = False
    citation: str = ""
    bibtex: str = ""
    code: dict[str, str] = Field(default_factory=dict, description="How to load it, by tool.")
    pilot_published: bool = Field(
        default=False, description="Whether publishing it made the pilot's page public."
    )
    chain: Chain | None = None


class DatasetView(SQLModel):
    """A dataset as it leaves; ``latest`` is its newest version."""

    id: int
    identifier: UUID
    slug: str
    title: dict[str, str]
    description: dict[str, str]
    keywords: list[str]
    licence: Licence
    access: Access
    state: DatasetState
    generated: bool
    pilot: Ref | None = None
    pilot_code: str | None = None
    owner: Ref | None = None
    contact_mailbox: str | None = None
    readable: bool = False
    results: list[SourceView] = []
    versions: list[VersionLine] = []
    latest: VersionView | None = None
    chain: Chain | None = None
    archived_at: datetime | None = None
    row_version: int
    may: list[str] = []
    activity: list[Event] = []


class DatasetItem(SQLModel):
    """A dataset in a list; ``rows`` only for those who may read it."""

    id: int
    slug: str
    title: dict[str, str]
    pilot: str | None = None
    pilot_title: dict[str, str] | None = None
    owner: str | None = None
    licence: Licence
    access: Access
    state: DatasetState
    version: str | None = None
    rows: int | None = None
    published_at: datetime | None = None
    generated: bool = False


class PlanView(SQLModel):
    """Exactly what publishing would do now; ``hindrances`` is what stands in its way."""

    dataset: Ref
    title: dict[str, str]
    description: dict[str, str]
    number: str | None = Field(
        default=None, description="The number it will get, as far as the reports tell."
    )
    rows: int
    columns: list[dict[str, str]]
    sources: list[SourceView]
    licence: Licence
    access: Access
    pilot: Ref | None = None
    owner: Ref | None = None
    opens_pilot: bool = False
    widened: list[str] = []
    self_approved: bool = False
    generated: bool = False
    hindrances: list[str] = []
    waiting: list[SourceView] = Field(default=[], description="Results that must be accepted first.")
    personal: list[PersonalHit] = Field(
        default=[], description="What in the columns may say something of a person."
    )
    must_review: bool = Field(
        default=False,
        description="Whether it takes personal_data: reviewed, unless those columns are withheld.",
    )
    unlooked: int = Field(
        default=0, description="Files that nobody looked through yet; that happens before publishing."
    )
    withheld: list[Withheld] = Field(default=[], description="Columns that stay behind in any case.")
    suggested: list[str] = Field(default=[], description="Columns that the page proposes to leave out.")


class PublishingView(SQLModel):
    """How far a publication has come; ``state`` is that of its job, ``version`` its end."""

    id: int
    dataset: Ref
    title: dict[str, str]
    state: str
    step: str | None = None
    done: int | None = None
    total: int | None = None
    error: str | None = None
    told: dict[str, str] = Field(default={}, exclude=True)
    version: str | None = None
