"""A table schema is found sound, or every fault is told beside its key."""

import json

import pytest
from frictionless import Schema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from testbed.canonical import canonical, digest
from testbed.trials.examples import example_of
from testbed.trials.soundness import sound
from tests.trials.schemas import FILL


def column(**keys):
    return {"name": "a", "type": "string"} | keys


def faults(*columns, **keys):
    """``{place: what is wrong there}`` of a schema of these columns."""
    _, found = sound({"fields": list(columns), **keys})
    return {
        ".".join(map(str, each["loc"])): str((each.get("ctx") or {}).get("error", each["type"]))
        for each in found
    }


def test_the_one_spelling_is_a_fixed_point_and_the_reference_takes_it():
    body, found = sound(FILL)

    again, none = sound(json.loads(canonical(body)))

    assert found == none == []
    assert digest(again) == digest(body)
    assert Schema.validate_descriptor(body).valid
    assert body["fields"][0]["title"] == "Tid"


def test_the_order_of_keys_and_the_spelling_of_numbers_make_no_difference():
    limits = [{"minimum": 0, "maximum": 4.50}, {"maximum": "4.5", "minimum": "0.0"}]

    one, other = (sound({"fields": [column(type="number", constraints=each)]})[0] for each in limits)

    assert digest(one) == digest(other)


def test_a_title_in_one_language_is_kept_in_that_of_whoever_wrote_it():
    body, _ = sound({"fields": [column(title="Djup", description="I snö")]})

    assert body["fields"][0]["testbed:titles"] == {"sv": "Djup"}
    assert body["fields"][0]["testbed:descriptions"] == {"sv": "I snö"}


@pytest.mark.parametrize(
    ("keys", "place"),
    [
        ({"name": ""}, "name"),
        ({"name": "=1+1"}, "name"),
        ({"name": "__line"}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"type": "text"}, "type"),
        ({"testbed:unit": "cm"}, "testbed:unit"),
        ({"type": "number", "testbed:unit": "tum"}, "testbed:unit"),
        ({"type": "integer", "testbed:decimals": 2}, "testbed:decimals"),
        ({"type": "date", "testbed:zone": "UTC"}, "testbed:zone"),
        ({"type": "datetime", "testbed:zone": "Europe/Lulea"}, "testbed:zone"),
        ({"type": "number", "testbed:check": "unit-of-trial"}, "testbed:check"),
        ({"testbed:check": "in-trial-period"}, "testbed:check"),
        ({"testbed:check": "deployed-at-time"}, "testbed:check"),
        ({"format": "email"}, "format"),
        ({"type": "date", "format": "%d/%m"}, "format"),
        ({"type": "date", "format": "%d/%m/%Q"}, "format"),
        ({"type": "number", "constraints": {"pattern": "[0-9]"}}, "constraints.pattern"),
        ({"constraints": {"pattern": "(?=a)"}}, "constraints.pattern"),
        ({"constraints": {"minimum": 1}}, "constraints.minimum"),
        ({"type": "number", "constraints": {"minimum": 2, "maximum": 1}}, "constraints.minimum"),
        ({"type": "integer", "constraints": {"minimum": 0.5}}, "constraints.minimum"),
        ({"type": "number", "constraints": {"maximum": 1e300}}, "constraints.maximum"),
        ({"type": "date", "constraints": {"minimum": "2026-02-30"}}, "constraints.minimum"),
        ({"type": "datetime", "constraints": {"minimum": "2026-01-01T01:00+01:00", "maximum": "2025-12-31T23:59Z"}}, "constraints.minimum"),
        ({"constraints": {"minLength": 5, "maxLength": 4}}, "constraints.minLength"),
        ({"type": "integer", "constraints": {"maxLength": 4}}, "constraints.minLength"),
        ({"constraints": {"exclusiveMinimum": 4}}, "constraints.exclusiveMinimum"),
        ({"constraints": {"required": "ja"}}, "constraints.required"),
        ({"type": "integer", "constraints": {"enum": [1, 2.5]}}, "constraints.enum"),
        ({"constraints": {"enum": ["a", "a"]}}, "constraints.enum"),
        ({"constraints": {"enum": ["ab"], "maxLength": 1}}, "constraints.enum"),
        ({"constraints": {"enum": ["ab"], "pattern": "[0-9]"}}, "constraints.enum"),
        ({"constraints": {"enum": []}}, "constraints.enum"),
        ({"type": "boolean", "constraints": {"enum": [True]}}, "constraints.enum"),
        ({"type": "number", "example": 5, "constraints": {"maximum": 4}}, "example"),
        ({"example": "b", "constraints": {"enum": ["a"]}}, "example"),
        ({"example": "a\0"}, "example"),
        ({"type": "integer", "decimalChar": ","}, "decimalChar"),
        ({"type": "number", "groupChar": ".", "decimalChar": "."}, "groupChar"),
        ({"trueValues": ["x"]}, "trueValues"),
        ({"type": "boolean", "trueValues": ["x"], "falseValues": ["X"]}, "trueValues"),
        ({"rdfType": "http://schema.org/Text"}, "rdfType"),
        ({"testbed:secret": True}, "testbed:secret"),
        ({"x:note": {"a": {"b": "\0"}}}, "x:note"),
        ({"x:note": 2**60}, "x:note"),
    ],
)  # fmt: skip
def test_a_fault_of_a_column_is_told_beside_its_key(keys, place):
    assert f"fields.0.{place}" in faults(column(**keys))


@pytest.mark.parametrize(
    ("columns", "keys", "place"),
    [
        ([column(), column(name="A")], {}, "fields.1.name"),
        ([column(name="å"), column(name="a\u030a")], {}, "fields.1.name"),
        ([column(), column(name="b", **{"testbed:aliases": ["A"]})], {}, "fields.1.testbed:aliases"),
        ([column()], {"primaryKey": ["b"]}, "primaryKey"),
        ([column()], {"primaryKey": ["a", "a"]}, "primaryKey"),
        ([column(type="object")], {"primaryKey": "a"}, "primaryKey"),
        ([column()], {"missingValues": ["\0"]}, "missingValues.0"),
        ([column()], {"testbed:extra_columns": "maybe"}, "testbed:extra_columns"),
        ([column()], {"foreignKeys": []}, "foreignKeys"),
        ([column()] * 501, {}, "fields"),
        ([], {}, "fields"),
    ],
)  # fmt: skip
def test_a_fault_of_the_table_is_told_too(columns, keys, place):
    assert place in faults(*columns, **keys)


@pytest.mark.parametrize(
    "given", [None, [], "text", 4, {}, {"fields": None}, {"fields": [None]}, {"fields": [[]]}]
)
def test_what_is_no_schema_is_told_so(given):
    body, found = sound(given)

    assert body == {}
    assert found


def test_one_bad_column_hides_no_other():
    found = faults(
        column(type="siffra"),
        column(name="b", type="number", **{"testbed:unit": "tum"}),
        column(name="c", example="a\0"),
    )

    assert set(found) == {"fields.0.type", "fields.1.testbed:unit", "fields.2.example"}


def test_keys_of_others_are_kept_as_they_are():
    body, found = sound({"fields": [column(**{"x:note": {"a": [1, None]}})], "dcat:theme": "ENVI"})

    assert found == []
    assert body["fields"][0]["x:note"] == {"a": [1, None]}
    assert body["dcat:theme"] == "ENVI"


def test_a_schema_that_no_form_could_carry_is_refused():
    long = [column(name=f"c{i}", description="x" * 900) for i in range(300)]

    assert faults(*long) == {"fields": "The table schema is too large: shorten its texts and lists."}


NUMBERS = st.one_of(st.integers(-(10**6), 10**6), st.floats(-1e6, 1e6, allow_nan=False))
LIMITS = st.tuples(NUMBERS, NUMBERS).map(lambda pair: {"minimum": min(pair), "maximum": max(pair)})


@given(
    LIMITS,
    st.sets(st.sampled_from(["minimum", "maximum"])),
    st.sampled_from(["integer", "number"]),
    st.sampled_from(["a", "lat"]),
)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_an_example_that_is_made_up_is_within_the_limits(limits, asked, kind, name):
    kept = {
        key: int(value // 1) if kind == "integer" else value for key, value in limits.items() if key in asked
    }
    body, found = sound({"fields": [{"name": name, "type": kind, "constraints": kept}]})
    assert found == []

    body["fields"][0]["example"] = example_of(body["fields"][0])

    assert sound(body)[1] == []
