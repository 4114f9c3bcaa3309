"""Every place in the code that asks for rights, watched, and broken one at a time."""

import ast
import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

from sqlalchemy import select, true

import testbed
from testbed.access import relations, rights
from testbed.devices import picking
from testbed.errors import NotFound
from testbed.partners import service as partners
from testbed.pilots import listing

HOME = Path(testbed.__file__).parent
ITSELF = {"testbed.access.relations", "testbed.access.policy"}  # they say what rights are; others ask


@dataclass(frozen=True, order=True)
class Guard:
    """A call, by where it stands; ``name`` is what it calls."""

    module: str
    line: int
    column: int
    name: str = ""

    @property
    def place(self) -> "Place":
        return self.module, self.line, self.column

    def __str__(self) -> str:
        source = (HOME.parent / f"{self.module.replace('.', '/')}.py").read_text().splitlines()
        return f"{self.module}:{self.line}: {source[self.line - 1].strip()}"


Place = tuple[str, int, int]
MET: ContextVar[set[Place] | None] = ContextVar("met", default=None)
BROKEN: ContextVar[Place | None] = ContextVar("broken", default=None)
GONE: ContextVar[bool] = ContextVar("gone", default=False)


def _anything(_real: Any, *_: Any, **__: Any) -> Any:
    return true()


async def _every_row(
    _real: Any, session: Any, _actor: Any, action: str, model: Any, *where: Any, lock: bool = False
) -> Any:
    """``fetch`` that lets whoever may view a row do anything with it, and anybody view it; if it is gone, anybody do anything."""
    if action != rights.VIEW and not GONE.get():
        return await _real(session, _actor, rights.VIEW, model, *where, lock=lock)
    found = (await session.exec(select(model).where(*where))).scalar_one_or_none()
    if found is None:
        raise NotFound(rights.ABSENT)
    return found


async def _every_reference(
    real: Any, session: Any, actor: Any, model: Any, number: int, field: str, action: str = rights.VIEW
) -> Any:
    if action != rights.VIEW and not GONE.get():
        return await real(session, actor, model, number, field)
    found = await session.get(model, number)
    return found if found is not None else await real(session, actor, model, number, field)


async def _every_button(_real: Any, _session: Any, _actor: Any, _row: Any, actions: Any) -> Any:
    return list(actions)


async def _no_demand(*_: Any) -> None:
    return None


BREAKING: dict[str, tuple[Any, Callable[..., Any]]] = {
    "allowed": (rights, _anything),
    "fetch": (rights, _every_row),
    "referred": (rights, _every_reference),
    "may": (rights, _every_button),
    "demand": (rights, _no_demand),
    "holds": (relations, _anything),
    "known": (partners, _anything),
    "known_models": (picking, _anything),
    "known_places": (picking, _anything),
}


def guards() -> list[Guard]:
    """Every call of a function that asks for rights, found in the source."""
    found = []
    for path in sorted(HOME.rglob("*.py")):
        module = ".".join(path.relative_to(HOME.parent).with_suffix("").parts)
        if module in ITSELF or "static" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and (name := _called(node)) and _is_ours(module, name, node):
                found.append(Guard(module, node.lineno, node.col_offset, name))
    return sorted(found)


def _called(node: ast.Call) -> str | None:
    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
    return name if name in BREAKING else None


def _is_ours(module: str, name: str, node: ast.Call) -> bool:
    """Whether the name means the guard there, and not a method or a function of the same name."""
    real = getattr(BREAKING[name][0], name)
    here = importlib.import_module(module)
    if name == "holds" and here is rights:
        return False  # the policy itself
    if isinstance(node.func, ast.Attribute):
        base = getattr(here, getattr(node.func.value, "id", ""), None)
        return base is BREAKING[name][0]
    return getattr(here, name, None) is real


_PLACES: dict[tuple[CodeType, int], Place] = {}


def _place(depth: int = 2) -> Place:
    """Where the caller's caller stands, to the column."""
    frame = sys._getframe(depth)
    key = (frame.f_code, frame.f_lasti)
    if key not in _PLACES:
        line, _, column, _ = list(frame.f_code.co_positions())[frame.f_lasti // 2]
        _PLACES[key] = (frame.f_globals["__name__"], line or 0, column or 0)
    return _PLACES[key]


def _watched(real: Callable[..., Any], broken: Callable[..., Any]) -> Callable[..., Any]:
    def guard(*args: Any, **kwargs: Any) -> Any:
        met, here = MET.get(), _place()
        if met is not None:
            met.add(here)
        return broken(real, *args, **kwargs) if BROKEN.get() == here else real(*args, **kwargs)

    return guard


@contextmanager
def watched(monkeypatch: Any) -> Iterator[None]:
    """Every guard tells when it is met, and breaks where it is told to; nothing is remembered across requests."""
    modules = [
        module for name, module in sys.modules.items() if name.startswith("testbed.") and name not in ITSELF
    ]
    with monkeypatch.context() as patch:
        patch.setattr(listing, "_seen_by", listing._seen_by.__wrapped__)
        for name, (home, broken) in BREAKING.items():
            real = getattr(home, name)
            guard = _watched(real, broken)
            for module in modules:
                if getattr(module, name, None) is real:
                    patch.setattr(module, name, guard)
        yield


@contextmanager
def broken(guard: Guard, *, gone: bool = False) -> Iterator[None]:
    kept, gone_before = BROKEN.set(guard.place), GONE.set(gone)
    try:
        yield
    finally:
        BROKEN.reset(kept)
        GONE.reset(gone_before)
