"""Table schemas as they leave: what a partner reads, what the form starts from, what a change would mean."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from testbed.lists import Ref
from testbed.trials import units
from testbed.trials.column_rows import Row
from testbed.trials.descriptor import ExtraColumns, RecordCheck, Secrecy
from testbed.trials.differences import Change
from testbed.trials.examples import Axis, axis_of, example_of
from testbed.trials.values import ColumnType


class WantedColumn(SQLModel):
    """A column as people read it; limits and allowed values are spelt as in the descriptor."""

    name: str
    title: dict[str, str] | None = None
    description: dict[str, str] | None = None
    type: ColumnType
    unit: str | None = Field(default=None, description="UCUM.", schema_extra={"examples": ["Cel"]})
    unit_shown: str = ""
    required: bool = False
    unique: bool = False
    key: bool = Field(
        default=False, description="Part of the key: no two rows may have the same value in all such columns."
    )
    minimum: str | None = None
    maximum: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    enum: list[str] = []
    format: str | None = None
    decimals: int | None = None
    zone: str | None = None
    check: RecordCheck | None = None
    geopoint: Axis | None = Field(default=None, description="Half of a point (WGS 84), as the name says.")
    decimal_char: str | None = None
    secrecy: Secrecy | None = Field(
        default=None, description="Why it stays behind when a dataset is published; open without one."
    )
    answers: list[str] = Field(default=[], description="Words for yes, then for no, where they are declared.")
    aliases: list[str] = []
    example: str = ""


class Templates(SQLModel):
    """Addresses of what a partner fills in or reads by program; None while the trial has no table schema."""

    xlsx: str
    csv: str
    example: str
    descriptor: str = Field(description="Table Schema (Data Package v2) as JSON.")


class SchemaVersion(SQLModel):
    """A version in the history of a trial's table schema."""

    number: int
    frozen_at: datetime
    columns: int
    note: str | None = None
    url: str


class SchemaView(SQLModel):
    """A version of a trial's table schema; ``number`` is None while there is none. ``changes``: against the one before."""

    trial: Ref
    pilot: Ref
    number: int | None = None
    latest: int | None = None
    columns: list[WantedColumn] = []
    primary_key: list[str] = []
    missing_values: list[str] = []
    extra_columns: ExtraColumns = ExtraColumns.keep
    note: str | None = None
    sha256: str | None = Field(default=None, description="Of the file schema.json.")
    frozen_at: datetime | None = None
    who: str | None = Field(default=None, description="Only for those who may edit the trial.")
    sample: str = Field(default="", description="A header and a made-up row, as CSV with semicolons.")
    changes: list[Change] = []
    versions: list[SchemaVersion] = []
    templates: Templates | None = None
    may: list[str] = []


class SchemaSource(SQLModel):
    """A result a schema can be proposed from."""

    code: str
    filename: str
    columns: int
    received_at: datetime


class SchemaStart(SQLModel):
    """Ways to begin a table schema."""

    trial: Ref
    pilot: Ref
    number: int | None = None
    sources: list[SchemaSource] = []


class SchemaForm(SQLModel):
    """The form: every row as it was typed. ``looked_at``: the row to go on with; ``text``: the whole as JSON, if too wide."""

    trial: Ref
    pilot: Ref
    number: int | None = None
    rows: list[Row] = []
    missing: str = ""
    extra_columns: str = "keep"
    rest: str = ""
    note: str = ""
    origin: str | None = None
    errors: dict[str, str] = {}
    looked_at: int | None = None
    text: str | None = None
    unit_codes: list[str] = Field(default=list(units.SUGGESTED), exclude=True)


class Fault(SQLModel):
    """Something wrong in an imported schema: ``where`` is its place in the file, ``column`` whose place that is."""

    where: str
    column: str | None = None
    says: str


class SchemaImport(SQLModel):
    """The page that takes a schema as JSON, with what was pasted and what is wrong with it."""

    trial: Ref
    pilot: Ref
    number: int | None = None
    text: str = ""
    faults: list[Fault] = []


class SchemaPlan(SQLModel):
    """What saving would do. ``descriptor`` is the schema in its one spelling; nothing is saved yet."""

    trial: Ref
    pilot: Ref
    number: int | None = Field(default=None, description="The version there is now; none yet.")
    next: int
    same: bool = Field(description="Nothing differs: there is nothing to save.")
    changes: list[Change]
    columns: list[WantedColumn]
    descriptor: dict[str, Any]
    text: str = Field(default="", exclude=True)
    note: str | None = None
    origin: str | None = None
    meanwhile: bool = Field(default=False, exclude=True)


def columns_of(body: Mapping[str, Any]) -> list[WantedColumn]:
    """The columns of a schema that was found sound, in order."""
    key = body.get("primaryKey", [])
    return [_column(each, each["name"] in key) for each in body["fields"]]


def _column(given: Mapping[str, Any], key: bool) -> WantedColumn:
    limits = given.get("constraints", {})
    unit = given.get("testbed:unit")
    return WantedColumn(
        name=given["name"],
        title=given.get("testbed:titles"),
        description=given.get("testbed:descriptions"),
        type=ColumnType(given["type"]),
        unit=unit,
        unit_shown=units.shown(unit or ""),
        required=key or limits.get("required", False),
        unique=limits.get("unique", False),
        key=key,
        minimum=_text(limits.get("minimum")),
        maximum=_text(limits.get("maximum")),
        min_length=limits.get("minLength"),
        max_length=limits.get("maxLength"),
        pattern=limits.get("pattern"),
        enum=[str(each) for each in limits.get("enum", [])],
        format=given.get("format"),
        decimals=given.get("testbed:decimals"),
        zone=given.get("testbed:zone"),
        check=RecordCheck(given["testbed:check"]) if "testbed:check" in given else None,
        secrecy=Secrecy(given["testbed:secrecy"]) if "testbed:secrecy" in given else None,
        geopoint=axis_of(given),
        decimal_char=given.get("decimalChar"),
        answers=[*given.get("trueValues", []), *given.get("falseValues", [])],
        aliases=given.get("testbed:aliases", []),
        example=example_of(given),
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
