"""Every handler says what it needs; the application does not start with one that does not."""

from collections.abc import Iterator
from typing import Any

from litestar import Litestar
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from sqlmodel import SQLModel

from testbed.access.policy import POLICY
from testbed.access.rights import READ, VIEW

OPEN: dict[str, Any] = {"needs": None}
"""For a handler that touches nobody's rows: health, sign-in. ``@get("/healthz", opt=OPEN)``."""


class Undeclared(RuntimeError):
    """A handler of ours does not say what it needs; the message names it."""


def needs(action: str, model: type[SQLModel] | None = None, **more: Any) -> dict[str, Any]:
    """The ``opt`` of a handler that does ``action`` on rows of ``model`` (None: on no row).

    The handler's service still asks the database, row by row. This is for the start-up check, for the
    page that shows who may do what, and for the tests. ``more`` is further ``opt``, such as ``form``.

    Raises:
        Undeclared: the policy has no such action on such rows.
    """
    if action not in (VIEW, READ):
        rule = POLICY.action.get(action)
        if rule is None or (model is not None and model.__name__ not in rule.on):
            raise Undeclared(
                f"policy.toml has no action {action!r} on {model.__name__ if model else 'no row'}"
            )
    return {"needs": (action, model), **more}


def refuse_undeclared(app: Litestar) -> None:
    """Stop the start if a handler has no ``needs``.

    Raises:
        Undeclared: with the names of all such handlers.
    """
    silent = [f"{path} ({handler})" for path, handler in handlers(app) if "needs" not in handler.opt]
    if silent:
        raise Undeclared(f"No needs(...) or OPEN in the opt of: {', '.join(silent)}")


def handlers(app: Litestar) -> Iterator[tuple[str, BaseRouteHandler]]:
    """Every path and handler of ours; the framework's own (OpenAPI, OPTIONS, static) know no rows."""
    for route in app.routes:
        found = route.route_handlers if hasattr(route, "route_handlers") else [route.route_handler]
        for handler in found:
            if not handler.fn.__module__.startswith("litestar.") and not _answers_options(handler):
                yield route.path, handler


def _answers_options(handler: BaseRouteHandler) -> bool:
    return isinstance(handler, HTTPRouteHandler) and handler.http_methods == {"OPTIONS"}
