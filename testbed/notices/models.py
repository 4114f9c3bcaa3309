"""Mail on its way out, and the addresses of partners' systems that are told of events."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import LargeBinary, text
from sqlmodel import Field, SQLModel

from testbed.activity import Event
from testbed.columns import (
    among,
    document,
    identifier,
    identity,
    link,
    moment,
    row_version,
    unique,
    word,
    words,
)
from testbed.people.models import MailKind
from testbed.texts import Line, message


class Happening(StrEnum):
    """What a partner's system can be told of, by the names it is told under."""

    result_received = "result.received"
    result_checked = "result.checked"
    result_accepted = "result.accepted"
    version_published = "version.published"


class MailState(StrEnum):
    """``dropped``: nobody to send it to any more, or mail was switched off meanwhile."""

    waiting = "waiting"
    sent = "sent"
    failed = "failed"
    dropped = "dropped"


class CallState(StrEnum):
    """``held``: the webhook is paused; it goes out when the webhook is taken up again."""

    waiting = "waiting"
    held = "held"
    delivered = "delivered"
    failed = "failed"


class Mail(SQLModel, table=True):
    """A letter as it was written. ``once`` names what it is about and whom it is for: it is written once.

    ``identifier`` is the left side of its Message-ID, the same at every attempt.
    """

    __table_args__ = (unique("once", says=message("This letter is written already.")),)

    id: int = identity()
    identifier: UUID = identifier()
    kind: MailKind = word(MailKind, "kind")
    person_id: int | None = link("person.id", nullable=True, ondelete="CASCADE")
    address: str = Field(max_length=254)
    subject: str = Field(max_length=300)
    body: str
    once: str = Field(max_length=400)
    state: MailState = word(MailState, "state", MailState.waiting)
    attempts: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    error: str | None = Field(default=None, max_length=1000)
    created_at: datetime = moment()
    sent_at: datetime | None = moment(nullable=True)


class Webhook(SQLModel, table=True):
    """An address of a partner's system. ``secret`` signs what is sent there: shown once, never in a view."""

    __table_args__ = (among("events", Happening),)

    id: int = identity()
    partner_id: int = link("partner.id")
    url: str = Field(max_length=500)
    secret: bytes = Field(sa_type=LargeBinary)
    events: list[str] = words()
    paused_at: datetime | None = moment(nullable=True)
    paused_why: str | None = Field(default=None, max_length=400)
    archived_at: datetime | None = moment(nullable=True)
    created_at: datetime = moment()
    created_by_id: int | None = link("person.id", nullable=True)
    row_version: int = row_version()


class WebhookDelivery(SQLModel, table=True):
    """One event told to one address; ``identifier`` is the same at every attempt, so that it counts once there."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (unique("webhook_id", "once", says=message("This event is told already.")),)

    id: int = identity()
    identifier: UUID = identifier()
    webhook_id: int = link("webhook.id", ondelete="CASCADE")
    event: str = Field(max_length=40)
    once: str = Field(max_length=200)
    data: dict[str, Any] = document()
    state: CallState = word(CallState, "state", CallState.waiting)
    attempts: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    status: int | None = None
    error: str | None = Field(default=None, max_length=400)
    created_at: datetime = moment()
    tried_at: datetime | None = moment(nullable=True)
    next_at: datetime | None = moment(nullable=True)


class WebhookDraft(SQLModel):
    """An address as it is registered; all events unless some are named."""

    model_config = {"extra": "forbid"}

    url: Line = Field(max_length=500, schema_extra={"examples": ["https://hooks.example.se/testbed"]})
    events: list[Happening] = Field(default=list(Happening), min_length=1)


class WebhookItem(SQLModel):
    """An address and how it fares; never its secret."""

    id: int
    url: str
    events: list[Happening]
    paused_at: datetime | None = None
    paused_why: str | None = None
    waiting: int = 0
    failed: int = 0
    delivered_at: datetime | None = None
    created_at: datetime


class CallItem(SQLModel):
    """One event that was, or is being, told."""

    id: int
    identifier: UUID
    event: str
    state: CallState
    attempts: int
    status: int | None = Field(default=None, description="The HTTP status of the last answer.")
    error: str | None = None
    created_at: datetime
    tried_at: datetime | None = None
    next_at: datetime | None = None


class WebhooksView(SQLModel):
    """The addresses of a partner's systems; ``on`` says whether this installation tells anybody."""

    partner: str
    slug: str
    on: bool
    items: list[WebhookItem] = []


class WebhookView(WebhookItem):
    """One address, with the last 50 events told to it."""

    partner: str
    slug: str
    on: bool
    calls: list[CallItem] = []
    activity: list[Event] = []


class WebhookMade(SQLModel):
    """A new webhook, with its secret, which is shown this once."""

    id: int
    partner: str
    slug: str
    url: str
    secret: str
