"""Pilots and what belongs to them as they leave."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlmodel import Field, SQLModel

from testbed.access.models import Visibility
from testbed.activity import Event
from testbed.lists import Ref
from testbed.pilots.chain import Chain
from testbed.pilots.models import CaseKind, Stage, State, UserGroup


class PilotItem(msgspec.Struct):
    """A pilot in a list; a struct, as lists are read far more often than anything else."""

    id: int
    code: str
    title: dict[str, str]
    stage: Stage
    state: State
    testbed: str | None
    testbed_name: dict[str, str] | None
    lead: str | None
    start_planned: date | None
    end_planned: date | None
    updated_at: datetime


class NeedItem(SQLModel):
    """A need in a list, and how many pilots the reader sees that answer it."""

    id: int
    statement: str
    user_groups: list[UserGroup]
    created_at: datetime
    pilots: int = 0


class NeedView(SQLModel):
    id: int
    statement: str
    user_groups: list[UserGroup]
    created_at: datetime
    row_version: int
    pilots: list[Ref] = []
    may: list[str] = []
    activity: list[Event] = []


class PartView(SQLModel):
    """A partner's part in a pilot."""

    id: int
    partner: Ref
    roles: list[str]
    joined_on: date
    left_on: date | None = None


class CaseView(SQLModel):
    """A case; ``authority`` is none where the reader may not know of it."""

    id: int
    authority: str | None = None
    number: str
    kind: CaseKind
    url: str | None = None


class Todo(SQLModel):
    """A thing to do before the start; ``key`` is its message id, ``href`` where it is done."""

    key: str
    done: bool
    href: str


class PilotView(SQLModel):
    """A pilot as far as the reader may see it; ``coordinator`` and ``activity`` only for those who take part."""

    id: int
    identifier: UUID
    code: str
    title: dict[str, str]
    question: dict[str, str] | None = None
    summary_plain: dict[str, str] | None = None
    stage: Stage
    state: State
    visibility: Visibility
    testbed: Ref | None = None
    lead: Ref | None = None
    contact: str | None = None
    coordinator: str | None = None
    start_planned: date | None = None
    end_planned: date | None = None
    quick: dict[str, Any] = {}
    tags: list[str] = []
    needs: list[NeedItem] = []
    partners: list[PartView] = []
    cases: list[CaseView] = []
    checklist: list[Todo] = []
    archived_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    row_version: int
    may: list[str] = []
    activity: list[Event] = []
    chain: Chain | None = Field(default=None, exclude=True)
