"""Which column is which field, and what people may answer otherwise than was assumed."""

from typing import Any

import pytest

from tests.tabular.conftest import Holding, schema_of

DEPTH: dict[str, Any] = {
    "name": "depth_cm", "type": "number", "testbed:unit": "cm", "testbed:aliases": ["Djup (cm)"],
    "testbed:titles": {"sv": "Snödjup", "en": "Snow depth"},
}  # fmt: skip
SNOW = schema_of({"name": "unit", "type": "string", "constraints": {"required": True}}, DEPTH)


def _rules(held: Any) -> list[tuple[str, str | None]]:
    return [(each["rule"], each["column"]) for each in held.report.problems]


@pytest.mark.parametrize(
    "title",
    [
        "depth_cm",
        "Djup (cm)",
        "Snödjup",
        "Snow depth",
        "DEPTH_CM",
        "djup  (CM)",
        "Sno\u0308djup",
        " depth_cm ",
    ],
)
def test_a_column_is_found_by_name_alias_and_title_without_regard_to_capitals(
    holding: Holding, title: str
) -> None:
    held = holding(f"{title};unit\n16.4;S01\n", SNOW)

    assert (held.report.state, held.table) == ("ready", [("S01", "16.4")])
    assert held.report.assumed.get("columns", {}) == ({} if title == "depth_cm" else {title: "depth_cm"})


def test_a_bom_is_no_part_of_the_first_name(holding: Holding) -> None:
    held = holding(b"\xef\xbb\xbfunit;depth_cm\nS01;1\n", SNOW)

    assert (held.report.state, held.report.assumed.get("columns")) == ("ready", None)


def test_a_required_column_that_is_missing_is_said_together_with_all_else(holding: Holding) -> None:
    held = holding("depth_cm;x\n16.4;1\nwrong;2\n", SNOW)

    assert (held.report.state, held.report.rows, held.report.rejected) == ("unreadable", 0, 2)
    assert held.found("line", "row", "column", "rule") == [
        (1, None, "unit", "column-missing"),
        (3, 2, "depth_cm", "type"),
    ]
    assert held.report.assumed["titles"] == ["depth_cm", "x"]


def test_two_columns_for_one_field_are_refused_unless_one_has_its_very_name(holding: Holding) -> None:
    twice = holding("unit;Djup (cm);Snödjup\nS01;1;2\n", SNOW)
    exact = holding("unit;depth_cm;Snödjup\nS01;1;2\n", SNOW)

    assert (twice.report.state, _rules(twice)) == ("unreadable", [("column-duplicate", "depth_cm")])
    assert (exact.report.state, exact.table) == ("ready", [("S01", "1.0", "2")])


@pytest.mark.parametrize(
    ("extra", "state", "rules", "row"),
    [
        ("keep", "ready", [], ("S01", "1.0", "007")),
        ("drop", "ready", [("column-dropped", "note")], ("S01", "1.0")),
        ("refuse", "unreadable", [("column-unknown", "note")], None),
    ],
)
def test_further_columns_are_kept_as_text_dropped_or_refused(
    holding: Holding, extra: str, state: str, rules: list[Any], row: tuple[str, ...] | None
) -> None:
    held = holding("unit;depth_cm;note\nS01;1;007\n", {**SNOW, "testbed:extra_columns": extra})

    assert (held.report.state, _rules(held), held.table) == (state, rules, [row] if row else [])


def test_the_delimiter_whose_header_is_that_of_the_schema_wins(holding: Holding) -> None:
    schema = schema_of("unit:string", "depth, in cm:number")

    held = holding("unit;depth, in cm\na,b;1\nc,d;2\n", schema)

    assert (held.report.assumed["delimiter"], held.table) == ("semicolon", [("a,b", "1.0"), ("c,d", "2.0")])


def test_a_schema_of_one_column_reads_a_file_of_one_column(holding: Holding) -> None:
    held = holding("depth_cm\n1,5\n2,25\n", schema_of(DEPTH))

    assert (held.report.assumed["decimal"], held.table) == ({"depth_cm": ","}, [("1.5",), ("2.25",)])


def test_a_header_whose_names_look_like_values_is_known_by_the_schema(holding: Holding) -> None:
    held = holding("2023;2024\n1;2\n3;4\n", schema_of("2023:integer", "2024:integer"))

    assert (held.report.assumed["header"], len(held.table)) == (True, 2)


def test_without_a_header_columns_are_taken_by_their_place_if_they_are_as_many(holding: Holding) -> None:
    same = holding("S01;1\nS02;2\n", SNOW, answers={"header": False})
    fewer = holding("1\n2\n", SNOW, answers={"header": False, "delimiter": "semicolon"})

    assert same.table == [("S01", "1.0"), ("S02", "2.0")]
    assert [rule for rule, _ in _rules(fewer)] == ["column-missing", "column-missing"]


def test_an_answer_says_which_column_is_which(holding: Holding) -> None:
    held = holding("a;b;depth_cm\nS01;1;9\n", SNOW, answers={"columns": {"a": "unit", "b": "depth_cm"}})

    assert held.table == [("S01", "1.0", "9")]
    assert held.report.assumed["columns"] == {"a": "unit", "b": "depth_cm"}


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"columns": {"nowhere": "unit"}}, "columns: nowhere → unit"),
        ({"columns": {"unit": "nothing"}}, "columns: unit → nothing"),
        ({"encoding": "klingon"}, "encoding: klingon"),
        ({"decimal": ";"}, "decimal: ;"),
        ({"zone": "Europe/Lulea"}, "zone: Europe/Lulea"),
        ({"header": "yes"}, "header: yes"),
        ({"colour": "red"}, "colour: ?"),
        ({"units": {"width": "mm"}}, "units: width mm"),
    ],
)
def test_an_answer_that_means_nothing_is_said(holding: Holding, answers: dict[str, Any], said: str) -> None:
    held = holding("unit;t\nS01;2024-01-01 10:00\n", schema_of("unit:string", "t:datetime"), answers=answers)

    (problem,) = held.report.problems
    assert (held.report.state, problem["rule"], problem["value"]) == ("unreadable", "answer", said)


def test_the_decimal_mark_is_that_of_nearly_all_values_and_the_others_are_findings(holding: Holding) -> None:
    commas = "unit;depth_cm\n" + "".join(f"S;{i},5\n" for i in range(300))

    mostly = holding(commas + "S;1.5\n", SNOW)
    mixed = holding("unit;depth_cm\nS;1,5\nS;2.5\nS;3.5\n", SNOW)

    assert mostly.found("line", "rule", "value") == [(302, "type", "1.5")]
    assert mixed.found("line", "rule", "value") == [(2, "decimal-comma", "1,5")]


def test_a_wrong_first_impression_of_a_column_is_mended_by_all_its_values(holding: Holding) -> None:
    text = "unit;depth_cm\n" + "S;1\n" * 400_000 + "S;1,5\n" * 200_000

    held = holding(text, SNOW)

    assert (held.report.state, held.report.assumed["decimal"], held.table[-1][1]) == (
        "ready",
        {"depth_cm": ","},
        "1.5",
    )


def test_an_answered_mark_stands_above_the_guess(holding: Holding) -> None:
    text = "unit;depth_cm\nS;1,234\nS;2,500\n"

    guessed, comma = holding(text, SNOW), holding(text, SNOW, answers={"decimal": ","})
    point = holding(text, SNOW, answers={"decimal": "."})

    assert _rules(guessed) == [("decimal-assumed", "depth_cm")]
    assert (_rules(comma), comma.table[0][1]) == ([], "1.234")
    assert _rules(point) == [("decimal-comma", "depth_cm")]


@pytest.mark.parametrize(
    ("answer", "first", "rules"),
    [({}, "2024-02-01", ["date-order"]), ({"date_order": "day-first"}, "2024-02-01", []), ({"date_order": "month-first"}, "2024-01-02", [])],
)  # fmt: skip
def test_the_order_of_day_and_month_is_guessed_doubted_and_answered(
    holding: Holding, answer: dict[str, str], first: str, rules: list[str]
) -> None:
    held = holding("d;n\n01/02/2024;1\n03/04/2024;2\n", schema_of("d:date", "n:integer"), answers=answer)

    assert (held.table[0][0], [rule for rule, _ in _rules(held)]) == (first, rules)
    said = "mm/dd/yyyy" if answer.get("date_order") == "month-first" else "dd/mm/yyyy"
    assert held.report.assumed["date_format"] == {"d": said}


def test_a_declared_format_is_the_only_one(holding: Holding) -> None:
    schema = schema_of({"name": "d", "type": "date", "format": "%d %b %Y"}, "n:integer")

    held = holding("d;n\n29 Feb 2024;1\n2024-02-29;2\n", schema)

    assert held.table == [("2024-02-29", "1")]
    assert held.found("line", "expected") == [(3, "date (%d %b %Y)")]


def test_units_are_converted_only_when_told_and_that_is_noted(holding: Holding) -> None:
    text = "unit;depth_cm\nS;164\nS;-1\n"

    as_is, told = holding(text, SNOW), holding(text, SNOW, answers={"units": {"depth_cm": "mm"}})

    assert ([row[1] for row in as_is.table], "units" in as_is.report.assumed) == (["164.0", "-1.0"], False)
    assert [row[1] for row in told.table] == ["16.4", "-0.1"]
    assert told.report.assumed["units"] == {"depth_cm": {"from": "mm", "to": "cm"}}


@pytest.mark.parametrize(
    ("given", "wanted", "value", "converted"),
    [
        ("cm", "m", "164", 1.64), ("°F", "Cel", "68", 20.0), ("K", "°C", "293.15", 20.0), ("km/h", "m/s", "36", 10.0),
        ("hPa", "Pa", "1013.25", 101325.0), ("kWh", "MJ", "1", 3.6), ("%", "1", "50", 0.5), ("l/s", "m3/h", "10", 36.0),
    ],
)  # fmt: skip
def test_conversions_are_exact(
    holding: Holding, given: str, wanted: str, value: str, converted: float
) -> None:
    schema = schema_of({"name": "v", "type": "number", "testbed:unit": wanted}, "n:integer")

    held = holding(f"v;n\n{value};1\n", schema, answers={"units": {"v": given}})

    assert float(held.table[0][0]) == pytest.approx(converted, rel=1e-15, abs=1e-12)


def test_bounds_are_those_of_the_unit_of_the_schema(holding: Holding) -> None:
    schema = schema_of({**DEPTH, "constraints": {"maximum": 400}}, "n:integer")

    held = holding("depth_cm;n\n3900;1\n4100;2\n", schema, answers={"units": {"depth_cm": "mm"}})

    assert held.found("line", "value", "rule", "expected") == [(3, "4100", "maximum", "≤ 400")]


@pytest.mark.parametrize(("given", "schema"), [("kg", SNOW), ("furlong", SNOW), ("mm", None)])
def test_units_that_cannot_be_converted_are_refused_in_words(
    holding: Holding, given: str, schema: Any
) -> None:
    held = holding("unit;depth_cm\nS;1\n", schema, answers={"units": {"depth_cm": given}})

    (problem,) = held.report.problems
    assert (held.report.state, problem["rule"]) == ("unreadable", "unit-conversion")
    assert "räkna om" in problem["hint"]["sv"]
