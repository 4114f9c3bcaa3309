"""How far a reading is, told as it happens: server-sent events without a connection held in between."""

import asyncio
from collections.abc import AsyncGenerator, Callable

from testbed.access.models import Actor
from testbed.db import Database
from testbed.errors import DomainError
from testbed.trials import results
from testbed.trials.results import LIVE, Key
from testbed.trials.views import JobView

EVERY_SECONDS = 0.7
AT_MOST_SECONDS = (
    25.0  # then the browser asks again: a stopping server is not held up, and rights are asked anew
)
QUIET_ROUNDS = 12  # a comment now and then keeps proxies from closing a silent line


async def events(
    db: Database,
    actor: Actor,
    key: Key,
    spoken: Callable[[JobView], JobView],
    *,
    every: float = EVERY_SECONDS,
    at_most: float = AT_MOST_SECONDS,
) -> AsyncGenerator[bytes, None]:
    """The job's view, ``spoken`` to people, as JSON whenever it changed, until it has ended; a short query each round.

    A client that loses the line, or is cut off after ``at_most`` seconds, comes back by itself after two.
    """
    yield b"retry: 2000\n\n"
    told: JobView | None = None
    for turn in range(max(1, int(at_most / every))):
        try:
            async with db.begin() as session:
                now = await results.following(session, actor, key)
        except DomainError:  # the database is away, or the result is not theirs any more
            return
        if now != told:
            told = now.model_copy()
            yield b"data: " + spoken(now).model_dump_json().encode() + b"\n\n"
        elif turn % QUIET_ROUNDS == 0:
            yield b": still here\n\n"
        if now.state not in LIVE:
            return
        await asyncio.sleep(every)
