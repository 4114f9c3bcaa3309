"""Answers about a file that no schema describes; and the schema that such a file proposes."""

from typing import Any

import pytest

from tests.tabular.conftest import Holding


def _types(held: Any) -> dict[str, str]:
    return {each["name"]: each["type"] for each in held.report.columns}


def test_an_encoding_that_was_answered_is_used_and_no_longer_doubted(holding: Holding) -> None:
    text = "plats;grader\nLuleå;1\n"

    held = holding(text.encode("cp850"), answers={"encoding": "IBM850"})

    assert (held.table, held.report.problems, held.report.assumed["encoding"]) == (
        [("Luleå", "1")],
        [],
        "ibm850",
    )


def test_bytes_that_are_not_in_the_answered_encoding_are_said(holding: Holding) -> None:
    held = holding("plats\nLuleå\n".encode("cp1252"), answers={"encoding": "utf-8"})

    assert [(each["rule"], each["value"]) for each in held.report.problems] == [("answer", "encoding: utf-8")]


def test_utf_16_without_its_mark_is_read_when_told(holding: Holding) -> None:
    held = holding("a;b\nå;1\n".encode("utf-16-be"), answers={"encoding": "utf-16-be"})

    assert held.table == [("å", "1")]


@pytest.mark.parametrize("answer", ["semicolon", ";"])
def test_a_delimiter_is_answered_by_name_or_sign(holding: Holding, answer: str) -> None:
    held = holding("a,x;b,y\n1,2;3,4\n5,6;7,8\n", answers={"delimiter": answer})

    assert list(_types(held)) == ["a,x", "b,y"]


def test_a_header_is_what_was_answered(holding: Holding) -> None:
    text = "a;b\nc;d\n"

    with_it, without = (holding(text, answers={"header": header}) for header in (True, False))

    assert (list(_types(with_it)), with_it.table) == (["a", "b"], [("c", "d")])
    assert (list(_types(without)), len(without.table), without.report.problems) == (
        ["column_1", "column_2"],
        2,
        [],
    )


def test_commas_are_decimal_marks_or_not_as_answered(holding: Holding) -> None:
    text = "a;b\n1,234;x\n2,500;y\n"

    assert _types(holding(text, answers={"decimal": ","}))["a"] == "number"
    assert holding(text, answers={"decimal": ","}).report.problems == []
    assert _types(holding(text, answers={"decimal": "."}))["a"] == "string"


def test_month_first_is_read_when_told(holding: Holding) -> None:
    held = holding("a;b\n01/02/2024;x\n03/04/2024;y\n", answers={"date_order": "month-first"})

    assert (held.table[0][0], held.report.problems) == ("2024-01-02", [])


def test_local_times_become_instants_in_the_answered_zone_but_for_hours_that_are_not_one(
    holding: Holding,
) -> None:
    rows = "".join(
        f"2024-10-27 {hour:02}:{minute:02};1\n" for hour in range(3, 24) for minute in range(0, 60, 5)
    )
    text = "t;n\n" + rows + "2024-10-27 02:30;1\n2024-03-31 02:30;2\n"

    held = holding(text, answers={"zone": "Europe/Stockholm"})

    assert held.table[0][0] == "2024-10-27 02:00:00+00"
    assert [row[0] for row in held.table[-2:]] == [None, None]
    assert [(each["rule"], each["line"]) for each in held.report.problems] == [
        ("time-ambiguous", 254),
        ("time-nonexistent", 255),
    ]
    assert held.report.columns[0]["zone"] == "UTC"


def test_a_column_gets_the_name_that_was_answered(holding: Holding) -> None:
    held = holding("a;b\n1;2\n", answers={"columns": {"a": "depth"}})

    assert list(_types(held)) == ["depth", "b"]


def test_a_schema_is_proposed_from_whole_columns(holding: Holding) -> None:
    rows = [
        (
            f"{1 + i // 50:02}/01/2024",
            f"S{i % 5:02}",
            f"{i},5",
            "NA" if i == 450 else str(i % 7),
            f"000{i % 9}",
        )
        for i in range(500)
    ]

    held = holding("dag;enhet;djup;antal;kod\n" + "".join(";".join(row) + "\n" for row in rows))

    assert held.report.proposal == {
        "fields": [
            {"name": "dag", "type": "date", "format": "%d/%m/%Y", "constraints": {"required": True}},
            {"name": "enhet", "type": "string", "constraints": {"required": True}},
            {"name": "djup", "type": "number", "decimalChar": ",", "constraints": {"required": True}},
            {"name": "antal", "type": "integer"},
            {"name": "kod", "type": "string", "constraints": {"required": True}},
        ],
        "missingValues": ["", "NA"],
    }


def test_a_key_is_proposed_when_one_or_two_columns_are_one(holding: Holding) -> None:
    one = holding("id;v\n" + "".join(f"{i};{i % 3}\n" for i in range(50)))
    two = holding("t;u;v\n" + "".join(f"2024-01-01T00:{i // 5:02}:00Z;U{i % 5};1.5\n" for i in range(50)))

    assert one.report.proposal["primaryKey"] == ["id"]
    assert two.report.proposal["primaryKey"] == ["t", "u"]


def test_what_was_proposed_takes_the_file_it_was_proposed_from(holding: Holding) -> None:
    text = "Tid;Värde (°C);ok;k\n" + "".join(f"{i % 28 + 1}.1.2024 10:00;{i},5;ja;[{i}]\n" for i in range(60))
    proposed = holding(text).report.proposal

    held = holding(text, proposed)

    assert (held.report.state, held.report.rows, held.report.proposal) == ("ready", 60, {})


def test_a_title_that_looks_like_personal_data_is_told_also_where_an_answer_renames_it(holding: Holding):
    held = holding(
        "anna@kommun.example.se;b\n1;2\n", answers={"columns": {"anna@kommun.example.se": "depth"}}
    )

    assert held.report.personal["found"] == [{"columns": ["depth"], "kind": "email", "count": 1}]
