"""What administrators see of people, of what was done, and of the installation itself."""

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from testbed.accounts.models import Place
from testbed.jobs import JobState
from testbed.people.models import PersonState
from testbed.texts import Line, Mailbox


class PersonItem(SQLModel):
    """A person in the list."""

    id: int
    name: str
    email: str
    state: PersonState
    admin: bool
    places: list[str] = []
    coordinates: list[str] = []
    seen_at: datetime | None = None


class Bed(SQLModel):
    """A testbed that somebody coordinates, or may."""

    id: int
    slug: str
    name: dict[str, str]


class PersonView(SQLModel):
    """A person, and what can be done about their account."""

    id: int
    name: str
    email: str
    state: PersonState
    admin: bool
    has_password: bool = False
    created_at: datetime
    seen_at: datetime | None = None
    sessions: int = 0
    tokens: int = 0
    places: list[Place] = []
    coordinates: list[Bed] = []
    others: list[Bed] = []
    myself: bool = False


class NewPerson(SQLModel):
    """Somebody to be let in without belonging to a partner yet."""

    model_config = {"extra": "forbid"}

    name: Line = Field(min_length=2, max_length=120)
    email: Mailbox


class Assignment(SQLModel):
    """The testbed somebody is to coordinate, by its number."""

    model_config = {"extra": "forbid"}

    testbed_id: int


class LinkMade(SQLModel):
    """A one-time link; it is in this answer and nowhere else."""

    person_id: int
    name: str
    email: str
    link: str
    hours: int


class Done(SQLModel):
    """A line of the activity log."""

    id: int
    at: datetime
    who: str | None = None
    actor_kind: str
    action: str
    object_type: str
    object_id: int | None = None
    request_id: str
    details: dict[str, Any]
    sealed: bool


class Log(SQLModel):
    """The activity log, newest first. ``whole`` is set when the chain was checked; ``broken`` is where it breaks."""

    items: list[Done]
    next: str | None = None
    sealed: int = 0
    waiting: int = 0
    whole: bool | None = None
    broken: int | None = None


class JobItem(SQLModel):
    id: int
    kind: str
    state: JobState
    attempts: int
    step: str | None = None
    done: int | None = None
    total: int | None = None
    error: str | None = None
    created_at: datetime
    ended_at: datetime | None = None


class Health(SQLModel):
    """How the installation fares; sizes in bytes, ages in seconds."""

    version: str
    database: str
    database_bytes: int
    free_bytes: int
    free_bytes_floor: int
    waiting: int = 0
    running: int = 0
    failed: int = 0
    oldest_waiting_seconds: int | None = None
    unsealed: int = 0
    items: list[JobItem] = []
