"""Column types that every table spells the same way, and the names its constraints get.

A constraint's name is API: it reaches people as the sentence given with ``says``.
"""

from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Enum,
    ForeignKey,
    Identity,
    Integer,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = {
    "pk": "pk_%(table_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
}


def identity() -> Any:
    """The number a row is known by: ``bigint GENERATED ALWAYS AS IDENTITY``; never taken from input."""
    return Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))


def identifier() -> Any:
    """A UUID for standards that want one (DCAT, RO-Crate); given by the database."""
    column = Column(Uuid, nullable=False, unique=True, server_default=text("gen_random_uuid()"))
    return Field(default=None, sa_column=column)


def link(target: str, *, ondelete: str = "RESTRICT", nullable: bool = False) -> Any:
    """The row of another table, named by string: ``link("pilot.id")``. Indexed, for deletes and joins."""
    key = ForeignKey(target, ondelete=ondelete)
    column = Column(BigInteger, key, nullable=nullable, index=True)
    return Field(default=None, sa_column=column) if nullable else Field(sa_column=column)


def moment(*, nullable: bool = False) -> Any:
    """An instant: ``timestamptz``, always read back with an offset; now, unless it may be null."""
    default = None if nullable else text("now()")
    return Field(
        default=None,
        sa_column=Column(DateTime(timezone=True), nullable=nullable, server_default=default),
    )


def document(*, nullable: bool = False) -> Any:
    """A small JSON document; assign a new one to change it, a change in place is not saved."""
    if nullable:
        return Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))
    return Field(
        default_factory=dict, sa_column=Column(JSONB, nullable=False, server_default=text("'{}'::jsonb"))
    )


def row_version() -> Any:
    """Counts the saves of a row; an edit says which one it saw, so that nobody's is overwritten unseen."""
    return Field(default=1, sa_column=Column(Integer, nullable=False, server_default=text("1")))


def word(
    words: type[StrEnum],
    name: str,
    default: StrEnum | None = None,
    *,
    nullable: bool = False,
    of_database: bool = False,
) -> Any:
    """One of a closed set in the column ``name``: text with a CHECK, so a new word needs no new type.

    ``of_database``: the database gives the default too, for a column that came to a table that had rows.
    """
    kept = Enum(
        words,
        name=name,
        native_enum=False,
        length=32,
        create_constraint=True,
        values_callable=lambda every: [each.value for each in every],
    )
    given = text(f"'{default}'") if of_database else None
    column: Column[Any] = Column(name, kept, nullable=nullable, server_default=given)
    if default is None and not nullable:
        return Field(sa_column=column)
    return Field(default=default, sa_column=column)


def words() -> Any:
    """Several words, as ``text[]``; the table's CHECK may name a closed set (see ``among``)."""
    return Field(
        default_factory=list, sa_column=Column(ARRAY(Text), nullable=False, server_default=text("'{}'"))
    )


def among(name: str, every: type[StrEnum], *, least: int = 1) -> CheckConstraint:
    """Let the array column ``name`` hold ``least`` or more of ``every``, and nothing else."""
    listed = ", ".join(f"'{each}'" for each in every)
    return CheckConstraint(f"{name} <@ ARRAY[{listed}]::text[] AND cardinality({name}) >= {least}", name=name)


def unique(*columns: str, says: str) -> UniqueConstraint:
    """Values that may occur once. ``says`` is what people read, beside the last of ``columns``."""
    return UniqueConstraint(*columns, info={"field": columns[-1], "says": says})


def rule(condition: str, *, name: str, field: str, says: str) -> CheckConstraint:
    """A condition on every row. ``says`` is what people read, beside ``field``, when it does not hold."""
    return CheckConstraint(condition, name=name, info={"field": field, "says": says})
