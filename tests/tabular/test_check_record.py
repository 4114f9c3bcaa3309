"""Times, devices, units and places: what a schema checks against the record, and what only shows between rows."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.tabular.conftest import Holding, schema_of

STOCKHOLM: dict[str, Any] = {"name": "t", "type": "datetime", "testbed:zone": "Europe/Stockholm"}


def _rows(times: list[str]) -> str:
    return "t;n\n" + "".join(f"{time};{i}\n" for i, time in enumerate(times))


def test_the_hour_that_october_repeats_and_the_one_march_leaves_out_are_findings(holding: Holding) -> None:
    times = [
        "2024-03-31 01:59:59", "2024-03-31 02:00", "2024-03-31 02:59:59", "2024-03-31 03:00",
        "2024-10-27 01:59:59", "2024-10-27 02:00", "2024-10-27 02:59:59", "2024-10-27 03:00",
    ]  # fmt: skip

    held = holding(_rows(times), schema_of(STOCKHOLM, "n:integer"))

    assert held.found("line", "value", "rule") == [
        (3, "2024-03-31 02:00", "time-nonexistent"), (4, "2024-03-31 02:59:59", "time-nonexistent"),
        (7, "2024-10-27 02:00", "time-ambiguous"), (8, "2024-10-27 02:59:59", "time-ambiguous"),
    ]  # fmt: skip
    assert [row[0] for row in held.table] == [
        "2024-03-31 00:59:59+00", "2024-03-31 01:00:00+00", "2024-10-26 23:59:59+00", "2024-10-27 02:00:00+00",
    ]  # fmt: skip
    assert held.report.assumed["zone"] == {"t": "Europe/Stockholm"}


def test_the_repeated_hour_is_taken_when_the_offset_says_which_one(holding: Holding) -> None:
    times = ["2024-10-27T02:30:00+02:00", "2024-10-27T02:30:00+01:00", "2024-10-27 04:00"]

    held = holding(_rows(times), schema_of(STOCKHOLM, "n:integer", primaryKey="t"))

    assert (held.report.state, held.findings) == ("ready", [])
    assert [row[0] for row in held.table] == [
        "2024-10-27 00:30:00+00", "2024-10-27 01:30:00+00", "2024-10-27 03:00:00+00",
    ]  # fmt: skip


def test_a_zone_of_half_an_hour_and_one_without_summer_time_are_as_their_clocks_are(holding: Holding) -> None:
    half = {**STOCKHOLM, "testbed:zone": "Australia/Lord_Howe"}
    none = {**STOCKHOLM, "testbed:zone": "UTC"}

    assert [
        each["value"]
        for each in holding(
            _rows(["2024-04-07 01:29", "2024-04-07 01:45"]), schema_of(half, "n:integer")
        ).findings
    ] == ["2024-04-07 01:45"]
    assert (
        holding(_rows(["2024-10-27 02:30", "2024-10-27 03:00"]), schema_of(none, "n:integer")).findings == []
    )


def test_times_before_1900_are_what_they_say(holding: Holding) -> None:
    held = holding(
        _rows(["1850-06-01T12:00:00Z", "1899-12-31 23:59", "0001-01-01T00:00:00Z"]),
        schema_of(STOCKHOLM, "n:integer"),
    )

    assert [row[0] for row in held.table] == [
        "1850-06-01 12:00:00+00",
        "1899-12-31 22:59:00+00",
        "0001-01-01 00:00:00+00",
    ]


def test_without_any_zone_times_stay_local_and_that_is_said(holding: Holding) -> None:
    held = holding(_rows(["2024-10-27 02:30", "2024-10-27 03:00"]), schema_of("t:datetime", "n:integer"))

    assert (held.report.state, held.table[0][0]) == ("ready", "2024-10-27 02:30:00")
    assert held.report.columns[0]["zone"] is None
    assert held.report.assumed["zone"] == {"t": "none"}
    assert [each["rule"] for each in held.report.problems] == ["zone-missing"]


def test_a_zone_that_only_few_rows_name_makes_those_rows_findings(holding: Holding) -> None:
    held = holding(
        _rows(["2024-01-01 10:00", "2024-01-01 11:00", "2024-01-01T12:00:00Z"]),
        schema_of("t:datetime", "n:integer"),
    )

    assert [(each["line"], each["rule"]) for each in held.findings if each["severity"] == "error"] == [
        (4, "time-zone")
    ]
    assert [row[0] for row in held.table] == ["2024-01-01 10:00:00", "2024-01-01 11:00:00"]


def _measured(steps: list[int]) -> list[str]:
    start, told = datetime(2024, 1, 1), [0]
    for step in steps:
        told.append(told[-1] + step)
    return [(start + timedelta(minutes=minutes)).isoformat() + "Z" for minutes in told]


def test_a_step_back_is_warned_of_and_the_order_is_kept(holding: Holding) -> None:
    times = _measured([10, 10, -15, 20, 10])

    held = holding(_rows(times), schema_of("t:datetime", "n:integer"))

    assert held.report.state == "ready"
    assert held.found("line", "rule", "severity", "value") == [
        (5, "time-order", "warning", "2024-01-01T00:05:00Z")
    ]
    assert [row[1] for row in held.table] == [str(i) for i in range(6)]


def test_order_is_that_of_each_unit_and_newest_first_is_order_too(holding: Holding) -> None:
    schema = schema_of("t:datetime", "u:string", primaryKey=["t", "u"])
    times = _measured([10] * 20)
    one_after_the_other = "t;u\n" + "".join(f"{time};{unit}\n" for unit in "abc" for time in times)
    newest_first = "t;u\n" + "".join(f"{time};{unit}\n" for time in reversed(times) for unit in "abc")

    assert holding(one_after_the_other, schema).findings == []
    assert holding(newest_first, schema).findings == []


def test_a_long_pause_of_one_unit_is_warned_of(holding: Holding) -> None:
    schema = schema_of("t:datetime", "u:string", primaryKey=["t", "u"])
    whole = _measured([10] * 300)
    rows = [(time, unit) for i, time in enumerate(whole) for unit in "ab" if unit == "a" or not 100 < i < 160]

    held = holding("t;u\n" + "".join(f"{time};{unit}\n" for time, unit in rows), schema)

    (gap,) = held.findings
    assert (gap["rule"], gap["severity"], gap["value"]) == (
        "time-gap",
        "warning",
        f"{whole[100][:19]}Z – {whole[160][:19]}Z",
    )
    assert rows[gap["row"] - 1] == (whole[160], "b")


def test_events_that_come_as_they_like_have_no_gaps(holding: Holding) -> None:
    times = _measured([1, 500, 2, 3, 900, 1, 1, 700, 5, 400, 1, 2, 800, 1])

    assert holding(_rows(times), schema_of("t:datetime", "n:integer")).findings == []


def _referred(check: str, type_: str = "string") -> dict[str, Any]:
    return schema_of({"name": "v", "type": type_, "testbed:check": check}, "n:integer")


@pytest.mark.parametrize(
    ("check", "references"),
    [("unit-of-trial", {"units": ["S01", "S02"]}), ("arm-of-trial", {"arms": ["S01", "S02"]})],
)
def test_units_and_arms_are_those_of_the_trial(
    holding: Holding, check: str, references: dict[str, Any]
) -> None:
    held = holding("v;n\nS01;1\ns01;2\nS03;3\n;4\n", _referred(check), references=references)

    assert held.found("line", "rule", "expected") == [(3, check, "S01 | S02"), (4, check, "S01 | S02")]


def test_many_units_are_looked_up(holding: Holding) -> None:
    units = [f"U{i}" for i in range(500)]

    held = holding("v;n\nU499;1\nU500;2\n", _referred("unit-of-trial"), references={"units": units})

    assert held.found("line", "value") == [(3, "U500")]


def test_both_days_of_the_period_belong_to_it_in_the_zone_of_the_column(holding: Holding) -> None:
    field = {**STOCKHOLM, "testbed:check": "in-trial-period"}
    times = [
        "2024-01-31 23:59",
        "2024-02-01 00:00",
        "2024-02-29 23:59",
        "2024-03-01 00:00",
        "2024-02-29T23:30:00Z",
    ]

    held = holding(
        _rows(times), schema_of(field, "n:integer"), references={"period": ["2024-02-01", "2024-02-29"]}
    )

    wrong = [(each["line"], each["expected"]) for each in held.findings if each["severity"] == "error"]
    assert wrong == [
        (2, "2024-02-01 – 2024-02-29"),
        (5, "2024-02-01 – 2024-02-29"),
        (6, "2024-02-01 – 2024-02-29"),
    ]


def test_an_open_period_ends_nowhere(holding: Holding) -> None:
    held = holding(
        "v;n\n1999-01-01;1\n2999-01-01;2\n",
        _referred("in-trial-period", "date"),
        references={"period": ["2000-01-01", None]},
    )

    assert held.found("line", "expected") == [(2, "2000-01-01 – ")]


def test_devices_are_where_they_were_when_they_were_there(holding: Holding) -> None:
    schema = schema_of("t:datetime", {"name": "d", "type": "string", "testbed:check": "deployed-at-time"})
    devices = [
        {
            "code": "D-1",
            "names": ["70B3D57ED0000001"],
            "from": "2024-01-01T00:00:00Z",
            "to": "2024-02-01T00:00:00Z",
        },
        {"code": "D-1", "names": [], "from": "2024-03-01T00:00:00+01:00", "to": None},
    ]
    rows = [
        ("2024-01-01T00:00:00Z", "70b3d57ed0000001"), ("2024-01-31T23:59:59Z", "d-1"), ("2024-02-01T00:00:00Z", "D-1"),
        ("2024-03-01T00:00:00Z", "D-1"), ("2024-03-02T00:00:00Z", "70B3D57ED0000001"), ("2024-03-02T00:00:00Z", "D-2"),
        ("", "D-1"), ("", "D-2"),
    ]  # fmt: skip

    held = holding("t;d\n" + "".join(f"{t};{d}\n" for t, d in rows), schema, references={"devices": devices})

    assert held.found("line", "rule", "value") == [
        (4, "deployed-at-time", "D-1"), (6, "deployed-at-time", "70B3D57ED0000001"), (7, "deployed-at-time", "D-2"),
        (9, "deployed-at-time", "D-2"),
    ]  # fmt: skip


def test_a_device_is_there_on_the_days_it_was_put_up_and_taken_down(holding: Holding) -> None:
    schema = schema_of("t:date", {"name": "d", "type": "string", "testbed:check": "deployed-at-time"})
    there = {"code": "D-1", "names": [], "from": "2024-01-02T09:00:00Z", "to": "2024-01-04T15:00:00Z"}
    days = "".join(f"2024-01-0{day};D-1\n" for day in range(1, 7))

    held = holding("t;d\n" + days, schema, references={"devices": [there]})

    assert held.found("line", "rule") == [(line, "deployed-at-time") for line in (2, 6, 7)]


def test_what_nobody_gave_to_compare_with_is_not_checked_and_that_is_said(holding: Holding) -> None:
    held = holding("v;n\nanything;1\n", _referred("unit-of-trial"))

    assert (held.report.state, held.report.assumed["unchecked"]) == ("ready", ["unit-of-trial"])
    assert [(each["rule"], each["column"], each["severity"]) for each in held.report.problems] == [
        ("not-compared", "v", "warning")
    ]


def test_coordinates_that_changed_places_are_warned_of_and_metres_are_no_degrees(holding: Holding) -> None:
    schema = schema_of("lat:number", "lon:number")

    held = holding("lat;lon\n65.58;22.15\n22.15;65.58\n7290000;800000\n95;22\n", schema)

    assert held.found("line", "column", "rule", "severity") == [
        (3, "lat, lon", "lat-lon", "warning"),
        (4, "lat", "sweref", "error"),
        (4, "lon", "sweref", "error"),
        (5, "lat", "maximum", "error"),
    ]
    assert held.table == [("65.58", "22.15"), ("22.15", "65.58")]
