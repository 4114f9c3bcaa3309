"""Everything that is asked: each route and method on rows of every kind, in each of its faces, and by what it names."""

import json
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlencode

from testbed.access.rights import READ, VIEW
from tests.matrix.asking import FORM, HTML, JSON, Question
from tests.matrix.judge import SAFE, verdict
from tests.matrix.oracle import POLICY, Principal, Thing, sees
from tests.matrix.requests import Try
from tests.matrix.stage import Stage

# Rows of a kind for a route: which rows are of which kind is asked of the SQL itself, of every row.
ENOUGH = {"granted": 2, "open": 2}
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


def plain(one: Try, thing: Thing | None, *, face: str = JSON, query: str = "", path: str = "") -> Question:
    """A route's own request."""
    sent = one.request(thing)
    content = sent.get("content") or (json.dumps(sent["json"]).encode() if "json" in sent else b"")
    kind = sent.get("headers", {}).get("content-type", JSON) if content else ""
    return Question(one, thing, path or one.path(thing), query, face, content, kind)


def rows(stage: Stage, who: Principal, one: Try) -> list[Thing | None]:
    """Some rows for each way the answer can go; every row one may see for a page that shows a record."""
    record = one.method == "GET" and one.route.count("{") == 1 and one.route.endswith("}")
    kinds: dict[str, list[Thing | None]] = {}
    for thing in one.things(stage.world):
        kinds.setdefault(verdict(stage.world, who, plain(one, thing)), []).append(thing)
    found: list[Thing | None] = []
    for kind, things in kinds.items():
        if one.route.endswith("/restore"):
            things.sort(key=lambda each: not (each and each.path.get("archived")))
        found += things if record and kind in ENOUGH else things[: ENOUGH.get(kind, 1)]
    return found


def reading(stage: Stage, who: Principal) -> Iterator[Question]:
    """What a program may read: every list, page and file."""
    for one in (each for each in stage.tries if each.method in SAFE and concerns(who, each)):
        if (
            one.needs is not None and "{" not in one.route and one.needs[0] in {VIEW, READ}
        ) or one.route == "/search":
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
        return who.scopes is None
    narrow = len(who.scopes) == 1
    return narrow or (one.needs[0] not in {VIEW, READ} and not POLICY["action"][one.needs[0]]["scope"])


def listed(stage: Stage, who: Principal, one: Try) -> Iterator[Question]:
    """A list searched, put away, page by page, and narrowed by what is there and what is hidden."""
    for query in [*OF_A_LIST, *(["sort=owner&limit=1"] if one.route in BY_OWNER else [])]:
        yield plain(one, None, query=query)
    for name, (model, key) in FILTERS.get(one.route, {}).items():
        for thing in [stage.world.things[model][1], *one_of_each_kind(who, stage.world.things[model])]:
            yield replace(plain(one, None, query=urlencode({name: thing.path[key]})), aim=thing)


def pages(stage: Stage, who: Principal) -> Iterator[Question]:
    """What people may read, and one page of each kind they may not."""
    if who.scopes is not None:
        return
    for one in (each for each in stage.tries if each.method == "GET"):
        asked = [plain(one, thing, face=HTML) for thing in rows(stage, who, one)]
        asked.sort(key=lambda each: verdict(stage.world, who, each) not in ENOUGH)
        yield from asked[:4] if one.route.endswith("}") else asked[:1]


def writing(stage: Stage, who: Principal) -> Iterator[Question]:
    """Every write, once as it should be, and once as a form that is refused and comes back."""
    for one in (each for each in stage.tries if each.method not in SAFE and concerns(who, each)):
        came_back = False
        for thing in rows(stage, who, one):
            asked = plain(one, thing)
            yield asked
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
