"""How often somebody may try to sign in, counted in PostgreSQL so that every process knows.

A try is counted before the password is looked at, and given back when it was right: ten at once are ten.
"""

import asyncpg

from testbed.people.secrets import digest

WINDOW = 15 * 60
LONGEST_WAIT = 60

BY_ADDRESS = f"""
    INSERT INTO rate_bucket (key, tries, since) VALUES ($1, 1, now())
    ON CONFLICT (key) DO UPDATE SET
        tries = CASE WHEN rate_bucket.since < now() - interval '{WINDOW} s' THEN 1 ELSE rate_bucket.tries + 1 END,
        since = CASE WHEN rate_bucket.since < now() - interval '{WINDOW} s' THEN now() ELSE rate_bucket.since END
    RETURNING tries, ceil(extract(epoch FROM since + interval '{WINDOW} s' - now()))::int AS left
"""  # noqa: S608 - our own constant
DELAY = f"make_interval(secs => least({LONGEST_WAIT}, 2 ^ least(rate_bucket.tries - 1, 10)))"
BY_ACCOUNT = f"""
    INSERT INTO rate_bucket (key, tries, since) VALUES ($1, 1, now())
    ON CONFLICT (key) DO UPDATE SET tries = rate_bucket.tries + 1, since = now()
    WHERE rate_bucket.since + {DELAY} <= now()
    RETURNING tries
"""  # noqa: S608 - our own constant
LEFT = f"SELECT greatest(1, ceil(extract(epoch FROM since + {DELAY} - now())))::int FROM rate_bucket WHERE key = $1"  # noqa: S608


async def counted(connection: asyncpg.Connection, email: str, address: str, most: int) -> int:
    """Count a try; return the seconds to wait before the next, 0 to go ahead with this one.

    After a failure an account waits 1, 2, 4 … 60 seconds; an address has ``most`` failures in 15 minutes.
    It does not raise, so that the caller can commit the count of what it refuses.
    """
    found = await connection.fetchrow(BY_ADDRESS, _key("address", address))
    if found["tries"] > most:
        return max(int(found["left"]), 1)
    if await connection.fetchval(BY_ACCOUNT, _key("account", email)) is not None:
        return 0
    await _given_back(connection, address)
    return int(await connection.fetchval(LEFT, _key("account", email)) or 1)


async def forgiven(connection: asyncpg.Connection, email: str, address: str) -> None:
    """Forget an account's failures, and this try of its address: the password was right."""
    await connection.execute("DELETE FROM rate_bucket WHERE key = $1", _key("account", email))
    await _given_back(connection, address)
    await connection.execute("DELETE FROM rate_bucket WHERE since < now() - interval '1 day'")


async def _given_back(connection: asyncpg.Connection, address: str) -> None:
    await connection.execute(
        "UPDATE rate_bucket SET tries = greatest(tries - 1, 0) WHERE key = $1", _key("address", address)
    )


def _key(kind: str, what: str) -> str:
    return f"{kind}:{digest(what).hex()[:48]}"
