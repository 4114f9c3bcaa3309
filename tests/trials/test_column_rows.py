"""The form of a table schema: rows that survive whatever is done to them."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from testbed.trials.column_rows import MOST_ROWS, acted, beside, filled, typed
from testbed.trials.soundness import sound
from tests.trials.schemas import FILL

BODY, _ = sound(FILL)


def sent(sheet):
    """What a browser sends of the form."""
    names = {
        f"fields.{place}.{key}": text for place, row in enumerate(sheet.rows) for key, text in row.items()
    }
    return names | {
        "missingValues": sheet.missing,
        "testbed:extra_columns": sheet.extra_columns,
        "rest": sheet.rest,
    }


def test_a_schema_goes_through_the_form_unchanged():
    body, _ = sound(
        {
            **FILL,
            "x:note": {"a": 1},
            "fields": [
                *FILL["fields"],
                {"name": "ok", "type": "boolean", "trueValues": ["x"], "falseValues": ["-"], "x:b": 2},
            ],
        }
    )

    again, faults = sound(typed(sent(filled(body))).descriptor())

    assert faults == []
    assert again == body


def test_what_was_typed_survives_every_button():
    given = sent(filled(BODY)) | {"fields.2.constraints.minimum": "noll", "fields.7.name": "sist"}

    sheet = typed(given)
    places = [acted(sheet, do) for do in ("add", "up.4", "down.0", "remove.1", "remove.99", "up.0", "dance")]

    assert places == [5, 3, 1, 1, None, 0, None]
    assert [row.get("name") for row in sheet.rows] == ["kärl", "fyllnad", "sist", "läge", None]
    assert sheet.rows[1]["constraints.minimum"] == "noll"


def test_rows_in_which_nothing_is_said_are_left_out_at_the_end():
    sheet = typed(
        {"fields.0.type": "string", "fields.1.name": "a", "fields.2.type": "number", "fields.2.name": " "}
    )

    assert [row.get("name") for row in sheet.pruned().rows] == ["a"]


@pytest.mark.parametrize(
    ("written", "kept"), [("0,5", 0.5), ("1 000", 1000), ("−3", -3), ("1.5", 1.5), ("1e3", 1000)]
)
def test_numbers_may_be_written_as_people_here_do(written, kept):
    body, faults = sound(
        typed(
            {"fields.0.name": "a", "fields.0.type": "number", "fields.0.constraints.minimum": written}
        ).descriptor()
    )

    assert faults == []
    assert body["fields"][0]["constraints"]["minimum"] == kept


@pytest.mark.parametrize("written", ["1,000,5", "noll", "1.000,5"])
def test_what_is_no_number_is_told_beside_its_field(written):
    _, faults = sound(
        typed(
            {"fields.0.name": "a", "fields.0.type": "number", "fields.0.constraints.minimum": written}
        ).descriptor()
    )

    assert [each["loc"] for each in faults] == [("fields", 0, "constraints", "minimum")]


def test_words_of_a_type_go_with_it():
    rest = '{"trueValues": ["x"], "groupChar": " "}'

    found = [
        typed({"fields.0.name": "a", "fields.0.type": kind, "fields.0.rest": rest}).descriptor()["fields"][0]
        for kind in ("boolean", "number", "string")
    ]

    assert [sorted(each) for each in found] == [
        ["name", "trueValues", "type"],
        ["groupChar", "name", "type"],
        ["name", "type"],
    ]


def test_the_form_holds_no_more_rows_than_a_request_has_fields_for():
    sheet = typed({f"fields.{place}.name": "a" for place in range(MOST_ROWS)})

    assert acted(sheet, "add") is None
    assert len(sheet.rows) == MOST_ROWS


def test_an_error_of_a_list_stands_where_the_list_is_written():
    errors = {
        "fields.3.constraints.enum.2": "a",
        "fields.1": "b",
        "fields": "c",
        "missingValues.0": "d",
        "fields.2.testbed:unit": "e",
    }

    assert beside(errors) == {
        "fields.3.constraints.enum": "a",
        "fields.1.name": "b",
        "": "c",
        "missingValues": "d",
        "fields.2.testbed:unit": "e",
    }


KEYS = st.sampled_from(["fields", "fields.0", "fields.0.name", "fields.x.name", "fields.1.rest", "rest", "fields.99999.a", "missingValues", "testbed:extra_columns", "fields.1.constraints", "fields.1.constraints.enum"])  # fmt: skip


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(
        KEYS,
        st.one_of(
            st.text(alphabet="ab1 .,\n\0å", max_size=20),
            st.lists(st.text(alphabet="ab", max_size=3), max_size=2),
            st.just('{"constraints": 1, "x:a": NaN}'),
        ),
    )
)
def test_no_form_breaks_the_reading(given):
    body, faults = sound(typed(given).descriptor())

    assert bool(body) is not bool(faults)
