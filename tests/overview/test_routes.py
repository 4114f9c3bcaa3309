"""The start pages, the search, and the pages about the service."""

import pytest

from tests.cast import ALVA, BO, CECILIA, DAVID, HTML, running_pilot, trial_of


@pytest.fixture
async def pilot(db) -> int:
    async with db.raw() as connection:
        number = await running_pilot(connection)
        await trial_of(connection, number)
    return number


async def test_the_city_shows_nothing_that_is_not_public(client, pilot):
    shown = await client.get("/")

    assert shown.json()["pilots"] == []
    assert shown.json()["figures"]["pilots"] == 0


async def test_the_city_shows_public_pilots_with_their_place(client, db, pilot):
    async with db.raw() as connection:
        await connection.execute("UPDATE pilot SET visibility = 'public'")

    shown = (await client.get("/")).json()

    assert [each["code"] for each in shown["pilots"]] == ["LUL-2026-901"]


@pytest.mark.parametrize(
    ("who", "pilots", "trials"), [(ALVA, 1, 0), (BO, 1, 1), (CECILIA, 1, 1), (DAVID, 0, 0)]
)
async def test_my_work_is_what_waits_for_me(client, pilot, who, pilots, trials):
    work = (await client.get("/", headers=who)).json()

    assert (len(work["pilots"]), len(work["trials"])) == (pilots, trials)


async def test_a_search_finds_only_what_one_may_see(client, pilot):
    seen = (await client.get("/search", params={"q": "asfalt"}, headers=BO)).json()["found"]
    hidden = (await client.get("/search", params={"q": "asfalt"}, headers=DAVID)).json()["found"]

    assert [each["url"] for each in seen] == ["/pilots/LUL-2026-901"]
    assert hidden == []


@pytest.mark.parametrize("words", ["'", "& | !", "a" * 200, "\u202e", "<script>", "%", "*:*", "åäö", "a:b"])
async def test_a_search_bears_any_words(client, words):
    assert (await client.get("/search", params={"q": words})).status_code == 200


@pytest.mark.parametrize(
    "path", ["/", "/search?q=x", "/access", "/problems", "/accessibility", "/docs", "/city"]
)
@pytest.mark.parametrize("language", ["sv", "en"])
async def test_pages_about_the_service_are_whole_in_both_languages(client, path, language):
    answer = await client.get(path, headers=HTML | {"accept-language": language})

    assert answer.status_code == 200
    assert f'<html lang="{language}">' in answer.text


async def test_the_page_of_the_interface_asks_no_other_host(client):
    policy = (await client.get("/docs", headers=HTML)).headers["content-security-policy"]

    assert "img-src 'self' data:" in policy
    assert "http" not in policy.replace("https", "http").split("script-src")[0]
