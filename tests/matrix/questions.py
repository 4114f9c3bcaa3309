"""Everything that is asked: each route and method on rows of every kind, in each of its faces, and by what it names."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from testbed.access.rights import READ, VIEW
from tests.matrix.asking import FORM, HTML, JSON, Question, plain
from tests.matrix.judge import SAFE, verdict
from tests.matrix.oracle import POLICY, Principal, Thing, sees
from tests.matrix.requests import Try
from tests.matrix.stage import Stage

LET_IN = {"granted", "open"}
READERS = {"nobody", "Alva", "Bo", "Fanny"}  # who differ most in what they see
OF_PAGES = {"Bo"}
# Requests that are wrong in themselves: whoever may not make them is told only that.
ILL: dict[str, dict[str, Any]] = {
    "POST /trials/{trial}/schema/edit": {"content": b"descriptor=x", "kind": FORM},
    "POST /trials/{trial}/schema/import": {"content": b"{", "kind": JSON},
    "PUT /trials/{trial}/results/{filename}": {"headers": (("content-length", "999999999999999"),)},
}
OF_A_LIST = ["q=kanarie&format=csv", "archived=true", "limit=1"]
BY_OWNER = {"/datasets", "/results"}
# What lists may be narrowed by: the model and how its rows are named.
FILTERS = {
    "/pilots": {"testbed": ("Testbed", "slug"), "partner": ("Partner", "slug")},
    "/devices": {"testbed": ("Testbed", "slug"), "pilot": ("Pilot", "code")},
    "/places": {"testbed": ("Testbed", "slug")},
    "/datasets": {"pilot": ("Pilot", "code")},
    "/trials": {"pilot": ("Pilot", "code")},
    "/results": {"pilot": ("Pilot", "code"), "trial": ("Trial", "id")},
    "/outcomes": {"pilot": ("Pilot", "code")},
    "/decisions": {"pilot": ("Pilot", "code")},
}  # fmt: skip


def rows(stage: Stage, who: Principal, one: Try) -> list[Thing | None]:
    """Some rows for each way the answer can go; for a page that shows a record one of each kind of row one may see.

    Of people to whom all its rows answer alike the first one is refused for all of them, and writes for all of them.
    """
    first, wide = stage.first_of(who, one) is who, who.scopes is None and one.method == "GET"
    record = wide and one.route.count("{") == 1 and one.route.endswith(("}", "/expected", "/publish"))
    found: list[Thing | None] = []
    for kind, things in stage.verdicts(who, one).items():
        if not first and (one.method != "GET" or kind not in LET_IN or not _varies(one)):
            continue
        if one.route.endswith("/restore"):
            things = sorted(things, key=lambda each: not (each and each.path.get("archived")))
        if record and kind in LET_IN:
            found += {_kind_of_row(stage, who, each): each for each in things}.values()
        else:
            found += things[: 1 + (first and wide and kind in LET_IN and _varies(one))]
    return found


def _varies(one: Try) -> bool:
    """Whether what it shows depends on what else one may see: a form and a file are alike for all who get them."""
    return one.needs is None or one.needs[0] == VIEW or "{" not in one.route


def _kind_of_row(stage: Stage, who: Principal, thing: Thing | None) -> tuple[Any, ...]:
    """What may make a page show another thing: its level, its owner, what lies above it."""
    if thing is None:
        return ()
    owner = thing.owner and sees(who, stage.world.one("Partner", thing.owner))
    above = tuple((each.level, sees(who, each)) for each in thing.above)
    return (
        thing.level,
        thing.published,
        thing.owner in who.partners,
        owner,
        bool(thing.path.get("archived")),
        above,
    )


def reading(stage: Stage, who: Principal) -> Iterator[Question]:
    """What a program may read: every list, page and file."""
    for one in (each for each in stage.tries if each.method in SAFE and concerns(who, each)):
        lists = one.route == "/search" or (
            "{" not in one.route and one.needs and one.needs[0] in {VIEW, READ}
        )
        if lists and who.scopes is None:
            yield from listed(stage, who, one)
        for thing in rows(stage, who, one):
            yield plain(one, thing)
            if thing and "{version}" in one.route:
                yield plain(one, thing, path=one.path(thing, version="latest"))
        if one.route == "/datasets/new":
            for pilot in stage.world.things["Pilot"]:
                yield plain(one, pilot, query=f"pilot={pilot.path['code']}")


def concerns(who: Principal, one: Try) -> bool:
    """A token for everything is a person but for what no token may do."""
    if who.scopes is None or one.needs is None:
        return who.scopes is None or one.route == "/"
    narrow = len(who.scopes) == 1
    return narrow or (one.needs[0] not in {VIEW, READ} and not POLICY["action"][one.needs[0]]["scope"])


def listed(stage: Stage, who: Principal, one: Try) -> Iterator[Question]:
    """A list searched, put away, page by page, and narrowed by what is there and what is hidden."""
    for query in [
        *OF_A_LIST[: 3 if who.name in READERS else 1],
        *(["sort=owner&limit=1"] if one.route in BY_OWNER else []),
    ]:
        yield plain(one, None, query=query)
    for name, (model, key) in FILTERS.get(one.route, {}).items() if who.name in READERS else ():
        for thing in [stage.world.things[model][1], *one_of_each_kind(who, stage.world.things[model])]:
            yield replace(plain(one, None, query=urlencode({name: thing.path[key]})), aim=thing)


def pages(stage: Stage, who: Principal) -> Iterator[Question]:
    """What some people read, as a page; it is drawn from the view that programs get, and from the chain beside it."""
    if who.name not in READERS:
        return
    for one in (each for each in stage.tries if each.method == "GET"):
        if who.name not in OF_PAGES and (who.coordinates or not one.route.endswith("}")):
            continue
        asked = [plain(one, thing, face=HTML) for thing in rows(stage, who, one)]
        asked.sort(
            key=lambda each: (verdict(stage.world, who, each) not in LET_IN, _all_seen(who, each.thing))
        )
        yield from asked[:2] if one.route.endswith("}") else asked[:1]


def _all_seen(who: Principal, thing: Thing | None) -> bool:
    return thing is None or all(sees(who, each) and _all_seen(who, each) for each in thing.above)


def writing(stage: Stage, who: Principal) -> Iterator[Question]:
    """Every write, once as it should be, and once as a form that is refused and comes back."""
    for one in (each for each in stage.tries if each.method not in SAFE and concerns(who, each)):
        came_back = False
        for thing in rows(stage, who, one):
            asked = plain(one, thing)
            yield asked
            if one.name in ILL:
                yield replace(asked, **ILL[one.name])
            if (
                one.form
                and one.method == "POST"
                and not came_back
                and verdict(stage.world, who, asked) == "granted"
            ):
                yield replace(asked, face=HTML, content=b"nonsense=1", kind=FORM)
                came_back = True


def one_of_each_kind(who: Principal, things: list[Thing], right: str = VIEW) -> list[Thing]:
    """Rows that are not theirs, one for each way in which a row can be hidden."""
    hidden = {
        (each.level, bool(each.above and sees(who, each.above[0]))): each
        for each in things
        if not sees(who, each, right)
    }
    return list(hidden.values())
