"""Whether the process answers, and whether it can do its work."""

from typing import Any

import asyncpg
from litestar import Response, get

from testbed.web.given import Db
from testbed.web.needs import OPEN


@get("/healthz", opt=OPEN, sync_to_thread=False, tags=["health"])
def healthz() -> dict[str, str]:
    """Tell that the process answers; it asks nothing of the database."""
    return {"status": "ok"}


@get("/readyz", opt=OPEN, tags=["health"])
async def readyz(db: Db) -> Response[dict[str, Any]]:
    """Tell whether requests can be served: 200 with ``ok``, or 503 with ``not ready``."""
    try:
        connection = await db.connect()
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return Response({"status": "not ready"}, status_code=503)
    try:
        await connection.fetchval("SELECT 1", timeout=1)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return Response({"status": "not ready"}, status_code=503)
    finally:
        connection.terminate()
    return Response({"status": "ok"})
