"""The links that rights flow through. They live below the domains whose rows they decide about."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, text
from sqlmodel import Field, SQLModel

from testbed.columns import among, identity, link, moment, unique, words
from testbed.texts import message


class Role(StrEnum):
    """What a partner is in a pilot; it may be several."""

    lead = "lead"
    need_owner = "need_owner"
    host = "host"
    supplier = "supplier"
    researcher = "researcher"
    evaluator = "evaluator"
    funder = "funder"
    observer = "observer"


class Visibility(StrEnum):
    """Who may see a record."""

    public = "public"
    partners = "partners"
    internal = "internal"
    restricted = "restricted"


class Access(StrEnum):
    """Who may fetch data: results, datasets, versions."""

    public = "public"
    registered = "registered"
    consortium = "consortium"
    restricted = "restricted"
    private = "private"


WIDE = {Access.public, Access.registered}
"""The levels of data that many may fetch, who take no part in the pilot."""


class PilotPartner(SQLModel, table=True):
    """A partner's part in a pilot, from ``joined_on`` up to but not including ``left_on``."""

    __tablename__ = "pilot_partner"
    __table_args__ = (
        unique("pilot_id", "partner_id", says=message("This partner takes part in the pilot already.")),
        among("roles", Role),
        CheckConstraint("left_on >= joined_on", name="days"),
    )

    id: int = identity()
    pilot_id: int = link("pilot.id", ondelete="CASCADE")
    partner_id: int = link("partner.id")
    roles: list[str] = words()
    joined_on: date = Field(default=None, sa_column_kwargs={"server_default": text("CURRENT_DATE")})
    left_on: date | None = None


class TestbedCoordinator(SQLModel, table=True):
    """A person who coordinates a testbed and every pilot in it."""

    __tablename__ = "testbed_coordinator"
    __table_args__ = (
        unique("person_id", "testbed_id", says=message("This person coordinates the testbed already.")),
    )

    id: int = identity()
    person_id: int = link("person.id", ondelete="CASCADE")
    testbed_id: int = link("testbed.id", ondelete="CASCADE")
    since: datetime = moment()


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever makes a request: a person by session or by token, a job, or nobody.

    What they may is asked of the database at each request; only what names them is carried along.
    ``scopes`` limits a token; None is no limit.
    """

    kind: str = "nobody"
    person_id: int | None = None
    name: str = ""
    email: str = ""
    admin: bool = False
    coordinates: bool = False
    locale: str | None = None
    scopes: frozenset[str] | None = None
    session_id: int | None = None


NOBODY = Actor()
