"""From results to a version that never changes."""

import asyncio
import hashlib

import pytest

from testbed.app import KINDS
from testbed.canonical import canonical
from testbed.datasets import publishing
from testbed.jobs import Workshop, work_once
from tests.cast import ALVA, BO, CECILIA, DAVID, HTML
from tests.datasets.conftest import CODE
from tests.datasets.kept import received


async def published(client, draft, who=ALVA):
    """Describe a dataset and publish it; return its slug and the answer."""
    made = await client.post("/datasets", json=draft, headers=who)
    assert made.status_code == 201, made.text
    slug = made.json()["slug"]
    return slug, await client.post(f"/datasets/{slug}/versions", json={}, headers=who)


async def test_a_coordinator_publishes_and_anyone_fetches(client, snow, working):
    slug, answer = await published(client, snow)

    assert answer.status_code == 201, answer.text
    assert answer.json()["number"] == "1.0.0"
    assert answer.json()["pilot_published"] is True
    table = await client.get(f"/datasets/{slug}/versions/1.0.0/data.csv")
    assert table.status_code == 200
    assert table.text == (
        "time,depth_cm,place\r\n2026-01-01T10:00:00,12.5,Norra hamn\r\n2026-01-01T11:00:00,13.0,Norra hamn\r\n"
        "2026-01-01T12:00:00,,Södra\r\n"
    )


async def test_the_manifest_has_one_spelling_and_pins_every_file(client, snow, working):
    slug, answer = await published(client, snow)

    manifest = await client.get(f"/datasets/{slug}/versions/1.0.0/manifest.json")

    told = answer.json()["manifest_sha256"]
    assert hashlib.sha256(manifest.content).hexdigest() == told
    assert canonical(manifest.json()) == manifest.content
    assert manifest.headers["etag"] == f'"sha256-{told}"'
    part = manifest.json()["parts"][0]
    for kind in ("csv", "parquet"):
        body = (await client.get(f"/datasets/{slug}/versions/1.0.0/data.{kind}")).content
        assert part[kind] == {"sha256": hashlib.sha256(body).hexdigest(), "size": len(body)}


async def test_the_original_comes_back_byte_for_byte(client, snow, working):
    _, answer = await published(client, snow)

    source = answer.json()["sources"][0]
    original = await client.get(source["original"])

    assert original.status_code == 200
    assert hashlib.sha256(original.content).hexdigest() == source["sha256"]
    assert 'filename="snow.csv"' in original.headers["content-disposition"]


async def test_the_pilots_page_opens_with_its_data_and_not_before(client, snow, working):
    before = await client.get(f"/pilots/{CODE}")

    await published(client, snow)

    assert before.status_code == 404
    assert (await client.get(f"/pilots/{CODE}")).status_code == 200


async def test_a_researcher_asks_a_coordinator_to_open_the_pilot(client, snow, working):
    _, answer = await published(client, snow, CECILIA)

    assert answer.status_code == 409
    assert "coordinator" in answer.json()["detail"]
    assert (await client.get(f"/pilots/{CODE}")).status_code == 404


async def test_a_researcher_publishes_for_the_pilots_partners(client, snow, working):
    slug, answer = await published(client, snow | {"access": "consortium"}, CECILIA)

    assert answer.status_code == 201, answer.text
    assert answer.json()["owner"]["title"] == "Luleå tekniska universitet"
    assert answer.json()["self_approved"] is True
    assert (await client.get(f"/datasets/{slug}/versions/1.0.0/data.csv", headers=BO)).status_code == 200
    assert (await client.get(f"/datasets/{slug}", headers=DAVID)).status_code == 404


async def test_a_supplier_publishes_nothing(client, snow, working):
    slug = (await client.post("/datasets", json=snow, headers=ALVA)).json()["slug"]

    assert (await client.post(f"/datasets/{slug}/versions", json={}, headers=BO)).status_code == 404


async def test_another_partners_narrower_result_needs_a_coordinator(client, db, store, trial, snow, working):
    async with db.raw() as connection:
        await connection.execute("UPDATE pilot SET visibility = 'public'")
        other = await received(connection, store, trial, code="R-BBBB22", owner="lunet")

    slug, refused = await published(client, snow | {"results": [other]}, CECILIA)
    done = await client.post(f"/datasets/{slug}/versions", json={}, headers=ALVA)

    assert refused.status_code == 409
    assert done.status_code == 201
    assert done.json()["self_approved"] is False
    told = (await client.get(f"/datasets/{slug}", headers=ALVA)).json()["activity"][0]["details"]
    assert told["widened"] == ["R-BBBB22"]


async def test_the_same_again_is_no_new_version(client, snow, working):
    slug, _ = await published(client, snow)

    again = await client.post(f"/datasets/{slug}/versions", json={}, headers=ALVA)

    assert again.status_code == 409
    assert "Nothing changed" in again.json()["detail"]


async def test_more_rows_are_a_minor_version_and_a_lost_column_a_major_one(
    client, db, store, trial, snow, working
):
    slug, _ = await published(client, snow)
    async with db.raw() as connection:
        more = await received(connection, store, trial, code="R-CCCC22")
        other = await received(
            connection, store, trial, b"time,depth_cm\n2026-01-01T10:00:00,1.5\n", code="R-DDDD22"
        )

    numbers = []
    for results in ([*snow["results"], more], [other]):
        view = (await client.get(f"/datasets/{slug}", headers=ALVA)).json()
        await client.patch(
            f"/datasets/{slug}", json={"results": results, "row_version": view["row_version"]}, headers=ALVA
        )
        numbers.append((await client.post(f"/datasets/{slug}/versions", json={}, headers=ALVA)).json())

    assert [each["number"] for each in numbers] == ["1.1.0", "2.0.0"]
    assert [source["filename"] for source in numbers[0]["sources"]] == ["snow.csv", "snow-2.csv"]
    old = await client.get(f"/datasets/{slug}/versions/1.0.0/data.csv")
    assert old.status_code == 200


async def test_results_that_do_not_fit_together_are_refused_with_the_reason(
    client, db, store, trial, snow, working
):
    async with db.raw() as connection:
        odd = await received(
            connection, store, trial, b"time,depth_cm\nnoon,deep\nnight,deeper\n", code="R-EEEE22"
        )

    slug, answer = await published(client, snow | {"results": [*snow["results"], odd]})

    assert answer.status_code == 422, answer.text
    assert (await client.get(f"/datasets/{slug}", headers=ALVA)).json()["state"] == "draft"


async def test_a_damaged_source_is_not_published(client, store, snow, working):
    made = (await client.post("/datasets", json=snow, headers=ALVA)).json()
    kept = store.path(made["results"][0]["sha256"])
    kept.chmod(0o644)
    kept.write_bytes(b"x" * kept.stat().st_size)

    answer = await client.post(f"/datasets/{made['slug']}/versions", json={}, headers=ALVA)

    assert answer.status_code == 409
    assert "damaged" in answer.json()["detail"]


async def test_publishing_twice_at_once_makes_one_version(client, snow, working):
    slug = (await client.post("/datasets", json=snow, headers=ALVA)).json()["slug"]

    answers = await asyncio.gather(
        *(client.post(f"/datasets/{slug}/versions", json={}, headers=ALVA) for _ in range(2))
    )

    assert {answer.status_code for answer in answers} <= {201, 409}
    assert [each["number"] for each in (await client.get(f"/datasets/{slug}")).json()["versions"]] == [
        "1.0.0"
    ]


async def test_without_a_worker_the_answer_says_where_to_look(client, snow, monkeypatch):
    monkeypatch.setattr(publishing, "WAIT_SECONDS", 0.1)
    slug = (await client.post("/datasets", json=snow, headers=ALVA)).json()["slug"]

    answer = await client.post(f"/datasets/{slug}/versions", json={}, headers=ALVA)

    assert answer.status_code == 202
    assert answer.json()["state"] == "queued"
    page = await client.get(answer.headers["location"], headers=ALVA | HTML)
    assert "Waiting for a worker" in page.text


async def test_a_person_who_lost_the_right_meanwhile_publishes_nothing(
    client, db, store, settings, snow, monkeypatch
):
    monkeypatch.setattr(publishing, "WAIT_SECONDS", 0.1)
    slug = (await client.post("/datasets", json=snow, headers=ALVA)).json()["slug"]
    asked = await client.post(f"/datasets/{slug}/versions", json={}, headers=ALVA)
    async with db.raw() as connection:
        await connection.execute("DELETE FROM testbed_coordinator")
        await connection.execute(
            "DELETE FROM membership WHERE person_id = (SELECT id FROM person WHERE name = 'Alva')"
        )

    await work_once(Workshop(db, store, settings), KINDS)

    async with db.raw() as connection:
        assert await connection.fetchval("SELECT count(*) FROM version") == 0
        told = await connection.fetchval(
            "SELECT result ->> 'refused' FROM job WHERE id = $1", asked.json()["id"]
        )
    assert "may not publish" in told


async def test_made_up_measurements_are_said_to_be(client, db, store, trial, snow, working):
    async with db.raw() as connection:
        made_up = await received(connection, store, trial, code="R-FFFF22", generated=True)

    slug, answer = await published(client, snow | {"results": [made_up]})

    assert answer.json()["generated"] is True
    assert (await client.get(f"/datasets/{slug}/versions/1.0.0/manifest.json")).json()["generated"] is True
    page = await client.get(f"/datasets/{slug}", headers=HTML | {"accept-language": "en"})
    assert "Made-up measurements" in page.text


async def test_access_is_changed_by_a_coordinator_and_acts_at_once(client, snow, working):
    slug, _ = await published(client, snow)

    refused = await client.post(f"/datasets/{slug}/access", json={"access": "private"}, headers=CECILIA)
    done = await client.post(f"/datasets/{slug}/access", json={"access": "private"}, headers=ALVA)

    assert refused.status_code == 403
    assert done.json()["access"] == "private"
    assert (await client.get(f"/datasets/{slug}/versions/1.0.0/data.csv")).status_code == 404


@pytest.mark.parametrize("change", [{"licence": "CC0-1.0"}, {"access": "private"}])
async def test_what_was_promised_at_publication_stays(client, snow, working, change):
    slug, _ = await published(client, snow)

    answer = await client.patch(f"/datasets/{slug}", json=change | {"row_version": 1}, headers=ALVA)

    assert answer.status_code == 409


@pytest.mark.parametrize(
    ("value", "spelt"),
    [
        (1e21, "1e+21"), (1e20, "100000000000000000000"), (1e-7, "1e-7"), (0.000001, "0.000001"), (-0.0, "0"),
        (4.50, "4.5"), (333333333.33333329, "333333333.3333333"),
        ({"\U0001f600": 1, "\ufb33": 2}, '{"\U0001f600":1,"\ufb33":2}'),
        ({"b": [True, None], "a": "é\n"}, '{"a":"é\\n","b":[true,null]}'),
    ],
)  # fmt: skip
def test_canonical_json_is_spelt_as_rfc_8785_says(value, spelt):
    assert canonical(value) == spelt.encode()


@pytest.mark.parametrize(("generated", "told"), [(False, 1), (True, 0)])
async def test_the_systems_of_its_owner_are_told_of_a_version(client, snow, working, db, generated, told):
    async with db.raw() as connection:
        await connection.execute("UPDATE result SET generated = $1", generated)
        await connection.execute(
            "INSERT INTO webhook (partner_id, url, secret, events) SELECT id, 'https://hooks.example.se/', 'x',"
            " '{version.published}' FROM partner"
        )
    slug, _ = await published(client, snow)

    async with db.raw() as connection:
        calls = await connection.fetch("SELECT event, data FROM webhook_delivery")
    links = {"dataset": f"/datasets/{slug}", "version": f"/datasets/{slug}/versions/1.0.0"}
    assert [each["event"] for each in calls] == ["version.published"] * told
    for each in calls:
        assert each["data"] == {"dataset": slug, "version": "1.0.0", "links": links}
