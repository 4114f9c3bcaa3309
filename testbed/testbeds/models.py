"""A testbed: a long-lived place or environment that the city lends to pilots."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlmodel import Field, SQLModel

from testbed.access.models import Visibility
from testbed.access.relations import register
from testbed.columns import document, identifier, identity, link, moment, row_version, rule, unique, word, words
from testbed.texts import message


class Environment(StrEnum):
    lab = "lab"
    simulated = "simulated"
    real = "real"


class Testbed(SQLModel, table=True):
    """``location`` is a GeoJSON Point or Polygon (WGS 84, longitude first); seasons are ``MM-DD``."""

    __table_args__ = (
        unique("slug", says=message("Another testbed has this address already.")),
        rule(
            "capacity > 0", name="capacity", field="capacity", says=message("A capacity is one pilot or more.")
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
