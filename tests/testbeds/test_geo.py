"""Places as GeoJSON, and seasons."""

import json
from datetime import date

import pytest

from testbed.testbeds.geo import as_text, read_geometry, read_point
from testbed.testbeds.season import is_open

POINT = {"type": "Point", "coordinates": [22.1547, 65.5848]}
CLOCKWISE = [[22.0, 65.0], [22.0, 66.0], [23.0, 66.0], [23.0, 65.0], [22.0, 65.0]]


@pytest.mark.parametrize(
    "given",
    [
        POINT, json.dumps(POINT), "65.5848, 22.1547", "65.5848 22.1547", " 65,5848; 22,1547 ", "65,5848, 22,1547",
        {"type": "Point", "coordinates": [22.1547, 65.5848, 12.0]},
        {"type": "Feature", "properties": {}, "geometry": POINT},
        {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}, "geometry": POINT}]},
    ],
)  # fmt: skip
def test_a_point_is_read_however_people_have_it(given):
    assert read_geometry(given) == POINT


@pytest.mark.parametrize("blank", [None, "", "  "])
def test_no_place_is_none(blank):
    assert read_geometry(blank) is None


def test_an_outer_ring_is_turned_against_the_clock():
    read = read_geometry({"type": "Polygon", "coordinates": [CLOCKWISE]})

    assert read == {"type": "Polygon", "coordinates": [CLOCKWISE[::-1]]}


@pytest.mark.parametrize(
    "given",
    [
        "Luleå", "[1, 2", 7, [], {"type": "Point"}, {"type": "LineString", "coordinates": [[22, 65], [23, 65]]},
        {"type": "Point", "coordinates": [65.58, 92.15]}, {"type": "Point", "coordinates": [True, 1]},
        {"type": "Point", "coordinates": ["22", "65"]}, {"type": "Point", "coordinates": [float("nan"), 65]},
        '{"type": "Point", "coordinates": [NaN, 65]}', '{"type": "Point", "coordinates": [1e999, 65]}', "91, 22",
        {"type": "Polygon", "coordinates": [CLOCKWISE[:-1]]}, {"type": "Polygon", "coordinates": [[[1, 1], [1, 1]]]},
        {"type": "Polygon", "coordinates": []}, {"type": "Polygon", "coordinates": [7]},
        {"type": "Polygon", "coordinates": [[[22.0, 65.0]] * 1001]},
        {**POINT, "crs": {"type": "name"}}, {"type": "FeatureCollection", "features": []}, "[" * 100_000, "9" * 5000,
    ],
)  # fmt: skip
def test_what_is_no_place_is_refused_with_a_reason(given):
    with pytest.raises(ValueError, match=r"."):
        read_geometry(given)


def test_an_area_is_no_position():
    with pytest.raises(ValueError, match="one point"):
        read_point({"type": "Polygon", "coordinates": [CLOCKWISE]})


@pytest.mark.parametrize("geometry", [POINT, {"type": "Polygon", "coordinates": [CLOCKWISE[::-1]]}])
def test_the_text_of_a_place_reads_back_as_the_place(geometry):
    assert read_geometry(as_text(geometry)) == geometry


@pytest.mark.parametrize(
    ("first", "last", "on", "expected"),
    [
        ("12-15", "04-15", date(2026, 12, 31), True), ("12-15", "04-15", date(2027, 1, 1), True),
        ("12-15", "04-15", date(2026, 4, 16), False), ("05-01", "09-30", date(2026, 5, 1), True),
        ("05-01", "09-30", date(2026, 10, 1), False), ("02-29", "02-29", date(2027, 2, 28), False),
        (None, None, date(2026, 5, 1), None),
    ],
)  # fmt: skip
def test_a_season_may_cross_new_year(first, last, on, expected):
    assert is_open(first, last, on) is expected
