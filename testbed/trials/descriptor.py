"""A Table Schema (Data Package v2) with the keys of our own: read from JSON, found faulty or not, spelt in one way.

https://datapackage.org/standard/table-schema/ is the source of all that has no ``testbed:`` before it. A key nobody
here acts on is refused, so that a schema never says what is not checked; keys of others (``x:note``) are kept.
"""

import unicodedata
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    ValidationError,
)

from testbed.texts import Line, clean, language, message, optional_text2, said
from testbed.trials import units
from testbed.trials.values import ColumnType

PROFILE = "https://datapackage.org/profiles/2.0/tableschema.json"
MOST_COLUMNS = 500
MOST_VALUES = 500
"""Of an ``enum``."""


class RecordCheck(StrEnum):
    """What a value is compared with in the register."""

    unit_of_trial = "unit-of-trial"
    arm_of_trial = "arm-of-trial"
    in_trial_period = "in-trial-period"
    deployed_at_time = "deployed-at-time"


class Secrecy(StrEnum):
    """Why a column is confidential; one without a mark is open."""

    business = "business"
    personal = "personal"
    other = "other"


class ExtraColumns(StrEnum):
    """What happens to columns of a file that the schema does not name."""

    keep = "keep"
    refuse = "refuse"
    drop = "drop"


def _unit(written: str) -> str:
    try:
        return units.code_of(written)
    except units.NoUnit as error:
        raise ValueError(
            message("This is no unit in UCUM. Write it as Cel, %, ug/m3 or {vehicle}/h.")
        ) from error


def _printable(given: Any) -> Any:
    """As it is, blanks and all; PostgreSQL takes no NUL, and nobody sees the others."""
    if isinstance(given, str) and any(unicodedata.category(char) in {"Cc", "Cs"} for char in given):
        raise ValueError(message("control characters are not allowed"))
    return given


def _plain(given: Any) -> Any:
    if not isinstance(given, str | int | float | bool):
        raise ValueError(message("Write a text or a number here."))
    return given


def _apart(given: list[str]) -> list[str]:
    return list(dict.fromkeys(given))


Name = Annotated[
    str, BeforeValidator(clean), StringConstraints(min_length=1, max_length=200, pattern=r"^[^\n\t]*$")
]
Word = Annotated[str, BeforeValidator(_printable), StringConstraints(max_length=200)]
Plain = Annotated[Any, BeforeValidator(_printable), AfterValidator(_plain)]
Words = Annotated[list[Word], AfterValidator(_apart), Field(min_length=1, max_length=20)]
Unit = Annotated[str, BeforeValidator(clean), AfterValidator(_unit)]
Key = Annotated[list[Name], BeforeValidator(lambda given: [given] if isinstance(given, str) else given)]


class Constraints(BaseModel):
    model_config = ConfigDict(extra="forbid")

    required: StrictBool = False
    unique: StrictBool = False
    minimum: Plain | None = None
    maximum: Plain | None = None
    minLength: int | None = Field(default=None, ge=0, le=100_000)  # noqa: N815
    maxLength: int | None = Field(default=None, ge=0, le=100_000)  # noqa: N815
    pattern: Annotated[str, BeforeValidator(_printable)] | None = None
    enum: list[Plain] | None = Field(default=None, min_length=1, max_length=MOST_VALUES)


class Column(BaseModel):
    """One field. ``titles`` and ``descriptions`` are in several languages; ``title`` is the standard's, in one."""

    model_config = ConfigDict(extra="allow")

    name: Name
    type: ColumnType
    title: Line | None = None
    description: Annotated[str, BeforeValidator(clean), StringConstraints(max_length=1000)] | None = None
    format: Line | None = None
    example: Plain | None = None
    decimalChar: Literal[".", ","] | None = None  # noqa: N815 - spelt as the standard spells it
    groupChar: Literal[" ", "\u00a0", ".", ",", "'"] | None = None  # noqa: N815
    trueValues: Words | None = None  # noqa: N815
    falseValues: Words | None = None  # noqa: N815
    constraints: Constraints = Constraints()
    titles: optional_text2(max_length=120) = Field(default=None, alias="testbed:titles")  # type: ignore[valid-type]
    descriptions: optional_text2(max_length=1000) = Field(default=None, alias="testbed:descriptions")  # type: ignore[valid-type]
    unit: Unit | None = Field(default=None, alias="testbed:unit")
    zone: Line | None = Field(default=None, alias="testbed:zone")
    decimals: int | None = Field(default=None, alias="testbed:decimals", ge=0, le=15)
    check: RecordCheck | None = Field(default=None, alias="testbed:check")
    indicator: Line | None = Field(default=None, alias="testbed:indicator")
    secrecy: Secrecy | None = Field(default=None, alias="testbed:secrecy")
    aliases: Annotated[list[Name], AfterValidator(_apart)] = Field(
        default_factory=list, alias="testbed:aliases", max_length=20
    )

    def key(self) -> str:
        return folded(self.name)


class Descriptor(BaseModel):
    """A whole schema. ``fields`` is filled column by column, so that one bad column does not hide another's."""

    model_config = ConfigDict(extra="allow")

    fields: list[Column | None] = Field(default_factory=list)
    primaryKey: Key = Field(default_factory=list, max_length=20)  # noqa: N815
    missingValues: Annotated[list[Word], AfterValidator(_apart)] = Field(  # noqa: N815
        default_factory=lambda: [""], max_length=20
    )
    extra_columns: ExtraColumns = Field(default=ExtraColumns.keep, alias="testbed:extra_columns")


Fault = dict[str, Any]
"""As pydantic says it: ``loc``, ``type``, ``ctx``, ``input``."""


def fault(says: str, *loc: str | int, given: Any = ...) -> Fault:
    return {"loc": loc, "type": "value_error", "ctx": {"error": says}, "input": given}


def folded(name: str) -> str:
    """What two headings are compared by: case and composition make no difference."""
    return unicodedata.normalize("NFC", name).casefold()


def read(given: Any) -> tuple[Descriptor, list[Fault]]:
    """A descriptor as it came from JSON, and everything in it that is not as the standard has it.

    A column that could not be read is None. What a whole schema must be besides: ``testbed.trials.soundness``.
    """
    if not isinstance(given, Mapping):
        return Descriptor(), [fault(message("A table schema is an object with the key fields."))]
    fields = given.get("fields")
    if not isinstance(fields, list) or not 0 < len(fields) <= MOST_COLUMNS:
        return Descriptor(), [fault(message("A table schema names between 1 and 500 columns."), "fields")]
    columns = [_column(each, place) for place, each in enumerate(fields)]
    faults = [each for _, found in columns for each in found]
    rest = {key: value for key, value in given.items() if key not in {"fields", "$schema"}}
    try:
        whole = Descriptor.model_validate(rest)
    except ValidationError as error:
        whole, faults = Descriptor(), faults + _told(error)
    whole.fields = [column for column, _ in columns]
    return whole, faults


def _column(given: Any, place: int) -> tuple[Column | None, list[Fault]]:
    try:
        column = Column.model_validate(given)
    except ValidationError as error:
        return None, _told(error, "fields", place)
    spoken = language.get()
    if column.titles is None and column.title:
        column.titles = {spoken: column.title}
    if column.descriptions is None and column.description:
        column.descriptions = {spoken: column.description}
    return column, []


def _told(error: ValidationError, *before: str | int) -> list[Fault]:
    return [{**each, "loc": (*before, *each["loc"])} for each in error.errors(include_url=False)]


def body(descriptor: Descriptor) -> dict[str, Any]:
    """The one way to write a schema down: what is kept, hashed, downloaded, and handed to the check."""
    whole = {
        "$schema": PROFILE,
        **(descriptor.model_extra or {}),
        "fields": [dict(_spelt(each)) for each in descriptor.fields if each is not None],
        "missingValues": descriptor.missingValues,
        "testbed:extra_columns": descriptor.extra_columns.value,
    }
    return whole | ({"primaryKey": descriptor.primaryKey} if descriptor.primaryKey else {})


def _spelt(column: Column) -> Iterator[tuple[str, Any]]:
    """Keys of a column in the order people expect, without those that say nothing."""
    yield "name", column.name
    yield "type", column.type.value
    if column.titles:
        yield "title", said(column.titles, "sv")
    if column.descriptions:
        yield "description", said(column.descriptions, "sv")
    constraints = column.constraints.model_dump(exclude_defaults=True)
    given = {
        "format": column.format,
        "decimalChar": column.decimalChar,
        "groupChar": column.groupChar,
        "trueValues": column.trueValues,
        "falseValues": column.falseValues,
        "example": column.example,
        "constraints": constraints or None,
        "testbed:titles": column.titles,
        "testbed:descriptions": column.descriptions,
        "testbed:unit": column.unit,
        "testbed:zone": column.zone,
        "testbed:decimals": column.decimals,
        "testbed:check": column.check and column.check.value,
        "testbed:indicator": column.indicator,
        "testbed:secrecy": column.secrecy and column.secrecy.value,
        "testbed:aliases": column.aliases or None,
    }
    yield from ((key, value) for key, value in given.items() if value is not None)
    yield from (column.model_extra or {}).items()
