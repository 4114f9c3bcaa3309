"""A testbed: a long-lived place or environment that the city lends to pilots."""

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator
from sqlmodel import Field, SQLModel

from testbed.access.models import Visibility
from testbed.access.relations import register
from testbed.activity import Event
from testbed.columns import (
    document,
    identifier,
    identity,
    link,
    moment,
    row_version,
    rule,
    unique,
    word,
    words,
)
from testbed.lists import Ref
from testbed.testbeds.geo import Geometry
from testbed.testbeds.season import DayOfYear
from testbed.testbeds.uses import Use
from testbed.texts import Line, Mailbox, message, optional_text2, text2


class Environment(StrEnum):
    lab = "lab"
    simulated = "simulated"
    real = "real"


def _lines(given: Any) -> Any:
    """A form sends a list as one text: one a line, or parted by commas."""
    if given is None:
        return []
    return (
        [each.strip() for each in re.split(r"[,\n]", given) if each.strip()]
        if isinstance(given, str)
        else given
    )


Name: Any = text2(min_length=2, max_length=120)
Words: Any = optional_text2(max_length=4000)
Infrastructure = Annotated[list[Line], BeforeValidator(_lines)]
POINT = {"type": "Point", "coordinates": [22.1547, 65.5848]}


class TestbedFields(SQLModel):
    """What people write about a testbed; shared by the form, the API and the views."""

    name: Name = Field(schema_extra={"examples": [{"sv": "Isbanan", "en": "The ice track"}]})
    description: Words = Field(default=None, description="What the place is, and what can be tried there.")
    environment: Environment
    owner_partner_id: int = Field(description="The partner that owns the place.")
    location: Geometry = Field(
        default=None,
        description="GeoJSON Point or Polygon (RFC 7946), or the text `latitude, longitude`.",
        schema_extra={"examples": [POINT]},
    )
    infrastructure: Infrastructure = Field(
        default=[], max_length=30, schema_extra={"examples": [["LoRaWAN", "lyktstolpar"]]}
    )
    season_from: DayOfYear | None = Field(
        default=None, description="First day of the season, MM-DD; it may cross New Year."
    )
    season_to: DayOfYear | None = Field(default=None, description="Last day of the season, MM-DD.")
    capacity: int | None = Field(
        default=None, ge=1, le=10_000, description="Pilots at a time; none: no limit."
    )
    house_rules: Words = None
    contact_mailbox: Mailbox | None = Field(
        default=None, description="A mailbox of the organisation, not a person's."
    )
    visibility: Visibility = Visibility.public


class TestbedDraft(TestbedFields):
    """A testbed as it arrives."""

    model_config = {"extra": "forbid"}


class TestbedPatch(SQLModel):
    """What an edit changes; what is absent stays. ``row_version`` says which version was seen."""

    model_config = {"extra": "forbid"}

    row_version: int | None = None
    name: Name = {}
    description: Words = None
    environment: Environment = Environment.real
    owner_partner_id: int = 0
    location: Geometry = None
    infrastructure: Infrastructure = Field(default=[], max_length=30)
    season_from: DayOfYear | None = None
    season_to: DayOfYear | None = None
    capacity: int | None = Field(default=None, ge=1, le=10_000)
    house_rules: Words = None
    contact_mailbox: Mailbox | None = None
    visibility: Visibility = Visibility.public


class TestbedView(SQLModel):
    """A testbed as it leaves; ``open_now`` is none where it has no season, ``coordinators`` are for those who change it."""

    id: int
    identifier: UUID
    slug: str
    name: dict[str, str]
    description: dict[str, str] | None = None
    environment: Environment
    owner: Ref | None = None
    location: dict[str, Any] | None = None
    location_text: str = ""
    infrastructure: list[str] = []
    season_from: str | None = None
    season_to: str | None = None
    open_now: bool | None = None
    capacity: int | None = None
    house_rules: dict[str, str] | None = None
    contact_mailbox: str | None = None
    visibility: Visibility
    coordinators: list[str] = []
    archived_at: datetime | None = None
    created_at: datetime
    row_version: int
    uses: list[Use] = []
    may: list[str] = []
    activity: list[Event] = []


class TestbedItem(SQLModel):
    """A testbed in a list."""

    id: int
    slug: str
    name: dict[str, str]
    environment: Environment
    owner: str | None = None
    infrastructure: list[str] = []
    season_from: str | None = None
    season_to: str | None = None
    capacity: int | None = None
    location: dict[str, Any] | None = None


class Testbed(SQLModel, table=True):
    """``location`` is a GeoJSON Point or Polygon (WGS 84, longitude first); seasons are ``MM-DD``."""

    __table_args__ = (
        unique("slug", says=message("Another testbed has this address already.")),
        rule(
            "capacity > 0",
            name="capacity",
            field="capacity",
            says=message("A capacity is one pilot or more."),
        ),
    )

    id: int = identity()
    identifier: UUID = identifier()
    slug: str = Field(max_length=80)
    name: dict[str, str] = document()
    description: dict[str, str] | None = document(nullable=True)
    environment: Environment = word(Environment, "environment")
    owner_partner_id: int = link("partner.id")
    location: dict[str, Any] | None = document(nullable=True)
    infrastructure: list[str] = words()
    season_from: str | None = Field(default=None, max_length=5)
    season_to: str | None = Field(default=None, max_length=5)
    capacity: int | None = None
    house_rules: dict[str, str] | None = document(nullable=True)
    contact_mailbox: str | None = Field(default=None, max_length=254)
    visibility: Visibility = word(Visibility, "visibility", Visibility.public)
    archived_at: datetime | None = moment(nullable=True)
    created_at: datetime = moment()
    created_by_id: int | None = link("person.id", nullable=True)
    updated_at: datetime = moment()
    updated_by_id: int | None = link("person.id", nullable=True)
    row_version: int = row_version()


register(
    Testbed,
    level=lambda row: row.visibility,
    owner=lambda row: row.owner_partner_id,
    testbed=lambda row: row.id,
)
