"""Uploads as they leave, and what somebody should know before they begin one."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from testbed.lists import Ref
from testbed.trials.uploads.models import UploadState


class UploadProgress(SQLModel):
    """How far an upload is. ``result`` is the code of the result it became."""

    identifier: UUID
    state: UploadState
    offset: int = Field(description="Bytes that are safe.")
    length: int | None = Field(
        default=None, description="Bytes of the whole file; none while it is not said."
    )
    expires_at: datetime
    result: str | None = Field(default=None, schema_extra={"examples": ["R-7Q2KM4"]})
    filename: str
    trial: Ref | None = Field(default=None, description="What the file is for, if one may see it still.")
    problem: str | None = Field(
        default=None, description="Why it came to no result, in the language of the request."
    )
