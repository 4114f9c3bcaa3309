"""The policy as data, read from ``policy.toml`` and refused when it says what nobody understands."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from testbed.access.models import Access, Role, Visibility
from testbed.people.models import Scope

PLAIN = {
    "anyone",
    "signed_in",
    "member",
    "creator",
    "owner",
    "owner+",
    "coordinator",
    "any_coordinator",
    "admin",
}
NEVER = {"supplier_side"}
LEVELS = {str(level) for level in (*Visibility, *Access)} | {"draft"}


class BadPolicy(RuntimeError):
    """The policy names something unknown; the message says what."""


@dataclass(frozen=True, slots=True)
class Read:
    """Whom a level admits: ``audience`` (and every parent must admit them too), ``also`` regardless of parents.

    ``metadata``: whoever sees the parent sees title and description of a published row.
    """

    audience: tuple[str, ...]
    also: tuple[str, ...]
    metadata: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may do an action on rows of the models named ``on``; a token also needs one of ``scope``."""

    on: tuple[str, ...]
    who: tuple[str, ...]
    never: tuple[str, ...]
    scope: frozenset[str]


@dataclass(frozen=True, slots=True)
class Policy:
    read: dict[str, Read]
    action: dict[str, Rule]


def load(path: Path) -> Policy:
    """Read a policy.

    Raises:
        BadPolicy: an unknown level, relation, role, scope or key, or a level that is missing.
    """
    with path.open("rb") as file:
        told = tomllib.load(file)
    try:
        reads = {
            level: Read(tuple(given.pop("audience")), tuple(given.pop("also")), **given)
            for level, given in told.pop("read").items()
        }
        rules = {
            name: Rule(
                tuple(given.pop("on")),
                tuple(given.pop("who")),
                tuple(given.pop("never", ())),
                frozenset(given.pop("scope")),
                **given,
            )
            for name, given in told.pop("action").items()
        }
    except (KeyError, TypeError) as error:
        raise BadPolicy(f"{path.name}: {error}") from error
    _check(reads, rules, set(told))
    return Policy(reads, rules)


def _check(reads: dict[str, Read], rules: dict[str, Rule], rest: set[str]) -> None:
    relations = [term for read in reads.values() for term in (*read.audience, *read.also)]
    relations += [term for rule in rules.values() for term in rule.who]
    unknown = rest | {term for term in relations if not _known(term)}
    unknown |= {term for rule in rules.values() for term in rule.never if term not in NEVER}
    unknown |= {scope for rule in rules.values() for scope in rule.scope if scope not in set(Scope)}
    unknown |= reads.keys() ^ LEVELS
    if unknown:
        raise BadPolicy(f"The policy says what nobody understands: {', '.join(sorted(unknown))}")


def _known(term: str) -> bool:
    if not term.startswith("pilot:"):
        return term in PLAIN
    roles, _ = roles_of(term)
    return bool(roles) and roles <= set(Role)


def roles_of(term: str) -> tuple[set[str], bool]:
    """The roles of ``pilot:lead need_owner+``, and whether only managers are meant."""
    named = term.removeprefix("pilot:")
    return set(named.removesuffix("+").split()), named.endswith("+")


POLICY = load(Path(__file__).with_name("policy.toml"))
