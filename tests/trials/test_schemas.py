"""What a trial's files must look like, as people and programs say it."""

import asyncio
import hashlib
import json

import pytest

from testbed.trials import schemas
from tests.cast import ALVA, BO, CECILIA, DAVID, HTML
from tests.trials.schemas import FILL, changed

DRAFT = {"descriptor": FILL, "seen": 0}


@pytest.fixture
async def saved(client, trial) -> str:
    """The address of the schema of a trial that has one."""
    answer = await client.post(f"/trials/{trial}/schema", json=DRAFT, headers=CECILIA)
    assert answer.status_code == 201, answer.text
    return f"/trials/{trial}/schema"


async def test_without_a_schema_nothing_is_said_and_nothing_can_be_fetched(client, trial):
    view = await client.get(f"/trials/{trial}/schema", headers=BO)

    assert view.json()["number"] is None
    assert view.json()["templates"] is None
    for file in ("schema.json", "template.csv", "template.xlsx", "example.csv"):
        assert (await client.get(f"/trials/{trial}/{file}", headers=BO)).status_code == 404


async def test_what_is_saved_is_version_1_and_everybody_who_sees_the_trial_reads_it(client, saved, db, trial):
    view = (await client.get(saved)).json()

    assert (view["number"], view["latest"], view["primary_key"]) == (1, 1, ["tid", "kärl"])
    assert [each["name"] for each in view["columns"]] == ["tid", "kärl", "fyllnad", "läge"]
    assert view["columns"][0]["required"] is view["columns"][0]["key"] is True
    assert (view["columns"][2]["unit"], view["columns"][2]["minimum"], view["columns"][2]["maximum"]) == (
        "%",
        "0",
        "100",
    )
    assert view["who"] is None
    assert (await client.get(saved, headers=CECILIA)).json()["who"] == "Cecilia"
    async with db.begin() as session:
        now = await schemas.current(session, trial)
    assert now is not None
    assert now.sha256 == view["sha256"]


@pytest.mark.parametrize(("who", "status"), [({}, 401), (DAVID, 403), (BO, 403), (CECILIA, 201), (ALVA, 201)])
async def test_who_may_edit_the_trial_says_what_its_files_must_look_like(client, trial, who, status):
    answer = await client.post(f"/trials/{trial}/schema", json=DRAFT, headers=who)

    assert answer.status_code == status


async def test_the_file_fetched_has_the_digest_of_the_page_and_comes_back_as_the_same_version(
    client, saved, trial
):
    file = await client.get(f"/trials/{trial}/schema.json")
    page = (await client.get(saved)).json()

    back = await client.put(
        f"/trials/{trial}/schema.json",
        content=file.content,
        headers=ALVA | {"content-type": "application/json"},
    )

    assert hashlib.sha256(file.content).hexdigest() == page["sha256"]
    assert file.headers["content-type"] == "application/json"
    assert (back.status_code, back.json()["number"]) == (200, 1)


async def test_a_change_is_a_new_version_and_the_old_one_keeps_its_address(client, saved, trial):
    first = (await client.get(f"{saved}/1/schema.json")).content

    answer = await client.put(
        f"/trials/{trial}/schema.json",
        json=changed(constraints={"minimum": 0, "maximum": 90}),
        headers=CECILIA | {"if-match": '"1"'},
    )

    assert (answer.status_code, answer.headers["location"]) == (201, f"{saved}/2")
    assert (await client.get(f"{saved}/1/schema.json")).content == first
    assert (await client.get(f"{saved}/1")).json()["latest"] == 2
    now = (await client.get(saved)).json()
    assert now["changes"] == [
        {"aspect": "maximum", "effect": "stricter", "column": "fyllnad", "before": 100, "after": 90}
    ]
    assert [each["number"] for each in now["versions"]] == [2, 1]
    assert (await client.get(f"{saved}/3")).status_code == 404
    assert (await client.get(f"{saved}/{2**40}")).status_code == 404


async def test_a_change_says_which_version_it_changes(client, saved, trial):
    body = changed(type="integer")

    unsaid = await client.put(f"/trials/{trial}/schema.json", json=body, headers=ALVA)
    stale = await client.post(saved, json={"descriptor": body, "seen": 0}, headers=ALVA)

    assert unsaid.status_code == 428
    assert (stale.status_code, stale.json()["current"]["number"]) == (412, 1)
    assert (await client.get(saved)).json()["latest"] == 1


async def test_somebody_who_comes_second_sees_what_theirs_would_change(client, saved):
    text = json.dumps(changed(type="integer"))

    answer = await client.post(
        saved, data={"descriptor": text, "seen": "0", "note": "Hela procent"}, headers=ALVA | HTML
    )

    assert answer.status_code == 412
    assert "Nothing of yours is lost" in answer.text
    assert 'value="Hela procent"' in answer.text
    assert 'name="seen" value="1"' in answer.text


async def test_two_who_save_at_once_make_one_version_each_or_one_is_told(client, trial):
    drafts = [{"descriptor": changed(constraints={"maximum": most}), "seen": 0} for most in range(90, 94)]

    answers = await asyncio.gather(
        *(client.post(f"/trials/{trial}/schema", json=each, headers=CECILIA) for each in drafts)
    )

    assert sorted(each.status_code for each in answers) == [201, 412, 412, 412]


async def test_a_check_says_what_would_change_and_saves_nothing(client, saved, trial):
    gone = {**FILL, "fields": FILL["fields"][:3]}

    answer = await client.post(f"{saved}/check", json={"descriptor": gone}, headers=CECILIA)
    same = await client.post(f"{saved}/check", json={"descriptor": FILL}, headers=CECILIA)

    assert answer.status_code == 200
    assert [(each["aspect"], each["column"]) for each in answer.json()["changes"]] == [("removed", "läge")]
    assert (answer.json()["number"], answer.json()["next"], answer.json()["same"]) == (1, 2, False)
    assert same.json()["same"] is True
    assert (await client.get(saved)).json()["latest"] == 1


async def test_every_fault_is_told_beside_its_key(client, trial):
    wrong = {
        "fields": [
            {"name": "a", "type": "siffra"},
            {"name": "b", "type": "number", "testbed:unit": "hej"},
            {"name": "B", "type": "string"},
        ]
    }

    answer = await client.post(f"/trials/{trial}/schema", json={"descriptor": wrong}, headers=CECILIA)
    whole = await client.put(f"/trials/{trial}/schema.json", json=wrong, headers=CECILIA)

    assert answer.status_code == whole.status_code == 422
    assert [each["field"] for each in answer.json()["errors"]] == [
        "descriptor.fields.0.type",
        "descriptor.fields.1.testbed:unit",
    ]
    assert whole.json()["errors"][0]["pointer"] == "#/fields/0/type"


async def test_the_history_of_the_trial_tells_who_said_it(client, saved, trial):
    view = (await client.get(f"/trials/{trial}", headers=CECILIA)).json()

    assert view["activity"][0]["action"] == "schema.freeze"
    assert view["activity"][0]["details"]["number"] == 1
    assert view["schema_number"] == 1


async def test_a_schema_hidden_with_its_trial_is_absent(client, saved, db):
    async with db.raw() as connection:
        await connection.execute("UPDATE trial SET visibility = 'internal'")

    for path in (saved, f"{saved}/1", saved.removesuffix("schema") + "template.xlsx"):
        assert (await client.get(path, headers=DAVID)).status_code == 404
    assert (await client.get(saved, headers=ALVA)).status_code == 200


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize("page", ["", "/1", "/edit", "/new", "/import"])
async def test_every_page_is_there_in_both_languages(client, saved, page, language):
    answer = await client.get(saved + page, headers=ALVA | HTML | {"accept-language": language})

    assert answer.status_code == 200, answer.text
    assert f'<html lang="{language}">' in answer.text
