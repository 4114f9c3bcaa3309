"""The page that takes a file from a browser, with and without scripts."""

import pytest

from tests.cast import ALVA, BO, CECILIA, HTML

DATA = b"a;b\n1;2\n"


async def test_a_form_without_scripts_leads_to_the_result(client, trial):
    page = await client.get(f"/trials/{trial}/upload", headers=BO | HTML)
    answer = await client.post(
        f"/trials/{trial}/results",
        data={"access": "consortium", "note": "Givaren flyttades."},
        files={"file": ("vecka 1.csv", DATA)},
        headers=BO | HTML,
    )

    assert f'action="/trials/{trial}/results"' in page.text
    assert page.text.index('name="note"') < page.text.index('type="file"')
    assert answer.status_code == 303
    result = (await client.get(answer.headers["location"], headers=CECILIA)).json()
    assert (result["filename"], result["access"], result["note"]) == (
        "vecka 1.csv",
        "consortium",
        "Givaren flyttades.",
    )


async def test_a_refused_form_comes_back_with_what_was_written(client, trial):
    answer = await client.post(
        f"/trials/{trial}/results",
        data={"partner_id": "999", "note": "Givaren flyttades."},
        files={"file": ("a.csv", DATA)},
        headers=ALVA | HTML,
    )

    assert answer.status_code == 422
    assert 'value="Givaren flyttades."' in answer.text
    assert "You cannot upload on behalf of this partner." in answer.text


async def test_a_form_without_a_file_asks_for_one(client, trial):
    answer = await client.post(
        f"/trials/{trial}/results", data={"note": "x"}, files={"file": ("", b"")}, headers=BO | HTML
    )

    assert answer.status_code == 422
    assert "Choose a file first." in answer.text


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"access": "all"}, "access"), ({"note": "x" * 1001}, "note"), ({"colour": "red"}, "colour")],
)
async def test_a_field_that_is_not_understood_is_named(client, trial, fields, field):
    answer = await client.post(
        f"/trials/{trial}/results", data=fields, files={"file": ("a.csv", DATA)}, headers=BO
    )

    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["errors"]] == [field]


async def test_bytes_alone_may_be_posted_too(client, trial):
    answer = await client.post(
        f"/trials/{trial}/results?filename=b.csv", content=DATA, headers=BO | {"content-type": "text/csv"}
    )

    assert (answer.status_code, answer.json()["filename"]) == (201, "b.csv")


async def test_an_ordinary_form_is_told_how_files_are_sent(client, trial):
    answer = await client.post(f"/trials/{trial}/results", data={"note": "x"}, headers=BO)

    assert answer.status_code == 415


async def test_the_upload_page_says_what_is_taken(client, trial, settings):
    view = (await client.get(f"/trials/{trial}/upload", headers=BO)).json()

    assert view["upload_max_bytes"] == settings.upload_max_bytes
    assert [each["title"] for each in view["partners"]] == ["Lunet"]
    assert "Parquet" in view["formats"]
