"""The PostgreSQL that comes along: started from the wheel's binaries, reached by a unix socket only.

In the data folder belong to it: ``pg/`` (the server user's: ``data``, ``log``, ``run``), ``secrets/`` (the
caller's: a password for each role), ``pg.start.lock`` (held while one process decides whether to start or
stop), ``pg.users.lock`` (shared by all who use the server; the last one out stops it) and ``programs-*``
(binaries, copied if the server user cannot reach the installed ones). Linux and macOS.
"""

import fcntl
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

from testbed import pg_roles
from testbed.pg_folders import CannotStart, account_of, make_home
from testbed.pg_roles import Login
from testbed.pg_server import Server, lock_file, start_lock, status, told

__all__ = ["CannotStart", "Cluster", "Login", "alive", "running"]

PING_S = 5.0
BACK_OFF_S = 0.5, 30.0  # the first pause between two attempts, and the longest


@dataclass(frozen=True)
class Cluster:
    """A running server: ``owner`` migrates, ``app`` serves."""

    socket_dir: Path
    _server: Server = field(repr=False)

    @property
    def owner(self) -> Login:
        return self.login("testbed_owner")

    @property
    def app(self) -> Login:
        return self.login("testbed_app")

    @property
    def bin_dir(self) -> Path:
        """The folder of the server's programs, ``pg_dump`` among them."""
        return self._server.programs()[0]

    def login(self, user: str, database: str = "testbed") -> Login:
        """One of the roles; ``postgres``, who may do everything, is for this module and for tests."""
        return pg_roles.login(self._server.home, self.socket_dir, user, database)

    def alive(self) -> bool:
        """Whether the server accepts connections; costs one connect to its socket."""
        return alive(self._server.home)

    def revive(self) -> None:
        """Start the server again if it is gone.

        Raises:
            CannotStart: with the end of the server's log.
        """
        with told(), start_lock(self._server.home):
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
        while not end.wait(every_s):
            pause = BACK_OFF_S[0]
            while not self.alive() and not end.is_set() and not self._revived(no_space):
                end.wait(pause)
                pause = min(pause * 2, BACK_OFF_S[1])

    def _revived(self, no_space: Callable[[], None]) -> bool:
        self._server.say("PostgreSQL is gone; starting it again.")
        if "No space left on device" in self._server.log_tail():
            no_space()
        try:
            self.revive()
        except CannotStart as error:
            self._server.say(str(error))
            return False
        return True


def alive(home: Path) -> bool:
    """Whether the server of this data folder accepts connections."""
    return status(home.resolve()) == "ready"


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

    Blocks: 0.2 s warm, 1 s at the first start, up to ``timeout_s`` for recovery after a crash. Root, whom
    PostgreSQL refuses, runs it as ``os_user``, made if need be. ``bin_dir`` names other binaries (15 to 18)
    than the wheel's; ``options`` are settings of the server that win over ours, for tests.

    Raises:
        CannotStart: with what the operator needs to know.
    """
    home, process = home.resolve(), os.getpid()
    with told():
        server = Server(home, account_of(os_user), timeout_s, say, bin_dir, options or {})
        make_home(home, server.account)
        with start_lock(home):
            users = lock_file(home / "pg.users.lock")
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
            with start_lock(home):
                server.leave(users)
