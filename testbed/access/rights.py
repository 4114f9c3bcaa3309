"""``allowed``: the only source of rights, for lists, single rows, buttons, downloads and counts alike."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    TextClause,
    and_,
    bindparam,
    false,
    literal_column,
    not_,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlmodel import SQLModel, col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.access.policy import POLICY
from testbed.access.relations import above, holds, supplier_side, ties
from testbed.errors import ATTENTION, Forbidden, Invalid, NotFound, SignInNeeded
from testbed.texts import message

RowT = TypeVar("RowT", bound=SQLModel)

VIEW, READ = "view", "read"
READING = frozenset({"read", "export"})
ABSENT = message("There is nothing here, or nothing you may see.")
SIGN_IN = message("Sign in to do this.")
NAMED: Any = PGDialect(paramstyle="named")  # type: ignore[no-untyped-call]
NOT_YOURS = message("You may see this, but your role does not let you do it.")


def allowed(actor: Actor, action: str, entity: Any = None) -> ColumnElement[bool]:
    """The SQL condition under which ``actor`` may do ``action`` on rows of ``entity`` (a model or an alias).

    ``view`` admits to a row (of a dataset: to its description), ``read`` to its content; every other
    action is one of ``policy.toml``, and nobody acts on a row they may not view. ``entity`` None is for actions on no row.
    """
    if entity is None or isinstance(entity, type):
        return _remembered(actor.person_id, actor.admin, actor.scopes, action, entity)
    asking = Actor(person_id=actor.person_id, admin=actor.admin, scopes=actor.scopes)
    return _condition(asking, action, entity)


@lru_cache(maxsize=2048)
def _remembered(
    person_id: int | None,
    admin: bool,
    scopes: frozenset[str] | None,
    action: str,
    model: type[SQLModel] | None,
) -> ColumnElement[bool]:
    """A condition says how to ask, not what the answer is, so it may be kept."""
    asked = _written(person_id is not None, admin, scopes, action, model)
    if person_id is not None and ":person" in asked.text:
        asked = asked.bindparams(bindparam("person", person_id, BigInteger, unique=True))
    return and_(text("true"), asked)  # a text by itself cannot stand among columns


@lru_cache(maxsize=2048)
def _written(
    somebody: bool, admin: bool, scopes: frozenset[str] | None, action: str, model: type[SQLModel] | None
) -> TextClause:
    """A condition as SQL in which only the person is left open.

    As a tree of hundreds of expressions it would be walked through for every statement it stands in, to tell that one
    from others and to collect its constants: a tenth of the time of a request. All constants are ours.
    """
    person: Any = literal_column(":person", BigInteger) if somebody else None
    query: Any = select(literal_column("1")).where(
        _condition(Actor(person_id=person, admin=admin, scopes=scopes), action, model)
    )
    if model is not None:
        query = query.select_from(model)
    compiled = query.compile(dialect=NAMED, compile_kwargs={"literal_binds": True})
    return text(f"({str(compiled).split('WHERE ', 1)[1]})")


def _condition(actor: Actor, action: str, entity: Any) -> ColumnElement[bool]:
    if action in (VIEW, READ):
        if actor.scopes is not None and not actor.scopes & READING:
            return _audience(Actor(), action, entity)
        return _seen(actor, action, entity)
    rule = POLICY.action[action]
    if actor.scopes is not None and not actor.scopes & rule.scope:
        return false()
    granted = or_(false(), *(holds(actor, term, entity) for term in rule.who))
    if entity is None or actor.person_id is None:
        return granted
    person = Actor(person_id=actor.person_id, admin=actor.admin)  # a token for uploads alone need not read
    seen = _seen(person, VIEW, entity)
    return and_(granted, seen, *(not_(supplier_side(actor, entity)) for _ in rule.never))


def _seen(actor: Actor, action: str, entity: Any) -> ColumnElement[bool]:
    here = ties(entity)
    if here.person is not None:
        return holds(actor, "creator", entity)
    if here.level is None:
        return above(entity, lambda parent: _seen(actor, action, parent))
    level = here.level(entity)
    beside = [
        and_(level == name, or_(*(holds(actor, term, entity) for term in read.also)))
        for name, read in _levels(here)
        if actor.person_id is not None
    ]
    if here.published is not None and actor.person_id is not None:
        draft = or_(*(holds(actor, term, entity) for term in POLICY.read["draft"].also))
        beside = [
            and_(here.published(entity), or_(false(), *beside)),
            and_(not_(here.published(entity)), draft),
        ]
    return or_(_audience(actor, action, entity), *beside)


def _audience(actor: Actor, action: str, entity: Any) -> ColumnElement[bool]:
    """Whom the level of the row admits, narrowed by every row above it."""
    here = ties(entity)
    if here.person is not None:
        return holds(actor, "creator", entity)
    if here.level is None:
        return above(entity, lambda parent: _audience(actor, action, parent))
    level = here.level(entity)
    admitted = [
        and_(level == name, or_(false(), *(holds(actor, term, entity) for term in read.audience)))
        if not (action == VIEW and here.published is not None and read.metadata)
        else level == name
        for name, read in _levels(here)
        if read.audience or (here.published is not None and read.metadata)
    ]
    whole = or_(false(), *admitted)
    if here.published is not None:
        whole = and_(here.published(entity), whole)
    if here.parent is None:
        return whole
    up = above(entity, lambda parent: _audience(actor, VIEW, parent))
    return and_(whole, up if here.optional is None else or_(here.optional(entity), up))


def _levels(here: Any) -> list[tuple[str, Any]]:
    """The levels rows of this model can have: those of its column."""
    kept = set(here.level(here.model).type.enums)
    return [(name, read) for name, read in POLICY.read.items() if name in kept]


async def fetch(
    session: AsyncSession,
    actor: Actor,
    action: str,
    model: type[RowT],
    *where: ColumnElement[bool] | bool,
    lock: bool = False,
) -> RowT:
    """Return the one row of ``model`` that matches ``where``; ``lock`` holds it for a change.

    Raises:
        NotFound: no such row, or the actor may not even view it (absent and hidden look the same).
        Forbidden, SignInNeeded: the actor may view it, but ``action`` is not granted.
    """
    permitted = allowed(actor, action, model)
    query: Any = select(model, permitted.label("permitted"))
    query = query.where(*where, or_(allowed(actor, VIEW, model), permitted))
    if lock:
        query = query.with_for_update(of=model)
    found = (await session.exec(query)).one_or_none()
    if found is None:
        raise NotFound(ABSENT)
    row, may = found
    if may:
        return row  # type: ignore[no-any-return]
    if actor.person_id is None:
        raise SignInNeeded(SIGN_IN)
    raise Forbidden(NOT_YOURS)


async def referred(
    session: AsyncSession, actor: Actor, model: type[RowT], number: int, field: str, action: str = VIEW
) -> RowT:
    """The row a body names by its id.

    Raises:
        Invalid: absent, hidden, or not the actor's to do ``action`` with: one answer for all.
    """
    try:
        return await fetch(session, actor, action, model, col(model.id) == number)  # type: ignore[attr-defined]
    except (NotFound, Forbidden, SignInNeeded):
        raise Invalid(ATTENTION, fields={field: ABSENT}) from None


async def may(session: AsyncSession, actor: Actor, row: SQLModel, actions: Iterable[str]) -> list[str]:
    """Which of ``actions`` the actor may do on this row, in one query: the source of its buttons."""
    model, named = type(row), list(actions)
    if actor.person_id is None:
        return []
    key: Any = model.id  # type: ignore[attr-defined]
    query: Any = select(*(allowed(actor, action, model).label(f"a{i}") for i, action in enumerate(named)))
    found = (await session.exec(query.select_from(model).where(key == row.id))).one()  # type: ignore[attr-defined]
    return [action for action, granted in zip(named, found, strict=True) if granted]


async def demand(session: AsyncSession, actor: Actor, action: str) -> None:
    """Insist on an action that concerns no row.

    Raises:
        SignInNeeded, Forbidden: it is not granted.
    """
    query: Any = select(allowed(actor, action))
    if (await session.exec(query)).one()[0]:
        return
    if actor.person_id is None:
        raise SignInNeeded(SIGN_IN)
    raise Forbidden(NOT_YOURS)
