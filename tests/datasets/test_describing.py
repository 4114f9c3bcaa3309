"""A dataset before its first version: described, and made of results one may see."""

import pytest

from tests.cast import ALVA, BO, CECILIA, DAVID


@pytest.mark.parametrize(("who", "status"), [(BO, 403), (DAVID, 422), ({}, 422), (CECILIA, 201)])
async def test_who_takes_no_such_part_makes_no_dataset(client, snow, who, status):
    assert (await client.post("/datasets", json=snow, headers=who)).status_code == status


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"pilot": "LUL-1999-001"}, "pilot"),
        ({"results": [4711]}, "results"),
        ({"results": ["R-NONE00"]}, "results"),
        ({"title": ""}, "title"),
        ({"licence": "mine"}, "licence"),
        ({"owner_id": 1}, "owner_id"),
    ],
)
async def test_a_dataset_of_nothing_is_refused(client, snow, wrong, field):
    answer = await client.post("/datasets", json=snow | wrong, headers=ALVA)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


async def test_a_result_may_be_named_by_its_code(client, snow):
    answer = await client.post("/datasets", json=snow | {"results": ["R-AAAA22"]}, headers=ALVA)

    assert answer.json()["results"][0]["code"] == "R-AAAA22"


async def test_a_stale_edit_is_refused(client, snow):
    slug = (await client.post("/datasets", json=snow, headers=ALVA)).json()["slug"]
    await client.patch(f"/datasets/{slug}", json={"keywords": ["vinter"], "row_version": 1}, headers=ALVA)

    late = await client.patch(f"/datasets/{slug}", json={"keywords": ["is"], "row_version": 1}, headers=ALVA)

    assert late.status_code == 412
    assert late.json()["current"]["keywords"] == ["vinter"]
