"""The embedded PostgreSQL is shared by processes and gone with the last of them."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import asyncpg
import pytest

from testbed.embedded import Cluster, alive
from tests.embedded.processes import another, ask, child, pid_of, start, until


async def test_it_keeps_what_it_holds_and_starts_quickly(home: Path):
    with start(home) as cluster:
        await ask(cluster.owner, "CREATE TABLE kept ()", "SELECT 1")
    began = time.monotonic()

    with start(home) as cluster:
        took_s = time.monotonic() - began

        assert await ask(cluster.app, "SELECT count(*) FROM kept") == 0
    assert took_s < 3  # 0.2 on an idle machine
    assert not alive(home)


async def test_who_comes_second_joins_and_who_goes_last_stops_it(home: Path):
    with start(home) as first:
        began = await ask(first.app, "SELECT pg_postmaster_start_time()")
        with another(home):
            pid = pid_of(home)
            with start(home) as third:
                assert await ask(third.app, "SELECT pg_postmaster_start_time()") == began
            assert alive(home)
        assert pid_of(home) == pid
    assert not alive(home)
    assert not (home / "pg/data/postmaster.pid").exists()


def test_the_first_may_leave_before_the_second(home: Path):
    with start(home):
        second = another(home)
        second.__enter__()

    assert alive(home)
    second.__exit__(None, None, None)
    assert not alive(home)


def test_twelve_that_come_at_once_share_one(fresh: Path):
    children = [child(fresh) for _ in range(12)]

    try:
        said = [process.stdout.readline() for process in children if process.stdout]
        pids = {int(line) for line in _servers_in(fresh)}
    finally:
        for process in children:
            process.communicate()

    assert said == ["up\n"] * 12
    assert pids == {pid_of(fresh)} if alive(fresh) else len(pids) == 1
    assert not alive(fresh)


def _servers_in(home: Path) -> Iterator[str]:
    """Processes that work in the data folder and are not another's child there: postmasters."""
    data = (home / "pg/data").resolve()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parent = (process / "stat").read_text().rsplit(")", 1)[1].split()[1]
            if (process / "cwd").readlink() == data and not _works_in(Path("/proc", parent), data):
                yield process.name


def _works_in(process: Path, data: Path) -> bool:
    with suppress(OSError):
        return (process / "cwd").readlink() == data
    return False


async def test_one_that_is_stopping_is_waited_for(home: Path):
    with start(home) as cluster:
        client = await asyncpg.connect(**cluster.app.kwargs())
        os.kill(pid_of(home), signal.SIGTERM)  # which waits for its clients
        assert until(lambda: not alive(home))
        successor = start(home)
        entering = asyncio.create_task(asyncio.to_thread(successor.__enter__))
        await asyncio.sleep(0.3)
        assert not entering.done()

        await client.close()

        assert await ask((await entering).app, "SELECT 1") == 1
        await asyncio.to_thread(successor.__exit__, None, None, None)


def test_a_forked_child_does_not_stop_it(home: Path):
    with start(home) as cluster, _as_a_fork(cluster):
        assert alive(home)


@contextmanager
def _as_a_fork(cluster: Cluster) -> Iterator[None]:
    """What a fork sees at its end: the same lock, another process."""
    context = start(cluster.socket_dir.parents[1])
    with pytest.MonkeyPatch.context() as patch:
        context.__enter__()
        patch.setattr(os, "getpid", lambda: -1)
        context.__exit__(None, None, None)
    yield
