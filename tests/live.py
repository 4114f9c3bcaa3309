"""The app behind a real server, on the test's own event loop: for streams, which ``ASGITransport`` cannot show."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn


@asynccontextmanager
async def served(app: Any, **more: Any) -> AsyncIterator[tuple[str, int]]:
    """Serve an app that is alive already, on a free port of the loopback; yield host and port."""
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0,
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=5,
        timeout_keep_alive=600,  # else a browser may choose a line at the moment it is closed
        **more,
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()
    finally:
        server.should_exit = True
        await task
