"""Accepting, refusing, withdrawing: who may, what it does, and that every step is written down."""

import asyncio

import pytest

from tests.cast import ALVA, BO, CECILIA, DAVID, HTML
from tests.trials.checked import checked, schema_of

BAD = {850: ["2026-02-01 10:00", "0164A"], 851: ["2026-02-01 11:00", "=1+1"]}
FOUND = [(850, "depth_cm", 2, "0164A", "type"), (851, "depth_cm", 2, "=1+1", "type")]


@pytest.fixture
async def schema(db, trial) -> int:
    return await schema_of(db, trial)


@pytest.fixture
async def clean(db, store, trial, schema) -> str:
    return await checked(db, store, trial, code="R-CCCC22", rows=1000)


@pytest.fixture
async def faulty(db, store, trial, schema) -> str:
    return await checked(db, store, trial, found=FOUND, refused=BAD)


async def setting(db, **values):
    async with db.raw() as connection:
        for name, value in values.items():
            await connection.execute(f"UPDATE trial SET {name} = $1", value)


async def events(client, at) -> list[tuple[str, str | None]]:
    return [(each["action"], each["who"]) for each in (await client.get(at, headers=ALVA)).json()["activity"]]


async def test_its_partner_accepts_a_file_without_errors(client, clean):
    answer = await client.post(f"{clean}/accept", json={"row_version": 1}, headers=BO)

    standing = answer.json()["standing"]
    assert (answer.status_code, standing["acceptance"], standing["left"]) == (200, "accepted", 0)
    assert standing["accepted_at"] is not None
    assert await events(client, clean) == [("result.accept", "Bo")]


@pytest.mark.parametrize(("who", "status"), [({}, 404), (DAVID, 404), (CECILIA, 404), (BO, 200), (ALVA, 200)])
async def test_only_its_partner_and_the_coordinator_decide(client, clean, who, status):
    looked = await client.get(f"{clean}/accept", headers=who)
    done = await client.post(f"{clean}/accept", json={}, headers=who)

    assert (looked.status_code, done.status_code) == (status, status)


async def test_who_may_read_a_file_may_not_decide_about_it(client, db, clean):
    async with db.raw() as connection:
        await connection.execute("UPDATE result SET access = 'public', looked_through = true")

    for step in ("accept", "refuse", "withdraw", "answers"):
        body = {"reason": "för att"} if step in {"refuse", "withdraw"} else {}
        assert (await client.post(f"{clean}/{step}", json=body, headers=CECILIA)).status_code == 403, step
        assert (await client.get(f"{clean}/{step}", headers={})).status_code == 401, step


async def test_the_page_before_says_exactly_what_will_happen(client, faulty):
    view = (await client.get(f"{faulty}/accept", headers=ALVA)).json()
    page = (await client.get(f"{faulty}/accept", headers=ALVA | HTML)).text

    assert (view["taken"], view["aside"], view["outcome"], view["hindrances"]) == (
        998,
        2,
        "accepted_partly",
        [],
    )
    assert "Accept the good rows" in page
    assert "998" in page
    assert 'name="row_version" value="1"' in page


async def test_a_coordinator_decides_about_files_with_errors_unless_the_trial_says_otherwise(
    client, db, faulty
):
    refused = await client.post(f"{faulty}/accept", json={}, headers=BO)
    looked = (await client.get(f"{faulty}/accept", headers=BO)).json()
    await setting(db, partial="partner")
    taken = await client.post(f"{faulty}/accept", json={}, headers=BO)

    assert (refused.status_code, looked["must_ask"]) == (403, True)
    assert (taken.json()["standing"]["acceptance"], taken.json()["standing"]["left"]) == (
        "accepted_partly",
        2,
    )


async def test_a_partner_asks_and_the_coordinator_answers(client, faulty):
    asked = await client.post(f"{faulty}/ask", json={}, headers=BO)
    twice = await client.post(f"{faulty}/ask", json={}, headers=BO)
    taken = await client.post(f"{faulty}/accept", json={}, headers=ALVA)

    assert asked.json()["standing"]["asked_at"] is not None
    assert twice.status_code == 409
    assert taken.json()["standing"] | {"asked_at": None} == taken.json()["standing"]
    assert await events(client, faulty) == [("result.accept", "Alva"), ("result.ask", "Bo")]


async def test_a_trial_may_take_whole_files_only(client, db, faulty):
    await setting(db, partial="never")

    answer = await client.post(f"{faulty}/accept", json={}, headers=ALVA)

    assert answer.status_code == 409
    assert "whole files only" in answer.json()["detail"]


async def test_without_a_schema_there_is_nothing_to_accept(client, db, store, trial):
    at = await checked(db, store, trial)

    answer = await client.post(f"{at}/accept", json={}, headers=BO)

    assert answer.status_code == 409
    assert "no table schema" in answer.json()["detail"]
    assert (await client.get(at, headers=BO)).json()["standing"]["needed"] is False


async def test_a_file_read_before_the_schema_came_is_checked_again_first(client, db, store, trial):
    at = await checked(db, store, trial)
    await schema_of(db, trial)

    answer = await client.post(f"{at}/accept", json={}, headers=BO)

    assert answer.status_code == 409
    assert "checked again" in answer.json()["detail"]


async def test_what_changed_since_it_was_looked_at_is_not_accepted(client, clean):
    answer = await client.post(f"{clean}/accept", json={"row_version": 7}, headers=BO)

    assert answer.status_code == 412
    assert (await client.get(clean, headers=BO)).json()["standing"]["acceptance"] == "open"


async def test_two_who_accept_at_once_write_it_down_once(client, clean):
    answers = await asyncio.gather(
        *(client.post(f"{clean}/accept", json={}, headers=who) for who in (BO, ALVA, BO, ALVA))
    )

    assert sorted(each.status_code for each in answers) == [200, 409, 409, 409]
    assert [action for action, _ in await events(client, clean)] == ["result.accept"]


async def test_a_coordinator_refuses_and_says_why(client, faulty):
    bare = await client.post(f"{faulty}/refuse", data={"row_version": "1", "reason": ""}, headers=ALVA | HTML)
    answer = await client.post(f"{faulty}/refuse", json={"reason": "Fel sensor"}, headers=ALVA)
    late = await client.post(f"{faulty}/accept", json={}, headers=ALVA)
    page = (await client.get(faulty, headers=BO | HTML)).text

    assert bare.status_code == 422
    assert 'id="reason-error"' in bare.text
    assert (await client.post(f"{faulty}/refuse", json={"reason": "Nej tack"}, headers=BO)).status_code == 403
    assert (answer.json()["standing"]["acceptance"], answer.json()["standing"]["reason"]) == (
        "refused",
        "Fel sensor",
    )
    assert late.status_code == 409
    assert "Fel sensor" in page
    assert f"{faulty}/correct" in page


async def test_a_withdrawn_file_is_used_no_more_but_stays(client, clean):
    await client.post(f"{clean}/accept", json={}, headers=BO)

    answer = await client.post(f"{clean}/withdraw", json={"reason": "Sensorn var trasig"}, headers=BO)

    standing = answer.json()["standing"]
    assert (standing["acceptance"], standing["accepted_at"]) == ("withdrawn", None)
    assert (await client.get(f"{clean}/raw", headers=BO)).status_code == 200
    assert await events(client, clean) == [("result.withdraw", "Bo"), ("result.accept", "Bo")]
    assert (await client.post(f"{clean}/withdraw", json={"reason": "igen"}, headers=BO)).status_code == 409


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize("step", ["", "/accept", "/refuse", "/withdraw", "/answers", "/correct", "/report"])
async def test_every_page_is_there_in_both_languages(client, faulty, step, language):
    page = await client.get(faulty + step, headers=ALVA | HTML | {"accept-language": language})

    assert page.status_code == 200, page.text
    assert f'lang="{language}"' in page.text
