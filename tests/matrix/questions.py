"""Everything that is asked: each route and method on rows of every kind, in each of its faces, and by what it names."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

from testbed.access.rights import READ, VIEW
from tests.matrix.asking import FORM, HTML, JSON, Question
from tests.matrix.judge import SAFE, verdict
from tests.matrix.oracle import POLICY, Principal, Thing, sees
from tests.matrix.requests import BODIES, EDIT, TEXT, Try
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
NEED = {"statement": "Något som behövs mycket"}
PILOT = {"testbed_id": 1, "title": "Ny pilot", "need": NEED}
DEVICE = {"name": "Ny enhet", "testbed_id": 1, "owner_id": 1}
MODEL = {"model": {"maker": "Acme", "name": "M9"}}
OUTCOME = {"indicator": TEXT, "unit": "kg", "result": 1, "method": TEXT}
# What bodies name: the route, the model and the path key of the row, and the body round it.
NAMED: list[tuple[str, str, str, Any]] = [
    ("POST /partners", "Partner", "id", lambda it: {"name": "Ny part", "kind": "company", "parent_id": it}),
    ("PATCH /partners/{slug}", "Partner", "id", lambda it: EDIT | {"parent_id": it}),
    ("POST /testbeds", "Partner", "id", lambda it: {"name": "Ny", "environment": "real", "owner_partner_id": it}),
    ("PATCH /testbeds/{slug}", "Partner", "id", lambda it: EDIT | {"owner_partner_id": it}),
    ("POST /pilots", "Testbed", "id", lambda it: PILOT | {"testbed_id": it}),
    ("POST /pilots", "Need", "id", lambda it: PILOT | {"need": {"id": it}}),
    ("POST /pilots", "Partner", "id", lambda it: PILOT | {"lead_partner_id": it}),
    ("POST /pilots", "Partner", "id", lambda it: PILOT | {"partners": [{"partner_id": it}]}),
    ("PATCH /pilots/{code}", "Partner", "id", lambda it: EDIT | {"lead_partner_id": it}),
    ("POST /pilots/{code}/partners", "Partner", "id", lambda it: {"partner_id": it}),
    ("POST /pilots/{code}/partners", "Partner", "called", lambda it: {"name": it}),
    ("POST /pilots/{code}/cases", "Partner", "id", lambda it: {"authority_id": it, "number": "KS 1"}),
    ("POST /devices", "Testbed", "id", lambda it: DEVICE | MODEL | {"testbed_id": it}),
    ("POST /devices", "Pilot", "code", lambda it: DEVICE | MODEL | {"testbed_id": None, "pilot": it}),
    ("POST /devices", "Partner", "id", lambda it: DEVICE | MODEL | {"owner_id": it}),
    ("POST /devices", "Device", "model", lambda it: DEVICE | {"device_model_id": it}),
    ("PATCH /devices/{code}", "Partner", "id", lambda it: EDIT | {"owner_id": it}),
    ("PATCH /devices/{code}", "Pilot", "code", lambda it: EDIT | {"pilot": it}),
    ("POST /devices/{code}/move", "Place", "id", lambda it: {"place_id": it}),
    ("POST /devices/{code}/move", "Pilot", "code", lambda it: {"place": {"name": "Ny"}, "pilot": it}),
    ("POST /places", "Testbed", "id", lambda it: {"testbed_id": it, "name": "Ny plats"}),
    ("POST /datasets", "Pilot", "code", lambda it: BODIES["POST /datasets"] | {"pilot": it}),
    ("POST /datasets", "Result", "result", lambda it: BODIES["POST /datasets"] | {"results": [it]}),
    ("PATCH /datasets/{slug}", "Result", "id", lambda it: EDIT | {"results": [it]}),
    ("POST /pilots/{code}/outcomes", "Version", "id", lambda it: OUTCOME | {"version_id": it}),
    ("POST /pilots/{code}/outcomes", "Dataset", "slug", lambda it: OUTCOME | {"version": {"dataset": it}}),
    ("POST /pilots/{code}/outcomes", "Dataset", "slug", lambda it: OUTCOME | {"version": {"dataset": it, "number": "1.0.0"}}),
    ("PATCH /outcomes/{outcome}", "Version", "id", lambda it: EDIT | {"version_id": it}),
    ("POST /pilots/{code}/decisions", "Case", "id", lambda it: BODIES["POST /pilots/{code}/decisions"] | {"case_id": it}),
    ("POST /admin/people/{person}/testbeds", "Testbed", "id", lambda it: {"testbed_id": it}),
]  # fmt: skip
# Rows below the row at hand; one that lies below another row is not there.
BELOW = ["member", "part", "job", "filename", "deployment"]


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
        for thing in [stage.world.things[model][1], *_one_of_each_kind(who, stage.world.things[model])]:
            yield replace(plain(one, None, query=urlencode({name: thing.path[key]})), aim=thing)


def pages(stage: Stage, who: Principal) -> Iterator[Question]:
    """What people may read, and one page of each kind they may not."""
    if who.scopes is not None:
        return
    for one in (each for each in stage.tries if each.method == "GET"):
        asked = [plain(one, thing, face=HTML) for thing in rows(stage, who, one)]
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


def naming(stage: Stage, who: Principal) -> Iterator[Question]:
    """Writes that name another row, one of each kind that is hidden; and rows below another row."""
    tries = {each.name: each for each in stage.tries}
    for route, model, key, body in NAMED:
        one = tries[route]
        granted = next((each for each in _granted(stage, who, one)), None)
        if granted is None:
            continue
        nobody = {"id": 999_999, "model": 999_999, "result": "R-0ZZZZZ", "called": "Part ingen"}.get(
            key, "nothing"
        )
        for thing in _one_of_each_kind(who, stage.world.things[model]):
            it = int(thing.path[key]) if key in {"id", "model"} else thing.path[key]
            none = replace(granted, content=json.dumps(body(nobody)).encode(), kind=JSON)
            yield replace(none, content=json.dumps(body(it)).encode(), aim=thing, absent=none)
    for one in stage.tries:
        for name in BELOW:
            if f"{{{name}}}" in one.route and one.method != "PUT":
                yield from _elsewhere(stage, who, one, name)


def _granted(stage: Stage, who: Principal, one: Try) -> Iterator[Question]:
    for thing in one.things(stage.world):
        asked = plain(one, thing)
        if verdict(stage.world, who, asked) == "granted":
            yield asked


def _one_of_each_kind(who: Principal, things: list[Thing]) -> list[Thing]:
    hidden = {
        (each.level, bool(each.above and sees(who, each.above[0]))): each
        for each in things
        if not sees(who, each)
    }
    return list(hidden.values())


def _elsewhere(stage: Stage, who: Principal, one: Try, name: str) -> Iterator[Question]:
    """The row at hand with a row that lies below another one: to nobody is it there."""
    for asked in list(_granted(stage, who, one))[:1]:
        assert asked.thing is not None
        others = [each for each in one.things(stage.world) if each and each is not asked.thing]
        other = next((each for each in others if not sees(who, each)), others[0])
        path = one.path(asked.thing, **{name: quote(other.path[name])})
        yield replace(asked, path=path, thing=Thing("nothing", "restricted"))


def everything(stage: Stage, who: Principal) -> Iterator[Question]:
    yield from reading(stage, who)
    yield from pages(stage, who)
    yield from writing(stage, who)
    yield from naming(stage, who)
