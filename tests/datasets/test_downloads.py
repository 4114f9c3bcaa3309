"""Who may fetch what of a version, and how files travel."""

import json

import pytest

from testbed.canonical import canonical, digest
from testbed.files import Store
from tests.cast import ALVA, BO, CECILIA, DAVID, EBBA, running_pilot, trial_of
from tests.datasets.kept import received

NOBODY: dict[str, str] = {}
CAST = {"nobody": NOBODY, "David": DAVID, "Bo": BO, "Cecilia": CECILIA, "Alva": ALVA, "Ebba": EBBA}
FILES = ["data.csv", "data.parquet", "manifest.json", "original/snow.csv"]
# Whom the level lets fetch; the others see the description (m) or nothing at all (-). LTU, Cecilia's, owns the data.
LEVELS = {
    "public": {"nobody": 200, "David": 200, "Bo": 200, "Cecilia": 200, "Alva": 200, "Ebba": 200},
    "registered": {"nobody": 401, "David": 200, "Bo": 200, "Cecilia": 200, "Alva": 200, "Ebba": 200},
    "consortium": {"nobody": 401, "David": 403, "Bo": 200, "Cecilia": 200, "Alva": 200, "Ebba": 403},
    "restricted": {"nobody": 401, "David": 403, "Bo": 403, "Cecilia": 200, "Alva": 200, "Ebba": 403},
    "private": {"nobody": 404, "David": 404, "Bo": 404, "Cecilia": 200, "Alva": 200, "Ebba": 404},
}
BODY = b"a,b\r\n" + b"1,2\r\n" * 200


async def version_at(db, store: Store, access: str, visibility: str = "public") -> str:
    """Keep files and write a published version of them; return the path below which they lie."""

    async def once(body):
        yield body

    csv = await store.keep(once(BODY), most_bytes=10**6)
    parquet = await store.keep(once(b"PAR1" + BODY), most_bytes=10**6)
    manifest = {"dataset": "snow", "version": "1.0.0"}
    await store.keep(once(canonical(manifest)), most_bytes=10**6)
    async with db.raw() as connection:
        pilot = await running_pilot(connection, f"LUL-2026-{len(access):03}", visibility=visibility)
        result = await received(connection, store, await trial_of(connection, pilot), code=f"R-{access[:6]}")
        dataset = await connection.fetchval(
            "INSERT INTO dataset (slug, pilot_id, owner_id, title, description, licence, access, state) SELECT $1, $2, id,"
            """ '{"sv": "Snö"}', '{"sv": "Snö"}', 'CC-BY-4.0', $3, 'published'"""
            " FROM partner WHERE slug = 'ltu' RETURNING id",
            f"snow-{access}", pilot, access,
        )  # fmt: skip
        number = await connection.fetchval(
            "INSERT INTO version (dataset_id, number, rows, manifest, manifest_sha256, parquet_sha256, parquet_size,"
            " csv_sha256, csv_size) VALUES ($1, '1.0.0', 200, $2, $3, $4, $5, $6, $7) RETURNING id",
            dataset, json.dumps(manifest), digest(manifest), parquet.sha256, parquet.size, csv.sha256, csv.size,
        )  # fmt: skip
        await connection.execute(
            "INSERT INTO version_source (version_id, result_id, filename, sha256, size, row_from, row_to)"
            " SELECT $1, id, 'snow.csv', sha256, size, 0, 3 FROM result WHERE id = $2", number, result,
        )  # fmt: skip
    return f"/datasets/snow-{access}/versions/1.0.0"


@pytest.mark.parametrize("access", LEVELS)
async def test_every_file_obeys_the_level_of_its_dataset(client, db, store, access):
    below = await version_at(db, store, access)

    for name, who in CAST.items():
        for file in FILES:
            for method in ("GET", "HEAD"):
                answer = await client.request(method, f"{below}/{file}", headers=who)

                assert answer.status_code == LEVELS[access][name], (name, method, file)


@pytest.mark.parametrize("access", LEVELS)
async def test_a_description_is_seen_where_the_data_are_not(client, db, store, access):
    below = await version_at(db, store, access)

    for name, who in CAST.items():
        page = await client.get(below, headers=who)
        listed = [item["slug"] for item in (await client.get("/datasets", headers=who)).json()["items"]]

        told = LEVELS[access][name]
        assert page.status_code == (404 if told == 404 else 200), name
        assert listed == ([] if told == 404 else [f"snow-{access}"]), name
        if told in (401, 403):
            view = page.json()
            assert (view["rows"], view["columns"], view["files"], view["manifest_sha256"]) == (
                None,
                [],
                [],
                None,
            )


async def test_a_pilot_that_is_not_public_hides_its_datasets(client, db, store):
    below = await version_at(db, store, "public", visibility="partners")

    assert (await client.get(f"{below}/data.csv")).status_code == 404
    assert (await client.get(f"{below}/data.csv", headers=DAVID)).status_code == 404
    assert (await client.get(f"{below}/data.csv", headers=BO)).status_code == 200


async def test_ranges_conditions_and_caches(client, db, store):
    below = await version_at(db, store, "public")
    whole = await client.get(f"{below}/data.csv")

    part = await client.get(f"{below}/data.csv", headers={"Range": "bytes=5-9"})
    tail = await client.get(f"{below}/data.csv", headers={"Range": "bytes=-5"})
    beyond = await client.get(f"{below}/data.csv", headers={"Range": "bytes=999999-"})
    known = await client.get(f"{below}/data.csv", headers={"If-None-Match": whole.headers["etag"]})
    head = await client.head(f"{below}/data.csv")

    assert whole.content == BODY
    assert (part.status_code, part.content) == (206, BODY[5:10])
    assert (tail.status_code, tail.content) == (206, BODY[-5:])
    assert beyond.status_code == 416
    assert (known.status_code, known.content) == (304, b"")
    assert head.headers["content-length"] == str(len(BODY))
    assert whole.headers["cache-control"] == "public, max-age=3600, no-transform"
    assert 'filename="snow-public-1.0.0.csv"' in whole.headers["content-disposition"]


async def test_whoever_may_not_fetch_learns_nothing_from_a_condition(client, db, store):
    below = await version_at(db, store, "consortium")
    etag = (await client.get(f"{below}/data.csv", headers=BO)).headers["etag"]

    answer = await client.get(f"{below}/data.csv", headers=DAVID | {"If-None-Match": etag})

    assert answer.status_code == 403
    assert "etag" not in answer.headers
    assert (await client.get(f"{below}/data.csv", headers=BO)).headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize("short", ["latest", "1", "1.0"])
async def test_short_numbers_lead_to_the_newest(client, db, store, short):
    await version_at(db, store, "public")

    moved = await client.get(f"/datasets/snow-public/versions/{short}/data.csv")
    page = await client.get(f"/datasets/snow-public/versions/{short}")

    assert moved.status_code == page.status_code == 307
    assert moved.headers["location"] == "/datasets/snow-public/versions/1.0.0/data.csv"
    assert page.headers["location"] == "/datasets/snow-public/versions/1.0.0"
    assert moved.headers["cache-control"] == "no-cache"


async def test_short_numbers_of_hidden_datasets_lead_nowhere(client, db, store):
    await version_at(db, store, "private")

    assert (await client.get("/datasets/snow-private/versions/latest", headers=BO)).status_code == 404
    assert (await client.get("/datasets/nowhere/versions/latest", headers=BO)).status_code == 404


@pytest.mark.parametrize("name", ["data.xlsx", "original/other.csv", "original/..%2Fsnow.csv", "data.csv%00"])
async def test_a_file_that_is_not_there_is_not_found(client, db, store, name):
    below = await version_at(db, store, "public")

    assert (await client.get(f"{below}/{name}")).status_code == 404


@pytest.mark.parametrize(
    "change", ["UPDATE version SET rows = 0", "DELETE FROM version_source", "TRUNCATE version CASCADE"]
)
async def test_nothing_changes_a_version_not_even_sql(db, store, change):
    await version_at(db, store, "public")

    async with db.raw() as connection:
        with pytest.raises(Exception, match="never changed"):
            await connection.execute(change)


async def test_a_token_without_the_right_scope_reads_as_nobody(client, db, store):
    below = await version_at(db, store, "registered")
    async with db.raw() as connection:
        await connection.execute("UPDATE token SET scopes = '{upload}'")

    assert (await client.get(f"{below}/data.csv", headers=DAVID)).status_code == 403


async def test_the_chain_tells_no_hash_to_those_who_may_not_read(client, db, store):
    await version_at(db, store, "consortium")

    seen = {}
    for name, who in (("Bo", BO), ("David", DAVID)):
        nodes = (await client.get("/pilots/LUL-2026-010/chain", headers=who)).json()["nodes"]
        seen[name] = next(node for node in nodes if node["kind"] == "version")

    assert seen["Bo"]["sha256"]
    assert seen["Bo"]["rests_on"][0].startswith("result:")
    assert seen["David"]["sha256"] is None
    assert seen["David"]["rests_on"][0].startswith("pilot:")
