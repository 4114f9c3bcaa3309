"""Trials as people and programs meet them."""

import pytest

from tests.cast import ALVA, BO, CECILIA, DAVID, HTML

DRAFT = {
    "title": {"sv": "Andra veckan", "en": "Second week"},
    "start_on": "2026-05-08",
    "end_on": "2026-05-14",
}
HERE = "/pilots/LUL-2026-901/trials"
PAGES = ["/trials", HERE, HERE + "/new", "/results", "/trials/{}", "/trials/{}/edit", "/trials/{}/upload"]


async def test_a_title_is_enough_to_begin_a_trial(client, trial):
    answer = await client.post(HERE, json={"title": "Med salt"}, headers=CECILIA)

    assert answer.status_code == 201
    assert answer.headers["location"] == f"/trials/{answer.json()['id']}"
    assert answer.json()["title"] == {"en": "Med salt"}
    assert answer.json()["activity"][0]["action"] == "trial.register"


@pytest.mark.parametrize(("who", "status"), [({}, 401), (DAVID, 403), (BO, 403), (CECILIA, 201), (ALVA, 201)])
async def test_researchers_and_coordinators_begin_trials(client, trial, who, status):
    answer = await client.post(HERE, json=DRAFT, headers=who)

    assert answer.status_code == status


async def test_a_trial_cannot_end_before_it_starts(client, trial):
    answer = await client.post(HERE, json=DRAFT | {"end_on": "2026-05-01"}, headers=ALVA)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "end_on"


async def test_a_refused_form_comes_back_with_what_was_written(client, trial):
    answer = await client.post(
        HERE, data={"title.sv": " ", "start_on": "2026-05-08", "visibility": "public"}, headers=ALVA | HTML
    )

    assert answer.status_code == 422
    assert 'value="2026-05-08"' in answer.text


async def test_a_stale_edit_is_refused_with_what_is_there_now(client, trial):
    first = {"title": {"sv": "Vecka ett"}, "row_version": 1}
    await client.patch(f"/trials/{trial}", json=first, headers=CECILIA)

    late = await client.patch(f"/trials/{trial}", json={"title": "Vecka 1", "row_version": 1}, headers=ALVA)

    assert late.status_code == 412
    assert late.json()["current"]["title"] == {"sv": "Vecka ett"}


async def test_lists_find_sort_and_leave_as_csv(client, trial):
    await client.post(HERE, json=DRAFT, headers=ALVA)

    found = (await client.get("/trials?q=veck&sort=-title")).json()["items"]
    table = (await client.get("/trials?format=csv&pilot=LUL-2026-901&sort=title")).text.splitlines()

    assert [each["title"]["sv"] for each in found] == ["Första veckan", "Andra veckan"]
    assert len(table) == 3
    assert (await client.get(HERE)).json()["items"][0]["pilot"] == "LUL-2026-901"
    assert (await client.get("/pilots/LUL-2026-000/trials")).status_code == 404


async def test_an_archived_trial_leaves_the_list_and_can_come_back(client, trial):
    await client.post(f"/trials/{trial}/archive", headers=ALVA)

    assert (await client.get("/trials")).json()["items"] == []
    assert len((await client.get("/trials?archived=true")).json()["items"]) == 1
    back = await client.post(f"/trials/{trial}/restore", headers=ALVA | HTML)
    assert back.status_code == 303
    assert len((await client.get("/trials")).json()["items"]) == 1


@pytest.mark.parametrize(
    "path", ["/trials", HERE, "/results", "/trials/{}", "/trials/{}/edit", "/trials/{}/upload", HERE + "/new"]
)
@pytest.mark.parametrize("language", ["sv", "en"])
async def test_every_page_is_there_in_both_languages(client, trial, path, language):
    page = await client.get(path.format(trial), headers=ALVA | HTML | {"accept-language": language})

    assert page.status_code == 200
    assert f'<html lang="{language}">' in page.text


@pytest.mark.parametrize("number", ["0", "01", "-1", "1_0", "x", "9" * 19, "%00"])
async def test_what_is_no_number_is_no_trial(client, trial, number):
    assert (await client.get(f"/trials/{number}")).status_code == 404
    assert (await client.get(f"/results/{number}")).status_code == 404
