"""Where a trial has a table schema, datasets are made of accepted results, each with its accepted corrections."""

import json

import pytest

from tests.cast import ALVA, CECILIA, HTML
from tests.datasets.kept import received
from tests.trials.checked import schema_of

MORE = b"time;depth_cm;place\n2026-01-01 13:00;14,0;Norra hamn\n"


@pytest.fixture
async def schema(db, trial) -> int:
    return await schema_of(db, trial)


async def decide(db, number: int, acceptance: str, **columns) -> None:
    async with db.raw() as connection:
        await connection.execute("UPDATE result SET acceptance = $2 WHERE id = $1", number, acceptance)
        for name, value in columns.items():
            await connection.execute(f"UPDATE result SET {name} = $2 WHERE id = $1", number, value)


async def correction(
    db, store, trial, original: int, code: str, body: bytes = MORE, acceptance: str = "accepted"
) -> int:
    async with db.raw() as connection:
        number = await received(connection, store, trial, body, code=code, filename="rättad.csv")
        await connection.execute(
            "UPDATE result SET report = report || $2::jsonb WHERE id = $1", number,
            json.dumps({"correction": {"lines": 1, "new": 0, "basis": []}}),
        )  # fmt: skip
    await decide(db, number, acceptance, corrects=True, replaces_id=original)
    return number


async def test_an_open_result_of_a_trial_with_a_schema_cannot_be_chosen(client, schema, snow):
    answer = await client.post("/datasets", json=snow, headers=CECILIA)

    assert answer.status_code == 422
    assert "not been accepted" in answer.text


@pytest.mark.parametrize("acceptance", ["accepted", "accepted_partly"])
async def test_an_accepted_one_can(client, db, schema, result, snow, acceptance):
    await decide(db, result, acceptance)

    assert (await client.post("/datasets", json=snow, headers=CECILIA)).status_code == 201


@pytest.mark.parametrize("acceptance", ["refused", "replaced", "withdrawn"])
async def test_without_a_schema_everything_but_what_was_put_aside_can(client, db, result, snow, acceptance):
    open_one = await client.post("/datasets", json=snow, headers=CECILIA)
    await decide(db, result, acceptance)
    aside = await client.post("/datasets", json=snow, headers=CECILIA)

    assert (open_one.status_code, aside.status_code) == (201, 422)


async def test_what_was_withdrawn_meanwhile_stands_in_the_way_by_name(client, db, schema, result, snow):
    await decide(db, result, "accepted")
    slug = (await client.post("/datasets", json=snow, headers=CECILIA)).json()["slug"]
    await decide(db, result, "withdrawn")

    plan = (await client.get(f"/datasets/{slug}/publish", headers=ALVA)).json()
    page = (await client.get(f"/datasets/{slug}/publish", headers=ALVA | HTML)).text
    asked = await client.post(f"/datasets/{slug}/versions", json={}, headers=ALVA)

    assert [each["code"] for each in plan["waiting"]] == ["R-AAAA22"]
    assert any("not accepted" in each for each in plan["hindrances"])
    assert "snow.csv (R-AAAA22)" in page
    assert asked.status_code == 409


async def test_the_rows_of_a_correction_follow_those_of_its_original(
    client, db, store, schema, trial, result, snow, working
):
    await decide(db, result, "accepted_partly")
    await correction(db, store, trial, result, "R-BBBB22")
    slug = (await client.post("/datasets", json=snow, headers=CECILIA)).json()["slug"]

    plan = (await client.get(f"/datasets/{slug}/publish", headers=ALVA)).json()
    version = (await client.post(f"/datasets/{slug}/versions", json={}, headers=ALVA)).json()

    assert (plan["rows"], [each["code"] for each in plan["sources"]]) == (4, ["R-AAAA22", "R-BBBB22"])
    assert [(each["code"], each["rows"]) for each in version["sources"]] == [("R-AAAA22", 3), ("R-BBBB22", 1)]
    assert version["preview"]["rows"][-1][1] == 14.0


@pytest.mark.parametrize("acceptance", ["open", "refused", "withdrawn"])
async def test_a_correction_that_is_not_accepted_joins_nothing(
    client, db, store, schema, trial, result, snow, acceptance
):
    await decide(db, result, "accepted_partly")
    number = await correction(db, store, trial, result, "R-BBBB22", acceptance=acceptance)
    slug = (await client.post("/datasets", json=snow, headers=CECILIA)).json()["slug"]

    plan = (await client.get(f"/datasets/{slug}/publish", headers=ALVA)).json()
    alone = await client.post("/datasets", json=snow | {"results": [number]}, headers=CECILIA)

    assert [each["code"] for each in plan["sources"]] == ["R-AAAA22"]
    assert alone.status_code == 422
