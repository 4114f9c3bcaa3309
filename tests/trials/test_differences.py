"""What a new table schema changes, and what that means for the files."""

import pytest

from testbed.trials.differences import between
from testbed.trials.soundness import sound
from tests.trials.schemas import FILL, changed

BASE, _ = sound(FILL)


def told(after):
    body, faults = sound(after)
    assert faults == []
    return [(each.aspect, each.effect, each.column) for each in between(BASE, body)]


def test_nothing_differs_from_itself():
    assert between(BASE, BASE) == []


def test_the_first_version_is_all_new_and_asks_for_what_it_requires():
    found = between(None, BASE)

    assert [(each.aspect, each.effect, each.column) for each in found] == [
        ("added", "stricter", "tid"), ("added", "stricter", "kärl"), ("added", "either", "fyllnad"), ("added", "either", "läge"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("keys", "aspect", "effect"),
    [
        ({"type": "integer"}, "type", "stricter"),
        ({"constraints": {"minimum": -1, "maximum": 100}}, "minimum", "looser"),
        ({"constraints": {"minimum": 1, "maximum": 100}}, "minimum", "stricter"),
        ({"constraints": {"minimum": 0}}, "maximum", "looser"),
        ({"constraints": {"minimum": 0, "maximum": 100, "required": True}}, "required", "stricter"),
        ({"constraints": {"minimum": 0, "maximum": 100, "unique": True}}, "unique", "stricter"),
        ({"constraints": {"minimum": 0, "maximum": 100, "enum": [1, 2]}}, "enum", "stricter"),
        ({"testbed:unit": "1"}, "unit", "either"),
        ({"testbed:decimals": 1}, "decimals", "stricter"),
        ({"testbed:aliases": ["Fyllnad (%)", "fill"]}, "aliases", "looser"),
        ({"testbed:aliases": []}, "aliases", "stricter"),
        ({"testbed:titles": {"sv": "Nivå"}}, "titles", "none"),
        ({"testbed:descriptions": {"sv": "Annat"}}, "descriptions", "none"),
        ({"example": 12}, "example", "none"),
        ({"decimalChar": ","}, "spelling", "either"),
        ({"x:note": 1}, "other", "none"),
    ],
)  # fmt: skip
def test_a_change_of_a_column_is_stricter_looser_or_neither(keys, aspect, effect):
    assert told(changed(**keys)) == [(aspect, effect, "fyllnad")]


@pytest.mark.parametrize(
    ("keys", "aspect", "effect"),
    [
        ({"primaryKey": []}, "primary_key", "looser"),
        ({"primaryKey": ["tid"]}, "primary_key", "either"),
        ({"missingValues": ["", "NA", "-"]}, "missing_values", "looser"),
        ({"missingValues": [""]}, "missing_values", "stricter"),
        ({"testbed:extra_columns": "refuse"}, "extra_columns", "stricter"),
        ({"testbed:extra_columns": "drop"}, "extra_columns", "either"),
        ({"fields": FILL["fields"][::-1]}, "order", "none"),
    ],
)
def test_a_change_of_the_table_is_told_for_the_whole(keys, aspect, effect):
    assert told({**FILL, **keys}) == [(aspect, effect, None)]


def test_a_column_that_still_answers_to_its_old_name_was_renamed():
    aliases = ["fyllnad", "Fyllnad (%)"]

    assert told(changed(name="fill", **{"testbed:aliases": aliases}))[0] == ("renamed", "none", "fill")
    assert {each[0] for each in told(changed(name="fill"))} == {"added", "removed"}


def test_a_column_taken_away_is_refused_only_where_others_are():
    gone = {**FILL, "fields": FILL["fields"][:3]}

    assert told(gone) == [("removed", "looser", "läge")]
    assert told({**gone, "testbed:extra_columns": "refuse"})[0] == ("removed", "stricter", "läge")


@pytest.mark.parametrize("kind", ["string", "date", "datetime", "boolean"])
def test_limits_need_not_compare_when_the_type_changed(kind):
    found = told(changed(type=kind, constraints={}, **{"testbed:unit": None}))

    assert ("type", "looser" if kind == "string" else "either", "fyllnad") in found
