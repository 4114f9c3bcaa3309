"""From results to a version that never changes."""

import hashlib

from testbed.datasets.canonical import canonical
from tests.cast import ALVA


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
    slug, answer = await published(client, snow)

    source = answer.json()["sources"][0]
    original = await client.get(source["original"])

    assert original.status_code == 200
    assert hashlib.sha256(original.content).hexdigest() == source["sha256"]
    assert 'filename="snow.csv"' in original.headers["content-disposition"]
