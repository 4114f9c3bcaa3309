"""A schema proposed from what a file turned out to hold."""

from testbed.trials.proposals import proposal
from testbed.trials.soundness import sound

COLUMNS = [
    {"name": "tid", "title": "Tid", "type": "datetime", "zone": None, "statistics": {"min": "2026-01-01T00:00:00", "max": "2026-02-01T00:00:00"}},
    {"name": "dag", "title": "dag", "type": "date", "statistics": {}},
    {"name": "djup", "title": "djup", "type": "number", "statistics": {"min": 0, "max": 182.5}},
    {"name": "läge", "title": "läge", "type": "string", "statistics": {"min": "a", "max": "z", "top": [{"value": "ute", "count": 9}, {"value": "inne", "count": 2}]}},
    {"name": "lista", "title": "lista", "type": "list", "statistics": {}},
]  # fmt: skip
REPORT = {
    "columns": COLUMNS,
    "assumed": {"date_format": {"dag": "dd/mm/yyyy"}, "missing": {"djup": ["NA", "-"], "dag": ["NA"]}},
}


def test_the_columns_become_fields_and_people_see_what_they_held():
    body, seen = proposal(REPORT)

    assert sound(body)[1] == []
    assert [(each["name"], each["type"]) for each in body["fields"]] == [
        ("tid", "datetime"), ("dag", "date"), ("djup", "number"), ("läge", "string"), ("lista", "array"),
    ]  # fmt: skip
    assert body["fields"][0]["testbed:aliases"] == ["Tid"]
    assert body["fields"][0]["testbed:zone"] == "Europe/Stockholm"
    assert body["fields"][1]["format"] == "%d/%m/%Y"
    assert body["missingValues"] == ["", "NA", "-"]
    assert seen == {
        "tid": "2026-01-01T00:00:00 – 2026-02-01T00:00:00",
        "djup": "0 – 182.5",
        "läge": "ute, inne",
    }


def test_what_was_smallest_and_largest_is_no_limit_unless_somebody_says_so():
    plain, limited = proposal(REPORT)[0], proposal(REPORT, limits=True)[0]

    assert all("constraints" not in each for each in plain["fields"])
    assert limited["fields"][2]["constraints"] == {"minimum": 0, "maximum": 182.5}
    assert all("constraints" not in each for each in limited["fields"] if each["name"] != "djup")


def test_what_the_reading_proposed_itself_comes_first():
    own = {
        "fields": [{"name": "djup", "type": "number", "decimalChar": ",", "constraints": {"required": True, "maximum": 200}}],
        "missingValues": ["", "x"],
        "primaryKey": ["tid"],
    }  # fmt: skip

    body, _ = proposal({**REPORT, "proposal": own})

    assert sound(body)[1] == []
    assert body["fields"][2] == {
        "name": "djup",
        "type": "number",
        "decimalChar": ",",
        "constraints": {"required": True},
    }
    assert (body["missingValues"], body["primaryKey"]) == (["", "x"], ["tid"])


def test_a_file_that_was_not_read_proposes_nothing():
    assert proposal({})[0]["fields"] == []
