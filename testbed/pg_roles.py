"""Who may enter the embedded PostgreSQL, and what each may do there."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg

from testbed.pg_folders import CannotStart

ROLES = ("postgres", "testbed_owner", "testbed_app")
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
        return f"postgresql://{self.user}@/{self.database}?host={quote(self.host.encode(errors='surrogateescape'))}"

    def kwargs(self) -> dict[str, Any]:
        """What ``asyncpg.connect`` takes; nothing is left to PG* variables."""
        place = {"host": self.host, "port": 5432, "database": self.database}
        return {"user": self.user, "password": self.password, **place}


def login(home: Path, socket_dir: Path, user: str, database: str) -> Login:
    return Login(user, (home / "secrets" / user).read_text(), database, str(socket_dir))


def see_to_roles(home: Path, socket_dir: Path) -> bool:
    """Make roles and database what they should be; false if the server is not to be reached after all.

    Costs 20 ms. In a thread of its own, as the caller may be within an event loop.

    Raises:
        CannotStart: the server refuses.
    """
    logins = {role: login(home, socket_dir, role, "testbed") for role in ROLES}
    try:
        with ThreadPoolExecutor(1) as apart:
            apart.submit(lambda: asyncio.run(_see_to(logins))).result()
    except (OSError, asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError):
        return False
    except asyncpg.InvalidPasswordError:
        raise CannotStart(
            f"The passwords in {home / 'secrets'} do not fit the server in {home / 'pg/data'}."
        ) from None
    except asyncpg.PostgresError as error:
        raise CannotStart(f"PostgreSQL in {home / 'pg'} refuses its roles: {error}") from error
    return True


async def _see_to(logins: dict[str, Login]) -> None:
    launcher = logins["postgres"]
    connection = await asyncpg.connect(**replace(launcher, database="postgres").kwargs(), timeout=60)
    try:
        await _make_roles(connection, logins)
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = 'testbed'"):
            await connection.execute("CREATE DATABASE testbed OWNER testbed_owner")
    finally:
        await connection.close()
    connection = await asyncpg.connect(**launcher.kwargs(), timeout=60)
    try:
        await connection.execute(GRANTS)
    finally:
        await connection.close()


async def _make_roles(connection: asyncpg.Connection, logins: dict[str, Login]) -> None:
    await connection.execute("SET log_min_error_statement = panic")  # no password in the log
    known = {row["rolname"] for row in await connection.fetch("SELECT rolname FROM pg_roles")}
    for role in ROLES[1:]:
        if role not in known:
            await connection.execute(f"CREATE ROLE {role} LOGIN")
        may = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
        await connection.execute(f"ALTER ROLE {role} {may} PASSWORD '{logins[role].password}'")
    for name, value in LIMITS.items():
        await connection.execute(f"ALTER ROLE testbed_app SET {name} = '{value}'")
