"""Rows held to a schema: every fault is named with its line, and the rows without one become the table."""

from typing import Any

import pytest

from tests.tabular.conftest import Holding, schema_of

LIMITED = schema_of(
    {"name": "id", "type": "integer", "constraints": {"required": True, "unique": True}},
    {"name": "unit", "type": "string", "constraints": {"pattern": "S[0-9]{2}", "maxLength": 3}},
    {"name": "depth", "type": "number", "constraints": {"minimum": 0, "maximum": 400}},
    {"name": "state", "type": "string", "constraints": {"enum": ["dry", "wet"]}},
)


def test_every_fault_is_listed_with_line_row_column_value_and_what_was_expected(holding: Holding) -> None:
    held = holding(
        "id;unit;depth;state\n"
        "1;S01;16.4;dry\n"
        "2;S1;500;wet\n"
        ";S02;-1;damp\n"
        "1;S03;0164A;\n",
        LIMITED,
    )  # fmt: skip

    assert (held.report.state, held.report.rows, held.report.rejected) == ("partly", 1, 3)
    assert held.table == [("1", "S01", "16.4", "dry")]
    assert held.found(
        "line", "row", "column", "column_no", "value", "rule", "severity", "expected", "first_line"
    ) == [
        (3, 2, "unit", 2, "S1", "pattern", "error", "S[0-9]{2}", None),
        (3, 2, "depth", 3, "500", "maximum", "error", "≤ 400", None),
        (4, 3, "id", 1, None, "required", "error", None, None),
        (4, 3, "depth", 3, "-1", "minimum", "error", "≥ 0", None),
        (4, 3, "state", 4, "damp", "enum", "error", "dry | wet", None),
        (5, 4, "id", 1, "1", "unique", "error", None, 2),
        (5, 4, "depth", 3, "0164A", "type", "error", "number", None),
    ]


def test_counts_are_exact_and_problems_carry_hints_in_both_languages(holding: Holding) -> None:
    held = holding("v\n" + "x\n" * 250 + "1\n", schema_of("v:number"))

    assert held.report.counts == [{"rule": "type", "column": "v", "severity": "error", "n": 250}]
    (problem,) = held.report.problems
    assert (problem["count"], problem["line"], len(problem["examples"])) == (250, 2, 100)
    assert problem["hint"] == {"sv": "Skriv ett tal, t.ex. 16,4.", "en": "Write a number, e.g. 16.4."}
    assert len(held.findings) == 250


def test_a_file_without_faults_has_no_findings_and_nothing_rejected(holding: Holding) -> None:
    held = holding("id,unit,depth,state\n1,S01,0,dry\n2,,,\n", LIMITED)

    assert (held.report.state, held.report.problems, held.findings, held.rejected) == ("ready", [], [], "")
    assert held.table == [("1", "S01", "0.0", "dry"), ("2", None, None, None)]


@pytest.mark.parametrize(
    ("type_", "good", "bad"),
    [
        ("integer", ["1", "+1", "-1", "007", " 1 "], ["1.5", "1.0", "0x10", "1_000", "1e3", "9" * 19, "١٢", "−1"]),
        ("number", ["1", "1.5", "-.5", "5.", "1e5", "+2"], ["nan", "inf", "1e400", "0x10", "1_000", "1 000", "−1", "TRUE"]),
        ("boolean", ["true", "FALSE", "1", "0", "ja", "Nej", "yes", "SANT"], ["t", "on", "2"]),
        ("date", ["2024-02-29", "1899-12-31", "0001-01-01"], ["2024-02-30", "2024-3-1", "epoch", "infinity", "0000-01-01"]),
        ("time", ["00:10", "23:59:59", "07:30:00.5"], ["24:00", "7:30", "23:59:60", "10"]),
        (
            "datetime",
            ["2024-02-29T10:00:00Z", "2024-02-29 10:00+01:00", "1850-01-01T00:00:00Z"],
            ["2026-12-31T23:59:60Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00+25:00", "2024-02-29", "now", "1767225600",
             "2026-01-01T00:00:00.123456789Z"],
        ),
        ("year", ["2024"], ["24", "20245"]),
        ("yearmonth", ["2024-02"], ["2024-13", "2024"]),
        ("geopoint", ["22.157, 65.584", "-180,90"], ["65.584", "200, 10", "a, b"]),
        ("array", ["[1, 2]", "[]"], ['{"a": 1}', "[1", "1"]),
        ("object", ['{"a": [1]}'], ["[1]", "{", "null"]),
    ],
)  # fmt: skip
def test_a_value_is_of_its_type_or_a_finding_and_never_another_value(
    holding: Holding, type_: str, good: list[str], bad: list[str]
) -> None:
    values = [*good, *bad]
    quoted = "".join('"' + value.replace('"', '""') + f'";{i}\n' for i, value in enumerate(values))

    held = holding("v;n\n" + quoted, schema_of(f"v:{type_}", "n:integer"))

    assert [row[1] for row in held.table] == [str(i) for i in range(len(good))]
    assert held.found("line", "value", "rule") == [
        (i + len(good) + 2, value, "type") for i, value in enumerate(bad)
    ]


def test_zeros_in_front_and_hexadecimal_ids_stay_text_where_the_schema_says_so(holding: Holding) -> None:
    held = holding(
        "id;code\n0018B20000020E15;007\n1234567890123456;0164\n", schema_of("id:string", "code:string")
    )

    assert held.table == [("0018B20000020E15", "007"), ("1234567890123456", "0164")]


def test_a_wrong_value_after_850_right_ones_is_found(holding: Holding) -> None:
    text = "".join(f"{i}\n" for i in range(850)) + "0164A\n"

    held = holding("v\n" + text, schema_of("v:integer"))

    assert held.found("line", "row", "value") == [(852, 851, "0164A")]


def test_lines_count_quoted_line_breaks_blank_lines_and_broken_rows(holding: Holding) -> None:
    held = holding(
        'a,b\n1,"x\ny\nz"\n\n2,3,4\nwrong,1\n5,"u\r\nv"\n6,"a"b\nlast,1\n', schema_of("a:integer", "b:string")
    )

    assert held.found("line", "row", "rule", "value") == [
        (6, 2, "columns", "2,3,4"),
        (7, 3, "type", "wrong"),
        (10, 5, "quote", '6,"a"b'),
        (11, 6, "type", "last"),
    ]
    assert (held.report.rows, held.report.rejected) == (2, 4)


def test_decimals_beyond_what_was_declared_are_a_finding_and_are_not_rounded(holding: Holding) -> None:
    schema = schema_of({"name": "v", "type": "number", "testbed:decimals": 2})

    held = holding("v\n1.25\n1.5000\n7\n1.255\n1e3\n", schema)

    assert held.table == [("1.25",), ("1.50",), ("7.00",)]
    assert held.found("line", "rule", "expected") == [(5, "decimals", "0.00"), (6, "type", "number")]


@pytest.mark.parametrize(
    ("word", "rule"),
    [
        ("#DIV/0!", "formula-error"),
        ("#SAKNAS!", "formula-error"),
        ("#värdefel!", "formula-error"),
        ("#1", "type"),
    ],
)
def test_a_formula_that_failed_is_told_apart_from_other_texts(holding: Holding, word: str, rule: str) -> None:
    held = holding(f"v;s\n1;a\n{word};b\n", schema_of("v:number", "s:string"))

    assert held.found("line", "column", "rule") == [(3, "v", rule)]


def test_a_formula_that_failed_is_no_text_either(holding: Holding) -> None:
    held = holding("s;n\na;1\n#REFERENS!;2\n#ref;3\n", schema_of("s:string", "n:integer"))

    assert held.found("line", "rule") == [(3, "formula-error")]


def test_a_header_that_is_not_that_of_the_schema_is_said_also_without_rows(holding: Holding) -> None:
    held = holding("x;y\n", schema_of("id:integer", "code:string"))

    assert (held.report.state, held.report.rows) == ("unreadable", 0)
    assert [(each["rule"], each["column"]) for each in held.report.problems] == [
        ("column-missing", "id"),
        ("column-missing", "code"),
    ]


def test_words_for_missing_values_are_those_of_the_schema(holding: Holding) -> None:
    schema = schema_of("a:number", "b:string", missingValues=["", "NA", "-999"])

    held = holding("a;b\n1;x\nNA;NA\n-999;\n -999 ;y\nnull;z\n", schema)

    assert held.table == [("1.0", "x"), (None, None), (None, None), (None, "y")]
    assert held.found("line", "value") == [(6, "null")]


@pytest.mark.parametrize(
    ("constraints", "type_", "wrong"),
    [
        ({"exclusiveMinimum": 1, "exclusiveMaximum": 3}, "integer", ["1", "3"]),
        ({"minimum": 2.5}, "number", ["1", "2"]),
        ({"minimum": "2024-01-02"}, "date", ["2024-01-01"]),
        ({"maximum": "12:00"}, "time", ["12:01"]),
        ({"maximum": "2024-01-01T12:00:00Z"}, "datetime", ["2024-01-01T13:01:00+01:00"]),
        ({"minLength": 2, "maxLength": 3}, "string", ["å", "🎉🎉🎉🎉"]),
        ({"enum": [1, 2, 3, 4, 5, 6]}, "integer", ["7"]),
        ({"enum": [f"u{i}" for i in range(50)]}, "string", ["u50"]),
        ({"enum": [True]}, "boolean", ["nej"]),
    ],
)  # fmt: skip
def test_constraints_hold_at_their_very_edges(
    holding: Holding, constraints: dict[str, Any], type_: str, wrong: list[str]
) -> None:
    good = {
        "integer": ["2"], "number": ["2.5", "3"], "date": ["2024-01-02"], "time": ["12:00"],
        "datetime": ["2024-01-01T13:00:00+01:00"], "string": ["u7", "u49"], "boolean": ["ja"],
    }[type_]  # fmt: skip
    schema = schema_of({"name": "v", "type": type_, "constraints": constraints}, "n:integer")

    held = holding("v;n\n" + "".join(f"{value};1\n" for value in [*good, *wrong]), schema)

    assert [each["value"] for each in held.findings] == wrong
    assert len(held.table) == len(good)


def test_a_key_is_complete_and_occurs_once(holding: Holding) -> None:
    schema = schema_of("t:date", "u:string", "v:integer", primaryKey=["t", "u"])

    held = holding("t,u,v\n2024-01-01,a,1\n2024-01-01,b,2\n,a,3\n2024-01-01,a,4\n2024-01-01,a,5\n", schema)

    assert held.found("line", "column", "value", "rule", "first_line") == [
        (4, "t", None, "key-null", None),
        (5, "t, u", "2024-01-01, a", "key-duplicate", 2),
        (6, "t, u", "2024-01-01, a", "key-duplicate", 2),
    ]
    assert [row[2] for row in held.table] == ["1", "2"]


def test_equal_instants_with_different_offsets_are_the_same_key(holding: Holding) -> None:
    schema = schema_of("t:datetime", "v:integer", primaryKey="t")

    held = holding("t,v\n2024-01-01T10:00:00Z,1\n2024-01-01T11:00:00+01:00,2\n", schema)

    assert held.found("line", "rule", "first_line") == [(3, "key-duplicate", 2)]


def test_rows_stay_in_the_order_of_the_file(holding: Holding) -> None:
    text = "v;s\n" + "".join(f"{i};{'NA' if i % 3 else 'x'}\n" for i in range(300_000))
    schema = schema_of(
        "v:integer", "s:string", missingValues=["", "NA", "N/A", "-", "null", "none", "?"], primaryKey="v"
    )

    held = holding(text + "5;x\n", schema)

    assert [int(row[0]) for row in held.table] == list(range(300_000))
    assert held.found("line", "first_line") == [(300_002, 7)]


def test_types_of_the_table_are_those_of_the_schema_also_for_columns_that_are_not_there(
    holding: Holding,
) -> None:
    schema = schema_of(
        "a:integer", "b:number", "c:datetime", {"name": "d", "type": "number", "testbed:decimals": 1}
    )

    held = holding("a;extra\n1;007\n", schema)

    assert [(each["name"], each["type"]) for each in held.report.columns] == [
        ("a", "integer"), ("b", "number"), ("c", "datetime"), ("d", "number"), ("extra", "string"),
    ]  # fmt: skip
    assert held.table == [("1", None, None, None, "007")]


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({}, "fields"),
        (schema_of("v:decimal"), "v: type decimal"),
        (schema_of("v:number", "V:number"), "fields: two have the same name"),
        (schema_of("v:number", primaryKey="w"), "primaryKey: w"),
        (schema_of({"name": "v", "constraints": {"pattern": "(?=a)"}}), "v: pattern (?=a)"),
        (
            schema_of({"name": "v", "type": "number", "constraints": {"minimum": "low"}}),
            "v: low is no number",
        ),
        (
            schema_of({"name": "v", "type": "datetime", "testbed:zone": "Europe/Lulea"}),
            "v: testbed:zone Europe/Lulea",
        ),
        (schema_of({"name": "v", "type": "date", "format": "%Q"}), "v: format %Q"),
        (schema_of({"name": "v", "testbed:check": "in-city"}), "v: testbed:check in-city"),
    ],
)
def test_a_schema_that_cannot_be_used_is_said_to_be_the_cause(
    holding: Holding, schema: dict[str, Any], said: str
) -> None:
    held = holding("v\n1\n", schema)

    (problem,) = held.report.problems
    assert (held.report.state, problem["rule"], problem["value"]) == ("unreadable", "schema", said)
