"""What is wrong with an answer: its status, what was written, what it tells, what it counts."""

import base64
import re
from collections.abc import Iterator
from typing import Any

from testbed.access.rights import ABSENT, READ, VIEW
from testbed.datasets.weighing import CLOSED, UNSEEN
from tests.matrix.asking import HTML, Answer, Question
from tests.matrix.builder import CANARIES, World
from tests.matrix.oracle import NOTHING, POLICY, Principal, Thing, holds, may, sees

SAFE = {"GET", "HEAD"}
LEASED = "/uploads/{upload}"  # to ask how far it is ends a request that still writes to it
REFUSED = {401, 403, 404}
ADMINISTERED = {"person.manage", "audit.read", "system.read", "coordinator.assign"}
# Writes that name in their body what they are done to: one answer, 422, for absent and hidden.
BY_BODY = {
    "POST /pilots": ("Testbed", "norra-hamn"), "POST /devices": ("Testbed", "norra-hamn"),
    "POST /places": ("Testbed", "norra-hamn"), "POST /datasets": ("Pilot", "LUL-2026-802"),
}  # fmt: skip
ANYWHERE = {"GET /places/new": ["Testbed"], "GET /datasets/new": ["Pilot"]}
AUDIT = "/admin/activity"  # the log tells administrators everything that was done, whatever it was done to


def wrong(
    world: World, who: Principal, question: Question, answer: Answer, hidden: set[str]
) -> Iterator[str]:
    """Everything that is not as the policy says."""
    said = f"{who.name} {question}: {answer.status}"
    expected = verdict(world, who, question)
    if answer.status >= 500 or (question.absent is None and not _fits(expected, who, answer.status)):
        yield f"{said}, but it should be {expected}"
    elif expected == "absent" and _says_more(question, answer):
        yield f"{said}, but what is hidden answers otherwise than what is absent"
    if answer.written and (
        (question.one.method in SAFE and question.one.route != LEASED) or expected in {"refused", "absent"}
    ):
        yield f"{said}, and it wrote to {', '.join(answer.written)}"
    if question.keeps in answer.written:
        yield f"{said}, and it changed {question.keeps}"
    if "public" in answer.headers.get("cache-control", "") and _secret(question):
        yield f"{said}, and anybody on the way may keep it"
    if met := _met(who, question, answer, hidden):
        yield f"{said}, and it met {[(mark, *_of(world, mark)) for mark in sorted(met)[:3]]}"
    if answer.status == 200 and question.one.method == "GET" and isinstance(told := answer.json, dict):
        yield from (f"{said}, and {each}" for each in told_too_much(world, who, question, told, hidden))


def _secret(question: Question) -> bool:
    """Whether it asks for content that not everybody may read."""
    nobody = Principal("nobody", {})
    return question.thing is not None and bool(question.one.needs) and not sees(nobody, question.thing, READ)


def _says_more(question: Question, answer: Answer) -> bool:
    if question.face == HTML or question.one.method == "HEAD":
        return False
    return bool(answer.json["detail"] != ABSENT or answer.json.get("errors"))


def told_apart(question: Question, answer: Answer, none: Answer) -> Iterator[str]:
    """Whether an answer that names a hidden row differs from one that names none at all."""
    if (answer.status, _refusal(answer)) != (none.status, _refusal(none)):
        yield f"{question}: {answer.status} {_refusal(answer)}, but {none.status} {_refusal(none)} for what is absent"


def _refusal(answer: Answer) -> Any:
    told = answer.json if answer.status >= 400 else {}
    return {name: told.get(name) for name in ("detail", "errors")}


def _of(world: World, mark: str) -> Iterator[str]:
    return (f"{right} of {thing.model} {thing.name}" for thing, right in world.canaries[mark])


def verdict(world: World, who: Principal, question: Question) -> str:
    """``open``, ``granted``, ``refused`` (401 or 403), ``absent`` (404), or ``invalid`` (422, as if absent)."""
    one, thing = question.one, question.thing
    if one.needs is None:
        return "open"
    action, model = one.needs
    if action == "account.own" or action in ADMINISTERED:
        return _by_hand(world, who, one.route, action, thing)
    if one.name in BY_BODY:
        named, name = BY_BODY[one.name]
        thing = thing or world.one(named, name)
        if not sees(who, thing):
            return "invalid"
    if thing is not None:
        return _of_row(who, question, action, thing)
    if action in {VIEW, READ}:
        return "granted"
    on = ANYWHERE.get(one.name, POLICY["action"][action]["on"] if model is not None else [])
    rows = [each for name in on for each in world.things[name]] or [Thing(NOTHING)]
    return "granted" if any(may(who, action, each) for each in rows) else "refused"


def _of_row(who: Principal, question: Question, action: str, thing: Thing) -> str:
    if may(who, action, thing):
        return "refused" if question.also is not None and not may(who, *question.also) else "granted"
    if not sees(who, thing):
        return "absent"
    # which version is the latest is told to whoever sees that there is one; then it is refused
    return "granted" if "/versions/latest/" in question.path else "refused"


def _by_hand(world: World, who: Principal, route: str, action: str, thing: Thing | None) -> str:
    """One's own account, and the pages of administrators, which do not exist to others. Tokens have no account."""
    if not who.signed_in:
        return "refused"
    if action == "account.own":
        if who.scopes is not None:
            return "refused"
        return "granted" if thing is None or may(who, "own", thing) else "absent"
    if not may(who, action, Thing(NOTHING)):
        return "absent"
    beds = [each for each in world.things["Testbed"] if thing and each.path["id"] == thing.path.get("bed")]
    hidden = "{bed}" in route and beds and not sees(who, beds[0])
    return "absent" if hidden else "granted"


def _fits(expected: str, who: Principal, status: int) -> bool:
    return {
        "open": status < 500,
        "granted": status not in REFUSED,
        "refused": status == (403 if who.signed_in else 401),
        "absent": status == 404,
        "invalid": status == 422 or (status == 401 and not who.signed_in),
    }[expected]


def _met(who: Principal, question: Question, answer: Answer, hidden: set[str]) -> set[str]:
    if question.one.route == AUDIT and may(who, "audit.read", Thing(NOTHING)):
        return set()
    text = f"{answer.text} {answer.headers}"
    for cursor in re.findall(r'"next":"([\w-]+)"', answer.text):
        text += base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("utf-8", "replace")
    return (set(CANARIES.findall(text)) & hidden) - set(CANARIES.findall(question.told))


def told_too_much(
    world: World, who: Principal, question: Question, told: Any, hidden: set[str]
) -> Iterator[str]:
    """Rights that are not there, rows found by what is hidden, and numbers that count what is hidden."""
    if (
        question.thing is not None
        and "may" in told
        and (question.path.count("/") == 2 or question.path.endswith(("/deliveries", "/units")))
    ):
        extra = [each for each in told["may"] if not may(who, each, question.thing)]
        if extra:
            yield f"it says one may {extra}"
    aim = question.aim
    named = (
        aim is None or not question.query or sees(who, aim) or aim.path.get("title", "") not in hidden | {""}
    )
    if aim is not None and not named and told.get("items"):
        yield f"rows are found by what is hidden: {aim.name}"
    if question.one.route == "/datasets/{slug}/publish" and question.thing is not None:
        yield from planned(who, question.thing, told)
    yield from counted(world, who, question, told)
    yield from waiting(world, who, told)
    if question.thing is not None:
        yield from handed_in(who, question, told)
    if question.thing is not None and question.thing.model == "Version" and "sources" in told:
        yield from made_of(world, who, question.thing, told)


def waiting(world: World, who: Principal, told: Any) -> Iterator[str]:
    """What waits for somebody must be theirs to do, also where they may see more."""
    planned = {(each.path["trial"], each.path["delivery"]): each for each in world.things["PlannedDelivery"]}
    follows = told.get("items", []) if "which" in told else told.get("expected", []) + told.get("awaited", [])
    for item in follows:
        if not may(who, "delivery.follow", planned[str(item["trial_id"]), item["code"]]):
            yield f"it waits for {item['code']} of trial {item['trial_id']}"
    results = {each.path["result"]: each for each in world.things["Result"]}
    if "undecided" in told:
        for line in told["results"]:
            if not may(who, "result.edit", results[line["code"]]):
                yield f"{line['code']} is not theirs to change"
        for line in told["undecided"]:
            asked = "result.decide" if line["asked_at"] else "own"
            result = results[line["code"]]
            if not may(who, asked, result) or not may(who, "result.accept", result):
                yield f"{line['code']} is not theirs to decide"


def handed_in(who: Principal, question: Question, told: Any) -> Iterator[str]:
    """On whose behalf one may hand in, and who decides of what was handed in."""
    assert question.thing is not None
    route, thing = question.one.route, question.thing
    if route in {"/trials/{trial}/upload", "/trials/{trial}/results/limits"} and not holds(
        who, "coordinator", thing
    ):
        others = [
            each["url"] for each in told["partners"] if each["url"].rpartition("/")[2] not in who.partners
        ]
        if others:
            yield f"it says one may hand in for {others}"
    if route == "/results/{result}/accept" and told["must_ask"] == may(who, "result.decide", thing):
        yield f"must_ask is {told['must_ask']}"


def made_of(world: World, who: Principal, version: Thing, told: Any) -> Iterator[str]:
    """A version is open if anybody may read it, and links only results that have a page for the reader."""
    if told["open"] != sees(Principal("nobody", {}), version, READ):
        yield f"it says that it is {'open' if told['open'] else 'not open'}"
    results = {each.path["result"]: each for each in world.things["Result"]}
    for source in told["sources"]:
        if source["url"] and not sees(who, results[source["code"]]):
            yield f"it links {source['code']}"


def planned(who: Principal, dataset: Thing, told: Any) -> Iterator[str]:
    """What must stand in the way of publishing: content that is not theirs to see, a pilot that is not theirs to open."""
    unseen = any(not sees(who, each, "read") for each in dataset.held)
    wide = dataset.level in {"public", "registered"} and dataset.above[0].level != "public"
    for hindrance, needed in ((UNSEEN, unseen), (CLOSED, wide and not may(who, "access.set", dataset))):
        if (hindrance in told["hindrances"]) != needed:
            yield f"it should {'' if needed else 'not '}say: {hindrance}"


def counted(world: World, who: Principal, question: Question, told: Any) -> Iterator[str]:
    """Numbers in lists and on the start page, counted again from the facts."""

    def seen(model: str) -> list[Thing]:
        return [each for each in world.things[model] if sees(who, each)]

    if question.one.route in {"/city", "/"} and "figures" in told:
        shown = {
            "pilots": [each for each in seen("Pilot") if not each.path.get("archived")],
            "testbeds": [each for each in seen("Testbed") if not each.path.get("archived")],
            "devices": [each for each in seen("Device") if not each.path.get("archived")],
            "datasets": [
                each for each in seen("Dataset") if each.published and not each.path.get("archived")
            ],
        }
        for name, rows in shown.items():
            if told["figures"][name] != len(rows):
                yield f"{told['figures'][name]} {name} are counted, not {len(rows)}"
    counts: dict[str, tuple[str, str, Any]] = {
        "/partners": ("slug", "pilots", lambda slug: _taking_part(seen("Pilot"), slug)),
        "/needs": ("id", "pilots", lambda need: _answering(who, world, need)),
        "/trials": ("id", "results", lambda trial: _handed_in(seen("Result"), trial)),
        "/places": ("code", "devices", lambda code: _sitting(who, world, code)),
    }
    if question.one.name.removeprefix("GET ") in counts:
        key, field, count = counts[question.one.route]
        for item in told["items"]:
            if item[field] != count(item[key]):
                yield f"{field} of {item[key]} are {item[field]}, not {count(item[key])}"


def _taking_part(pilots: list[Thing], slug: str) -> int:
    return sum(slug in each.pilot.roles for each in pilots if each.pilot)


def _answering(who: Principal, world: World, number: int) -> int:
    need = next(each for each in world.things["Need"] if each.path["id"] == str(number))
    return sum(sees(who, each) for each in need.above)


def _handed_in(results: list[Thing], trial: int) -> int:
    return sum(each.above[0].path["id"] == str(trial) and not each.path.get("archived") for each in results)


def _sitting(who: Principal, world: World, code: str) -> int:
    place = world.one("Place", f"place {code}")
    return sum(sees(who, each) and each.path.get("place") == place.path["id"] for each in place.sat or ())
