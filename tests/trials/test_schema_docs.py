"""The reference of the table schema says what the code does, key by key."""

import json
import re
from pathlib import Path

from testbed.app import create_app
from testbed.settings import Settings
from testbed.tabular.schema import LATITUDES, LONGITUDES
from testbed.trials.descriptor import Column, Constraints, Descriptor, ExtraColumns, RecordCheck
from testbed.trials.examples import example_of
from testbed.trials.soundness import CHECKED, sound
from testbed.trials.values import ColumnType
from testbed.web.needs import handlers

TEXT = (Path(__file__).parents[2] / "docs/reference/table-schema.md").read_text(encoding="utf-8")


def table(heading: str) -> dict[str, list[str]]:
    """The rows under a heading by what stands in backticks in the first cell; two keys may share a row."""
    part = TEXT.split(f"\n## {heading}\n")[1].split("\n## ")[0].split("|---|", 1)[1]
    rows = [
        line.replace("\\|", "¦").strip("|").split("|") for line in part.splitlines() if line.startswith("| `")
    ]
    return {name: cells[1:] for cells in rows for name in re.findall("`([^`]+)`", cells[0])}


def keys_of(model) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def types_in(cell: str) -> set[str]:
    return set(ColumnType) if cell.strip() == "all" else set(re.findall("`([a-z]+)`", cell))


def test_every_key_is_there_and_no_other():
    assert set(table("Keys of the table")) == keys_of(Descriptor)
    assert set(table("Keys of a column")) == keys_of(Column)
    assert set(table("Constraints")) == keys_of(Constraints)
    assert set(table("Comparisons with the register")) == set(RecordCheck)
    assert set(table("Types")) == set(ColumnType)
    assert all(f"`{word}`" in table("Keys of the table")["testbed:extra_columns"][0] for word in ExtraColumns)


def test_the_example_is_sound():
    body, faults = sound(json.loads(re.search(r"```json\n(.*?)```", TEXT, re.DOTALL)[1]))  # type: ignore[index]

    assert faults == []
    assert [example_of(each) for each in body["fields"]] == ["2026-11-23 14:30", "S01", "200.0", "snow"]


VALUES = {
    "minimum": {"integer": 1, "number": 1, "date": "2026-01-01", "time": "10:00", "datetime": "2026-01-01 10:00"},
    "minLength": {}, "pattern": {}, "enum": {}, "required": {}, "unique": {},
}  # fmt: skip


def takes(kind: ColumnType, key: str) -> bool:
    """Whether a column of this type may have the constraint."""
    one = VALUES["minimum"].get(kind, "a")
    value = {
        "minimum": one,
        "maximum": one,
        "minLength": 1,
        "maxLength": 9,
        "pattern": "[a-z]",
        "enum": [one],
    }.get(key, True)
    return not sound({"fields": [{"name": "a", "type": kind, "constraints": {key: value}}]})[1]


def test_a_constraint_belongs_to_the_types_that_are_named():
    for key, cells in table("Constraints").items():
        assert {str(kind) for kind in ColumnType if takes(kind, key)} == types_in(cells[0]), key


def test_a_comparison_belongs_to_the_types_that_are_named():
    for check, cells in table("Comparisons with the register").items():
        assert {str(kind) for kind in CHECKED[RecordCheck(check)]} == types_in(cells[0])


def test_the_names_of_halves_of_points_are_those_the_check_knows():
    assert (
        set(re.findall("`([a-z]+)`", table("Types")["number"][1])) - {"nan", "inf"} == LATITUDES | LONGITUDES
    )


def test_every_address_is_one_of_the_service():
    app = create_app(Settings(database_url="postgresql://nowhere/"))
    known = {
        f"{method} {re.sub(r':[a-z]+}', '}', path)}"
        for path, handler in handlers(app)
        for method in getattr(handler, "http_methods", set())
    }

    assert set(table("Addresses")) <= known
    assert {f"GET {each}" for each in table("Templates")} <= known
