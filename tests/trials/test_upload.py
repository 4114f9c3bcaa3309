"""A result file from its sender to its receipt."""

import base64
import hashlib

import pytest

from tests import cast
from tests.cast import ALVA, BO, CECILIA, DAVID

DATA = "Date Time;SNR\n01/02/2023 10:00;7,5\n02/02/2023 10:00;8,25\n".encode()
DIGEST = f"sha-256=:{base64.b64encode(hashlib.sha256(DATA).digest()).decode()}:"


@pytest.fixture
async def trial(db) -> int:
    async with db.raw() as connection:
        pilot = await cast.running_pilot(connection, visibility="public")
        return await cast.trial_of(connection, pilot)


async def test_a_partner_uploads_a_file_and_gets_a_receipt(client, trial, store):
    answer = await client.put(
        f"/trials/{trial}/results/v6.csv", content=DATA, headers=BO | {"content-digest": DIGEST}
    )

    result = answer.json()
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/results/{result['code']}"
    assert result["state"] == "received"
    assert result["receipt"] | {"result": "", "received_at": "", "url": ""} == {
        "result": "", "received_at": "", "url": "", "filename": "v6.csv", "size": len(DATA),
        "sha256": hashlib.sha256(DATA).hexdigest(), "digest_declared": True, "trial": "Första veckan", "trial_id": trial,
        "pilot": "LUL-2026-901", "partner": "Lunet", "person": "Bo", "case": None,
    }  # fmt: skip
    assert await store.exists(result["sha256"])
    assert result["job"]["state"] == "queued"


async def test_the_same_file_sent_again_is_the_same_result(client, trial):
    first = await client.put(f"/trials/{trial}/results/v6.csv", content=DATA, headers=BO)

    again = await client.put(f"/trials/{trial}/results/v6.csv", content=DATA, headers=BO)
    renamed = await client.put(f"/trials/{trial}/results/v7.csv", content=DATA, headers=BO)

    assert (first.status_code, again.status_code, renamed.status_code) == (201, 200, 201)
    assert again.json()["code"] == first.json()["code"] != renamed.json()["code"]


@pytest.mark.parametrize(("who", "status"), [({}, 401), (DAVID, 403), (CECILIA, 201), (ALVA, 201)])
async def test_only_who_takes_part_uploads(client, trial, who, status):
    answer = await client.put(f"/trials/{trial}/results/v6.csv", content=DATA, headers=who)

    assert answer.status_code == status, answer.text


async def test_a_coordinator_uploads_on_behalf_of_the_lead_unless_told_otherwise(client, trial, db):
    async with db.raw() as connection:
        lunet = await connection.fetchval("SELECT id FROM partner WHERE slug = 'lunet'")

    plain = await client.put(f"/trials/{trial}/results/a.csv", content=DATA, headers=ALVA)
    told = await client.put(f"/trials/{trial}/results/a.csv?partner_id={lunet}", content=DATA, headers=ALVA)

    assert plain.json()["receipt"]["partner"] == "Luleå kommun"
    assert told.json()["receipt"]["partner"] == "Lunet"


async def test_nobody_uploads_on_behalf_of_strangers(client, trial, db):
    async with db.raw() as connection:
        ltu = await connection.fetchval("SELECT id FROM partner WHERE slug = 'ltu'")

    answer = await client.put(f"/trials/{trial}/results/a.csv?partner_id={ltu}", content=DATA, headers=BO)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "partner_id"
