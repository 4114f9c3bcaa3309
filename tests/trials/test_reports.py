"""What is wrong with a file: counts first, then every place, in pages and as downloads; for nobody but its readers."""

import csv
import io
import json

import pytest

from tests.cast import ALVA, BO, CECILIA, DAVID, HTML
from tests.trials.checked import checked, schema_of

BAD = {850: ["2026-02-01 10:00", "0164A"], 851: ["2026-02-01 11:00", "=HYPERLINK(1)"], 852: ["", "999"]}
FOUND = [
    (850, "depth_cm", 2, "0164A", "type"),
    (851, "depth_cm", 2, "=HYPERLINK(1)", "type"),
    (852, "time", 1, None, "type"),
    (852, "depth_cm", 2, "999", "not-finite"),
]


@pytest.fixture
async def at(db, store, trial) -> str:
    await schema_of(db, trial)
    return await checked(db, store, trial, found=FOUND, refused=BAD)


@pytest.mark.parametrize(("who", "status"), [({}, 404), (DAVID, 404), (CECILIA, 404), (BO, 200), (ALVA, 200)])
async def test_a_report_is_for_those_who_may_read_the_file(client, at, who, status):
    seen = [
        (await client.get(f"{at}/{each}", headers=who)).status_code
        for each in ("report", "report.csv", "report.json")
    ]

    assert seen == [status] * 3


async def test_it_counts_first_and_then_names_the_places(client, at):
    report = (await client.get(f"{at}/report", headers=BO)).json()

    assert (report["schema"], report["rows"], report["accepted"], report["rejected"]) == (1, 1001, 998, 3)
    assert [(each["rule"], each["column"], each["n"]) for each in report["counts"]] == [
        ("type", "depth_cm", 2), ("type", "time", 1), ("not-finite", "depth_cm", 1),
    ]  # fmt: skip
    first = report["findings"][0]
    assert (first["line"], first["row"], first["column"], first["value"]) == (850, 849, "depth_cm", "0164A")
    assert first["hint_sv"]
    assert first["hint_en"]
    assert report["refused_rows"]["852"] == [None, "999"]
    assert report["next"] is None


async def test_it_is_narrowed_to_one_rule_and_one_column(client, at):
    narrowed = (await client.get(f"{at}/report?rule=type&column=depth_cm", headers=BO)).json()
    none = (await client.get(f"{at}/report?rule=finns-inte", headers=BO)).json()

    assert [each["line"] for each in narrowed["findings"]] == [850, 851]
    assert none["findings"] == []


async def test_the_page_marks_the_bad_cell_in_its_row(client, at):
    page = (await client.get(f"{at}/report", headers=BO | HTML)).text

    assert '<td class="marked">0164A' in page
    assert '<td class="nowrap">2026-02-01 10:00</td>' in page
    assert f'href="{at}/report?rule=type&amp;column=depth_cm#places"' in page
    assert f'href="{at}/report.csv"' in page


async def test_a_spreadsheet_opens_it_and_runs_nothing(client, at):
    swedish = await client.get(f"{at}/report.csv", headers=BO | {"accept-language": "sv"})
    english = await client.get(f"{at}/report.csv", headers=BO)

    assert swedish.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(swedish.content.decode("utf-8-sig")), delimiter=";"))
    assert [row[0] for row in rows[1:]] == ["850", "851", "852", "852"]
    assert rows[2][3] == "'=HYPERLINK(1)"
    assert len(next(csv.reader(io.StringIO(english.content.decode("utf-8-sig"))))) == len(rows[0])
    assert swedish.headers["content-disposition"].startswith("attachment")


async def test_a_program_gets_the_values_as_they_are(client, at):
    answer = await client.get(f"{at}/report.json", headers=BO)

    report = json.loads(answer.content)
    assert [each["value"] for each in report["findings"]] == ["0164A", "=HYPERLINK(1)", None, "999"]
    assert (report["result"], report["schema"], report["rejected"], len(report["counts"])) == (
        "R-AAAA22",
        1,
        3,
        3,
    )


async def test_a_long_report_is_paged_by_place_and_streamed_whole(client, db, store, trial):
    await schema_of(db, trial)
    found = [(n + 2, "depth_cm", 2, f"x{n}", "type") for n in range(25_000)]
    at = await checked(db, store, trial, found=found)

    pages, after = [], "-1"
    for _ in range(3):
        page = (await client.get(f"{at}/report?after={after}", headers=BO)).json()
        pages += [each["line"] for each in page["findings"]]
        after = page["next"]
    whole = json.loads((await client.get(f"{at}/report.json", headers=BO)).content)

    assert pages == list(range(2, 302))
    assert [each["value"] for each in whole["findings"]] == [f"x{n}" for n in range(25_000)]


async def test_a_reading_from_before_there_were_lists_tells_its_examples(client, db, store, trial):
    problem = {
        "rule": "type", "severity": "error", "line": 4, "column": "db", "value": "x", "count": 7,
        "hint": {"sv": "a", "en": "b"}, "examples": [{"line": 4, "value": "x"}, {"line": 9, "value": "y"}],
    }  # fmt: skip
    at = await checked(db, store, trial, problems=[problem], counts=[])
    async with db.raw() as connection:
        await connection.execute("UPDATE result SET findings_sha256 = NULL")

    report = (await client.get(f"{at}/report", headers=BO)).json()

    assert [(each["rule"], each["n"]) for each in report["counts"]] == [("type", 7)]
    assert [each["line"] for each in report["findings"]] == [4, 9]
    assert (await client.get(f"{at}/report.csv", headers=BO)).status_code == 200


async def test_a_damaged_list_is_said_to_be_damaged(client, db, store, at):
    async with db.raw() as connection:
        await connection.execute("UPDATE result SET findings_sha256 = sha256")

    answer = await client.get(f"{at}/report", headers=BO)

    assert answer.status_code == 409
    assert "damaged" in answer.json()["detail"]


@pytest.mark.parametrize("query", ["after=-2", "after=9223372036854775808", "after=x", "rule=" + "x" * 81])
async def test_a_senseless_question_is_refused(client, at, query):
    assert (await client.get(f"{at}/report?{query}", headers=BO)).status_code in {400, 422}
