"""Rows that a request names beside the one it is about: in its body, or below another row in its path."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from testbed.access.rights import READ, VIEW
from tests.matrix.asking import JSON, Question, plain
from tests.matrix.judge import BY_BODY, verdict
from tests.matrix.oracle import Principal, Thing, may, sees
from tests.matrix.questions import one_of_each_kind
from tests.matrix.requests import BODIES, EDIT, TEXT, Try
from tests.matrix.stage import Stage

NEED = {"statement": "Något som behövs mycket"}
PILOT = {"testbed_id": 1, "title": "Ny pilot", "need": NEED}
DEVICE = {"name": "Ny enhet", "testbed_id": 1, "owner_id": 1}
MODEL = {"model": {"maker": "Acme", "name": "M9"}}
OUTCOME = {"indicator": TEXT, "unit": "kg", "result": 1, "method": TEXT}
# What bodies name: the route, the model and the path key of the row, and the body round it.
NAMED: list[tuple[str, str, str, Callable[[Any], dict[str, Any]]]] = [
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
    ("POST /trials/{trial}/deliveries", "Partner", "id", lambda it: BODIES["POST /trials/{trial}/deliveries"] | {"from_partner_id": it}),
    ("PATCH /trials/{trial}/deliveries/{delivery}", "Partner", "id", lambda it: EDIT | {"from_partner_id": it}),
    ("POST /admin/people/{person}/testbeds", "Testbed", "id", lambda it: {"testbed_id": it}),
]  # fmt: skip
NOBODY: dict[str, Any] = {"id": 999_999, "model": 999_999, "result": "R-0ZZZZZ", "called": "Part ingen"}
CONTENT = {"Version"}  # named for what is in it, so that seeing it is not enough
# What a write is done to, where only its body says so.
DONE_TO: dict[str, Callable[[Thing], dict[str, Any]]] = {
    "POST /pilots": lambda it: PILOT | {"testbed_id": int(it.path["id"])},
    "POST /devices": lambda it: DEVICE | MODEL | _for(it),
    "POST /places": lambda it: {"testbed_id": int(it.path["id"]), "name": "Ny plats"},
    "POST /datasets": lambda it: BODIES["POST /datasets"] | {"pilot": it.path.get("code")},
}
# Rows below the row at hand; one that lies below another row is not there.
BELOW = ["member", "part", "job", "filename", "deployment", "hook"]


def _for(it: Thing) -> dict[str, Any]:
    """What a device is registered for: a testbed, or a pilot and with it its testbed."""
    if it.model == "Pilot":
        return {"testbed_id": None, "pilot": it.path["code"]}
    return {"testbed_id": int(it.path["id"])}


def naming(stage: Stage, who: Principal) -> Iterator[Question]:
    """Writes that name another row, one of each kind that is hidden; and rows below another row."""
    if who.scopes is not None:
        return
    tries = {each.name: each for each in stage.tries}
    for route, model, key, body in NAMED:
        granted = next(_granted(stage, who, tries[route]), None)
        things = stage.world.things[model] if granted else []
        for thing in one_of_each_kind(who, things, READ if model in CONTENT else VIEW):
            assert granted is not None
            it = int(thing.path[key]) if key in {"id", "model"} else thing.path[key]
            none = replace(granted, content=_sent(body(NOBODY.get(key, "nothing"))), kind=JSON)
            yield replace(none, content=_sent(body(it)), aim=thing, absent=none)
    for one in stage.tries:
        for name in BELOW:
            if f"{{{name}}}" in one.route and one.method != "PUT":
                yield from _elsewhere(stage, who, one, name)
    yield from _done_to(stage, who, tries)
    yield from _keeping(stage, who, tries)
    yield from _leads(stage, who, tries["PATCH /pilots/{code}"])


def _sent(body: Any) -> bytes:
    return json.dumps(body).encode()


def _granted(stage: Stage, who: Principal, one: Try) -> Iterator[Question]:
    for thing in one.things(stage.world):
        asked = plain(one, thing)
        if verdict(stage.world, who, asked) == "granted":
            yield asked


def _done_to(stage: Stage, who: Principal, tries: dict[str, Try]) -> Iterator[Question]:
    """Writes that say in their body what they are done to, for a row of each way the answer can go."""
    for name, body in DONE_TO.items():
        for model in ("Testbed", "Pilot") if name == "POST /devices" else (BY_BODY[name][0],):
            kinds: dict[str, Question] = {}
            for thing in stage.world.things[model]:
                if not thing.path.get("archived"):
                    asked = replace(plain(tries[name], None), thing=thing, content=_sent(body(thing)))
                    kinds.setdefault(verdict(stage.world, who, asked), asked)
            yield from kinds.values()


def _keeping(stage: Stage, who: Principal, tries: dict[str, Try]) -> Iterator[Question]:
    """Edits that send back what was shown: what was hidden stays as it was. And links that would open other doors."""
    edit, link = tries["PATCH /datasets/{slug}"], tries["POST /partners/{slug}/members/{member}/link"]
    told = 0
    for dataset in stage.world.things["Dataset"]:
        seen = [int(each.path["id"]) for each in dataset.held if sees(who, each)]
        if told < 2 and may(who, "dataset.edit", dataset) and seen and len(seen) < len(dataset.held):
            told += 1
            sent = _sent(EDIT | {"results": seen})
            yield replace(plain(edit, dataset), content=sent, keeps="dataset_result")
    pilot = stage.world.one("Pilot", "LUL-2026-802")
    if may(who, "pilot_partner.edit", pilot):
        one = tries[
            "PATCH /pilots/{code}/partners/{part}"
        ]  # of a partner that is hidden from whoever coordinates
        yield replace(
            plain(one, pilot), path=one.path(pilot, part=pilot.path["part of dold"]), thing=Thing("nowhere")
        )
    start = tries["GET /trials/{trial}/schema/new"]
    for asked in list(_granted(stage, who, start))[:1]:
        hidden = one_of_each_kind(who, stage.world.things["Result"], READ)[:2]
        yield from (
            replace(asked, query=f"from={each.path['result']}", thing=Thing("nowhere")) for each in hidden
        )
    for partner in stage.world.things["Partner"]:
        other = partner.path.get("shared")
        if other and not may(who, "membership.manage", stage.world.one("Partner", other)):
            yield replace(plain(link, partner), keeps="one_time_link")


def _leads(stage: Stage, who: Principal, one: Try) -> Iterator[Question]:
    """Another lead gets rights in the pilot: naming the first is a part of registering it, another a change of partners."""
    for name in ("LUL-2026-802", "LUL-2026-804"):
        pilot = stage.world.one("Pilot", name)
        also = ("pilot_partner.edit", pilot)
        if name.endswith("802"):
            also = ("pilot.register", stage.world.one("Testbed", str(pilot.testbed)))
        new = next(each for each in stage.world.things["Partner"] if each.name == "lulea")
        lead = {"lead_partner_id": int(new.path["id"]) if name.endswith("802") else None}
        yield replace(plain(one, pilot), content=_sent(EDIT | lead), also=also)


def _elsewhere(stage: Stage, who: Principal, one: Try, name: str) -> Iterator[Question]:
    """The row at hand with a row that lies below another one: to nobody is it there."""
    for asked in list(_granted(stage, who, one))[:1]:
        assert asked.thing is not None
        others = [each for each in one.things(stage.world) if each and each is not asked.thing]
        other = next((each for each in others if not sees(who, each)), others[0])
        path = one.path(asked.thing, **{name: quote(other.path[name])})
        yield replace(asked, path=path, thing=Thing("nowhere"))
