"""How an upload ends otherwise than well: too late, not any more, not what was declared, no room."""

import errno
import hashlib
import os

import pytest

from testbed import jobs
from testbed.app import KINDS
from testbed.disk import Disk
from testbed.files import Store
from testbed.trials import receiving
from testbed.trials.uploads import finishing, sweeping
from tests.cast import ALVA, BO
from tests.trials.tus import Tus, checksum

DATA = b"Date Time;SNR\n01/02/2023 10:00;7,5\n02/02/2023 10:00;8,25\n"
LEAVE = "UPDATE pilot_partner SET left_on = CURRENT_DATE FROM partner WHERE partner.id = partner_id AND slug = 'lunet'"


async def sql(db, query: str):
    async with db.raw() as connection:
        return await connection.fetchval(query)


def parts(settings) -> list[str]:
    return [path.name for path in (settings.data_dir / "staging").iterdir()]


async def test_an_upload_that_nobody_went_on_with_is_gone(tus, db, shop, settings):
    at = await tus.at(len(DATA))
    await tus.patch(at, 0, DATA[:10])
    await sql(db, "UPDATE upload SET expires_at = now() - interval '1 s'")

    before = [await tus.head(at), await tus.patch(at, 10, DATA[10:]), await tus.delete(at)]
    await sweeping.sweep(shop)
    after = [await tus.head(at), await tus.patch(at, 10, DATA[10:]), await tus.delete(at)]

    assert [each.status_code for each in before + after] == [410] * 6
    assert not [each for each in before + after if "upload-offset" in each.headers]
    assert (await tus.state(at))["state"] == "expired"
    assert not parts(settings)


async def test_each_piece_puts_off_the_day_an_upload_expires(tus, db):
    at = await tus.at(len(DATA))
    await sql(db, "UPDATE upload SET expires_at = now() + interval '1 h'")

    await tus.patch(at, 0, DATA[:10])

    assert await sql(db, "SELECT expires_at > now() + interval '6 days' FROM upload")


async def test_an_upload_that_is_over_is_remembered_for_thirty_days(tus, db, shop):
    at = await tus.at(len(DATA))
    await tus.delete(at)

    await sql(
        db, "UPDATE upload SET expires_at = now() - interval '22 d', ended_at = now() - interval '29 d'"
    )
    await sweeping.sweep(shop)
    remembered = await tus.head(at)
    await sql(db, "UPDATE upload SET ended_at = now() - interval '31 d'")
    await sweeping.sweep(shop)

    assert (remembered.status_code, (await tus.head(at)).status_code) == (410, 404)


async def test_an_upload_under_way_does_not_expire(tus, db, shop):
    at = await tus.at(len(DATA))
    await sql(
        db, "UPDATE upload SET expires_at = now() - interval '1 s', lease_until = now() + interval '20 s'"
    )

    await sweeping.sweep(shop)

    assert await sql(db, "SELECT state FROM upload") == "arriving"
    assert (await tus.state(at))["state"] == "expired"


async def test_a_file_that_is_not_what_was_declared_is_not_taken(tus, db, settings, shop):
    wrong = hashlib.sha256(b"other").hexdigest()
    at = await tus.at(len(DATA), sha256=wrong.upper())

    answer = await tus.patch(at, 0, DATA)

    assert answer.status_code == 422
    assert wrong in answer.json()["detail"]
    after = [await tus.head(at), await tus.patch(at, len(DATA), b""), await tus.delete(at)]
    assert [each.status_code for each in after] == [410] * 3
    state = await tus.state(at)
    assert (state["state"], state["result"]) == ("rejected", None)
    assert wrong in state["problem"]
    assert await sql(db, "SELECT count(*) FROM result") == 0
    await sweeping.sweep(shop)
    assert len(parts(settings)) == 1
    await sql(db, "UPDATE upload SET expires_at = now() - interval '1 s'")
    await sweeping.sweep(shop)
    assert not parts(settings)


async def test_a_large_file_that_is_not_what_was_declared_is_rejected_by_the_job(tus, shop, monkeypatch):
    monkeypatch.setattr(finishing, "INLINE_BYTES", 10)
    at = await tus.at(len(DATA), sha256=hashlib.sha256(b"other").hexdigest())

    answer = await tus.patch(at, 0, DATA)
    while await jobs.work_once(shop, KINDS):
        pass

    assert answer.status_code == 204
    assert (await tus.state(at))["state"] == "rejected"
    assert (await tus.head(at)).status_code == 410


@pytest.mark.parametrize("inline", [True, False], ids=["at once", "by a job"])
async def test_rights_taken_away_meanwhile_are_missed_at_the_end_and_the_bytes_wait(
    tus, db, shop, settings, monkeypatch, inline
):
    if not inline:
        monkeypatch.setattr(finishing, "INLINE_BYTES", 10)
    at = await tus.at(len(DATA))
    await tus.patch(at, 0, DATA[:10])
    await sql(db, LEAVE)

    answer = await tus.patch(at, 10, DATA[10:])
    while await jobs.work_once(shop, KINDS):
        pass

    state = await tus.state(at)
    assert answer.status_code == (403 if inline else 204)
    assert (state["state"], state["offset"]) == ("refused", len(DATA))
    assert "They are kept until" in state["problem"]
    assert "ask the coordinator" in state["problem"]
    asked = await tus.head(at)
    assert (asked.status_code, "upload-offset" in asked.headers) == (403, False)
    assert await sql(db, "SELECT count(*) FROM result") == 0
    await sweeping.sweep(shop)
    assert len(parts(settings)) == 1


async def test_a_refused_upload_is_finished_once_the_rights_are_back(tus, db, client):
    at = await tus.at(len(DATA))
    await sql(db, LEAVE)
    await tus.patch(at, 0, DATA)
    refused = await tus.patch(at, len(DATA), b"")
    await sql(db, "UPDATE pilot_partner SET left_on = NULL")

    answer = await tus.patch(at, len(DATA), b"")

    assert (refused.status_code, answer.status_code) == (403, 204)
    code = (await tus.state(at))["result"]
    assert (await client.get(f"/results/{code}/raw", headers=BO)).content == DATA


async def test_a_refused_upload_may_be_taken_back(tus, db, settings):
    at = await tus.at(len(DATA))
    await sql(db, LEAVE)
    await tus.patch(at, 0, DATA)

    assert (await tus.delete(at)).status_code == 204
    assert not parts(settings)


async def test_a_trial_archived_meanwhile_takes_the_file_no_more(tus, client):
    at = await tus.at(len(DATA))
    await client.post(f"/trials/{tus.trial}/archive", headers=ALVA)

    answer = await tus.patch(at, 0, DATA)

    assert answer.status_code == 403  # 409 would send clients of the protocol round and round
    assert "archived meanwhile" in answer.json()["detail"]
    assert (await tus.begin(5)).status_code == 409


async def test_what_was_said_of_a_file_and_holds_no_more_is_named(tus, client, db):
    first = (
        await client.put(f"/trials/{tus.trial}/results/v5.csv", content=b"a;b\n1;2\n", headers=BO)
    ).json()
    at = await tus.at(len(DATA), replaces=first["code"])
    await sql(db, "UPDATE result SET acceptance = 'withdrawn'")

    answer = await tus.patch(at, 0, DATA)

    assert answer.status_code == 403
    assert "does not hold any more: replaces" in answer.json()["detail"]


async def test_a_person_suspended_meanwhile_hands_nothing_in(tus, db, shop, monkeypatch):
    monkeypatch.setattr(finishing, "INLINE_BYTES", 10)
    at = await tus.at(len(DATA))
    await tus.patch(at, 0, DATA)
    await sql(db, "UPDATE person SET state = 'suspended' WHERE name = 'Bo'")

    while await jobs.work_once(shop, KINDS):
        pass

    assert await sql(db, "SELECT state FROM upload") == "refused"


async def test_a_partner_has_a_share_of_the_disk(tus, app, client, settings, trial):
    app.app.state.settings = settings.model_copy(update={"partner_quota_bytes": 100})

    over = await tus.begin(101)
    first = await tus.begin(len(DATA))
    second = await tus.begin(len(DATA))
    by_put = await client.put(f"/trials/{trial}/results/a.csv", content=DATA, headers=BO)
    others = await Tus(client, trial, ALVA).begin(len(DATA))

    assert [each.status_code for each in (over, first, second, by_put, others)] == [507, 201, 507, 507, 201]
    assert "100 B" in over.json()["detail"]
    assert int(over.headers["retry-after"]) > 0


async def test_a_share_used_up_meanwhile_is_missed_at_the_end(tus, app, settings):
    at = await tus.at(len(DATA))
    app.app.state.settings = settings.model_copy(update={"partner_quota_bytes": 10})

    answer = await tus.patch(at, 0, DATA)

    assert answer.status_code == 403
    assert "share of the disk" in answer.json()["detail"]


async def test_no_upload_begins_below_the_floor(tus, app, settings, db):
    app.app.state.store = Store(settings.data_dir, free_bytes_floor=2**60)

    answer = await tus.begin(5)

    assert answer.status_code == 507
    assert int(answer.headers["retry-after"]) > 0
    assert await sql(db, "SELECT count(*) FROM upload") == 0


class Failing(Disk):
    """Fails once it is told to: on writing, or on syncing."""

    def __init__(self) -> None:
        self.write_error: int | None = None
        self.sync_error: int | None = None

    def write(self, descriptor: int, data: bytes) -> None:
        if self.write_error is not None:
            super().write(descriptor, data[: len(data) // 2])
            raise OSError(self.write_error, os.strerror(self.write_error))
        super().write(descriptor, data)

    def sync_data(self, descriptor: int) -> None:
        if self.sync_error is not None:
            raise OSError(self.sync_error, os.strerror(self.sync_error))
        super().sync_data(descriptor)


@pytest.mark.parametrize("checked", [False, True])
async def test_a_disk_that_fails_moves_no_offset_and_the_upload_goes_on_later(tus, app, settings, checked):
    disk = Failing()
    app.app.state.store = Store(settings.data_dir, disk=disk)
    at = await tus.at(len(DATA))
    await tus.patch(at, 0, DATA[:10])
    sent = checksum(DATA[10:]) if checked else {}

    for write, sync, status in (
        (errno.ENOSPC, None, 507),
        (None, errno.ENOSPC, 507),
        (errno.EIO, None, 503),
        (None, errno.EIO, 503),
    ):
        disk.write_error, disk.sync_error = write, sync
        answer = await tus.patch(at, 10, DATA[10:], sent)
        assert (answer.status_code, "upload-offset" in answer.headers) == (status, False)
        assert int(answer.headers["retry-after"]) > 0
        assert (await tus.head(at)).headers["upload-offset"] == "10"
        assert (settings.data_dir / "staging" / f"{at.rpartition('/')[2]}.part").stat().st_size == 10

    disk.write_error = disk.sync_error = None
    assert (await tus.patch(at, 10, DATA[10:], sent)).status_code == 204
    assert (await tus.state(at))["state"] == "done"


async def test_a_file_that_lost_bytes_promises_no_more_than_it_has(tus, settings):
    at = await tus.at(len(DATA))
    await tus.patch(at, 0, DATA[:30])
    part = settings.data_dir / "staging" / f"{at.rpartition('/')[2]}.part"
    os.truncate(part, 12)

    asked = await tus.head(at)
    part.unlink()
    answer = await tus.patch(at, 12, DATA[12:])

    assert asked.headers["upload-offset"] == "12"
    assert (answer.status_code, answer.headers["upload-offset"]) == (409, "0")
    assert (await tus.patch(at, 0, DATA)).status_code == 204


async def test_a_start_cuts_what_was_not_promised_and_promises_no_more_than_there_is(
    tus, db, store, settings
):
    longer, shorter = await tus.at(len(DATA)), await tus.at(len(DATA))
    for at in (longer, shorter):
        await tus.patch(at, 0, DATA[:20])
    part_of = {
        at: settings.data_dir / "staging" / f"{at.rpartition('/')[2]}.part" for at in (longer, shorter)
    }
    part_of[longer].write_bytes(DATA[:20] + b"never promised")
    os.truncate(part_of[shorter], 7)
    await sql(db, "UPDATE upload SET lease_until = now() + interval '20 s', lease_epoch = 9")

    await sweeping.recover(db, store)

    assert part_of[longer].stat().st_size == 20
    assert (await tus.head(longer)).headers["upload-offset"] == "20"
    assert (await tus.head(shorter)).headers["upload-offset"] == "7"
    for at, offset in ((longer, 20), (shorter, 7)):
        assert (await tus.patch(at, offset, DATA[offset:])).status_code == 204


async def test_what_broke_off_between_the_last_byte_and_the_record_is_finished(tus, db, shop, monkeypatch):
    at = await tus.at(len(DATA))
    async with db.raw() as connection:
        await tus.patch(at, 0, DATA[:-1])
        part = shop.store.staging / f"{at.rpartition('/')[2]}.part"
        part.write_bytes(DATA)
        await connection.execute("UPDATE upload SET offset_bytes = length_bytes")

    await sweeping.sweep(shop)
    while await jobs.work_once(shop, KINDS):
        pass

    assert (await tus.state(at))["state"] == "done"


async def test_what_broke_off_between_naming_and_recording_is_finished(tus, db, shop, monkeypatch):
    async def away(*_):
        raise ConnectionRefusedError

    monkeypatch.setattr(receiving, "recorded", away)
    at = await tus.at(len(DATA))
    answer = await tus.patch(at, 0, DATA)
    monkeypatch.undo()

    await sweeping.sweep(shop)
    while await jobs.work_once(shop, KINDS):
        pass

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    state = await tus.state(at)
    assert state["state"] == "done"
    assert await sql(db, "SELECT sha256 FROM result") == hashlib.sha256(DATA).hexdigest()
