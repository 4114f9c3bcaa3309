"""The policy read a second time, in plain Python over plain facts: what the SQL is held against."""

import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import testbed.access.policy

POLICY: dict[str, Any] = tomllib.loads(
    Path(testbed.access.policy.__file__).with_name("policy.toml").read_text(encoding="utf-8")
)
NOTHING = "nothing"  # what an action is on that concerns no row
READING = {"read", "export"}


@dataclass(frozen=True)
class Principal:
    """``partners`` maps slugs to the role held there; ``scopes`` None is a person without a token's limits."""

    name: str
    headers: dict[str, str] = field(hash=False)
    signed_in: bool = True
    admin: bool = False
    partners: dict[str, str] = field(default_factory=dict, hash=False)
    coordinates: frozenset[str] = frozenset()
    scopes: frozenset[str] | None = None


@dataclass(frozen=True)
class Pilot:
    """Who takes part, by slug, with which roles; ``kin`` maps partners to their parents."""

    testbed: str
    roles: dict[str, set[str]] = field(hash=False)


@dataclass(frozen=True)
class Thing:
    """A protected row. ``level`` None: as visible as its parent. ``published`` None: it has no drafts.

    ``person``: the name of whose own it is; nobody else sees it.
    """

    model: str
    level: str | None = None
    person: str | None = None
    owner: str | None = None
    pilot: Pilot | None = None
    testbed: str | None = None
    parent: "Thing | None" = None
    published: bool | None = None
    path: dict[str, str] = field(default_factory=dict, hash=False)
    name: str = ""


def holds(who: Principal, term: str, thing: Thing) -> bool:
    """Whether a person stands in a relation of the policy to a row."""
    if term == "anyone":
        return True
    if not who.signed_in:
        return False
    if term in {"signed_in", "admin", "any_coordinator", "member"}:
        facts = {"signed_in": True, "admin": who.admin, "any_coordinator": bool(who.coordinates)}
        return facts.get(term, bool(who.partners))
    if term == "creator":
        return thing.person == who.name
    if term == "coordinator":
        return (thing.testbed or (thing.pilot.testbed if thing.pilot else None)) in who.coordinates
    managers, plain = term.endswith("+"), term.rstrip("+")
    mine = {slug for slug, role in who.partners.items() if role == "manager" or not managers}
    if plain == "owner":
        return thing.owner in mine
    roles = set(plain.removeprefix("pilot:").split())
    taking_part = thing.pilot.roles if thing.pilot else {}
    return any(slug in mine and roles & had for slug, had in taking_part.items())


def supplies(who: Principal, thing: Thing) -> bool:
    """Whether a person belongs to a supplier of the row's pilot."""
    taking_part = thing.pilot.roles if thing.pilot else {}
    return any("supplier" in roles and slug in who.partners for slug, roles in taking_part.items())


def _admits(who: Principal, thing: Thing, action: str) -> bool:
    """Whom the level admits, narrowed by every row above it."""
    if thing.level is None:
        return thing.parent is not None and _admits(who, thing.parent, action)
    read = POLICY["read"][thing.level]
    listed = any(holds(who, term, thing) for term in read["audience"])
    if action == "view" and thing.published is not None and read.get("metadata"):
        listed = True
    if thing.published is False:
        listed = False
    return listed and (thing.parent is None or _admits(who, thing.parent, "view"))


def sees(who: Principal, thing: Thing, action: str = "view") -> bool:
    """``view``: that the row exists; ``read``: its content."""
    if thing.person is not None:
        return thing.person == who.name and bool(who.scopes is None or who.scopes & READING)
    limited = who.scopes is not None and not who.scopes & READING
    nobody = Principal("nobody", {}, signed_in=False)
    if limited:
        return _admits(nobody, thing, action)
    if thing.level is None:
        return thing.parent is not None and sees(who, thing.parent, action)
    also = POLICY["read"][thing.level if thing.published is not False else "draft"]["also"]
    return _admits(who, thing, action) or (who.signed_in and any(holds(who, term, thing) for term in also))


def may(who: Principal, action: str, thing: Thing) -> bool:
    """Whether the policy grants an action on a row."""
    if action in {"view", "read"}:
        return sees(who, thing, action)
    rule = POLICY["action"][action]
    if who.scopes is not None and not who.scopes & set(rule["scope"]):
        return False
    granted = any(holds(who, term, thing) for term in rule["who"])
    granted = granted and (thing.model == NOTHING or sees(replace(who, scopes=None), thing))
    return granted and not (rule.get("never") and supplies(who, thing))
