"""The receipt: whole, the same for ever, and nobody's to change."""

import hashlib

import asyncpg
import pytest

from tests.cast import ALVA, BO, CECILIA, HTML, unguarded
from tests.trials.planned import planned

DATA = b"tid;dB\n2026-05-08 10:00;51,5\n"


@pytest.fixture
async def at(client, trial, db) -> str:
    await planned(client, db, trial)
    answer = await client.put(
        f"/trials/{trial}/results/v1.csv", params={"delivery": "D1"}, content=DATA, headers=BO
    )
    assert answer.status_code == 201, answer.text
    return f"{answer.headers['location']}/receipt"


async def test_a_receipt_says_what_came_when_for_what_and_what_happens_next(client, trial, at):
    receipt = (await client.get(at, headers=BO)).json()

    assert receipt["sha256"] == hashlib.sha256(DATA).hexdigest()
    assert (receipt["size"], receipt["filename"], receipt["digest_declared"]) == (len(DATA), "v1.csv", False)
    assert (receipt["partner"], receipt["person"], receipt["case"]) == ("Lunet", "Bo", None)
    assert receipt["delivery"]["code"] == "D1"
    assert receipt["links"] == {"state": receipt["url"], "receipt": at, "file": f"{receipt['url']}/raw"}
    assert len(receipt["next"]) == 4
    for link in receipt["links"].values():
        assert (await client.get(link, headers=BO)).status_code == 200


async def test_a_receipt_stays_as_it_was_whatever_is_renamed(client, trial, at, db):
    before = (await client.get(at, headers=BO)).json()
    async with db.raw() as connection:
        for change in (
            'UPDATE trial SET title = \'{"sv": "Annat"}\'',
            "UPDATE partner SET name = 'Annat' WHERE slug = 'lunet'",
            "UPDATE person SET name = 'Annan' WHERE name = 'Bo'",
            "UPDATE planned_delivery SET title = '{\"sv\": \"Annan\"}', due_on = due_on - 90, code = 'D9'",
            "UPDATE result SET delivery_id = NULL, note = 'Annat', access = 'public', state = 'ready', row_version = 2",
        ):
            await connection.execute(change)

    assert (await client.get(at, headers=BO)).json() == before


@pytest.mark.parametrize(
    "change",
    [
        "received_at = received_at - interval '1 day'", "sha256 = repeat('0', 64)", "size = size + 1", "filename = 'b.csv'",
        "digest_declared = true", "code = 'R-000000'", "receipt = '{}'", "receipt = NULL",
    ],
)  # fmt: skip
async def test_the_database_lets_nobody_change_what_was_received(db, at, change):
    async with db.raw() as connection:
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await connection.execute(f"UPDATE result SET {change}")


async def test_a_case_number_is_added_once_it_is_registered(client, trial, at, db):
    async with db.raw() as connection:
        await connection.execute(
            "WITH made AS (INSERT INTO pilot_case (pilot_id, authority_id, kind, number)"
            " SELECT pilot.id, partner.id, 'municipal', 'KS 2026/0123' FROM pilot, partner WHERE slug = 'lulea' RETURNING id)"
            " UPDATE result SET case_id = made.id FROM made"
        )

    assert (await client.get(at, headers=ALVA)).json()["case"] == "KS 2026/0123"


async def test_who_sent_it_is_for_those_who_may_edit_it(client, trial, at, db):
    await client.patch(at.removesuffix("/receipt"), json={"access": "public", "row_version": 1}, headers=BO)
    async with db.raw() as connection:
        await connection.execute("UPDATE result SET looked_through = true")

    assert (await client.get(at)).json()["person"] is None
    assert (await client.get(at, headers=CECILIA)).json()["person"] is None
    assert (await client.get(at, headers=ALVA)).json()["person"] == "Bo"


async def test_a_receipt_from_before_receipts_were_kept_is_still_one(client, trial, at, db):
    async with db.raw() as connection, unguarded(connection):
        await connection.execute("UPDATE result SET receipt = NULL")

    receipt = (await client.get(at, headers=BO)).json()

    assert (receipt["partner"], receipt["person"], receipt["pilot"]) == ("Lunet", "Bo", "LUL-2026-901")


@pytest.mark.parametrize(("language", "words"), [("sv", "Det här händer sedan"), ("en", "What happens next")])
async def test_its_page_can_be_kept_and_printed(client, at, language, words):
    page = await client.get(at, headers=BO | HTML | {"accept-language": language})

    assert page.status_code == 200
    for told in (hashlib.sha256(DATA).hexdigest(), "D1", words, "v1.csv"):
        assert told in page.text
