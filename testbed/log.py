"""Log lines as JSON, each with the id of the request that caused it."""

import logging
import sys
from contextvars import ContextVar
from typing import Any

import structlog

request_id: ContextVar[str] = ContextVar("request_id", default="")
SECRET_KEYS = {"password", "authorization", "cookie", "token", "secret"}


def _add_request(_: Any, __: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    if current := request_id.get():
        event["request_id"] = current
    return event


def _hide_secrets(_: Any, __: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    if str(event.get("path", "")).startswith("/welcome/"):
        event["path"] = "/welcome/…"
    return {key: "…" if key.lower() in SECRET_KEYS else value for key, value in event.items()}


def _faces(readable: bool) -> list[Any]:
    if readable:
        plain = structlog.dev.plain_traceback
        return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
    trace = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    return [structlog.processors.ExceptionRenderer(trace), structlog.processors.JSONRenderer()]


def set_up(*, readable: bool) -> None:
    """Send our own and all libraries' lines to stderr: as JSON, or readable for a person at a terminal."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        _add_request,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _hide_secrets,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_faces(readable)],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for noisy in ("httpx", "uvicorn.access", "python_multipart", "alembic"):
        logging.getLogger(noisy).setLevel(logging.ERROR if noisy == "python_multipart" else logging.WARNING)
