"""Each relation between a person and a row as one SQL condition, always ``EXISTS`` or ``IN``, never a join."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    TableClause,
    column,
    exists,
    false,
    inspect,
    literal,
    or_,
    select,
    table,
    text,
    true,
)
from sqlmodel import SQLModel, col

from testbed.access.models import Actor, PilotPartner, TestbedCoordinator
from testbed.access.policy import roles_of
from testbed.people.models import Membership, MembershipRole

# These tables stand above this module; it knows of them only what it needs.
PILOT = table("pilot", column("id", BigInteger), column("testbed_id", BigInteger))
PARTNER = table(
    "partner", column("id", BigInteger), column("parent_id", BigInteger), column("archived_at", DateTime)
)
TODAY: ColumnElement[Any] = text("(now() AT TIME ZONE 'Europe/Stockholm')::date")  # type: ignore[assignment]

ROLES: Any = PilotPartner.roles

Condition = ColumnElement[bool]


@dataclass(frozen=True)
class Protected:
    """How rows of a model are tied to people. Every function takes the model, or an alias of it.

    ``parent`` with ``on``: the row above it, which narrows the row's audience; ``optional`` says that there
    may be none. ``level`` None: the row is as visible as its parent.
    """

    model: type[SQLModel]
    level: Callable[[Any], Any] | None = None
    person: Callable[[Any], Any] | None = None
    owner: Callable[[Any], Any] | None = None
    pilot: Callable[[Any], Any] | None = None
    testbed: Callable[[Any], Any] | None = None
    parent: type[SQLModel] | None = None
    on: Callable[[Any, Any], Condition] | None = None
    optional: Callable[[Any], Condition] | None = None
    published: Callable[[Any], Condition] | None = None
    unprotected: bool = field(default=False)


REGISTERED: dict[type[SQLModel], Protected] = {}


def register(model: type[SQLModel], **ties: Any) -> None:
    """Say how rows of ``model`` are tied to people; see ``Protected``. Called by the domain that owns it."""
    REGISTERED[model] = Protected(model, **ties)


def ties(entity: Any) -> Protected:
    return REGISTERED[entity.model if isinstance(entity, Above) else inspect(entity).mapper.class_]


class Above:
    """An alias of a table with only the columns that rights ask for; a full ORM alias costs fifty times as much."""

    def __init__(self, model: type[SQLModel]) -> None:
        self.model = model
        self.selectable = _asked_of(model).alias()

    def __getattr__(self, name: str) -> ColumnElement[Any]:
        found: ColumnElement[Any] = self.selectable.c[name]
        return found


@cache
def _asked_of(model: type[SQLModel]) -> TableClause:
    kept: Any = model.__table__.c  # type: ignore[attr-defined]
    asked = [
        each
        for each in kept
        if each.name in {"id", "visibility", "access", "state", "looked_through"} or each.name.endswith("_id")
    ]
    return table(str(model.__tablename__), *(column(each.name, each.type) for each in asked))


def above(entity: Any, what: Callable[[Any], Condition]) -> Condition:
    """Whether ``what`` holds for the parent of the row; false without a parent."""
    here = ties(entity)
    if here.parent is None or here.on is None:
        return false()
    parent = Above(here.parent)
    return exists(
        select(literal(1)).select_from(parent.selectable).where(here.on(entity, parent), what(parent))
    )


def memberships(actor: Actor, *, managers: bool = False) -> Any:
    """Partners in which the person's membership is active today."""
    query = (
        select(col(Membership.partner_id))
        .join(PARTNER, PARTNER.c.id == Membership.partner_id)
        .where(
            col(Membership.person_id) == actor.person_id,
            col(Membership.from_on) <= TODAY,
            or_(col(Membership.to_on).is_(None), col(Membership.to_on) >= TODAY),
            PARTNER.c.archived_at.is_(None),
        )
    )
    return query.where(col(Membership.role) == MembershipRole.manager) if managers else query


def _pilot(actor: Actor, term: str, entity: Any) -> Condition:
    here = ties(entity)
    if here.pilot is None:
        return above(entity, lambda parent: _pilot(actor, term, parent))
    roles, managers = roles_of(term)
    taking_part = select(col(PilotPartner.pilot_id)).where(
        col(PilotPartner.partner_id).in_(memberships(actor, managers=managers)),
        ROLES.overlap(sorted(roles)),
        col(PilotPartner.joined_on) <= TODAY,
        or_(col(PilotPartner.left_on).is_(None), col(PilotPartner.left_on) > TODAY),
    )
    found: Condition = here.pilot(entity).in_(taking_part)
    return found


def _coordinator(actor: Actor, entity: Any) -> Condition:
    here = ties(entity)
    if here.testbed is None:
        return above(entity, lambda parent: _coordinator(actor, parent))
    mine = select(col(TestbedCoordinator.testbed_id)).where(
        col(TestbedCoordinator.person_id) == actor.person_id
    )
    found: Condition = here.testbed(entity).in_(mine)
    return found


def _owner(actor: Actor, entity: Any, *, managers: bool) -> Condition:
    here = ties(entity)
    if here.owner is None:
        return false()
    found: Condition = here.owner(entity).in_(memberships(actor, managers=managers))
    return found


def _creator(actor: Actor, entity: Any) -> Condition:
    here = ties(entity)
    if here.person is None:
        return false()
    mine: Condition = here.person(entity) == actor.person_id
    return mine


def _any_coordinator(actor: Actor) -> Condition:
    return exists(select(literal(1)).where(col(TestbedCoordinator.person_id) == actor.person_id))


def supplier_side(actor: Actor, entity: Any) -> Condition:
    """Whether the person ever belonged to a supplier of the row's pilot, or to its parent or child."""
    here = ties(entity)
    if here.pilot is None:
        return above(entity, lambda parent: supplier_side(actor, parent))
    mine = select(col(Membership.partner_id)).where(col(Membership.person_id) == actor.person_id)
    kin = or_(
        col(PilotPartner.partner_id).in_(mine),
        col(PilotPartner.partner_id).in_(select(PARTNER.c.parent_id).where(PARTNER.c.id.in_(mine))),
        col(PilotPartner.partner_id).in_(select(PARTNER.c.id).where(PARTNER.c.parent_id.in_(mine))),
    )
    supplying = select(col(PilotPartner.pilot_id)).where(
        ROLES.overlap(["supplier"]),
        kin,
    )
    found: Condition = here.pilot(entity).in_(supplying)
    return found


def holds(actor: Actor, term: str, entity: Any) -> Condition:
    """The condition under which ``actor`` stands in the relation ``term`` to a row; false for nobody."""
    if term == "anyone":
        return true()
    if actor.person_id is None:
        return false()
    if term in ROWLESS:
        return ROWLESS[term](actor)
    if entity is None:
        return false()
    if term.startswith("pilot:"):
        return _pilot(actor, term, entity)
    if term == "coordinator":
        return _coordinator(actor, entity)
    if term == "creator":
        return _creator(actor, entity)
    return _owner(actor, entity, managers=term.endswith("+"))


ROWLESS: dict[str, Callable[[Actor], Condition]] = {
    "signed_in": lambda _: true(),
    "admin": lambda actor: true() if actor.admin else false(),
    "any_coordinator": _any_coordinator,
    "member": lambda actor: exists(memberships(actor)),
}
