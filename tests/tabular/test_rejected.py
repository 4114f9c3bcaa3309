"""The rows that come back: as they were, safe to open in a spreadsheet, and the same again when they are sent again."""

import csv
import io

import pytest

from tests.tabular.conftest import Held, Holding, schema_of

SCHEMA = schema_of(
    "id:integer",
    "text:string",
    {"name": "v", "type": "number", "constraints": {"maximum": 10}},
    primaryKey="id",
)


def _lines(held: Held, delimiter: str = ";") -> list[list[str]]:
    return list(csv.reader(io.StringIO(held.rejected, newline=""), delimiter=delimiter, strict=True))


def test_rejected_rows_are_as_they_were_with_line_and_all_their_rules(holding: Holding) -> None:
    held = holding('id;v;text;more\n1;1;a;x\nx;11;"b ""q""\nc"; y \n1;2;c;\n', SCHEMA)

    assert _lines(held) == [
        ["__line", "__rules", "id", "v", "text", "more"],
        ["3", "type id; maximum v", "x", "11", 'b "q"\nc', " y "],
        ["5", "key-duplicate id", "1", "2", "c", ""],
    ]


def test_records_that_are_no_rows_stand_among_the_others_in_the_order_of_lines(holding: Holding) -> None:
    held = holding('id,text,v\nx,a,1\n2,b\n3,c,99\n4,"d"d,1\n5,e,1,f,g\n6,g,1\n', SCHEMA)

    assert _lines(held, ",") == [
        ["__line", "__rules", "id", "text", "v", "__rest"],
        ["2", "type id", "x", "a", "1", ""],
        ["3", "columns", "2", "b", "", ""],
        ["4", "maximum v", "3", "c", "99", ""],
        ["5", "quote", "", "", "", '4,"d"d,1'],
        ["6", "columns", "5", "e", "1", "f,g"],
    ]


@pytest.mark.parametrize(
    "text", ["=1+1", "+1+1", "-x", "@SUM(A1)", "\t=1", " =1", "\u00a0=1", "\u200b=1", "＝1", "'=1", "''@x"]
)
def test_what_a_spreadsheet_would_evaluate_is_guarded_and_is_itself_again_when_it_comes_back(
    holding: Holding, text: str
) -> None:
    sent = holding(f'id;text;v\n1;"{text}";99\n', SCHEMA)
    guarded = _lines(sent)[1][3]

    back = holding(sent.rejected.replace("99", "9").encode("utf-8-sig"), SCHEMA)

    assert guarded == "'" + text
    assert back.table == [("1", text, "9.0")]
    assert "extra" not in back.report.assumed


@pytest.mark.parametrize("text", ["-5", "+4,5", "1e5", "'quoted'", "plain", "a=b"])
def test_numbers_and_plain_texts_are_not_guarded(holding: Holding, text: str) -> None:
    assert _lines(holding(f"id;text;v\n1;{text};99\n", SCHEMA))[1][3] == text


def test_our_own_columns_are_never_data_with_or_without_a_schema(holding: Holding) -> None:
    text = "__line;__rules;id;text;v;__rest\n3;type id;7;a;1;\n"

    with_one, without = holding(text, SCHEMA), holding(text)

    assert (with_one.table, without.table) == ([("7", "a", "1.0")], [("7", "a", "1")])
    assert [each["name"] for each in without.report.columns] == ["id", "text", "v"]


def test_many_rejected_rows_are_all_there(holding: Holding) -> None:
    rows = [f"{i};t{i};{99 if i % 2 else 1}" for i in range(250_000)]

    held = holding("id;text;v\n" + "\n".join(rows) + "\n", SCHEMA)

    lines = _lines(held)
    assert (held.report.rows, held.report.rejected, len(lines)) == (125_000, 125_000, 125_001)
    assert all(
        line == [str(2 * i + 3), "maximum v", str(2 * i + 1), f"t{2 * i + 1}", "99"]
        for i, line in enumerate(lines[1:])
    )


def test_a_file_whose_columns_are_wrong_is_not_copied_into_rejected_rows(holding: Holding) -> None:
    held = holding("nothing;here\n1;2\n", SCHEMA)

    assert (held.report.state, held.report.rejected, held.rejected) == ("unreadable", 1, "")
