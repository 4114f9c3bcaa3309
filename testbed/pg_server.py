"""Making, starting and stopping the embedded PostgreSQL, by one process at a time."""

import fcntl
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from testbed import pg_folders
from testbed.pg_folders import Account, CannotStart, make_folder, put, run
from testbed.pg_roles import ROLES, see_to_roles

SOCKET = ".s.PGSQL.5432"
PASSING = re.compile(r'lock file ".*" already exists|pre-existing shared memory block')
RETRY_S, RETRY_EVERY_S, POLL_S, PROGRESS_S = 30.0, 0.25, 0.05, 5.0
CONF = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "recovery_init_sync_method": "syncfs" if sys.platform == "linux" else "fsync",
    "temp_file_limit": "1GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "on",
    "log_directory": "../log",
    "log_filename": "server-%a.log",  # a ring of seven
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
    "log_file_mode": "0600",
}


@dataclass
class Server:
    """The server of one data folder. All but ``log_tail`` under ``start_lock``."""

    home: Path
    account: Account
    timeout_s: float
    say: Callable[[str], None]
    bin_dir: Path | None
    options: Mapping[str, str]
    socket_dir: Path = Path()

    @property
    def pg(self) -> Path:
        return self.home / "pg"

    @property
    def data(self) -> Path:
        return self.home / "pg/data"

    def programs(self) -> tuple[Path, int]:
        return pg_folders.programs(self.home, self.account, self.bin_dir)

    def bring_up(self) -> None:
        """Wait for the server, starting it if there is none; then see to its roles."""
        self._make_folders()
        deadline = time.monotonic() + self.timeout_s
        while True:
            state = status(self.home)
            if state == "ready" and see_to_roles(self.home, self.socket_dir):
                return
            if not state:
                self._start(deadline)
            elif time.monotonic() > deadline:
                raise CannotStart(f"PostgreSQL in {self.pg} is {state} for too long:\n{self.log_tail()}")
            else:
                time.sleep(POLL_S)

    def _make_folders(self) -> None:
        recorded = _recorded(self.home)[4:5]
        make_folder(self.pg, self.account)
        make_folder(self.pg / "log", self.account)
        chosen = pg_folders.socket_folder(self.home, self.account, recorded)
        self.socket_dir = make_folder(chosen, self.account)
        kept = make_folder(self.home / "secrets", {})
        for role in ROLES:
            if (kept / role).exists():
                continue
            if role == "postgres" and self.data.exists():
                raise CannotStart(f"{kept / role} is lost; without it nobody gets into {self.data}.")
            put(kept, role, secrets.token_hex(32), {})

    def _start(self, deadline: float) -> None:
        bin_dir, major = self.programs()
        pg_folders.drop_other_programs(self.home, bin_dir)
        if not self.data.exists():
            self._initialise(bin_dir, major)
        if (made := (self.data / "PG_VERSION").read_text().strip()) != str(major):
            raise CannotStart(
                f"{self.data} was made by PostgreSQL {made} and the binaries are of {major}: "
                "back up with the old version (testbed backup), restore with the new one (testbed restore)."
            )
        put(self.data, "pg_hba.conf", "local all all scram-sha-256\n", self.account)
        put(self.data, "testbed.conf", self._conf(), self.account)
        give_up = time.monotonic() + RETRY_S
        _clear_stale(self.data, self.socket_dir)
        while not self._started(bin_dir, deadline) and status(self.home) == "":
            # after a hard kill the old backends need a moment to notice
            if time.monotonic() > give_up or not PASSING.search(self.log_tail()):
                raise CannotStart(f"PostgreSQL in {self.pg} did not start:\n{self.log_tail()}")
            time.sleep(RETRY_EVERY_S)
            _clear_stale(self.data, self.socket_dir)

    def _initialise(self, bin_dir: Path, major: int) -> None:
        """Make the cluster beside its place and rename it: a broken-off attempt leaves none."""
        for left in (*self.pg.glob("new-*"), *self.pg.glob("pw-*")):
            shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink()
        mark = secrets.token_hex(4)
        fresh, password = self.pg / f"new-{mark}", self.pg / f"pw-{mark}"
        put(self.pg, password.name, (self.home / "secrets/postgres").read_text(), self.account)
        provider = ["--locale-provider=builtin"] if major >= 17 else []  # unknown before; then the system's
        unsynced = ["--no-sync"] if self.options.get("fsync") == "off" else []
        words = ["--auth-local=scram-sha-256", "--auth-host=reject", f"--pwfile={password.name}"]
        words += ["--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums", *provider, *unsynced]
        try:
            done = run(
                [bin_dir / "initdb", "-D", fresh.name, "-U", "postgres", *words], self.account, self.pg
            )
        finally:
            password.unlink()
        if done.returncode:
            raise CannotStart(f"initdb in {self.pg} failed:\n{done.stderr[-2000:]}")
        conf = (fresh / "postgresql.conf").read_text()
        put(fresh, "postgresql.conf", f"{conf}\ninclude 'testbed.conf'\n", self.account)
        fresh.rename(self.data)  # its files are on the disk: initdb and put saw to that
        pg_folders.sync_folder(self.pg)

    def _conf(self) -> str:
        folder = str(self.socket_dir).replace('"', '""')
        settings = {**CONF, "unix_socket_directories": f'"{folder}"', **self.options}
        quoted = {name: value.replace("\\", "\\\\").replace("'", "''") for name, value in settings.items()}
        head = "# Written at each start; your own settings go into postgresql.auto.conf, by ALTER SYSTEM.\n"
        return head + "".join(f"{name} = '{value}'\n" for name, value in quoted.items())

    def _started(self, bin_dir: Path, deadline: float) -> bool:
        put(self.pg / "log", "start.log", "", self.account)
        left = max(1, int(deadline - time.monotonic()))
        words = [f"{bin_dir}/pg_ctl", "start", "-D", "data", "-w", "-t", str(left), "-l", "log/start.log"]
        around = pg_folders.surroundings(self.account, self.pg)
        starter = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **around)
        try:
            while True:
                with suppress(subprocess.TimeoutExpired):
                    return bool(starter.wait(PROGRESS_S) == 0)
                self.say(f"PostgreSQL is still starting: {self.log_tail(1)}")
        finally:
            if starter.poll() is None:
                starter.kill()  # the server it started lives on
                starter.wait()

    def log_tail(self, lines: int = 20) -> str:
        """The last lines of the two logs written last: what the server said before it had its own, and its own."""
        logs = sorted((self.pg / "log").glob("*.log"), key=_written)
        return "\n".join([line for log in logs[-2:] for line in _tail(log)][-lines:])

    def leave(self, users: int) -> None:
        """Give up our share in the lock ``users``; stop the server if nobody else has one."""
        try:
            with suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._stop()
        finally:
            os.close(users)

    def _stop(self) -> None:
        if not (self.data / "postmaster.pid").exists():
            return
        bin_dir, _ = self.programs()
        for mode in ("fast", "immediate"):  # never harder: the next start would find its remains
            words = [bin_dir / "pg_ctl", "stop", "-D", "data", "-m", mode, "-w", "-t", "60"]
            done = run(words, self.account, self.pg)
            if done.returncode == 0 or not status(self.home):
                break
        else:
            self.say(f"PostgreSQL in {self.pg} did not stop: {done.stderr.strip()}")
        if self.socket_dir.parent != self.pg:
            with suppress(OSError):
                self.socket_dir.rmdir()


def status(home: Path) -> str:
    """``starting``, ``ready`` or ``stopping``; empty if no server listens."""
    lines = _recorded(home)
    if len(lines) < 8:
        return ""
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(f"{lines[4]}/{SOCKET}")
    except OSError:
        return ""
    return lines[7].strip()


def _recorded(home: Path) -> list[str]:
    """What the server says of itself: pid, data, start, port, socket folder, address, memory, state."""
    try:
        return (home / "pg/data/postmaster.pid").read_text(errors="surrogateescape").splitlines()
    except OSError:
        return []


def _clear_stale(data: Path, socket_dir: Path) -> None:
    """Put lock files aside whose number now belongs to another program, or to a dead child nobody reaped.

    PostgreSQL itself clears those whose process is gone. A live server that misses its file stops, hence
    the doubt: only on Linux, and only if no process works in the folder.
    """
    for lock in (data / "postmaster.pid", socket_dir / f"{SOCKET}.lock"):
        try:
            pid = int(lock.read_text().split("\n", 1)[0])
            about = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        except (OSError, ValueError):
            continue
        name, state = about[about.index("(") + 1 :].rsplit(")", 1)
        if (name not in {"postgres", "postmaster"} or state.split()[0] in "ZX") and not _at_work(data):
            lock.rename(lock.with_suffix(".stale"))


def _at_work(data: Path) -> bool:
    """Whether any process works in the folder."""
    for process in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):
            if process.readlink() == data:
                return True
    return False


def _written(log: Path) -> float:
    with suppress(OSError):
        return log.lstat().st_mtime
    return 0


def _tail(log: Path, size: int = 8192) -> list[str]:
    """The last lines of a log that its writer may have replaced by a link."""
    try:
        with open(os.open(log, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:  # noqa: PTH123
            file.seek(max(0, file.seek(0, os.SEEK_END) - size))
            return file.read().decode(errors="replace").splitlines()
    except OSError:
        return []


def lock_file(path: Path) -> int:
    """Open after any fork: a forked child shares what its parent locked."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


@contextmanager
def start_lock(home: Path) -> Iterator[None]:
    """One process at a time decides whether to start or stop; the kernel drops the lock of a killed one."""
    gate = lock_file(home / "pg.start.lock")
    try:
        fcntl.flock(gate, fcntl.LOCK_EX)
        yield
    finally:
        os.close(gate)


@contextmanager
def told() -> Iterator[None]:
    """Make what the operating system refuses a message for the operator."""
    try:
        yield
    except OSError as error:
        raise CannotStart(f"PostgreSQL cannot start: {error}") from error
