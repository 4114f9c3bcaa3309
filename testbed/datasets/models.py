"""A dataset is described once; its versions are published, and never change after."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BeforeValidator, StringConstraints
from sqlalchemy import BigInteger, text
from sqlmodel import Field, SQLModel

from testbed.access.models import Access
from testbed.access.relations import register
from testbed.columns import document, identifier, identity, link, moment, row_version, unique, word, words
from testbed.pilots.models import Pilot
from testbed.texts import Line, Mailbox, Passage, message, text2


class DatasetState(StrEnum):
    draft = "draft"
    published = "published"
    withdrawn = "withdrawn"


class Licence(StrEnum):
    """SPDX identifiers of the licences offered."""

    cc0 = "CC0-1.0"
    cc_by = "CC-BY-4.0"
    cc_by_sa = "CC-BY-SA-4.0"
    odbl = "ODbL-1.0"
    odc_by = "ODC-By-1.0"
    none = "LicenseRef-none"


def _words(given: Any) -> Any:
    """A form sends keywords as one text with commas."""
    if given is None:
        return []
    return [each.strip() for each in given.split(",") if each.strip()] if isinstance(given, str) else given


Keywords = Annotated[list[Line], BeforeValidator(_words)]
ColumnName = Annotated[str, StringConstraints(min_length=1, max_length=500)]
"""As it stands in the table, blanks and all."""
Source = int | Line
"""A result, by its number or by its code."""


class DatasetDraft(SQLModel):
    """A dataset as it arrives: what it is, and the results its first version is made of."""

    model_config = {"extra": "forbid"}

    title: text2(max_length=200) = Field(  # type: ignore[valid-type]
        schema_extra={"examples": [{"sv": "Fyllnadsgrad i kärl", "en": "Fill level of bins"}]}
    )
    description: text2(max_length=10_000)  # type: ignore[valid-type]
    pilot: Line = Field(description="The code of the pilot.", schema_extra={"examples": ["LUL-2026-001"]})
    results: list[Source] = Field(
        default_factory=list,
        max_length=500,
        description="Results by number or code, in the order of their rows.",
    )
    licence: Licence = Licence.cc_by
    access: Access = Access.private
    keywords: Keywords = Field(default_factory=list, max_length=20)
    contact_mailbox: Mailbox | None = None


class DatasetPatch(SQLModel):
    """What an edit changes; what is absent stays. ``licence`` and ``access`` only before the first version."""

    model_config = {"extra": "forbid"}

    row_version: int | None = None
    title: text2(max_length=200) = Field(default_factory=dict)  # type: ignore[valid-type]
    description: text2(max_length=10_000) = Field(default_factory=dict)  # type: ignore[valid-type]
    results: list[Source] = Field(default_factory=list, max_length=500)
    licence: Licence = Licence.cc_by
    access: Access = Access.private
    keywords: Keywords = Field(default_factory=list, max_length=20)
    contact_mailbox: Mailbox | None = None


class AccessPatch(SQLModel):
    """Who may fetch the data from now on."""

    model_config = {"extra": "forbid"}

    access: Access
    personal_data: Literal["reviewed"] | None = Field(
        default=None, description="That somebody looked at the columns that seem to hold personal data."
    )


class VersionDraft(SQLModel):
    """What the publisher says of a version; everything else is computed."""

    model_config = {"extra": "forbid"}

    notes: Passage | None = Field(default=None, max_length=4000, description="What is new in this version.")
    withheld: list[ColumnName] = Field(
        default_factory=list,
        max_length=2000,
        description="Columns to leave out, besides those that a table schema marks as confidential.",
    )
    personal_data: Literal["reviewed"] | None = Field(
        default=None,
        description="That the publisher looked at the columns that seem to hold personal data, and they may be published.",
    )


class Dataset(SQLModel, table=True):
    __table_args__ = (unique("slug", says=message("Another dataset has this address already.")),)

    id: int = identity()
    identifier: UUID = identifier()
    slug: str = Field(max_length=80)
    pilot_id: int = link("pilot.id")
    owner_id: int = link("partner.id")
    title: dict[str, str] = document()
    description: dict[str, str] = document()
    keywords: list[str] = words()
    licence: Licence = word(Licence, "licence", Licence.cc_by)
    access: Access = word(Access, "access", Access.private)
    state: DatasetState = word(DatasetState, "state", DatasetState.draft)
    contact_mailbox: str | None = Field(default=None, max_length=254)
    generated: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    archived_at: datetime | None = moment(nullable=True)
    created_at: datetime = moment()
    created_by_id: int | None = link("person.id", nullable=True)
    updated_at: datetime = moment()
    updated_by_id: int | None = link("person.id", nullable=True)
    row_version: int = row_version()


class DatasetResult(SQLModel, table=True):
    """Which results the next version is made of, in which order."""

    __tablename__ = "dataset_result"
    __table_args__ = (
        unique("dataset_id", "result_id", says=message("The dataset holds this result already.")),
    )

    id: int = identity()
    dataset_id: int = link("dataset.id", ondelete="CASCADE")
    result_id: int = link("result.id")
    position: int


class Version(SQLModel, table=True):
    """A published version; a trigger refuses every change. Sizes are in bytes.

    ``profile`` holds columns, statistics and the preview; ``manifest`` is canonical JSON (RFC 8785). ``privacy`` is for
    those who publish: ``withheld`` and ``confidential`` columns, what was ``found`` of persons, and who ``reviewed`` it
    when; empty in a version made before anybody looked.
    """

    __table_args__ = (unique("dataset_id", "number", says=message("The dataset has this version already.")),)

    id: int = identity()
    identifier: UUID = identifier()
    dataset_id: int = link("dataset.id")
    number: str = Field(max_length=20)
    notes: str | None = Field(default=None, max_length=4000)
    rows: int = Field(sa_type=BigInteger)
    profile: dict[str, Any] = document()
    manifest: dict[str, Any] = document()
    manifest_sha256: str = Field(max_length=64)
    privacy: dict[str, Any] = document()
    parquet_sha256: str = Field(max_length=64)
    parquet_size: int = Field(sa_type=BigInteger)
    csv_sha256: str = Field(max_length=64)
    csv_size: int = Field(sa_type=BigInteger)
    self_approved: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    published_at: datetime = moment()
    published_by_id: int | None = link("person.id", nullable=True)


class VersionSource(SQLModel, table=True):
    """A result that a version was made of, with the rows ``[row_from, row_to)`` it gave."""

    __tablename__ = "version_source"
    __table_args__ = (
        unique("version_id", "result_id", says=message("The version holds this result already.")),
        unique("version_id", "filename", says=message("Two files of a version have one name.")),
    )

    id: int = identity()
    version_id: int = link("version.id")
    result_id: int = link("result.id")
    filename: str = Field(max_length=255)
    sha256: str = Field(max_length=64)
    size: int = Field(sa_type=BigInteger)
    row_from: int = Field(sa_type=BigInteger)
    row_to: int = Field(sa_type=BigInteger)


register(
    Dataset,
    level=lambda row: row.access,
    owner=lambda row: row.owner_id,
    published=lambda row: row.state == DatasetState.published,
    parent=Pilot,
    on=lambda row, pilot: row.pilot_id == pilot.id,
)
register(Version, parent=Dataset, on=lambda row, dataset: row.dataset_id == dataset.id)
register(VersionSource, parent=Version, on=lambda row, version: row.version_id == version.id)
