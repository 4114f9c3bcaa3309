"""Uploads as they leave, and what somebody should know before they begin one."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Field, SQLModel

from testbed.lists import Ref
from testbed.trials.schema_views import Templates, WantedColumn
from testbed.trials.uploads.models import UploadState
from testbed.trials.views import EXTENSIONS, FORMATS


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
    about: dict[str, Any] = Field(default={}, exclude=True)


class Limits(SQLModel):
    """What somebody should know before they choose a file; sizes are in bytes."""

    upload_max_bytes: int = Field(description="The most that PUT and resumable uploads take.")
    form_max_bytes: int = Field(description="The most that a form takes.")
    chunk_bytes: int = Field(description="Piece to send a resumable upload in.")
    checked_max_bytes: int = Field(description="Largest piece that may carry a checksum.")
    expiry_days: int = Field(description="Days after its last byte until an unfinished upload is given up.")
    open_uploads_left: int = Field(description="How many more uploads the asker may have open.")
    quota_left_bytes: int = Field(description="How much the partner named first may still hand in.")
    partners: list[Ref] = Field(description="On whose behalf one may upload here; the first is the default.")
    formats: list[str] = list(FORMATS)
    extensions: str = EXTENSIONS
    columns: list[WantedColumn] = Field(
        default=[], description="What the table schema asks for; empty without one."
    )
    templates: Templates | None = None
    who_sees: dict[str, str] = Field(
        default={}, description="Levels of access and whom they admit; private unless said otherwise."
    )
