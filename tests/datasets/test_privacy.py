"""What looks like personal data, and what is confidential, leaves with nobody's data unseen."""

import io
import json
from typing import Any

import pyarrow.parquet
import pytest

from testbed.app import KINDS
from testbed.datasets import publishing
from testbed.jobs import Workshop, work_once
from testbed.tabular.personal import RULES
from tests.cast import ALVA, BO, CECILIA, DAVID, HTML, unguarded
from tests.datasets.kept import SNOW, received
from tests.datasets.test_publishing import published

CANARY = "kanarie@kommun.example.se"
VISITS = (
    "time;depth_cm;reporter;DevEUI\n2026-01-01 10:00;12,5;anna@kommun.example.se;70B3D57ED0001A2B\n"
    f"2026-01-01 11:00;13,0;{CANARY};70B3D57ED0001A2C\n"
).encode()


@pytest.fixture
async def visits(db, store, trial, snow):
    """A dataset of a file with a column of mail addresses."""
    async with db.raw() as connection:
        result = await received(connection, store, trial, VISITS, code="R-PPPP22", filename="visits.csv")
    return snow | {"results": [result]}


async def made(client, draft, who=ALVA):
    answer = await client.post("/datasets", json=draft, headers=who)
    assert answer.status_code == 201, answer.text
    return answer.json()["slug"]


async def publish(client, slug, who=ALVA, **body):
    return await client.post(f"/datasets/{slug}/versions", json=body, headers=who)


async def test_open_data_wait_until_somebody_has_looked_at_the_columns(client, visits, working):
    slug = await made(client, visits)

    refused = await publish(client, slug)
    done = await publish(client, slug, personal_data="reviewed")

    assert refused.status_code == 422
    assert "reporter" in refused.json()["detail"]
    assert "DevEUI" not in refused.json()["detail"]
    assert refused.json()["errors"][0]["field"] == "personal_data"
    assert done.status_code == 201, done.text
    review = done.json()["review"]
    assert (review["who"], bool(review["at"])) == ("Alva", True)
    assert {each["kind"]: each["count"] for each in review["found"]} == {"email": 2, "device": 2}
    told = (await client.get(f"/datasets/{slug}", headers=ALVA)).json()["activity"][0]["details"]
    assert (told["reviewed"], told["withheld"]) == (["reporter"], [])
    for outside in ({}, DAVID):
        version = await client.get(f"/datasets/{slug}/versions/1.0.0", headers=outside)
        assert version.json()["review"] is None


async def test_what_few_may_fetch_is_warned_of_and_not_stopped(client, visits, working):
    slug = await made(client, visits | {"access": "consortium"})

    plan = (await client.get(f"/datasets/{slug}/publish", headers=ALVA)).json()
    done = await publish(client, slug)

    assert [(each["columns"], each["kind"], each["stops"]) for each in plan["personal"]] == [
        (["reporter"], "email", True),
        (["DevEUI"], "device", False),
    ]
    assert plan["must_review"] is False
    assert done.status_code == 201, done.text


async def test_wider_access_waits_for_a_look_as_well(client, visits, working):
    slug = await made(client, visits | {"access": "consortium"})
    await publish(client, slug)
    where = f"/datasets/{slug}/access"

    refused = await client.post(where, json={"access": "public"}, headers=ALVA)
    page = await client.post(
        where, data={"access": "public"}, headers=ALVA | HTML | {"accept-language": "sv"}
    )
    done = await client.post(where, json={"access": "public", "personal_data": "reviewed"}, headers=ALVA)

    assert refused.status_code == 422
    assert "reporter" in refused.json()["detail"]
    assert 'value="reviewed"' in page.text
    assert "Jag har gått igenom dem" in page.text
    assert done.status_code == 200, done.text
    events = (await client.get(f"/datasets/{slug}", headers=ALVA)).json()["activity"]
    assert [each["details"]["reviewed"] for each in events if each["action"] == "dataset.review"] == [
        ["reporter"]
    ]


ASKED = {
    "sv": (
        "Titta på de här kolumnerna innan du publicerar: reporter.",
        "Jag har gått igenom de kolumner",
        "Vad som ser ut som personuppgifter",
    ),
    "en": (
        "Look at these columns before you publish: reporter.",
        "I have looked through the columns",
        "What looks like personal data",
    ),
}


async def test_the_pages_name_the_columns_and_ask_before_the_binding_step(client, visits):
    slug = await made(client, visits)

    for language, (warns, asks, found) in ASKED.items():
        spoken = ALVA | HTML | {"accept-language": language}
        page = (await client.get(f"/datasets/{slug}/publish", headers=spoken)).text
        refused = await client.post(f"/datasets/{slug}/versions", data={"notes": "Vinter"}, headers=spoken)
        result = (await client.get("/results/R-PPPP22", headers=spoken)).text

        assert [each in page for each in (warns, asks, found)] == [True, True, True]
        assert 'name="withheld[]" value="reporter" checked' in page
        assert 'name="withheld[]" value="depth_cm">' in page
        assert refused.status_code == 422
        assert [each in refused.text for each in ("Vinter", 'id="personal_data-error"')] == [True, True]
        assert found in result
        assert not [each for each in (page, refused.text) if CANARY in each]


async def test_a_result_says_what_was_found_in_it_as_json(client, visits):
    told = (await client.get("/results/R-PPPP22", headers=CECILIA)).json()["personal"]

    assert told == {
        "rules": RULES, "rows": 2, "scanned": 2,
        "found": [
            {"columns": ["reporter"], "kind": "email", "count": 2},
            {"columns": ["DevEUI"], "kind": "device", "count": 2, "known": 0},
        ],
    }  # fmt: skip


async def test_a_file_read_before_anybody_looked_is_looked_through_first(client, db, visits, working):
    async with db.raw() as connection:
        await connection.execute("UPDATE result SET report = report - 'personal'")
    slug = await made(client, visits)
    plan = (await client.get(f"/datasets/{slug}/publish", headers=ALVA)).json()

    unseen = await publish(client, slug, personal_data="reviewed")
    then = (await client.get(f"/datasets/{slug}/publish", headers=ALVA)).json()
    done = await publish(client, slug, personal_data="reviewed")

    assert (plan["unlooked"], plan["personal"]) == (1, [])
    assert unseen.status_code == 409
    assert "reporter" in unseen.json()["detail"]
    assert (then["unlooked"], then["personal"][0]["columns"]) == (0, ["reporter"])
    assert done.status_code == 201, done.text


async def test_a_version_from_before_asks_when_it_is_opened(client, db, visits, working):
    slug = await made(client, visits | {"access": "consortium"})
    await publish(client, slug)
    async with db.raw() as connection, unguarded(connection):
        await connection.execute("UPDATE version SET privacy = '{}'")

    refused = await client.post(f"/datasets/{slug}/access", json={"access": "public"}, headers=ALVA)

    assert refused.status_code == 422


async def everything(client, slug, who):
    """Every answer about a version that somebody may ask for, as one text; Parquet is read."""
    below = f"/datasets/{slug}/versions/1.0.0"
    pages = [
        f"/datasets/{slug}", below, "/datasets?q=kanarie", f"/datasets?q={slug}", f"{below}/data.csv", f"{below}/manifest.json",
        f"{below}/original/visits.csv", f"{below}/data.parquet", "/results/R-PPPP22", "/results/R-PPPP22/raw",
    ]  # fmt: skip
    said = []
    for page in pages:
        for more in ({}, HTML):
            answer = await client.get(page, headers=who | more)
            said.append(answer.content.decode("utf-8", "replace"))
            if page.endswith("parquet") and answer.status_code == 200:
                said.append(str(pyarrow.parquet.read_table(io.BytesIO(answer.content)).to_pylist()))
    return "\n".join(said)


async def test_a_column_left_out_is_in_no_answer_to_others(client, visits, working):
    slug = await made(client, visits)
    done = await publish(client, slug, withheld=["reporter"])

    outside = await everything(client, slug, {})
    inside = await client.get(f"/datasets/{slug}/versions/1.0.0/original/visits.csv", headers=CECILIA)

    assert done.status_code == 201, done.text
    assert [each["name"] for each in done.json()["columns"]] == ["time", "depth_cm", "DevEUI"]
    assert "12.5" in outside
    assert "DevEUI" in outside
    assert not [each for each in ("kanarie@", "anna@") if each in outside.replace("?q=kanarie", "")]
    assert CANARY in inside.text
    manifest = (await client.get(f"/datasets/{slug}/versions/1.0.0/manifest.json")).json()
    assert manifest["transforms"] == [{"column": "reporter", "rule": "removed", "why": "publisher"}]
    assert set(manifest["parts"][0]["sources"][0]) == {"from", "to", "result", "filename"}
    source = (await client.get(f"/datasets/{slug}/versions/1.0.0")).json()["sources"][0]
    assert (source["original"], source["sha256"], source["size"]) == (None, None, None)
    assert (await client.get(f"/datasets/{slug}/versions/1.0.0/original/visits.csv")).status_code == 404
    assert "private" in inside.headers["cache-control"]


async def test_leaving_out_more_is_a_version_and_the_same_again_is_none(client, visits, working):
    slug = await made(client, visits)
    await publish(client, slug, personal_data="reviewed")

    second = await publish(client, slug, withheld=["reporter"])
    again = await publish(client, slug, withheld=["reporter"])

    assert (second.status_code, second.json()["number"]) == (201, "2.0.0")
    assert again.status_code == 409


async def test_what_cannot_be_left_out_is_refused(client, visits):
    slug = await made(client, visits)

    for withheld in (["nobody"], ["time", "depth_cm", "reporter", "DevEUI"], "reporter", [1]):
        answer = await publish(client, slug, withheld=withheld)
        assert answer.status_code == 422, answer.text


MARKED: dict[str, Any] = {
    "fields": [
        {"name": "time", "type": "datetime", "testbed:zone": "Europe/Stockholm"},
        {"name": "depth_cm", "type": "number"},
        {
            "name": "rapporterad_av",
            "type": "string",
            "testbed:aliases": ["reporter"],
            "testbed:secrecy": "business",
        },
        {"name": "DevEUI", "type": "string"},
    ]
}


@pytest.fixture
async def marked(client, db, trial, visits):
    """The same, in a trial whose table schema marks the column as confidential."""
    answer = await client.put(f"/trials/{trial}/schema.json", json=MARKED, headers=ALVA)
    assert answer.status_code in {200, 201}, answer.text
    async with db.raw() as connection:
        await connection.execute("UPDATE result SET acceptance = 'accepted', access = 'private'")
    return visits


async def test_a_confidential_column_stays_behind_whoever_gets_the_data(client, marked, working):
    slug = await made(client, marked | {"access": "consortium"})

    plan = (await client.get(f"/datasets/{slug}/publish", headers=ALVA)).json()
    done = await publish(client, slug)
    outside = [await everything(client, slug, who) for who in (DAVID, BO)]

    assert plan["withheld"] == [{"column": "reporter", "why": "business"}]
    assert done.status_code == 201, done.text
    assert done.json()["withheld"] == plan["withheld"]
    assert not [text for text in outside if CANARY in text]
    assert CANARY in await everything(client, slug, ALVA)


async def test_the_owners_private_version_keeps_the_column_and_is_never_opened(client, marked, working):
    slug = await made(client, marked | {"access": "private"}, CECILIA)
    done = await publish(client, slug, CECILIA)

    opened = await client.post(
        f"/datasets/{slug}/access", json={"access": "public", "personal_data": "reviewed"}, headers=ALVA
    )

    assert "reporter" in [each["name"] for each in done.json()["columns"]]
    assert opened.status_code == 409
    assert "reporter" in opened.json()["detail"]
    assert (await client.get(f"/datasets/{slug}/versions/1.0.0/data.csv")).status_code == 404


async def test_what_is_confidential_is_said_where_it_matters(client, trial, marked, working):
    slug = await made(client, marked)
    await publish(client, slug)

    for language, why in (("sv", "affärshemlighet"), ("en", "business secret")):
        spoken = HTML | {"accept-language": language}
        plan = (await client.get(f"/datasets/{slug}/publish", headers=ALVA | spoken)).text
        version = (await client.get(f"/datasets/{slug}/versions/1.0.0", headers=spoken)).text
        schema = (await client.get(f"/trials/{trial}/schema", headers=ALVA | spoken)).text
        assert [why in page for page in (plan, version, schema)] == [True, True, True]
        assert 'value="reporter"' not in plan


async def test_a_mark_counts_until_the_file_is_checked_against_a_schema_without_it(client, db, trial, marked):
    slug = await made(client, marked)
    plain = {
        "fields": [{k: v for k, v in each.items() if k != "testbed:secrecy"} for each in MARKED["fields"]]
    }
    answer = await client.put(f"/trials/{trial}/schema.json", json=plain, headers=ALVA | {"if-match": '"1"'})

    withheld = []
    for number in (1, 2):
        async with db.raw() as connection:
            await connection.execute(
                "UPDATE result SET schema_id = (SELECT id FROM table_schema WHERE number = $1)", number
            )
        withheld.append((await client.get(f"/datasets/{slug}/publish", headers=ALVA)).json()["withheld"])

    assert answer.status_code == 201, answer.text
    assert withheld == [[{"column": "reporter", "why": "business"}], []]


async def test_a_mark_that_comes_while_the_version_is_made_counts(
    client, db, store, settings, trial, visits, monkeypatch
):
    monkeypatch.setattr(publishing, "WAIT_SECONDS", 0.1)
    slug = await made(client, visits)
    asked = await publish(client, slug, personal_data="reviewed")
    await client.put(f"/trials/{trial}/schema.json", json=MARKED, headers=ALVA)
    async with db.raw() as connection:
        await connection.execute("UPDATE result SET acceptance = 'accepted'")

    await work_once(Workshop(db, store, settings), KINDS)

    assert asked.status_code == 202
    version = (await client.get(f"/datasets/{slug}/versions/1.0.0")).json()
    assert [each["column"] for each in version["withheld"]] == ["reporter"]


async def test_a_plain_file_is_published_as_ever(client, snow, working):
    slug, answer = await published(client, snow)

    manifest = (await client.get(f"/datasets/{slug}/versions/1.0.0/manifest.json")).json()
    assert answer.status_code == 201
    assert manifest["transforms"] == []
    assert "sha256" in manifest["parts"][0]["sources"][0]
    assert (await client.get(answer.json()["sources"][0]["original"])).content == SNOW
    assert json.dumps(answer.json()["withheld"]) == "[]"
