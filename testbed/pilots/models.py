"""A pilot: a time-boxed question asked in a testbed, because somebody needs the answer."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, select, text
from sqlmodel import Field, SQLModel, col

from testbed.access.models import PilotPartner, Visibility
from testbed.access.relations import register
from testbed.columns import (
    among,
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
from testbed.texts import message


class Stage(StrEnum):
    need = "need"
    proposed = "proposed"
    planned = "planned"
    ready = "ready"
    running = "running"
    evaluating = "evaluating"
    decided = "decided"
    benefits = "benefits"
    archived = "archived"


class State(StrEnum):
    """Beside the stage."""

    active = "active"
    paused = "paused"
    terminated = "terminated"
    withdrawn = "withdrawn"


class UserGroup(StrEnum):
    residents = "residents"
    visitors = "visitors"
    staff = "staff"
    companies = "companies"
    children = "children"
    older = "older"
    disabilities = "disabilities"


class CaseKind(StrEnum):
    municipal = "municipal"
    funder = "funder"
    permit = "permit"
    ethics = "ethics"
    imy = "imy"


class Need(SQLModel, table=True):
    """What somebody needs, in the users' own words; one need may feed several pilots."""

    __table_args__ = (among("user_groups", UserGroup, least=0),)

    id: int = identity()
    testbed_id: int = link("testbed.id")
    statement: str = Field(max_length=300)
    user_groups: list[str] = words()
    created_at: datetime = moment()
    created_by_id: int | None = link("person.id", nullable=True)
    row_version: int = row_version()


class Pilot(SQLModel, table=True):
    """``quick`` holds the four answers ``personal, camera, research, ai``; one that is absent is not answered."""

    __table_args__ = (
        unique("code", says=message("Another pilot has this code already.")),
        rule(
            "planned_start_on <= planned_end_on",
            name="dates",
            field="end_planned",
            says=message("A pilot cannot end before it starts."),
        ),
        Index("ix_pilot_updated_at_id", "updated_at", "id", postgresql_where=text("archived_at IS NULL")),
    )

    id: int = identity()
    identifier: UUID = identifier()
    code: str = Field(max_length=20)
    testbed_id: int = link("testbed.id")
    title: dict[str, str] = document()
    question: dict[str, str] | None = document(nullable=True)
    summary_plain: dict[str, str] | None = document(nullable=True)
    lead_partner_id: int | None = link("partner.id", nullable=True)
    coordinator_id: int | None = link("person.id", nullable=True)
    planned_start_on: date | None = None
    planned_end_on: date | None = None
    quick: dict[str, Any] = document()
    stage: Stage = word(Stage, "stage", Stage.need)
    state: State = word(State, "state", State.active)
    tags: list[str] = words()
    visibility: Visibility = word(Visibility, "visibility", Visibility.partners)
    form_seconds: int | None = None
    archived_at: datetime | None = moment(nullable=True)
    created_at: datetime = moment()
    created_by_id: int | None = link("person.id", nullable=True)
    updated_at: datetime = moment()
    updated_by_id: int | None = link("person.id", nullable=True)
    row_version: int = row_version()


class PilotNeed(SQLModel, table=True):
    """Which needs a pilot answers."""

    __tablename__ = "pilot_need"
    __table_args__ = (unique("pilot_id", "need_id", says=message("The pilot answers this need already.")),)

    id: int = identity()
    pilot_id: int = link("pilot.id", ondelete="CASCADE")
    need_id: int = link("need.id")


class Case(SQLModel, table=True):
    """A case number (diarienummer) of an authority; text, as every authority has its own form."""

    __tablename__ = "pilot_case"
    __table_args__ = (
        unique("pilot_id", "authority_id", "number", says=message("The pilot has this case already.")),
    )

    id: int = identity()
    pilot_id: int = link("pilot.id", ondelete="CASCADE")
    authority_id: int = link("partner.id")
    number: str = Field(max_length=80)
    kind: CaseKind = word(CaseKind, "kind", CaseKind.municipal)
    url: str | None = Field(default=None, max_length=300)
    created_at: datetime = moment()


class StageChange(SQLModel, table=True):
    """A step from stage to stage; append-only, kept so by a trigger."""

    __tablename__ = "stage_change"

    id: int = identity()
    pilot_id: int = link("pilot.id", ondelete="CASCADE")
    from_stage: Stage = word(Stage, "from_stage")
    to_stage: Stage = word(Stage, "to_stage")
    reason: str | None = Field(default=None, max_length=1000)
    at: datetime = moment()
    by_id: int | None = link("person.id", nullable=True)


class CodeCounter(SQLModel, table=True):
    """The last number given to a pilot in a year; taken by upsert, so no code is used twice."""

    __tablename__ = "code_counter"
    __table_args__ = (unique("prefix", "year", says=""),)

    id: int = identity()
    prefix: str = Field(max_length=5)
    year: int
    last: int


register(
    Pilot, level=lambda row: row.visibility, pilot=lambda row: row.id, testbed=lambda row: row.testbed_id
)
register(
    Need,
    parent=Pilot,
    # two queries down a row is no longer found by itself: without correlate() any need would do
    on=lambda row, pilot: pilot.id.in_(
        select(col(PilotNeed.pilot_id)).where(col(PilotNeed.need_id) == row.id).correlate(row)
    ),
    testbed=lambda row: row.testbed_id,
)
register(PilotPartner, parent=Pilot, on=lambda row, pilot: row.pilot_id == pilot.id)
register(Case, parent=Pilot, on=lambda row, pilot: row.pilot_id == pilot.id)
register(StageChange, parent=Pilot, on=lambda row, pilot: row.pilot_id == pilot.id)
