"""Testbeds as people and programs meet them."""

import pytest

from tests.cast import ALVA, BO, DAVID, EBBA, HTML

AREA = {
    "type": "Polygon",
    "coordinates": [[[22.14, 65.58], [22.14, 65.59], [22.16, 65.59], [22.16, 65.58], [22.14, 65.58]]],
}


async def ice(client, **more):
    owner = (await client.get("/partners/lulea")).json()["id"]
    return {
        "name": {"sv": "Isbanan", "en": "The ice track"},
        "environment": "real",
        "owner_partner_id": owner,
    } | more


async def norra_hamn(client):
    return (await client.get("/testbeds/norra-hamn")).json()


async def test_an_administrator_opens_a_testbed_with_three_facts(client):
    answer = await client.post("/testbeds", json=await ice(client), headers=EBBA)

    made = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/testbeds/{made['slug']}"
    assert (made["name"]["sv"], made["owner"]["title"], made["visibility"]) == (
        "Isbanan",
        "Luleå kommun",
        "public",
    )


async def test_everything_about_a_testbed_is_kept(client):
    more = {
        "location": AREA, "infrastructure": ["LoRaWAN", "poles"], "season_from": "12-15", "season_to": "04-15", "capacity": 3,
        "house_rules": {"sv": "Inga bilar."}, "contact_mailbox": "isbanan@demo.example", "description": {"sv": "Is"},
    }  # fmt: skip

    made = (await client.post("/testbeds", json=await ice(client, **more), headers=EBBA)).json()

    kept = (await client.get(f"/testbeds/{made['slug']}")).json()
    assert {name: kept[name] for name in more if name != "location"} == {
        k: v for k, v in more.items() if k != "location"
    }
    assert sorted(map(str, kept["location"]["coordinates"][0])) == sorted(map(str, AREA["coordinates"][0]))


@pytest.mark.parametrize(("who", "status"), [({}, 401), (DAVID, 403), (BO, 403), (ALVA, 403), (EBBA, 201)])
async def test_only_administrators_open_testbeds(client, who, status):
    answer = await client.post("/testbeds", json=await ice(client), headers=who)

    assert answer.status_code == status


@pytest.mark.parametrize(("who", "status"), [({}, 401), (DAVID, 403), (BO, 403), (ALVA, 200)])
async def test_only_its_coordinator_edits_a_testbed(client, who, status):
    answer = await client.patch("/testbeds/norra-hamn", json={"capacity": 4, "row_version": 1}, headers=who)

    assert answer.status_code == status


async def test_a_coordinator_edits_no_testbed_but_hers(client):
    answer = await client.patch("/testbeds/skeppsbron", json={"capacity": 4, "row_version": 1}, headers=ALVA)

    assert answer.status_code == 403


async def test_an_edit_changes_what_it_names_and_leaves_the_rest(client):
    answer = await client.patch("/testbeds/norra-hamn", json={"capacity": 4, "row_version": 1}, headers=ALVA)

    changed = answer.json()
    assert (changed["capacity"], changed["name"]["sv"], changed["row_version"]) == (4, "Norra hamn", 2)
    assert changed["activity"][0]["action"] == "testbed.edit"


async def test_a_stale_edit_is_refused_with_what_is_there_now(client):
    await client.patch("/testbeds/norra-hamn", json={"capacity": 4, "row_version": 1}, headers=ALVA)

    late = await client.patch("/testbeds/norra-hamn", json={"capacity": 5, "row_version": 1}, headers=ALVA)

    assert late.status_code == 412
    assert late.json()["current"]["capacity"] == 4


async def test_a_form_sends_a_place_as_two_numbers_and_a_list_with_commas(client):
    owner = (await client.get("/partners/lulea")).json()["id"]
    form = {"name.sv": "Isbanan", "name.en": "", "environment": "real", "owner_partner_id": owner, "capacity": "",
            "location": "65.5848, 22.1547", "infrastructure": "LoRaWAN, lyktstolpar", "visibility": "public"}  # fmt: skip

    answer = await client.post("/testbeds", data=form, headers=EBBA | HTML)

    kept = (await client.get(answer.headers["location"])).json()
    assert answer.status_code == 303
    assert kept["location"] == {"type": "Point", "coordinates": [22.1547, 65.5848]}
    assert kept["infrastructure"] == ["LoRaWAN", "lyktstolpar"]


async def test_a_refused_form_comes_back_with_what_was_written(client):
    form = {"name.en": "The ice track", "location": "somewhere", "season_from": "13-40"}

    answer = await client.post("/testbeds", data=form, headers=EBBA | HTML)

    assert answer.status_code == 422
    assert 'value="The ice track"' in answer.text
    assert "Write latitude and longitude" in answer.text
    assert "Write a day of the year" in answer.text


async def test_half_a_season_is_refused(client):
    answer = await client.post("/testbeds", json=await ice(client, season_from="12-15"), headers=EBBA)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "season_to"


async def test_an_owner_nobody_knows_is_refused(client):
    answer = await client.post("/testbeds", json=await ice(client, owner_partner_id=4711), headers=EBBA)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "owner_partner_id"


async def test_an_archived_testbed_leaves_the_list_and_keeps_its_address(client):
    await client.post("/testbeds/norra-hamn/archive", headers=ALVA)

    listed = {each["slug"] for each in (await client.get("/testbeds")).json()["items"]}
    archived = {each["slug"] for each in (await client.get("/testbeds?archived=true")).json()["items"]}
    assert (listed, archived) == ({"skeppsbron"}, {"norra-hamn"})
    assert (await norra_hamn(client))["archived_at"] is not None

    back = await client.post("/testbeds/norra-hamn/restore", headers=ALVA)

    assert back.json()["archived_at"] is None


async def test_a_hidden_testbed_looks_absent_to_others(client):
    made = (
        await client.post("/testbeds", json=await ice(client, visibility="internal"), headers=EBBA)
    ).json()

    statuses = [
        (await client.get(f"/testbeds/{made['slug']}", headers=who)).status_code for who in ({}, BO, EBBA)
    ]

    assert statuses == [404, 404, 200]
    assert made["slug"] not in (await client.get("/testbeds", headers=BO)).text


async def test_lists_are_searched_filtered_and_sorted(client):
    await client.post("/testbeds", json=await ice(client, environment="lab"), headers=EBBA)

    found = (await client.get("/testbeds", params={"q": "isban"})).json()["items"]
    labs = (await client.get("/testbeds", params={"environment": "lab"})).json()["items"]
    down = (
        await client.get("/testbeds", params={"sort": "-name"}, headers={"accept-language": "sv"})
    ).json()["items"]

    assert [each["name"]["sv"] for each in found] == [each["name"]["sv"] for each in labs] == ["Isbanan"]
    assert [each["name"]["sv"] for each in down] == ["Skeppsbron", "Norra hamn", "Isbanan"]


async def test_a_list_is_the_same_as_csv(client):
    table = await client.get("/testbeds?format=csv")

    assert table.headers["content-type"].startswith("text/csv")
    assert len(table.text.splitlines()) == 3


@pytest.mark.parametrize("path", ["/testbeds", "/testbeds/norra-hamn", "/testbeds/norra-hamn/edit"])
@pytest.mark.parametrize("language", ["sv", "en"])
async def test_pages_are_drawn(client, path, language):
    answer = await client.get(path, params={"lang": language}, headers=ALVA | HTML)

    assert answer.status_code == 200
    assert "Norra hamn" in answer.text or "North harbour" in answer.text


async def test_the_form_for_a_new_testbed_is_the_administrators(client):
    statuses = [
        (await client.get("/testbeds/new", headers=HTML | who)).status_code for who in ({}, ALVA, EBBA)
    ]

    assert statuses == [401, 403, 200]
