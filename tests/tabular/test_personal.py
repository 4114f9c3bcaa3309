"""What may say something of a person is found in columns, and nothing that only looks like it."""

import json
import math
from datetime import datetime, timedelta
from typing import Any

import pyarrow.parquet
import pytest

from testbed.tabular import engine, personal, profile
from testbed.tabular.combining import columns_of

# Made up, with the check digits that Luhn's rule gives; 811218-9876 is the sample number of Skatteverket.
PERSONS = ["811218-9876", "19811218-9876", "121212+1212", "701063-2391", "20000229-1235"]
PLAIN = ["8112189876", "198112189876", "7010632391"]
ORGANISATIONS = ["556036-0793", "212000-2742", "232100-0016"]

FOUND: list[tuple[list[Any], str, int]] = [
    (PERSONS, "personal_number", 5),
    (["ring 811218-9876, tack", "ingen", None], "personal_number", 1),
    (PLAIN, "personal_number", 3),
    ([int(each) for each in PLAIN], "personal_number", 3),
    (["mailto:anna.berg@kommun.example.se", "-"], "email", 1),
    (["Skriv till åsa@räksmörgås.example, tack"], "email", 1),
    (["070-123 45 67", "0920-45 30 00", "08-508 290 00"], "phone", 3),
    (["+46 70 123 45 67", "+46 (0)70-123 45 67", "+4912345678901"], "phone", 3),
    (["0701234567", "0731234567", "0761234567"], "phone", 3),
    (["00:1B:44:11:3A:B7", "00-1b-44-11-3a-b7"], "device", 2),
    (["70B3D57ED0001A2B", "70b3d57ed0001a2c"], "device", 2),
    (["192.168.0.12 GET /", "8.8.8.8"], "ip", 2),
    (["2001:6b0:e:2a18::1", "fe80::1"], "ip", 2),
]


@pytest.fixture(scope="module")
def looking(tmp_path_factory):
    """A function that looks through one table of columns, given as lists."""
    folder = tmp_path_factory.mktemp("personal")
    connection = engine.connect(folder, milliseconds=60_000)

    def look(table, devices=(), titles=None):
        path = folder / "table.parquet"
        pyarrow.parquet.write_table(pyarrow.table(table), path)
        shapes = columns_of(connection, [path])
        return personal.scan(
            connection, path, shapes, profile.statistics(connection, path, shapes), devices, titles
        )

    return look


def kinds(found):
    return {(*each["columns"], each["kind"]): each["count"] for each in found["found"]}


@pytest.mark.parametrize(("values", "kind", "count"), FOUND)
def test_what_says_who_somebody_is_is_found_and_counted(looking, values, kind, count):
    assert kinds(looking({"c": values})) == {("c", kind): count}


def test_among_many_columns_the_same_is_found(looking):
    table = {
        f"{kind} {place}": [*values, *[None] * (5 - len(values))]
        for place, (values, kind, _) in enumerate(FOUND)
    }
    plain = {f"text {n}": ["12.5 dB"] * 5 for n in range(100)}

    assert kinds(looking(plain | table)) == {
        (f"{kind} {place}", kind): count for place, (_, kind, count) in enumerate(FOUND)
    }


@pytest.mark.parametrize(
    "values",
    [
        ORGANISATIONS,
        ["811218-9877", "811318-9876", "990231-1236", "811200-9874"],  # check digit, month, day, day
        [1_700_000_000 + 3600 * i for i in range(500)],
        [str(1_711_000_000 + 601 * i) for i in range(500)],
        [f"2601{1 + i // 24:02}{i % 24:02}00" for i in range(600)],
        [f"2026-01-{1 + i // 24:02} {i % 24:02}:00:00+01:00" for i in range(600)],
        [f"2026{1 + i % 12:02}01{i:04}" for i in range(300)],
        [f"{i:010}" for i in range(300)],
        [f"{i * 7919:032x}" for i in range(50)],
        [f"{i * 7919:08x}" for i in range(50)],
        [f"550e8400-e29b-41d4-a716-{i:012}" for i in range(50)],
        ["01-02-2026", "05/06/2026", "01 02 2026", "2026:01:01 10:00:00", "08:12:10:30"],
        ["0164A", "012-345", "3,5", "+12.5", "-115", "+1234567.89", "1e400", "1.2.3"],
        ["5 @ 3.2 V", "anna@work", "@nordsensor", "logo@2x.png", "std::string"],
        ["P-811218-98761", "x8112189876", "8112189876.5"],
    ],
)
def test_what_only_looks_like_it_is_not(looking, values):
    assert kinds(looking({"c": values})) == {}


def test_a_heading_settles_what_few_digits_leave_open(looking):
    alone = looking({"code": [8112189876, 5560360793]})
    told = looking({"Personnummer": [8112189876, 5560360793], "telefon": ["0920453000", "084712300"]})

    assert kinds(alone) == {}
    assert kinds(told) == {("Personnummer", "personal_number"): 1, ("telefon", "phone"): 1}


def test_a_row_of_values_that_was_taken_for_titles_is_looked_at(looking):
    titles = {
        "anna@kommun.example.se": [1.5],
        "811218-9876": [2.5],
        "tel 070-123 45 67": ["x"],
        "811218-9877": [3.5],
    }

    assert kinds(looking(titles)) == {
        ("anna@kommun.example.se", "email"): 1,
        ("811218-9876", "personal_number"): 1,
        ("tel 070-123 45 67", "phone"): 1,
    }
    assert kinds(looking({"level": [1.5]}, titles={"level": "anna@kommun.example.se"})) == {
        ("level", "email"): 1
    }
    assert kinds(looking({"a@b.se": ["anna@kommun.example.se"] * 4})) == {("a@b.se", "email"): 4}


def test_a_number_of_this_century_lost_its_zeros_in_a_spreadsheet(looking):
    assert kinds(looking({"pnr": [int("0101012383")]})) == {("pnr", "personal_number"): 1}
    assert kinds(looking({"pnr": [int("0101012384")]})) == {}


def test_firmware_is_no_address(looking):
    assert kinds(looking({"firmware": ["1.0.4.12"], "gateway": ["10.0.4.12"]})) == {("gateway", "ip"): 1}


def test_the_devices_of_the_pilot_are_known(looking):
    found = looking(
        {"DevEUI": ["70B3D57ED0001A2B", "70-B3-D5-7E-D0-00-1A-2B", "70B3D57ED0001A2C"]},
        devices=[{"code": "D-1", "names": ["Fyllnad 1", "70b3d57ed0001a2b"]}],
    )

    assert found["found"] == [{"columns": ["DevEUI"], "kind": "device", "count": 3, "known": 2}]


def test_no_value_is_in_what_is_told(looking):
    found = looking({"pnr": PERSONS, "post": ["anna@kommun.example"] * 5, "mac": ["00:1B:44:11:3A:B7"] * 5})

    told = json.dumps(found)
    assert not [each for each in (*PERSONS, "anna", "1B:44") if each in told]
    assert (found["rows"], found["scanned"]) == (5, 5)


def test_a_sample_is_said_to_be_one(looking, monkeypatch):
    monkeypatch.setattr(personal, "CELLS", 400)

    found = looking({"mail": [f"p{i}@example.se" for i in range(1000)]})

    assert (found["rows"], found["scanned"]) == (1000, 400)
    assert 0 < kinds(found)["mail", "email"] < 1000


def times(n):
    return [datetime(2026, 1, 1) + timedelta(minutes=i) for i in range(n)]


def way(n, *, decimals=6):
    """A walk through the town; (lat, lon) of every minute."""
    places = [(65.580013 + 0.00041 * i, 22.150017 + 0.0011 * math.sin(i / 9)) for i in range(n)]
    return [round(lat, decimals) for lat, _ in places], [round(lon, decimals) for _, lon in places]


TIMES = times(120)
LAT, LON = way(120)


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ({"time": TIMES, "lat": LAT, "lon": LON}, ("lat", "lon")),
        ({"time": TIMES, "gps_latitude": LAT, "gps_longitude": LON, "speed": list(range(120))}, ("gps_latitude", "gps_longitude")),
        ({"time": TIMES, "vehicle_id": ["B1", "B2"] * 60, "lat": LAT, "lon": LON}, ("lat", "lon")),
        ({"time": TIMES, "geom": [f"POINT ({x} {y})" for y, x in zip(LAT, LON, strict=True)]}, ("geom",)),
        ({"time": TIMES, "pos": [f"{x}, {y}" for y, x in zip(LAT, LON, strict=True)]}, ("pos",)),
        ({"time": TIMES, "N": [7_290_000 + 40 * i for i in range(120)], "E": [827_000 + 3 * i for i in range(120)]}, ("N", "E")),
    ],
    ids=["one thing", "named otherwise", "two vehicles", "WKT", "a pair", "SWEREF 99 TM"],
)  # fmt: skip
def test_a_way_through_the_town_is_a_track(looking, table, columns):
    assert kinds(looking(table)) == {(*columns, "track"): 120}


def test_a_way_written_in_one_of_many_columns_is_a_track(looking):
    plain = {f"text {n}": ["12.5 dB"] * 120 for n in range(100)}
    places = [f"{x}, {y}" for y, x in zip(LAT, LON, strict=True)]

    assert kinds(looking({"time": TIMES} | plain | {"pos": places})) == {("pos", "track"): 120}


STATIONS = [(65.58 + 0.0137 * i, 22.15 + 0.0211 * (i % 3)) for i in range(6)]
STILL = {
    "time": TIMES,
    "lat": [round(STATIONS[i % 6][0], 6) for i in range(120)],
    "lon": [round(STATIONS[i % 6][1], 6) for i in range(120)],
}


@pytest.mark.parametrize(
    "table",
    [
        {"time": TIMES, "lat": way(120, decimals=2)[0], "lon": way(120, decimals=2)[1]},
        {"day": [each.date() for each in TIMES], "lat": LAT, "lon": LON},
        {"lat": LAT, "lon": LON},
        STILL,
        STILL | {"sensor": [f"S{i % 6}" for i in range(120)], "humidity": [i % 20 for i in range(120)]},
        {"time": TIMES, "lat": [65.58 + 1e-5 * (i % 7) for i in range(120)], "lon": [22.15 + 1e-5 * (i % 5) for i in range(120)]},
        {"time": TIMES, "a": LAT, "b": LON},
        {
            "time": TIMES,
            "bin": [f"K{i % 6}" for i in range(120)],
            "lat": [65.580013 + 0.0031 * (i % 6) for i in range(120)],
            "lon": [22.150017] * 120,
        },
    ],
    ids=["two decimals", "days", "no time", "stations", "named stations", "a shaky receiver", "no names", "neighbours"],
)  # fmt: skip
def test_what_stays_where_it_is_makes_no_track(looking, table):
    assert kinds(looking(table)) == {}
