"""Where devices sit: one place at a time, moved in one instant, with a history that stays."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.cast import ALVA, BO, CECILIA, DAVID, HTML, running_pilot

POST = {"name": {"sv": "Lyktstolpe 14"}, "position": {"type": "Point", "coordinates": [22.15, 65.58]}}
MAST = {"name": {"sv": "Masten"}}
MAY, JUNE = "2026-05-01T10:00:00+02:00", "2026-06-01T08:00:00Z"


@pytest.fixture
async def path(client, db):
    """A device that Lunet answers for, in a pilot where LTU does research."""
    async with db.raw() as connection:
        await running_pilot(connection)
    body = {"name": "Givare", "pilot": "LUL-2026-901", "model": {"name": "Temp"}}
    answer = await client.post("/devices", json=body, headers=BO)
    return answer.headers["location"]


async def put_up(client, path, who=BO, **more):
    return await client.post(f"{path}/deployments", json={"place": POST, "from_at": MAY} | more, headers=who)


async def now(client, path):
    return (await client.get(path, headers=BO)).json()


async def test_a_device_is_put_up_at_a_new_place(client, path):
    answer = await put_up(client, path, height_m=3.5)

    device = await now(client, path)
    assert answer.status_code == 201
    assert answer.headers["location"] == f"{path}#places"
    assert device["state"] == "active"
    assert device["deployment"] == answer.json()
    assert (answer.json()["place"]["name"], answer.json()["height_m"]) == (POST["name"], 3.5)


@pytest.mark.parametrize(("who", "status"), [({}, 401), (DAVID, 404), (CECILIA, 201), (BO, 201), (ALVA, 201)])
async def test_partners_that_work_with_devices_put_them_up(client, db, path, who, status):
    if not who:
        async with db.raw() as connection:
            await connection.execute(
                "UPDATE pilot SET visibility = 'public'; UPDATE device SET visibility = 'public'"
            )

    assert (await put_up(client, path, who)).status_code == status


async def test_a_device_sits_at_one_place_at_a_time(client, path):
    await put_up(client, path)

    answer = await put_up(client, path, from_at=JUNE)

    assert answer.status_code == 409
    assert answer.json()["errors"][0]["field"] == "from_at"
    assert answer.json()["detail"] == "The device sits somewhere else at that time."


async def test_a_move_ends_and_begins_in_the_same_instant(client, path):
    await put_up(client, path)

    answer = await client.post(f"{path}/move", json={"place": MAST, "from_at": JUNE}, headers=BO)

    new, old = (await now(client, path))["deployments"]
    assert answer.status_code == 201
    assert (old["to_at"], new["to_at"]) == (new["from_at"], None)
    assert datetime.fromisoformat(new["from_at"]) == datetime(2026, 6, 1, 8, tzinfo=UTC)
    assert (old["removed_by"], new["installed_by"]) == ("Bo", "Bo")


async def test_a_device_is_not_moved_before_it_came(client, path):
    await put_up(client, path, from_at=JUNE)

    answer = await client.post(f"{path}/move", json={"place": MAST, "from_at": MAY}, headers=BO)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "from_at"
    assert len((await now(client, path))["deployments"]) == 1


async def test_a_device_that_sits_nowhere_is_neither_moved_nor_taken_down(client, path):
    moved = await client.post(f"{path}/move", json={"place": MAST}, headers=BO)
    removed = await client.post(f"{path}/remove", json={}, headers=BO)

    assert (moved.status_code, removed.status_code) == (409, 409)


async def test_a_device_taken_down_may_go_up_again_at_that_instant(client, path):
    first = (await put_up(client, path)).json()
    down = await client.post(f"{path}/remove", json={"at": JUNE}, headers=BO)

    again = await put_up(client, path, from_at=JUNE, place=None, place_id=first["place"]["id"])

    assert down.json()["state"] == "registered"
    assert again.status_code == 201


async def test_a_retired_device_is_down_for_good(client, path):
    await put_up(client, path)

    retired = await client.post(f"{path}/retire", json={}, headers=BO)
    again = await put_up(client, path, from_at=None)
    twice = await client.post(f"{path}/retire", json={}, headers=BO)

    assert (retired.json()["state"], retired.json()["deployment"]) == ("retired", None)
    assert (again.status_code, twice.status_code) == (409, 409)


async def test_no_edit_retires_a_device(client, path):
    answer = await client.patch(path, json={"state": "retired", "row_version": 1}, headers=BO)

    assert answer.status_code == 422


async def test_a_device_that_is_up_is_not_archived(client, path):
    await put_up(client, path)

    assert (await client.post(f"{path}/archive", headers=BO)).status_code == 409


async def test_an_edit_that_saw_the_device_before_it_went_up_is_stale(client, path):
    await put_up(client, path)

    late = await client.patch(path, json={"state": "broken", "row_version": 1}, headers=BO)

    assert late.status_code == 412


@pytest.mark.parametrize(
    "given",
    [
        {"from_at": "2026-05-01T10:00:00"}, {"from_at": "yesterday"}, {"from_at": "1999-12-31T23:00:00Z"}, {"from_at": {"local": "x"}},
        {"from_at": (datetime.now(UTC) + timedelta(days=1)).isoformat()}, {"place": None}, {"place_id": 4711, "place": None},
        {"place": {"name": "x"}}, {"place": {"name": "Mast", "position": {"type": "Polygon", "coordinates": []}}}, {"height_m": 5000},
        {"pilot": "LUL-2026-999"}, {"from_at": 10**18}, {"place": {"name": "Mast", "position": "somewhere"}},
    ],
)  # fmt: skip
async def test_what_cannot_be_is_refused_and_nothing_is_kept(client, path, given):
    answer = await put_up(client, path, **given)

    assert answer.status_code == 422, answer.text
    assert (await now(client, path))["deployments"] == []


async def test_a_place_of_another_testbed_is_no_place_for_it(client, db, path):
    async with db.raw() as connection:
        other = await connection.fetchval(
            "INSERT INTO place (code, testbed_id, name) SELECT 'P-00000', id, '{\"sv\": \"Kajen\"}' FROM testbed"
            " WHERE slug = 'skeppsbron' RETURNING id"
        )

    answer = await put_up(client, path, place=None, place_id=other)

    assert answer.json()["errors"][0]["field"] == "place_id"


async def test_a_form_takes_swedish_time(client, path):
    form = {"place_id": "", "place.name.sv": "Taket", "place.name.en": "", "place.position": "65.58, 22.15", "from_at.local": "2026-05-01T10:00",
            "pilot": "", "height_m": "3,5", "note": ""}  # fmt: skip

    answer = await client.post(f"{path}/deployments", data=form, headers=BO | HTML)

    put = (await now(client, path))["deployment"]
    assert answer.status_code == 303
    assert datetime.fromisoformat(put["from_at"]) == datetime(2026, 5, 1, 8, tzinfo=UTC)
    assert put["height_m"] == 3.5
    assert put["place"]["position"] == {"type": "Point", "coordinates": [22.15, 65.58]}


async def test_a_refused_form_comes_back_with_what_was_written(client, path):
    form = {"place.name.en": "The roof", "place.position": "up there", "from_at.local": "2199-01-01T10:00"}

    answer = await client.post(f"{path}/deployments", data=form, headers=BO | HTML)

    assert answer.status_code == 422
    assert 'value="The roof"' in answer.text
    assert 'value="2199-01-01T10:00"' in answer.text
    assert "This time has not come yet." in answer.text
    assert "Write latitude and longitude" in answer.text


async def test_the_forms_that_end_a_deployment_take_an_empty_time(client, path):
    await put_up(client, path)

    answer = await client.post(f"{path}/remove", data={"at.local": ""}, headers=BO | HTML)

    assert answer.status_code == 303
    assert (await now(client, path))["deployment"] is None


async def test_who_put_it_up_is_told_to_those_who_look_after_it_alone(client, db, path):
    await put_up(client, path, note="Nyckel hos Bo")
    async with db.raw() as connection:
        await connection.execute(
            "UPDATE pilot SET visibility = 'public'; UPDATE device SET visibility = 'public'"
        )

    seen = (await client.get(path)).json()["deployment"]

    assert (seen["installed_by"], seen["note"]) == (None, None)


async def test_places_are_listed_with_what_one_may_see_there(client, path):
    place = (await put_up(client, path)).json()["place"]

    mine = (await client.get("/places", headers=BO)).json()["items"]
    shown = await client.get(f"/places/{place['code']}", headers=BO)

    assert [(each["code"], each["devices"]) for each in mine] == [(place["code"], 1)]
    assert shown.json()["devices"][0]["url"] == path
    assert (await client.get("/places")).json()["items"] == []
    assert (await client.get(f"/places/{place['code']}")).status_code == 404


async def test_a_coordinator_registers_a_place_ahead(client):
    testbed = (await client.get("/testbeds/norra-hamn")).json()["id"]

    answers = [
        await client.post("/places", json=MAST | {"testbed_id": testbed}, headers=who)
        for who in ({}, BO, ALVA)
    ]

    assert [each.status_code for each in answers] == [401, 403, 201]
    assert [
        each["name"] for each in (await client.get("/places?testbed=norra-hamn&q=mast")).json()["items"]
    ] == [MAST["name"]]


async def test_pages_of_devices_that_are_up_are_drawn(client, path):
    place = (await put_up(client, path)).json()["place"]

    for page in (
        "/devices",
        path,
        f"{path}/deployments",
        f"{path}/deployments/new",
        f"{path}/remove",
        "/places",
        f"/places/{place['code']}",
    ):
        answer = await client.get(page, headers=BO | HTML)
        assert answer.status_code == 200, page
        assert "Lyktstolpe 14" in answer.text, page
