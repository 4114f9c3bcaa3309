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
EXPECTED = (
    "Expected"  # the page of what a partner is to hand in: there for its members, and for who waits for it
)
READING = {"read", "export"}


@dataclass(frozen=True)
class Principal:
    """``partners`` maps slugs to the role held there; ``scopes`` None is a browser, without a token's limits."""

    name: str
    headers: dict[str, str] = field(hash=False)
    person: str = ""
    admin: bool = False
    partners: dict[str, str] = field(default_factory=dict, hash=False)
    coordinates: frozenset[str] = frozenset()
    scopes: frozenset[str] | None = None

    @property
    def signed_in(self) -> bool:
        return bool(self.person)


@dataclass(frozen=True)
class Pilot:
    """Who takes part today, by slug, with which roles; ``suppliers`` ever supplied, or are parent or child of one."""

    testbed: str
    roles: dict[str, set[str]] = field(hash=False)
    suppliers: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Thing:
    """A row. ``level`` None: as visible as a row above it. ``published`` None: it has no drafts.

    ``sat`` is for a place: the devices that ever sat there. ``held`` is what a dataset is made of. ``person`` is whose own row it is.
    """

    model: str
    level: str | None = None
    owner: str | None = None
    pilot: Pilot | None = None
    testbed: str | None = None
    above: tuple["Thing", ...] = ()
    published: bool | None = None
    sat: tuple["Thing", ...] | None = None
    held: tuple["Thing", ...] = ()
    person: str = ""
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
        return bool(thing.person) and thing.person == who.person
    if term == "coordinator":
        return (thing.testbed or (thing.pilot.testbed if thing.pilot else None)) in who.coordinates
    managers, plain = term.endswith("+"), term.rstrip("+")
    mine = {slug for slug, role in who.partners.items() if role == "manager" or not managers}
    if plain == "owner":
        return thing.owner in mine
    roles = set(plain.removeprefix("pilot:").split())
    taking_part = thing.pilot.roles if thing.pilot else {}
    return any(slug in mine and roles & had for slug, had in taking_part.items())


def _admits(who: Principal, thing: Thing, action: str) -> bool:
    """Whom the level admits, narrowed by every row above it."""
    if thing.level is None:
        return any(_admits(who, each, action) for each in thing.above)
    read = POLICY["read"][thing.level]
    listed = any(holds(who, term, thing) for term in read["audience"])
    if action == "view" and thing.published is not None and read.get("metadata"):
        listed = True
    if thing.published is False:
        listed = False
    return listed and (not thing.above or any(_admits(who, each, "view") for each in thing.above))


def sees(who: Principal, thing: Thing, action: str = "view") -> bool:
    """``view``: that the row exists; ``read``: its content."""
    if thing.person:
        return thing.person == who.person and (who.scopes is None or bool(who.scopes & READING))
    if thing.model == EXPECTED:
        return may(who, "delivery.follow", thing)
    if thing.sat is not None and not _may_know_of(who, thing):
        return False
    if who.scopes is not None and not who.scopes & READING:
        return _admits(Principal("nobody", {}), thing, action)
    if thing.level is None:
        return any(sees(who, each, action) for each in thing.above)
    also = POLICY["read"][thing.level if thing.published is not False else "draft"]["also"]
    return _admits(who, thing, action) or (who.signed_in and any(holds(who, term, thing) for term in also))


def _may_know_of(who: Principal, place: Thing) -> bool:
    """A place where only hidden devices have sat would tell of them, but to those who put up devices there."""
    sat = place.sat or ()
    return not sat or any(
        [sees(who, each) for each in sat] + [may(who, "device.register", each) for each in place.above]
    )


def may(who: Principal, action: str, thing: Thing) -> bool:
    """Whether the policy grants an action on a row; ``own`` and ``inside`` are asked by pages, not by the policy."""
    if action in {"view", "read"}:
        return sees(who, thing, action)
    if action == "own":
        return thing.owner in who.partners or bool(thing.person and thing.person == who.person)
    if action == "inside":
        limited = who.scopes is not None and not who.scopes & READING
        read = POLICY["read"]["partners"]
        return not limited and any(holds(who, term, thing) for term in (*read["audience"], *read["also"]))
    rule = POLICY["action"][action]
    if who.scopes is not None and not who.scopes & set(rule["scope"]):
        return False
    if thing.model == EXPECTED:
        follows = any(may(who, action, each) for each in thing.above[1:])
        return thing.owner in who.partners or (follows and sees(who, thing.above[0]))
    granted = any(holds(who, term, thing) for term in rule["who"])
    granted = granted and (thing.model == NOTHING or sees(replace(who, scopes=None), thing))
    suppliers = thing.pilot.suppliers if thing.pilot else frozenset()
    return granted and not (rule.get("never") and suppliers & who.partners.keys())
