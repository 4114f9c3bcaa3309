"""Partners as people and programs meet them."""

import pytest

from tests.cast import ALVA, BO, DAVID, EBBA, HTML

CITY = {"name": "Bodens kommun", "kind": "city", "orgnr": "212000-0142"}


async def test_a_coordinator_registers_a_partner(client):
    answer = await client.post("/partners", json=CITY, headers=ALVA)

    assert answer.status_code == 201
    assert answer.headers["location"] == f"/partners/{answer.json()['slug']}"
    assert answer.json()["orgnr"] == "212000-0142"


@pytest.mark.parametrize(("who", "status"), [(DAVID, 403), (BO, 403), ({}, 401), (EBBA, 201)])
async def test_only_coordinators_and_admins_register_partners(client, who, status):
    answer = await client.post("/partners", json=CITY, headers=who)

    assert answer.status_code == status


async def test_a_refused_form_comes_back_with_what_was_written(client):
    answer = await client.post("/partners", data={"name": "Bodens kommun", "kind": ""}, headers=ALVA | HTML)

    assert answer.status_code == 422
    assert 'value="Bodens kommun"' in answer.text
    assert "This is needed." in answer.text


async def test_a_stale_edit_is_refused_with_what_is_there_now(client):
    slug = (await client.post("/partners", json=CITY, headers=ALVA)).json()["slug"]
    await client.patch(f"/partners/{slug}", json={"name": "Boden", "row_version": 1}, headers=ALVA)

    late = await client.patch(
        f"/partners/{slug}", json={"name": "Bodens stad", "row_version": 1}, headers=ALVA
    )

    assert late.status_code == 412
    assert late.json()["current"]["name"] == "Boden"


async def test_a_list_is_the_same_as_csv(client):
    listed = (await client.get("/partners")).json()["items"]

    table = await client.get("/partners?format=csv")

    assert table.headers["content-type"].startswith("text/csv")
    assert [line.split(",")[2] for line in table.text.splitlines()[1:]] == [item["name"] for item in listed]


async def test_a_search_finds_beginnings_of_words(client):
    found = (await client.get("/partners", params={"q": "tekni"})).json()["items"]

    assert [each["slug"] for each in found] == ["ltu"]


async def test_a_sole_traders_number_is_hidden_from_others(client):
    sole = CITY | {"name": "Anna", "kind": "company", "orgnr": "811218-9876"}
    slug = (await client.post("/partners", json=sole, headers=ALVA)).json()["slug"]

    assert (await client.get(f"/partners/{slug}")).json()["orgnr"] is None
    assert (await client.get(f"/partners/{slug}", headers=ALVA)).json()["orgnr"] == "811218-9876"
