"""A result file from its sender to its receipt."""

import asyncio
import base64
import errno
import hashlib

import pytest

from testbed.disk import Disk
from testbed.files import Store
from testbed.trials import receiving
from tests.cast import ALVA, BO, CECILIA, DAVID
from tests.trials.kept import nothing_is_kept

DATA = b"Date Time;SNR\n01/02/2023 10:00;7,5\n02/02/2023 10:00;8,25\n"
SHA512 = f"sha-512=:{base64.b64encode(hashlib.sha512(DATA).digest()).decode()}:"
DIGEST = f"sha-256=:{base64.b64encode(hashlib.sha256(DATA).digest()).decode()}:"


async def test_a_partner_uploads_a_file_and_gets_a_receipt(client, trial, store):
    answer = await client.put(
        f"/trials/{trial}/results/v6.csv", content=DATA, headers=BO | {"content-digest": DIGEST}
    )

    result = answer.json()
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/results/{result['code']}"
    assert result["state"] == "received"
    moving = {"result": "", "received_at": "", "url": "", "links": {}, "next": []}
    assert result["receipt"] | moving == moving | {
        "filename": "v6.csv", "size": len(DATA),
        "sha256": hashlib.sha256(DATA).hexdigest(), "digest_declared": True, "trial": "Första veckan", "trial_id": trial,
        "pilot": "LUL-2026-901", "partner": "Lunet", "person": "Bo", "case": None, "delivery": None,
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


async def test_two_uploads_of_the_same_file_at_once_are_one_result(client, trial):
    answers = await asyncio.gather(
        *(client.put(f"/trials/{trial}/results/v6.csv", content=DATA, headers=BO) for _ in range(4))
    )

    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert len({answer.json()["code"] for answer in answers}) == 1


@pytest.mark.parametrize(("name", "made"), [("sha-256", hashlib.sha256), ("sha-512", hashlib.sha512)])
async def test_a_file_that_is_not_what_was_declared_is_not_kept(client, trial, db, settings, name, made):
    other = base64.b64encode(made(b"other").digest()).decode()

    answer = await client.put(
        f"/trials/{trial}/results/a.csv", content=DATA, headers=BO | {"content-digest": f"{name}=:{other}:"}
    )

    assert answer.status_code == 422
    assert "Nothing was kept" in answer.json()["detail"]
    assert await nothing_is_kept(db, settings)


@pytest.mark.parametrize(
    "header", ["sha-256=abc", "sha-256=:AAAA:", "sha-512=:AAAA:", ", sha-256", "sha-256=:*:", "\u00e5"]
)
async def test_a_digest_that_cannot_be_read_is_refused(client, trial, header):
    sent = BO | {"content-digest": header.encode()}

    answer = await client.put(f"/trials/{trial}/results/a.csv", content=DATA, headers=sent)

    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("header", "declared"), [(SHA512, True), ("md5=:AAAA:", False), (f"md5=:AAAA:, {DIGEST}", True)]
)
async def test_what_can_be_verified_is_and_other_digests_are_left_unread(client, trial, header, declared):
    answer = await client.put(
        f"/trials/{trial}/results/a.csv", content=DATA, headers=BO | {"content-digest": header}
    )

    assert answer.status_code == 201
    assert answer.json()["receipt"]["digest_declared"] is declared


async def test_a_file_over_the_limit_is_refused_before_its_first_byte(client, trial, settings, db):
    async def body():
        raise AssertionError("not a byte should be read")
        yield b""

    length = {"content-length": str(settings.upload_max_bytes + 1)}
    answer = await client.put(f"/trials/{trial}/results/a.csv", content=body(), headers=BO | length)

    assert answer.status_code == 413
    assert "47.68 MiB" in answer.json()["detail"]
    assert await nothing_is_kept(db, settings)


async def test_a_file_that_grows_over_the_limit_is_dropped(client, trial, settings, db):
    async def body():
        for _ in range(51):
            yield bytes(1_000_000)

    answer = await client.put(f"/trials/{trial}/results/a.csv", content=body(), headers=BO)

    assert answer.status_code == 413
    assert await nothing_is_kept(db, settings)


async def test_a_full_disk_is_said_and_nothing_is_kept(app, client, trial, settings, db):
    app.app.state.store = Store(settings.data_dir, free_bytes_floor=2**60)

    answer = await client.put(f"/trials/{trial}/results/a.csv", content=DATA, headers=BO)

    assert answer.status_code == 507
    assert answer.headers["retry-after"] == "300"
    assert "Nothing was kept" in answer.json()["detail"]
    assert await nothing_is_kept(db, settings)


async def test_a_disk_that_fills_up_halfway_keeps_nothing(app, client, trial, settings, db):
    class Filling(Disk):
        def write(self, descriptor: int, data: bytes) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    app.app.state.store = Store(settings.data_dir, disk=Filling())

    answer = await client.put(f"/trials/{trial}/results/a.csv", content=DATA, headers=BO)

    assert answer.status_code == 507
    assert await nothing_is_kept(db, settings)


async def test_a_database_that_goes_away_after_the_file_acknowledges_nothing(client, trial, db, monkeypatch):
    async def away(*_):
        raise ConnectionRefusedError

    monkeypatch.setattr(receiving, "recorded", away)

    answer = await client.put(f"/trials/{trial}/results/a.csv", content=DATA, headers=BO)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    async with db.raw() as connection:
        assert await connection.fetchval("SELECT count(*) FROM result") == 0


async def test_an_archived_trial_takes_no_more_files(client, trial):
    await client.post(f"/trials/{trial}/archive", headers=CECILIA)

    answer = await client.put(f"/trials/{trial}/results/a.csv", content=DATA, headers=BO)

    assert answer.status_code == 409
    assert "archived" in answer.json()["detail"]


async def test_somebody_of_several_partners_says_for_which_one(client, trial, db):
    async with db.raw() as connection:
        ltu = await connection.fetchval(
            "INSERT INTO membership (person_id, partner_id, role, from_on) SELECT person.id, partner.id, 'member',"
            " '2026-01-01' FROM person, partner WHERE person.name = 'Bo' AND slug = 'ltu' RETURNING partner_id"
        )

    unsaid = await client.put(f"/trials/{trial}/results/a.csv", content=DATA, headers=BO)
    said = await client.put(f"/trials/{trial}/results/a.csv?partner_id={ltu}", content=DATA, headers=BO)

    assert unsaid.status_code == 422
    assert unsaid.json()["errors"][0]["field"] == "partner_id"
    assert said.json()["receipt"]["partner"] == "Luleå tekniska universitet"


async def test_a_token_that_may_only_upload_gets_its_receipt(client, trial, db):
    async with db.raw() as connection:
        await connection.execute(
            "UPDATE token SET scopes = '{upload}' FROM person WHERE person.id = person_id AND person.name = 'Bo'"
        )

    answer = await client.put(f"/trials/{trial}/results/a.csv", content=DATA, headers=BO)

    assert answer.status_code == 201
    assert (await client.get(answer.headers["location"], headers=BO)).status_code == 404
