"""The embedded PostgreSQL after its users or itself were killed."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from testbed import pg_server
from testbed.embedded import alive
from testbed.pg_folders import account_of
from tests.embedded.processes import another, ask, child, pid_of, start, until, with_proc


async def test_a_killed_user_leaves_it_to_the_next_who_stops_it(home: Path):
    with another(home) as killed:
        killed.kill()
        killed.wait()
        pid = pid_of(home)

    with start(home) as cluster:
        assert pid_of(home) == pid
        assert await ask(cluster.app, "SELECT 1") == 1

    assert not alive(home)


async def test_a_server_killed_with_its_user_comes_back_with_everything(home: Path):
    with another(home) as killed:
        with start(home) as cluster:
            await ask(cluster.owner, "CREATE TABLE kept ()", "SELECT 1")
        os.kill(pid_of(home), signal.SIGKILL)
        killed.kill()

    with start(home) as cluster:
        assert await ask(cluster.app, "SELECT count(*) FROM kept") == 0


async def test_a_first_start_killed_at_any_step_harms_no_later_one(fresh: Path):
    for step, after_s in (
        ("make_folder", 0),
        ("put", 0),
        ("run", 0),
        ("run", 0.02),
        ("run", 0.15),
        ("pg_folders.sync_folder", 0),
        ("_clear_stale", 0),
        ("Server._started", 0),
        ("Server._started", 0.02),
        ("see_to_roles", 0),
        ("see_to_roles", 0.01),
    ):
        with child(fresh, step=step, after_s=after_s) as killed:
            assert killed.stdin is not None
            assert killed.wait(30) == -signal.SIGKILL, step
            killed.stdin.close()

    with start(fresh) as cluster:
        assert await ask(cluster.app, "SELECT lower('ÅÄÖ')") == "åäö"
        assert not [*(fresh / "pg").glob("new-*"), *(fresh / "pg").glob("pw-*")]


async def test_a_server_killed_hard_is_started_again_while_somebody_uses_it(home: Path):
    said: list[str] = []
    freed: list[bool] = []
    with (
        start(home, say=said.append) as cluster,
        cluster.watched(no_space=lambda: freed.append(True), every_s=0.1),
    ):
        await ask(cluster.owner, "CREATE TABLE kept ()", "SELECT 1")
        pid = pid_of(home)

        os.kill(pid, signal.SIGKILL)

        assert until(lambda: alive(home) and pid_of(home) != pid)
        assert said == ["PostgreSQL is gone; starting it again."]
        assert await ask(cluster.app, "SELECT count(*) FROM kept") == 0
        assert not freed
    assert not alive(home)


def test_room_is_made_first_where_the_disk_was_full(home: Path):
    freed = []
    with start(home, say=lambda _: None) as cluster:
        with (home / "pg/log/start.log").open("a") as log:
            log.write("FATAL: could not write: No space left on device\n")

        with cluster.watched(no_space=lambda: freed.append(alive(home)), every_s=0.1):
            os.kill(pid_of(home), signal.SIGKILL)
            assert until(lambda: freed and cluster.alive())

    assert freed == [False]


def test_failed_attempts_to_revive_are_told_and_repeated(home: Path):
    said: list[str] = []
    with start(home, say=said.append) as cluster:
        conf = home / "pg/data/postgresql.conf"
        good = conf.read_text()
        conf.write_text(good + "no_such_setting = 1\n")
        with cluster.watched(every_s=0.1):
            os.kill(pid_of(home), signal.SIGKILL)
            assert until(lambda: any("no_such_setting" in line for line in said))

            conf.write_text(good)

            assert until(cluster.alive)


@with_proc
@pytest.mark.parametrize("dead", [False, True], ids=["alive", "not reaped"])
def test_a_pid_file_that_names_another_process_does_not_hinder(home: Path, dead: bool):
    with start(home):
        lines = (home / "pg/data/postmaster.pid").read_text().splitlines()
    with subprocess.Popen(["sleep", "60"], cwd="/", **account_of("testbed-pg")) as sleeper:
        if dead:
            sleeper.kill()
            os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
        file = home / "pg/data/postmaster.pid"
        for lock in (file, home / "pg/run/.s.PGSQL.5432.lock"):
            lock.write_text("\n".join([str(sleeper.pid), *lines[1:], ""]))
            shutil.chown(lock, (home / "pg/data").stat().st_uid)

        with start(home) as cluster:
            assert cluster.alive()
            assert pid_of(home) != sleeper.pid

        assert sleeper.poll() is None or dead
        sleeper.kill()


@with_proc
def test_the_pid_file_of_a_server_at_work_is_left_alone(home: Path):
    with start(home):
        pg_server._clear_stale(home / "pg/data", home / "pg/run")

        assert alive(home)
