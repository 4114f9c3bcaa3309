"""Work that outlives a request: which worker takes it, when, and that no lane holds up another."""

import asyncio

import pytest

from testbed import jobs, serve
from testbed.app import CALLING, KINDS, LANES, READING, WRITING
from testbed.db import Database
from testbed.jobs import Kind, Workshop, later, work, work_once


@pytest.fixture
def shop(db, store, settings) -> Workshop:
    return Workshop(db, store, settings)


async def ask(db: Database, kind: str, **more) -> int | None:
    async with db.begin() as session:
        return await later(session, kind, **more)


async def state(db: Database, number: int | None) -> str:
    async with db.raw() as connection:
        return str(await connection.fetchval("SELECT state FROM job WHERE id = $1", number))


async def until(holds) -> None:
    async with asyncio.timeout(20):
        while not await holds():
            await asyncio.sleep(0.02)


def test_every_kind_of_work_is_done_in_one_lane():
    assert sum(len(each) for each in LANES) == len(KINDS)
    assert (
        {*READING, *WRITING, *CALLING}
        == {*KINDS}
        == {"profile", "upload", "publish", "tell", "remind", "mail", "webhook"}
    )


async def test_a_worker_leaves_what_it_does_not_know_to_others(db, shop):
    done = []

    async def dig(task):
        done.append(task.id)

    number = await ask(db, "dig")

    assert await work_once(shop, READING) is False
    assert await state(db, number) == "queued"
    assert await work_once(shop, {"dig": Kind(dig)}) is True
    assert (done, await state(db, number)) == ([number], "done")


async def test_a_worker_leaves_the_dead_of_others_to_others(db, shop):
    number = await ask(db, "dig")
    async with db.raw() as connection:
        await connection.execute(
            "UPDATE job SET state = 'running', attempts = max_attempts, lease_until = now() - interval '1 s'"
        )

    assert await jobs.sweep(shop, READING) == 0
    assert await jobs.sweep(shop, {"dig": Kind(lambda _: asyncio.sleep(0))}) == 1
    assert await state(db, number) == "failed"


async def test_what_is_asked_for_later_waits(db, shop):
    kinds = {"dig": Kind(lambda _: asyncio.sleep(0))}
    number = await ask(db, "dig", after_seconds=60)

    assert await work_once(shop, kinds) is False
    async with db.raw() as connection:
        wait = await connection.fetchval(
            "UPDATE job SET run_at = now() WHERE id = $1 RETURNING extract(epoch FROM created_at)", number
        )
    assert wait is not None
    assert await work_once(shop, kinds) is True


async def test_a_slow_stranger_holds_up_no_reading(db, shop):
    stuck, stop = asyncio.Event(), asyncio.Event()

    async def waits(_):
        stuck.set()
        await stop.wait()

    lanes = [{"read": Kind(lambda _: asyncio.sleep(0))}, {"call": Kind(waits)}]
    working = asyncio.gather(*(work(shop, each, stop) for each in lanes))
    await ask(db, "call")
    await asyncio.wait_for(stuck.wait(), 20)

    number = await ask(db, "read")

    async def read() -> bool:
        return await state(db, number) == "done"

    await until(read)
    stop.set()
    await working


async def test_a_worker_that_breaks_ends_so_that_another_takes_its_place(settings, database_url, monkeypatch):
    async def breaks(*_):
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(serve, "_round", breaks)

    with pytest.raises(RuntimeError, match="a mistake of ours"):
        await asyncio.wait_for(serve.worker(settings, Database(database_url)), 20)
