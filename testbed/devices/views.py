"""Devices, places and deployments as they leave."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import SQLModel

from testbed.access.models import Visibility
from testbed.activity import Event
from testbed.devices.models import DeviceState, ModelKind
from testbed.lists import Ref
from testbed.pilots.chain import Chain


class ModelView(SQLModel):
    """A type of device."""

    id: int
    name: str
    maker: str
    kind: ModelKind
    description: str = ""
    datasheet_url: str | None = None


class PlaceItem(SQLModel):
    """A place in a list, with how many devices that one may see sit there now."""

    id: int
    code: str
    name: dict[str, str]
    position: dict[str, Any] | None = None
    indoor: bool = False
    testbed: str
    testbed_name: dict[str, str]
    devices: int = 0


class PlaceView(SQLModel):
    """A place, and the devices that sit there now."""

    id: int
    code: str
    name: dict[str, str]
    position: dict[str, Any] | None = None
    indoor: bool = False
    testbed: Ref
    devices: list[Ref] = []


class Spot(SQLModel):
    """A place, as far as a deployment needs it."""

    id: int
    code: str
    name: dict[str, str]
    position: dict[str, Any] | None = None
    indoor: bool = False


class DeploymentView(SQLModel):
    """A dated episode; ``to_at`` none: it lasts. Names of people are for those who may change the device."""

    id: int
    place: Spot
    from_at: datetime
    to_at: datetime | None = None
    pilot: Ref | None = None
    height_m: float | None = None
    note: str | None = None
    installed_by: str | None = None
    removed_by: str | None = None


class DeviceView(SQLModel):
    """A device as it leaves: what it is, why it is there, who answers for it, and where it was when."""

    id: int
    identifier: UUID
    code: str
    name: str
    model: ModelView
    testbed: Ref | None = None
    owner: Ref | None = None
    contact: str | None = None
    pilot: Ref | None = None
    pilot_code: str | None = None
    serial: str | None = None
    dev_eui: str | None = None
    state: DeviceState
    purpose: dict[str, str] | None = None
    note: str | None = None
    visibility: Visibility
    deployment: DeploymentView | None = None
    deployments: list[DeploymentView] = []
    archived_at: datetime | None = None
    created_at: datetime
    row_version: int
    may: list[str] = []
    activity: list[Event] = []
    chain: Chain | None = None


class DeviceItem(SQLModel):
    """A device in a list, with where it sits now and since when."""

    id: int
    code: str
    name: str
    state: DeviceState
    kind: ModelKind
    model: str
    maker: str
    testbed: str | None = None
    pilot: str | None = None
    owner: str | None = None
    place: dict[str, str] | None = None
    position: dict[str, Any] | None = None
    since: datetime | None = None
    dev_eui: str | None = None
    serial: str | None = None
