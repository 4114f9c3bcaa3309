"""What arrives about devices, places and deployments."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, AwareDatetime, BeforeValidator
from sqlmodel import Field, SQLModel

from testbed.access.models import Visibility
from testbed.devices.codes import DevEui
from testbed.devices.models import DeviceState, ModelKind
from testbed.testbeds.geo import Position
from testbed.texts import Line, Passage, WebAddress, message, optional_text2, text2

HOME = ZoneInfo("Europe/Stockholm")
OLDEST = datetime(2000, 1, 1, tzinfo=UTC)
AHEAD = timedelta(minutes=5)
TOO_OLD = message("The year must be 2000 or later.")
NOT_YET = message("This time has not come yet.")
NO_TIME = message("Write a time as 2026-11-23 14:30.")


def _local(given: Any) -> Any:
    """A form sends ``{"local": "2026-11-23T14:30"}``: Swedish time; of an hour that comes twice, the first."""
    if not (isinstance(given, dict) and set(given) == {"local"}):
        return given
    if given["local"] is None:
        return None
    try:
        return datetime.fromisoformat(given["local"]).replace(tzinfo=HOME)
    except (TypeError, ValueError):
        raise ValueError(NO_TIME) from None


def _within_reach(at: datetime) -> datetime:
    if at < OLDEST:
        raise ValueError(TOO_OLD)
    if at > datetime.now(UTC) + AHEAD:
        raise ValueError(NOT_YET)
    return at.astimezone(UTC)


Moment = Annotated[Annotated[AwareDatetime, AfterValidator(_within_reach)] | None, BeforeValidator(_local)]
"""An instant that has come, with its zone; from a form in Swedish local time."""


def _blank(given: Any) -> Any:
    """A part of a form in which nothing was written is not there."""
    if isinstance(given, dict) and all(_is_blank(each) for each in given.values()):
        return None
    return given


def _is_blank(given: Any) -> bool:
    return given in (None, "") or (
        isinstance(given, dict) and all(_is_blank(each) for each in given.values())
    )


def _decimal(given: Any) -> Any:
    """A number as it is written in Swedish, with a comma; blank is none."""
    return (given.strip().replace(",", ".") or None) if isinstance(given, str) else given


class ModelDraft(SQLModel):
    """A type of device that is not registered yet."""

    model_config = {"extra": "forbid"}

    name: Line = Field(min_length=1, max_length=200, schema_extra={"examples": ["ERS Sound"]})
    maker: Line | None = Field(default=None, max_length=200, schema_extra={"examples": ["Elsys"]})
    kind: ModelKind = ModelKind.lorawan
    description: Passage | None = Field(default=None, max_length=4000)
    datasheet_url: WebAddress | None = None


class DeviceDraft(SQLModel):
    """A device as it arrives. Its model is a registered one, or described here; its testbed may be the pilot's."""

    model_config = {"extra": "forbid"}

    name: Line = Field(min_length=2, max_length=200, schema_extra={"examples": ["Bullermätare 3"]})
    testbed_id: int | None = Field(default=None, description="Needed unless a pilot says it.")
    pilot: Line | None = Field(default=None, max_length=20, description="Code of the pilot it measures for.")
    device_model_id: int | None = None
    model: Annotated[ModelDraft | None, BeforeValidator(_blank)] = Field(
        default=None, description="Instead of device_model_id."
    )
    owner_id: int | None = Field(
        default=None, description="Responsible partner; else yours in the pilot, else the testbed's owner."
    )
    serial: Line | None = Field(default=None, max_length=80)
    dev_eui: DevEui = Field(default=None, schema_extra={"examples": ["A8:17:58:FF:FE:00:12:34"]})
    purpose: optional_text2(max_length=1000) = Field(  # type: ignore[valid-type]
        default=None, description="Why it is there, for those who pass by."
    )
    note: Passage | None = Field(default=None, max_length=4000)
    visibility: Visibility = Visibility.partners


class DevicePatch(SQLModel):
    """What an edit changes; what is absent stays. ``row_version`` says which version was seen."""

    model_config = {"extra": "forbid"}

    row_version: int | None = None
    name: Line = Field(default="", min_length=2, max_length=200)
    pilot: Line | None = Field(default=None, max_length=20)
    owner_id: int = 0
    serial: Line | None = Field(default=None, max_length=80)
    dev_eui: DevEui = None
    purpose: optional_text2(max_length=1000) = None  # type: ignore[valid-type]
    note: Passage | None = Field(default=None, max_length=4000)
    state: DeviceState = DeviceState.registered
    visibility: Visibility = Visibility.partners


class NewPlace(SQLModel):
    """A place in the testbed at hand."""

    model_config = {"extra": "forbid"}

    name: text2(min_length=2, max_length=200) = Field(schema_extra={"examples": [{"sv": "Lyktstolpe 14"}]})  # type: ignore[valid-type]
    position: Position = Field(
        default=None, schema_extra={"examples": [{"type": "Point", "coordinates": [22.1547, 65.5848]}]}
    )
    indoor: bool | None = Field(default=None, description="Inside a building; no, unless said.")


class PlaceDraft(NewPlace):
    """A place as it arrives."""

    testbed_id: int


class DeploymentDraft(SQLModel):
    """A device is put up, or moved, at ``from_at``: now, unless said. The place is a registered one, or described."""

    model_config = {"extra": "forbid"}

    place_id: int | None = None
    place: Annotated[NewPlace | None, BeforeValidator(_blank)] = Field(
        default=None, description="Instead of place_id."
    )
    from_at: Moment = Field(default=None, schema_extra={"examples": ["2026-11-23T14:30:00+01:00"]})
    pilot: Line | None = Field(
        default=None,
        max_length=20,
        description="Code of the pilot it measures for; the device's own, unless said.",
    )
    height_m: Annotated[float | None, BeforeValidator(_decimal)] = Field(
        default=None, ge=-1000, le=1000, description="Over ground; negative below it."
    )
    note: Line | None = Field(default=None, max_length=1000)


class EndDraft(SQLModel):
    """A device is taken down ``at``: now, unless said."""

    model_config = {"extra": "forbid"}

    at: Moment = None
