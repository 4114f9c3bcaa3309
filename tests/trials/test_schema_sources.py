"""A schema proposed from a result of the trial, and what a sender is told before choosing a file."""

import pytest

from testbed import jobs
from testbed.trials.profile import KINDS
from tests.cast import ALVA, BO, CECILIA, HTML
from tests.trials.schemas import FILL

DATA = b"tid;djup\n2026-01-01 10:00;7,5\n2026-01-02 10:00;8,25\n"
REPORT = """
    UPDATE result SET state = 'ready', parquet_sha256 = sha256, report = '{"columns": [
        {"name": "djup", "title": "Djup", "type": "number", "statistics": {"min": 7.5, "max": 8.25}}]}'
"""


@pytest.fixture
async def code(client, trial, db) -> str:
    """A private result of Lunet that was read."""
    made = (await client.put(f"/trials/{trial}/results/djup.csv", content=DATA, headers=BO)).json()
    async with db.raw() as connection:
        await connection.execute(REPORT)
    return str(made["code"])


async def test_the_form_is_filled_from_a_file_one_may_read(client, trial, code):
    page = await client.get(f"/trials/{trial}/schema/new?from={code.lower()}", headers=ALVA | HTML)
    limited = await client.get(f"/trials/{trial}/schema/new?from={code}&limits=yes", headers=ALVA)

    assert 'name="fields.0.name" type="text" value="djup"' in page.text
    assert "In the file: 7.5 – 8.25" in page.text
    assert 'name="fields.0.constraints.minimum" type="text" value=""' in page.text
    assert limited.json()["rows"][0]["constraints.minimum"] == "7.5"
    assert limited.json()["origin"] == code


async def test_a_file_one_may_not_read_is_not_there_to_propose_from(client, trial, code):
    start = await client.get(f"/trials/{trial}/schema/new", headers=CECILIA)
    hidden = await client.get(f"/trials/{trial}/schema/new?from={code}", headers=CECILIA)
    absent = await client.get(f"/trials/{trial}/schema/new?from=R-ZZZZZZ", headers=CECILIA)

    assert start.json()["sources"] == []
    assert hidden.status_code == absent.status_code == 404
    assert [
        each["filename"]
        for each in (await client.get(f"/trials/{trial}/schema/new", headers=ALVA)).json()["sources"]
    ] == ["djup.csv"]


async def test_a_file_without_a_table_proposes_nothing(client, trial, code, db):
    async with db.raw() as connection:
        await connection.execute("UPDATE result SET report = '{}'")

    assert (await client.get(f"/trials/{trial}/schema/new?from={code}", headers=ALVA)).status_code == 409


async def test_the_history_tells_which_file_it_was_proposed_from(client, trial, code):
    await client.post(f"/trials/{trial}/schema", json={"descriptor": FILL, "origin": code}, headers=ALVA)

    events = (await client.get(f"/trials/{trial}", headers=ALVA)).json()["activity"]
    assert events[0]["details"]["origin"] == code


async def test_what_a_real_reading_proposes_is_a_sound_schema(client, trial, shop):
    made = (await client.put(f"/trials/{trial}/results/djup.csv", content=DATA, headers=BO)).json()
    assert await jobs.work_once(shop, KINDS)

    form = (await client.get(f"/trials/{trial}/schema/new?from={made['code']}", headers=ALVA)).json()
    sent = {
        f"fields.{place}.{key}": text for place, row in enumerate(form["rows"]) for key, text in row.items()
    }
    check = await client.post(f"/trials/{trial}/schema/edit", data=sent | {"do": "check"}, headers=ALVA)

    assert check.status_code == 200, check.text
    assert [(each["name"], each["type"]) for each in check.json()["columns"]] == [
        ("tid", "datetime"),
        ("djup", "number"),
    ]


async def test_a_sender_sees_the_columns_and_the_templates_first(client, trial):
    before = (await client.get(f"/trials/{trial}/upload", headers=BO)).json()
    await client.post(f"/trials/{trial}/schema", json={"descriptor": FILL}, headers=ALVA)

    after = (await client.get(f"/trials/{trial}/upload", headers=BO)).json()

    assert (before["columns"], before["templates"]) == ([], None)
    assert [each["name"] for each in after["columns"]] == ["tid", "kärl", "fyllnad", "läge"]
    assert after["templates"]["xlsx"] == f"/trials/{trial}/template.xlsx"


@pytest.mark.parametrize(
    ("file", "kind", "name"),
    [("template.csv", "text/csv", ".csv"), ("example.csv", "text/csv", "-example.csv"), ("schema.json", "application/json", "schema.json"),
     ("template.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xlsx")],
)  # fmt: skip
async def test_the_files_are_fetched_under_a_name_that_says_what_they_are(client, trial, file, kind, name):
    await client.post(f"/trials/{trial}/schema", json={"descriptor": FILL}, headers=ALVA)

    answer = await client.get(f"/trials/{trial}/{file}", headers=BO)

    assert answer.headers["content-type"].startswith(kind)
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    wanted = name if file == "schema.json" else f"LUL-2026-901-T{trial}-v1{name}"
    assert f'"{wanted}"' in answer.headers["content-disposition"]
