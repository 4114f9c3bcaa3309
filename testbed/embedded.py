"""The PostgreSQL that comes along: started from the wheel's binaries, reached by a unix socket only.

``home`` is the data folder. In it belong to this module: ``pg/`` (the server user's: ``data``, ``log``,
``run``), ``secrets/`` (the caller's: a password for each role), ``pg.start.lock`` (held while one process
decides whether to start or stop), ``pg.users.lock`` (shared by all who use the server; the last one out stops
it) and ``programs-*`` (binaries, copied if the server user cannot reach the installed ones).
Linux and macOS.
"""

import asyncio
import fcntl
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import quote

import asyncpg

from testbed import pg_folders
from testbed.pg_folders import Account, CannotStart, make_folder, put, run

__all__ = ["CannotStart", "Cluster", "Login", "alive", "running"]
ROLES = ("postgres", "testbed_owner", "testbed_app")
SOCKET = ".s.PGSQL.5432"
PASSING = ('lock file "postmaster.pid" already exists', "pre-existing shared memory block")
RETRY_S, POLL_S, PROGRESS_S, PING_S, BACK_OFF_S = 30.0, 0.05, 5.0, 5.0, (0.5, 30.0)
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
LIMITS = {"statement_timeout": "5s", "lock_timeout": "3s", "idle_in_transaction_session_timeout": "30s"}
GRANTS = """
ALTER DEFAULT PRIVILEGES FOR ROLE testbed_owner GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO testbed_app;
ALTER DEFAULT PRIVILEGES FOR ROLE testbed_owner GRANT USAGE ON SEQUENCES TO testbed_app;
"""


@dataclass(frozen=True)
class Login:
    """One role at the server. The password is apart, so that it enters no URL and no log."""

    user: str
    password: str = field(repr=False)
    database: str
    host: str

    @property
    def url(self) -> str:
        """``postgresql://user@/database?host=/socket/folder``, without the password."""
        return f"postgresql://{self.user}@/{self.database}?host={quote(self.host, safe='/')}"

    def kwargs(self) -> dict[str, Any]:
        """What ``asyncpg.connect`` takes; nothing is left to PG* variables."""
        place = {"host": self.host, "port": 5432, "database": self.database}
        return {"user": self.user, "password": self.password, **place}


@dataclass(frozen=True)
class Cluster:
    """A running server: ``owner`` migrates, ``app`` serves."""

    socket_dir: Path
    _server: "_Server" = field(repr=False)

    @property
    def owner(self) -> Login:
        return self.login("testbed_owner")

    @property
    def app(self) -> Login:
        return self.login("testbed_app")

    def login(self, user: str, database: str = "testbed") -> Login:
        """One of ``ROLES``; ``postgres``, who may do everything, is for this module and for tests."""
        return Login(user, _password(self._server.home, user), database, str(self.socket_dir))

    def alive(self) -> bool:
        """Whether the server accepts connections; costs one connect to its socket."""
        return alive(self._server.home)

    def revive(self) -> None:
        """Start the server again if it is gone.

        Raises:
            CannotStart: with the end of the server's log.
        """
        with _start_lock(self._server.home), _told():
            self._server.bring_up()

    @contextmanager
    def watched(
        self, *, no_space: Callable[[], None] = lambda: None, every_s: float = PING_S
    ) -> Iterator[None]:
        """Look every few seconds, in a thread, and start the server again whenever it is gone.

        ``no_space`` is called before a start if the server's log says that the disk is full.
        """
        end = Event()
        watch = Thread(target=self._watch, args=(end, no_space, every_s), name="postgres-watch", daemon=True)
        watch.start()
        try:
            yield
        finally:
            end.set()
            watch.join()

    def _watch(self, end: Event, no_space: Callable[[], None], every_s: float) -> None:
        pause = BACK_OFF_S[0]
        while not end.wait(every_s if self.alive() else pause):
            if self.alive():
                pause = BACK_OFF_S[0]
                continue
            if "No space left on device" in self._server.log_tail():
                no_space()
            try:
                self.revive()
            except CannotStart as error:
                self._server.say(str(error))
            pause = min(pause * 2, BACK_OFF_S[1])


def alive(home: Path) -> bool:
    """Whether the server of this data folder accepts connections."""
    return _status(home.resolve()) == "ready"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@contextmanager
def running(
    home: Path,
    *,
    os_user: str = "testbed-pg",
    timeout_s: float = 600,
    say: Callable[[str], None] = _say,
    bin_dir: Path | None = None,
    options: Mapping[str, str] | None = None,
) -> Iterator[Cluster]:
    """Join the server of the data folder ``home``, or make and start it; the last one out stops it.

    Blocks: 0.1 s warm, 1 s at the first start, up to ``timeout_s`` for recovery after a crash. Root, whom
    PostgreSQL refuses, runs it as ``os_user``, made if need be. ``bin_dir`` names other binaries (15 to 18)
    than the wheel's; ``options`` are settings of the server that win over ours, for tests.

    Raises:
        CannotStart: with what the operator needs to know.
    """
    home, process = home.absolute().resolve(), os.getpid()
    with _told():
        server = _Server(home, pg_folders.account_of(os_user), timeout_s, say, bin_dir, options or {})
        pg_folders.make_home(home, server.account)
        with _start_lock(home):
            users = _lock_file(home / "pg.users.lock")
            try:
                fcntl.flock(users, fcntl.LOCK_SH)
                server.bring_up()
            except BaseException:
                server.leave(users)
                raise
    try:
        yield Cluster(server.socket_dir, server)
    finally:
        if os.getpid() == process:  # a forked child shares the lock and must not stop its parent's server
            with _start_lock(home):
                server.leave(users)


@dataclass
class _Server:
    """How to start and stop the server of one data folder; all but the first lines under the start lock."""

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

    def bring_up(self) -> None:
        """Wait for the server, starting it if there is none; then see to its roles."""
        recorded = _recorded(self.home)
        self._make_folders(recorded[4] if len(recorded) > 4 else None)
        deadline = time.monotonic() + self.timeout_s
        while True:
            state = _status(self.home)
            if state == "ready" and self._has_roles():
                return
            if not state:
                self._start(deadline)
            elif time.monotonic() > deadline:
                raise CannotStart(f"PostgreSQL in {self.pg} is {state} for too long.\n{self.log_tail()}")
            else:
                time.sleep(POLL_S)

    def _make_folders(self, recorded: str | None) -> None:
        make_folder(self.pg, self.account)
        make_folder(self.pg / "log", self.account)
        self.socket_dir = make_folder(
            pg_folders.socket_folder(self.home, self.account, recorded), self.account
        )
        kept = make_folder(self.home / "secrets", {})
        for role in ROLES:
            if (kept / role).exists():
                continue
            if role == "postgres" and self.data.exists():
                raise CannotStart(f"{kept / role} is lost; without it nobody gets into {self.data}.")
            put(kept, role, secrets.token_hex(32), {})

    def _start(self, deadline: float) -> None:
        bin_dir, major = pg_folders.programs(self.home, self.account, self.bin_dir)
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
        _clear_stale_pid(self.data)
        while _status(self.home) == "" and not self._started(bin_dir, deadline):
            # after a hard kill the old backends need a moment to notice
            if time.monotonic() > give_up or not any(words in self.log_tail() for words in PASSING):
                raise CannotStart(f"PostgreSQL in {self.pg} did not start:\n{self.log_tail()}")
            time.sleep(0.25)

    def _initialise(self, bin_dir: Path, major: int) -> None:
        """Make the cluster beside its place and rename it: a broken-off attempt leaves none."""
        for left in (*self.pg.glob("new-*"), *self.pg.glob("pw-*")):
            shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink()
        mark = secrets.token_hex(4)
        fresh, password = self.pg / f"new-{mark}", self.pg / f"pw-{mark}"
        put(self.pg, password.name, _password(self.home, "postgres"), self.account)
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
        head = "# Written at each start; put your own settings into postgresql.auto.conf by ALTER SYSTEM.\n"
        return head + "".join(f"{name} = '{value}'\n" for name, value in quoted.items())

    def _started(self, bin_dir: Path, deadline: float) -> bool:
        put(self.pg / "log", "start.log", "", self.account)
        left = max(1, int(deadline - time.monotonic()))
        words = [bin_dir / "pg_ctl", "start", "-D", "data", "-w", "-t", str(left), "-l", "log/start.log"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        starter = subprocess.Popen(words, **pg_folders.surroundings(self.account, self.pg), **quiet)
        try:
            while True:
                with suppress(subprocess.TimeoutExpired):
                    return starter.wait(PROGRESS_S) == 0
                self.say(f"PostgreSQL is still starting: {self.log_tail(1)}")
        finally:
            if starter.poll() is None:
                starter.kill()  # the server it started lives on
                starter.wait()

    def log_tail(self, lines: int = 20) -> str:
        """The last lines of what the server wrote since it was started last."""
        logs = sorted((self.pg / "log").glob("*.log"), key=lambda log: log.lstat().st_mtime)
        return "\n".join([line for log in logs[-2:] for line in _tail(log)][-lines:])

    def leave(self, users: int) -> None:
        """Give up our share; stop the server if nobody else has one."""
        try:
            with suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._stop()
        finally:
            os.close(users)

    def _stop(self) -> None:
        if not (self.data / "postmaster.pid").exists():
            return
        bin_dir, _ = pg_folders.programs(self.home, self.account, self.bin_dir)
        for mode in ("fast", "immediate"):  # never harder: the next start would find its remains
            words = [bin_dir / "pg_ctl", "stop", "-D", "data", "-m", mode, "-w", "-t", "60"]
            if run(words, self.account, self.pg).returncode == 0:
                break
        if self.socket_dir.parent != self.pg:
            with suppress(OSError):
                self.socket_dir.rmdir()

    def _has_roles(self) -> bool:
        """See to roles and database; false if the server is not to be reached after all."""
        with ThreadPoolExecutor(1) as apart:  # the caller may be in an event loop
            return apart.submit(lambda: asyncio.run(self._see_to_roles())).result()

    async def _see_to_roles(self) -> bool:
        launcher = Cluster(self.socket_dir, self).login("postgres", "postgres")
        try:
            connection = await asyncpg.connect(**launcher.kwargs(), timeout=60)
        except (OSError, asyncpg.CannotConnectNowError):
            return False
        except asyncpg.InvalidPasswordError:
            raise CannotStart(f"{self.home / 'secrets'} does not fit {self.data}.") from None
        try:
            await self._make_roles(connection)
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = 'testbed'"):
                await connection.execute("CREATE DATABASE testbed OWNER testbed_owner")
        finally:
            await connection.close()
        connection = await asyncpg.connect(**launcher.kwargs() | {"database": "testbed"}, timeout=60)
        try:
            await connection.execute(GRANTS)
        finally:
            await connection.close()
        return True

    async def _make_roles(self, connection: asyncpg.Connection) -> None:
        await connection.execute("SET log_min_error_statement = panic")  # no password in the log
        known = {row["rolname"] for row in await connection.fetch("SELECT rolname FROM pg_roles")}
        for role in ROLES[1:]:
            if role not in known:
                await connection.execute(f"CREATE ROLE {role} LOGIN")
            may = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
            await connection.execute(f"ALTER ROLE {role} {may} PASSWORD '{_password(self.home, role)}'")
        for name, value in LIMITS.items():
            await connection.execute(f"ALTER ROLE testbed_app SET {name} = '{value}'")


def _password(home: Path, role: str) -> str:
    return (home / "secrets" / role).read_text()


def _tail(log: Path, size: int = 8192) -> list[str]:
    """The last lines of a log that its writer may have replaced by a link."""
    try:
        with open(os.open(log, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:  # noqa: PTH123
            file.seek(max(0, file.seek(0, os.SEEK_END) - size))
            return file.read().decode(errors="replace").splitlines()
    except OSError:
        return []


def _recorded(home: Path) -> list[str]:
    """What the server says of itself: pid, data, start, port, socket folder, address, memory, state."""
    try:
        return (home / "pg/data/postmaster.pid").read_text(errors="surrogateescape").splitlines()
    except OSError:
        return []


def _status(home: Path) -> str:
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


def _clear_stale_pid(data: Path) -> None:
    """Put aside a pid file whose number now belongs to another program or to a dead child nobody reaped.

    PostgreSQL itself clears one whose process is gone. A live server that misses its file stops, hence
    the doubt: only on Linux, and only if no process works in the folder.
    """
    try:
        pid = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
        about = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (OSError, ValueError):
        return
    name, state = about[about.index("(") + 1 :].rsplit(")", 1)
    if name in {"postgres", "postmaster"} and state.split()[0] not in "ZX":
        return
    for process in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):
            if process.readlink() == data:
                return
    (data / "postmaster.pid").rename(data / "postmaster.pid.stale")


def _lock_file(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


@contextmanager
def _start_lock(home: Path) -> Iterator[None]:
    """One process at a time decides whether to start or stop; the kernel drops the lock of a killed one."""
    gate = _lock_file(home / "pg.start.lock")
    try:
        fcntl.flock(gate, fcntl.LOCK_EX)
        yield
    finally:
        os.close(gate)


@contextmanager
def _told() -> Iterator[None]:
    """Make what the operating system refuses a message for the operator."""
    try:
        yield
    except OSError as error:
        raise CannotStart(f"PostgreSQL cannot start: {error}") from error
