"""What measures: models, devices, places, and the dated episodes in which a device sits at a place."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, text
from sqlalchemy.dialects.postgresql import TSTZRANGE, ExcludeConstraint, Range
from sqlmodel import Field, SQLModel

from testbed.access.models import Visibility
from testbed.access.relations import register
from testbed.columns import document, identifier, identity, link, moment, row_version, rule, unique, word
from testbed.pilots.models import Pilot
from testbed.testbeds.models import Testbed
from testbed.texts import message


class ModelKind(StrEnum):
    lorawan = "lorawan"
    cellular = "cellular"
    wifi = "wifi"
    manual = "manual"
    virtual = "virtual"


class DeviceState(StrEnum):
    registered = "registered"
    active = "active"
    lost = "lost"
    broken = "broken"
    retired = "retired"


class DeviceModel(SQLModel, table=True):
    """A type of device, shared by many; the Sensor of SensorThings."""

    __tablename__ = "device_model"
    __table_args__ = (unique("maker", "name", says=message("This maker's model is registered already.")),)

    id: int = identity()
    name: str = Field(max_length=200)
    maker: str = Field(default="", max_length=200)
    kind: ModelKind = word(ModelKind, "kind", ModelKind.lorawan)
    description: str = Field(default="", max_length=4000)
    datasheet_url: str | None = Field(default=None, max_length=300)
    created_at: datetime = moment()
    created_by_id: int | None = link("person.id", nullable=True)


class Device(SQLModel, table=True):
    """One instance of a model, owned by a partner. ``dev_eui`` is sixteen hexadecimal digits in lower case."""

    __table_args__ = (
        unique("code", says=message("Another device has this code already.")),
        unique("dev_eui", says=message("Another device has this DevEUI already.")),
        unique(
            "device_model_id",
            "serial",
            says=message("A device of this model has this serial number already."),
        ),
        rule(
            "dev_eui ~ '^[0-9a-f]{16}$'",
            name="dev_eui",
            field="dev_eui",
            says=message("A DevEUI is sixteen hexadecimal digits."),
        ),
    )

    id: int = identity()
    identifier: UUID = identifier()
    code: str = Field(max_length=20)
    device_model_id: int = link("device_model.id")
    testbed_id: int = link("testbed.id")
    owner_id: int = link("partner.id")
    pilot_id: int | None = link("pilot.id", nullable=True)
    name: str = Field(max_length=200)
    serial: str | None = Field(default=None, max_length=80)
    dev_eui: str | None = Field(default=None, max_length=16)
    state: DeviceState = word(DeviceState, "state", DeviceState.registered)
    purpose: dict[str, str] | None = document(nullable=True)
    note: str | None = Field(default=None, max_length=4000)
    visibility: Visibility = word(Visibility, "visibility", Visibility.partners)
    archived_at: datetime | None = moment(nullable=True)
    created_at: datetime = moment()
    created_by_id: int | None = link("person.id", nullable=True)
    updated_at: datetime = moment()
    updated_by_id: int | None = link("person.id", nullable=True)
    row_version: int = row_version()


class Place(SQLModel, table=True):
    """Where a device can sit. ``position`` is a GeoJSON Point (WGS 84, longitude first)."""

    __table_args__ = (unique("code", says=message("Another place has this code already.")),)

    id: int = identity()
    code: str = Field(max_length=20)
    testbed_id: int = link("testbed.id")
    name: dict[str, str] = document()
    position: dict[str, Any] | None = document(nullable=True)
    indoor: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    created_at: datetime = moment()
    created_by_id: int | None = link("person.id", nullable=True)


class Deployment(SQLModel, table=True):
    """A dated episode ``[from, to)`` in which a device sits at a place; a device sits at one place at a time."""

    __table_args__ = (
        ExcludeConstraint(
            (text("int8range(device_id, device_id, '[]')"), "&&"),
            ("during", "&&"),
            using="gist",
            name="ex_deployment_device_overlap",
            info={"field": "from_at", "says": message("The device sits somewhere else at that time.")},
        ),
        CheckConstraint("NOT isempty(during) AND NOT lower_inf(during)", name="during"),
    )

    id: int = identity()
    device_id: int = link("device.id")
    place_id: int = link("place.id")
    pilot_id: int | None = link("pilot.id", nullable=True)
    during: Range[datetime] = Field(sa_type=TSTZRANGE)
    height_m: float | None = None
    note: str | None = Field(default=None, max_length=1000)
    installed_by_id: int | None = link("person.id", nullable=True)
    removed_by_id: int | None = link("person.id", nullable=True)
    created_at: datetime = moment()


register(
    Device,
    level=lambda row: row.visibility,
    owner=lambda row: row.owner_id,
    pilot=lambda row: row.pilot_id,
    testbed=lambda row: row.testbed_id,
    parent=Pilot,
    on=lambda row, pilot: row.pilot_id == pilot.id,
    optional=lambda row: row.pilot_id.is_(None),
)
register(Place, parent=Testbed, on=lambda row, testbed: row.testbed_id == testbed.id)
register(Deployment, parent=Device, on=lambda row, device: row.device_id == device.id)
