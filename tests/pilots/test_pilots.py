"""Pilots as people and programs meet them after they are registered."""

import pytest

from tests.cast import ALVA, BO, CECILIA, DAVID, EBBA, HTML, running_pilot

CODE = "LUL-2026-901"
PATH = f"/pilots/{CODE}"


@pytest.fixture
async def pilot(db):
    """The id of a running pilot that Lunet supplies and LTU does research in."""
    async with db.raw() as connection:
        number = await running_pilot(connection)
        need = await connection.fetchval(
            "INSERT INTO need (testbed_id, statement) SELECT testbed_id, 'Vägen bullrar om nätterna.' FROM pilot"
            " WHERE id = $1 RETURNING id",
            number,
        )
        await connection.execute("INSERT INTO pilot_need (pilot_id, need_id) VALUES ($1, $2)", number, need)
        return number


async def partner_id(client, slug):
    return (await client.get(f"/partners/{slug}")).json()["id"]


@pytest.mark.parametrize(
    ("who", "status"), [({}, 404), (DAVID, 404), (BO, 200), (CECILIA, 200), (ALVA, 200), (EBBA, 200)]
)
@pytest.mark.parametrize("face", ["", "/chain"])
async def test_a_pilot_is_seen_by_its_partners_and_by_those_who_run_it(client, pilot, who, status, face):
    answer = await client.get(PATH + face, headers=who)

    assert answer.status_code == status


@pytest.mark.parametrize("who", [ALVA, BO, EBBA])
@pytest.mark.parametrize(
    "path", ["/pilots", "/pilots?partner=ltu&testbed=norra-hamn", PATH, f"{PATH}/chain", "/needs"]
)
async def test_pages_are_shown_to_people_in_both_languages(client, pilot, who, path):
    for language in ("sv", "en"):
        answer = await client.get(path, headers=who | HTML | {"accept-language": language})

        assert answer.status_code == 200
        assert f'<html lang="{language}"' in answer.text


@pytest.mark.parametrize("path", ["edit", "stage", "partners/new", "cases/new"])
@pytest.mark.parametrize(("who", "status"), [(ALVA, 200), (BO, 403), ({}, 404)])
async def test_forms_open_for_those_who_may_save_them(client, pilot, path, who, status):
    if path == "partners/new" and who is ALVA:
        status = 403  # her token never changes who takes part

    answer = await client.get(f"{PATH}/{path}", headers=who | HTML)

    assert answer.status_code == status


async def test_the_public_reads_no_names_of_people(client, db, pilot):
    await client.patch(PATH, json={"visibility": "public", "row_version": 1}, headers=ALVA)

    public = await client.get(PATH)

    assert public.json()["activity"] == []
    assert "Alva" not in public.text
    assert [part["partner"]["title"] for part in public.json()["partners"]] == [
        "Lunet",
        "Luleå tekniska universitet",
    ]


async def test_a_stale_edit_is_refused_with_what_is_there_now(client, pilot):
    await client.patch(PATH, json={"title": {"sv": "Tyst väg"}, "row_version": 1}, headers=ALVA)

    late = await client.patch(PATH, json={"title": {"sv": "Tyst gata"}, "row_version": 1}, headers=ALVA)
    form = await client.post(PATH, data={"title.sv": "Tyst gata", "row_version": "1"}, headers=ALVA | HTML)

    assert late.status_code == 412
    assert late.json()["current"]["title"] == {"sv": "Tyst väg"}
    assert form.status_code == 412
    assert 'value="Tyst gata"' in form.text


async def test_an_edit_from_the_form_keeps_what_it_was_given(client, pilot):
    form = {
        "row_version": "1", "title.sv": "Tyst asfalt", "title.en": "", "question.sv": "Hur mycket tystare blir det?",
        "summary_plain.sv": "Vi prövar ny asfalt.", "tags": "buller, väg", "visibility": "public",
        "start_planned": "2026-05-01", "end_planned": "2026-09-30", "quick.ai": "no",
    }  # fmt: skip

    answer = await client.post(PATH, data=form, headers=ALVA | HTML)

    assert answer.status_code == 303
    kept = (await client.get(PATH)).json()
    assert (kept["tags"], kept["quick"]) == (["buller", "väg"], {"ai": False})
    assert kept["question"] == {"sv": "Hur mycket tystare blir det?"}


async def test_a_pilot_cannot_be_planned_to_end_before_it_starts(client, pilot):
    answer = await client.patch(PATH, json={"end_planned": "2026-01-01", "row_version": 1}, headers=ALVA)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "end_planned"


@pytest.mark.parametrize(
    ("step", "status"),
    [
        ({"to": "evaluating"}, 200),
        ({"to": "ready", "reason": "Asfalten lossnade."}, 200),
        ({"to": "ready"}, 422),
        ({"to": "decided"}, 409),
        ({"to": "running"}, 409),
        ({"to": "somewhere"}, 422),
    ],
)
async def test_a_pilot_goes_one_step_at_a_time(client, pilot, step, status):
    answer = await client.post(f"{PATH}/stage", json=step, headers=ALVA)

    assert answer.status_code == status
    now = (await client.get(PATH, headers=ALVA)).json()
    assert now["stage"] == (step["to"] if status == 200 else "running")
    assert ("pilot.advance" in [event["action"] for event in now["activity"]]) == (status == 200)


async def test_a_partner_does_not_advance_the_pilot(client, pilot):
    answer = await client.post(f"{PATH}/stage", json={"to": "evaluating"}, headers=BO)

    assert answer.status_code == 403


async def test_a_token_changes_nobodys_part(client, pilot):
    answer = await client.post(f"{PATH}/partners", json={"name": "Grepit"}, headers=ALVA)

    assert answer.status_code == 403


async def test_a_case_is_noted_once(client, pilot):
    body = {"authority_id": await partner_id(client, "lulea"), "number": "SBN 2021 00099"}

    first = await client.post(f"{PATH}/cases", json=body, headers=ALVA)
    second = await client.post(f"{PATH}/cases", json=body, headers=ALVA)

    assert first.json()["cases"][0]["authority"] == "Luleå kommun"
    assert (first.status_code, second.status_code) == (201, 409)


async def test_an_archived_pilot_leaves_the_list_and_comes_back(client, pilot):
    await client.post(f"{PATH}/archive", headers=ALVA)
    without = (await client.get("/pilots", headers=ALVA)).json()["items"]

    await client.post(f"{PATH}/restore", headers=ALVA)

    assert without == []
    assert [each["code"] for each in (await client.get("/pilots", headers=ALVA)).json()["items"]] == [CODE]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"q": "asfalt"}, True),
        ({"q": "LUL-2026"}, True),
        ({"q": "kärl"}, False),
        ({"stage": "running"}, True),
        ({"stage": "need"}, False),
        ({"state": "active"}, True),
        ({"state": "paused"}, False),
        ({"testbed": "norra-hamn"}, True),
        ({"testbed": "skeppsbron"}, False),
        ({"partner": "ltu"}, True),
        ({"partner": "lulea"}, False),
    ],
)
async def test_the_list_is_narrowed(client, pilot, asked, found):
    items = (await client.get("/pilots", params=asked, headers=ALVA)).json()["items"]

    assert bool(items) is found


@pytest.mark.parametrize(
    "sort", ["", "updated", "-updated", "code", "-code", "title", "-title", "start", "-start"]
)
async def test_paging_shows_every_pilot_once(client, db, sort):
    async with db.raw() as connection:
        for number in range(7):
            await running_pilot(connection, f"LUL-2026-80{number}")
        await connection.execute("UPDATE pilot SET planned_start_on = NULL WHERE code LIKE '%3'")
    seen, after = [], ""

    while after is not None:
        page = (
            await client.get("/pilots", params={"sort": sort, "limit": 2, "after": after}, headers=ALVA)
        ).json()
        seen += [each["code"] for each in page["items"]]
        after = page["next"]

    assert sorted(seen) == [f"LUL-2026-80{number}" for number in range(7)]


async def test_the_list_hides_what_is_hidden_and_is_the_same_as_csv(client, pilot):
    table = await client.get("/pilots?format=csv", headers=BO)

    assert (await client.get("/pilots")).json()["items"] == []
    assert table.text.splitlines()[1].split(",")[1] == CODE


async def test_the_chain_goes_from_the_need_to_the_pilot(client, pilot):
    nodes = (await client.get(f"{PATH}/chain", headers=BO)).json()["nodes"]

    assert [node["kind"] for node in nodes][:2] == ["need", "pilot"]
    assert nodes[1]["rests_on"] == [nodes[0]["key"]]


async def test_a_need_is_edited_by_those_who_run_the_pilot(client, pilot):
    need = (await client.get("/needs", headers=ALVA)).json()["items"][0]["id"]
    form = {"row_version": "1", "statement": "Vägen bullrar om nätterna.", "user_groups[]": ["", "residents"]}

    page = await client.get(f"/needs/{need}/edit", headers=ALVA | HTML)
    saved = await client.post(f"/needs/{need}", data=form, headers=ALVA | HTML)
    refused = await client.patch(f"/needs/{need}", json={"row_version": 2, "user_groups": []}, headers=BO)

    assert (page.status_code, saved.status_code, refused.status_code) == (200, 303, 403)
    assert (await client.get(f"/needs/{need}", headers=ALVA)).json()["user_groups"] == ["residents"]
    assert (await client.get(f"/needs/{need}", headers=ALVA | HTML)).status_code == 200
