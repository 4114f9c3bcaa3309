"""An upload on its way in: how much of it is safe, who writes to it, and how it ended."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Uuid, text
from sqlmodel import Field, SQLModel

from testbed.access.relations import register
from testbed.columns import document, identifier, identity, link, moment, word


class UploadState(StrEnum):
    """``verifying``: every byte is here and is read back. ``done``: it is a result. ``refused``: its sender may not
    hand it in any more; the bytes wait. ``rejected``: it is not the file that was declared. ``expired``: nobody
    went on with it. ``ended``: its sender took it back.
    """

    arriving = "arriving"
    verifying = "verifying"
    done = "done"
    refused = "refused"
    rejected = "rejected"
    expired = "expired"
    ended = "ended"


class Upload(SQLModel, table=True):
    """``offset_bytes`` survive a power cut, no byte more is promised. ``length_bytes`` None: not said yet.

    ``metadata_sent`` is the header as it came. ``problem`` is ``{detail, params, status}`` of what ended it.
    ``lease_epoch`` counts the requests that wrote to it: each write names its own, so an older one cannot.
    """

    __table_args__ = (
        CheckConstraint("offset_bytes >= 0 AND offset_bytes <= length_bytes", name="offset"),
        Index("ix_upload_expires_at", "expires_at"),
    )

    id: int = identity()
    identifier: UUID = identifier()
    person_id: int = link("person.id")
    trial_id: int = link("trial.id")
    owner_id: int = link("partner.id")
    length_bytes: int | None = Field(default=None, sa_type=BigInteger)
    offset_bytes: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
    metadata_sent: str = Field(default="", max_length=8192)
    state: UploadState = word(UploadState, "state", UploadState.arriving)
    problem: dict[str, Any] | None = document(nullable=True)
    sha256: str | None = Field(default=None, max_length=64)
    result_id: int | None = link("result.id", nullable=True)
    lease_owner: UUID | None = Field(default=None, sa_column=Column(Uuid, nullable=True))
    lease_epoch: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
    lease_until: datetime | None = moment(nullable=True)
    expires_at: datetime = moment()
    created_at: datetime = moment()
    ended_at: datetime | None = moment(nullable=True)


register(Upload, person=lambda row: row.person_id)
