"""Results as people and programs meet them: who sees them, their page, their files, their place in the chain."""

import pytest

from testbed import jobs
from testbed.access.models import Actor
from testbed.pilots.chain import chain_of
from testbed.trials.profile import KINDS
from tests.cast import ALVA, BO, CECILIA, DAVID, HTML

DATA = "tid;dB;plats\n2026-05-08 10:00;51,5;Ö1\n2026-05-08 11:00;50,25;Ö1\n".encode()


@pytest.fixture
async def at(client, trial, shop) -> str:
    """Where Bo's result lies, read, and for nobody but Lunet and the coordinator."""
    answer = await client.put(f"/trials/{trial}/results/ljud.csv", content=DATA, headers=BO)
    await jobs.work_once(shop, KINDS)
    return str(answer.headers["location"])


@pytest.mark.parametrize(("who", "status"), [({}, 404), (DAVID, 404), (CECILIA, 404), (BO, 200), (ALVA, 200)])
async def test_a_private_result_is_hidden_everywhere(client, trial, at, who, status):
    below = ["", "/raw", "/table.parquet", "/receipt", "/progress", "/events"]
    seen = [(await client.get(at + path, headers=who)).status_code for path in below]
    number = (await client.get(at, headers=ALVA)).json()["id"]

    listed = (await client.get("/results", headers=who)).json()["items"]
    counted = (await client.get("/trials", headers=who)).json()["items"][0]["results"]
    shown = (await client.get(f"/trials/{trial}", headers=who)).json()["results"]

    assert seen == [status] * len(below)
    assert (await client.get(f"/results/{number}", headers=who)).status_code == status
    assert [len(listed), counted, len(shown)] == [int(status == 200)] * 3


async def test_a_result_opened_to_all_is_anybodys_to_fetch(client, at):
    opened = await client.patch(at, json={"access": "public", "row_version": 1}, headers=BO)

    raw = await client.get(f"{at}/raw")
    part = await client.get(f"{at}/raw", headers={"range": "bytes=0-2"})
    head = await client.head(f"{at}/table.parquet")

    assert opened.status_code == 200
    assert (raw.content, part.content, part.status_code) == (DATA, b"tid", 206)
    assert raw.headers["cache-control"].startswith("public")
    assert raw.headers["content-disposition"].startswith('attachment; filename="ljud.csv"')
    assert int(head.headers["content-length"]) > 0
    assert (await client.get(at)).json()["receipt"]["person"] is None


@pytest.mark.parametrize(("who", "status"), [(CECILIA, 403), (DAVID, 403), ({}, 401), (ALVA, 200)])
async def test_only_its_owner_and_the_coordinator_edit_a_result(client, at, who, status):
    await client.patch(at, json={"access": "public", "row_version": 1}, headers=BO)

    answer = await client.patch(at, json={"note": "hej", "row_version": 2}, headers=who)

    assert answer.status_code == status


async def test_a_stale_edit_is_refused(client, at):
    await client.patch(at, json={"note": "ett", "row_version": 1}, headers=BO)

    late = await client.post(at, data={"note": "två", "row_version": "1"}, headers=ALVA | HTML)

    assert late.status_code == 412
    assert "ett" in late.text
    assert "två" in late.text


async def test_a_result_is_known_by_its_code_in_any_case(client, at):
    assert (await client.get(at.replace("R-", "r-").lower(), headers=BO)).status_code == 200


@pytest.mark.parametrize(("language", "number"), [("sv", "50,25"), ("en", "50.25")])
async def test_its_pages_show_what_was_read(client, at, language, number):
    who = ALVA | HTML | {"accept-language": language}

    page, receipt = await client.get(at, headers=who), await client.get(f"{at}/receipt", headers=who)

    assert page.status_code == receipt.status_code == 200
    assert number in page.text
    assert "Ö1" in page.text
    assert (await client.get(at, headers=BO)).json()["sha256"] in receipt.text


async def test_a_page_shows_every_problem_with_its_places(client, trial, shop):
    bad = b"tid;dB\n" + b"2026-05-08 10:00;51,5\n" * 300 + b"2026-05-08 11:00;<fel>\n2026-05-08 11:00;1;2\n"
    answer = await client.put(f"/trials/{trial}/results/b.csv", content=bad, headers=BO)
    await jobs.work_once(shop, KINDS)

    result = (await client.get(answer.headers["location"], headers=BO)).json()
    page = await client.get(answer.headers["location"], headers=BO | HTML)
    rejected = await client.get(f"{answer.headers['location']}/rejected.csv", headers=BO)

    assert (result["state"], result["rejected"]) == ("partly", 1), result["problems"]
    assert {each["rule"] for each in result["problems"]} >= {"type", "columns"}
    assert "&lt;fel&gt;" in page.text
    assert "<fel>" not in page.text
    assert "2026-05-08 11:00" in rejected.text


async def test_a_running_result_tells_how_far_it_is(client, trial):
    at = (await client.put(f"/trials/{trial}/results/b.csv", content=DATA, headers=BO)).headers["location"]

    page = await client.get(at, headers=BO | HTML)

    assert f'data-progress="{at}/progress"' in page.text
    assert (await client.get(f"{at}/progress", headers=BO)).json()["state"] == "queued"
    assert (await client.get(f"{at}/table.parquet", headers=BO)).status_code == 404


async def test_lists_are_filtered_and_leave_as_csv(client, trial, at):
    await client.put(f"/trials/{trial}/results/b.csv", content=DATA, headers=BO)

    ready = (
        await client.get(f"/results?state=ready&trial={trial}&pilot=LUL-2026-901&q=ljud", headers=BO)
    ).json()
    first = (await client.get("/results?limit=1", headers=BO)).json()
    second = (
        await client.get(f"/results?limit=1&after={first['next']}&sort={first['sort']}", headers=BO)
    ).json()
    table = (await client.get("/results?format=csv", headers=BO)).text.splitlines()

    assert [each["filename"] for each in ready["items"]] == ["ljud.csv"]
    assert [first["items"][0]["filename"], second["items"][0]["filename"]] == ["b.csv", "ljud.csv"]
    assert len(table) == 3


async def test_an_archived_result_leaves_the_lists_but_not_its_address(client, at):
    await client.post(f"{at}/archive", headers=BO)

    assert (await client.get("/results", headers=BO)).json()["items"] == []
    assert (await client.get(f"{at}/raw", headers=BO)).content == DATA
    assert (await client.post(f"{at}/restore", headers=BO)).json()["archived_at"] is None


async def test_a_result_rests_on_its_trial_and_the_trial_on_the_pilots_devices(client, trial, at, db):
    async with db.raw() as connection:
        pilot = await connection.fetchval("SELECT pilot_id FROM trial")
        device = await connection.fetchval(DEVICE, pilot)
        people = {row["name"]: row["id"] for row in await connection.fetch("SELECT name, id FROM person")}

    async with db.begin() as session:
        seen = {
            name: await chain_of(session, Actor(kind="person", person_id=people[name]), pilot, "LUL-2026-901")
            for name in ("Bo", "Cecilia")
        }

    nodes = {str(node.kind): node for node in seen["Bo"].nodes}
    assert nodes["result"].rests_on == [f"trial:{trial}"]
    assert f"pilot:{pilot}" in nodes["trial"].rests_on
    assert "result" not in {node.kind for node in seen["Cecilia"].nodes}
    if "device" in nodes:
        assert f"device:{device}" in nodes["trial"].rests_on


DEVICE = """
    WITH model AS (INSERT INTO device_model (name, maker, kind, description)
            VALUES ('M1', 'Acme', 'manual', '') RETURNING id),
        spot AS (INSERT INTO place (code, testbed_id, name)
            SELECT 'P-1', testbed_id, '{"sv": "Kajen"}' FROM pilot RETURNING id),
        made AS (INSERT INTO device (code, device_model_id, testbed_id, owner_id, pilot_id, name, state, visibility)
            SELECT 'D-1', model.id, pilot.testbed_id, partner.id, pilot.id, 'Mätare', 'active', 'public'
            FROM model, pilot, partner WHERE partner.slug = 'lunet' RETURNING id)
    INSERT INTO deployment (device_id, place_id, pilot_id, during)
        SELECT made.id, spot.id, $1, tstzrange('2026-05-01', NULL) FROM made, spot RETURNING device_id
"""
