"""What a column is taken for; a value is never changed to fit."""

import pytest

from tests.tabular.conftest import Reader, rows_of, rules_of, types_of


def _column(values: list[str]) -> str:
    return "n;v\n" + "".join(f"{i};{value}\n" for i, value in enumerate(values))


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (["1", "2", "-3"], "integer"),
        (["1", "2.5", "-3e-4"], "number"),
        (["1,5", "2", "-3,25"], "number"),
        (["007", "8", "9"], "string"),
        (["1234567890123456", "1"], "string"),
        (["1234e567", "12345678"], "string"),
        (["12e5", "1"], "string"),
        (["d1d1e80000000033", "0018B20000020CBC"], "string"),
        (["+46701234567", "1"], "string"),
        (["true", "false", "TRUE"], "boolean"),
        (["ja", "nej"], "boolean"),
        (["2024-02-29", "2023-01-01"], "date"),
        (["2024-02-30", "2023-01-01"], "string"),
        (["2024-01-01 10:00", "2024-01-01T10:00:30.5"], "datetime"),
        (["2024-01-01T10:00:00Z", "2024-01-01T10:00:00+02:00"], "datetime"),
        (["00:10", "23:59:59"], "time"),
        (["24:00", "00:10"], "string"),
        (["23/01/2024", "1/2/2024"], "date"),
        (["01/23/2024 10:00", "02/01/2024 11:30"], "datetime"),
        (["23.01.2024 10:00", "1.2.2024 9:05:01"], "datetime"),
        (["2024/01/23", "2024/02/01"], "date"),
        (["nan", "inf", "text"], "string"),
        (["epoch", "infinity"], "string"),
        (["0x10", "1_000"], "string"),
        (["1e400", "1"], "string"),
    ],
)
async def test_a_column_is_what_all_its_values_are(reading: Reader, values: list[str], wanted: str) -> None:
    report = await reading(_column(values))

    assert types_of(report)["v"] == wanted
    if wanted == "string":
        assert [row[1] for row in rows_of(report.table)] == values


async def test_times_with_offset_become_utc(reading: Reader) -> None:
    report = await reading("t;v\n2024-01-01T10:00:00+02:00;1\n2024-01-01T10:00:00Z;2\n")

    assert report.preview["rows"] == [["2024-01-01T08:00:00Z", 1], ["2024-01-01T10:00:00Z", 2]]
    assert report.columns[0]["zone"] == "UTC"


async def test_times_without_offset_stay_local_and_that_is_said(reading: Reader) -> None:
    report = await reading("t;v\n2024-01-01T10:00:00;1\n")

    assert report.columns[0]["zone"] is None
    assert report.assumed["zone"] == {"t": "none"}


async def test_a_rare_misfit_is_listed_and_left_empty(reading: Reader) -> None:
    values = [f"{i}" for i in range(300)]
    values[250] = "0164A"

    report = await reading(_column(values))

    assert (report.state, types_of(report)["v"]) == ("partly", "integer")
    (problem,) = report.problems
    assert (problem["rule"], problem["line"], problem["column"]) == ("type", 252, "v")
    assert (problem["value"], problem["count"]) == ("0164A", 1)
    assert [row[1] for row in rows_of(report.table)] == [None if i == 250 else i for i in range(300)]


async def test_a_column_with_many_misfits_is_text_unchanged(reading: Reader) -> None:
    report = await reading(_column(["1"] * 95 + ["about 2"] * 5))

    assert (report.state, types_of(report)["v"], rules_of(report)) == ("ready", "string", ["mixed"])
    assert rows_of(report.table)[-1][1] == "about 2"


async def test_a_misfit_far_beyond_the_sample_is_found_with_its_line(reading: Reader) -> None:
    lines = [f"{i},{i / 4},2024-01-01T00:00:00" for i in range(60_000)]
    lines[41_234] = "41234,wrong,2024-01-01T00:00:00"

    report = await reading("a,b,c\n" + "\n".join(lines) + "\n")

    assert (report.state, report.rows, rules_of(report)) == ("partly", 60_000, ["type"])
    assert (report.problems[0]["line"], report.problems[0]["value"]) == (41_236, "wrong")


async def test_words_for_missing_values_are_told(reading: Reader) -> None:
    report = await reading("a;b\n1;x\nNA;y\n3;NA\n")

    assert report.assumed["missing"] == {"a": ["NA"]}
    assert rows_of(report.table) == [(1, "x"), (None, "y"), (3, "NA")]


async def test_a_comma_that_may_separate_thousands_is_doubted(reading: Reader) -> None:
    report = await reading("a;b\n1,234;x\n2,500;y\n")

    assert "decimal-assumed" in rules_of(report)


async def test_days_and_months_that_nothing_tells_apart_are_doubted(reading: Reader) -> None:
    report = await reading("a;b\n01/02/2024;x\n03/04/2024;y\n")

    assert rules_of(report) == ["date-order"]
    assert report.preview["rows"][0][0] == "2024-02-01"


async def test_large_integers_of_json_stay_integers(reading: Reader) -> None:
    report = await reading('{"a": 123456789012345678, "b": 1}\n{"a": 1, "b": 2.5}\n')

    assert types_of(report) == {"a": "integer", "b": "number"}
    assert rows_of(report.table) == [(123456789012345678, 1.0), (1, 2.5)]


async def test_texts_of_json_that_look_like_numbers_stay_texts(reading: Reader) -> None:
    report = await reading('[{"id": "12"}, {"id": ""}, {"id": null}]')

    assert types_of(report) == {"id": "string"}
    assert rows_of(report.table) == [("12",), ("",), (None,)]
