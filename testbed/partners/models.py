"""A partner: any organisation that takes part. A department is a partner whose parent is the city."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Field, SQLModel

from testbed.access.models import Visibility
from testbed.access.relations import register
from testbed.activity import Event
from testbed.columns import identifier, identity, link, moment, row_version, unique, word
from testbed.lists import Ref
from testbed.texts import Country, Line, Mailbox, WebAddress, message


class Kind(StrEnum):
    city = "city"
    department = "department"
    municipal_company = "municipal_company"
    company = "company"
    university = "university"
    institute = "institute"
    region = "region"
    state = "state"
    association = "association"
    citizen_group = "citizen_group"


class PartnerFields(SQLModel):
    """What people write about a partner; shared by the form, the API and the views."""

    name: Line = Field(min_length=2, max_length=200, schema_extra={"examples": ["Luleå kommun"]})
    kind: Kind
    parent_id: int | None = Field(default=None, description="The partner this one is a part of.")
    orgnr: str | None = Field(
        default=None, description="Swedish organisation number, with or without hyphen.", max_length=20
    )
    foreign_id: Line | None = Field(default=None, max_length=80)
    ror: str | None = Field(
        default=None, max_length=40, description="ROR identifier of a research organisation."
    )
    country: Country = Field(default="SE", description="ISO 3166-1 alpha-2.")
    contact_mailbox: Mailbox | None = Field(
        default=None, description="A mailbox of the organisation, not a person's."
    )
    website: WebAddress | None = None


class PartnerDraft(PartnerFields):
    """A partner as it arrives."""

    model_config = {"extra": "forbid"}


class PartnerPatch(SQLModel):
    """What an edit changes; what is absent stays. ``row_version`` says which version was seen."""

    model_config = {"extra": "forbid"}

    row_version: int | None = None
    name: Line = Field(default="", min_length=2, max_length=200)
    kind: Kind = Kind.company
    parent_id: int | None = None
    orgnr: str | None = Field(default=None, max_length=20)
    foreign_id: Line | None = Field(default=None, max_length=80)
    ror: str | None = Field(default=None, max_length=40)
    country: Country = "SE"
    contact_mailbox: Mailbox | None = None
    website: WebAddress | None = None


class PartnerView(SQLModel):
    """A partner as it leaves. ``orgnr`` is none where it is a person's number and not the reader's to see."""

    id: int
    identifier: UUID
    slug: str
    name: str
    kind: Kind
    parent: Ref | None = None
    orgnr: str | None = None
    foreign_id: str | None = None
    ror: str | None = None
    country: str
    contact_mailbox: str | None = None
    website: str | None = None
    archived_at: datetime | None = None
    row_version: int
    may: list[str] = []
    activity: list[Event] = []


class PartnerItem(SQLModel):
    """A partner in a list."""

    id: int
    slug: str
    name: str
    kind: Kind
    parent: str | None = None
    pilots: int = 0


class Partner(SQLModel, table=True):
    """``orgnr`` is ten digits; ``orgnr_personal`` marks a sole trader's, which is never shown publicly."""

    __table_args__ = (
        unique("slug", says=message("Another partner has this address already.")),
        unique("orgnr", says=message("Another partner has this organisation number already.")),
    )

    id: int = identity()
    identifier: UUID = identifier()
    slug: str = Field(max_length=80)
    name: str = Field(max_length=200)
    kind: Kind = word(Kind, "kind")
    parent_id: int | None = link("partner.id", nullable=True)
    orgnr: str | None = Field(default=None, max_length=10)
    orgnr_personal: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    foreign_id: str | None = Field(default=None, max_length=80)
    ror: str | None = Field(default=None, max_length=40)
    country: str = Field(default="SE", max_length=2, sa_column_kwargs={"server_default": text("'SE'")})
    contact_mailbox: str | None = Field(default=None, max_length=254)
    website: str | None = Field(default=None, max_length=300)
    visibility: Visibility = word(Visibility, "visibility", Visibility.public)
    archived_at: datetime | None = moment(nullable=True)
    created_at: datetime = moment()
    created_by_id: int | None = link("person.id", nullable=True)
    updated_at: datetime = moment()
    updated_by_id: int | None = link("person.id", nullable=True)
    row_version: int = row_version()


register(Partner, level=lambda row: row.visibility, owner=lambda row: row.id)
