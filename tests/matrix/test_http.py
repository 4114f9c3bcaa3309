"""Every route × method × the cast: who gets in is what the policy says, and no canary is met by those who may not."""

import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import true

from testbed.access.rights import READ, VIEW
from testbed.app import create_app
from testbed.datasets import publishing
from testbed.db import Database
from testbed.files import store_of
from testbed.pilots import listing
from testbed.web.shell import Shell
from tests.conftest import BASE, alive
from tests.matrix.oracle import NOTHING, Principal, Thing, may, sees
from tests.matrix.requests import Try, tries
from tests.matrix.world import PRINCIPALS, World, build

REFUSED = {401, 403, 404}
# Writes that name in their body what they are done to: one answer, 422, for absent, hidden and not allowed.
BY_BODY = {"POST /pilots", "POST /devices", "POST /places", "POST /datasets", "POST /uploads"}
# Pages for one person only; the policy's relation is "oneself", and a token is never enough.
OWN = "/me"
NO_ROWS = {"person.manage", "audit.read", "system.read", "coordinator.assign"}
FEW = [each for each in PRINCIPALS if each.name in {"nobody", "Bo", "Cecilia", "David"}]


class Stage:
    """A service with the world in it."""

    def __init__(self, client: httpx.AsyncClient, world: World, db: Database, all_tries: list[Try]) -> None:
        self.client, self.world, self.db, self.tries = client, world, db, all_tries

    async def ask(
        self, who: Principal, one: Try, thing: Thing | None, accept: str = "application/json"
    ) -> httpx.Response:
        request = dict(one.request())
        headers = {**who.headers, "accept": accept, **request.pop("headers", {})}
        return await self.client.request(one.method, one.path(thing), headers=headers, **request)

    async def rows(self) -> dict[str, int]:
        """How many rows every table has, except those that count tries and sign-ins."""
        async with self.db.raw() as connection:
            tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            return {
                name: await connection.fetchval(f"SELECT count(*) FROM {name}")
                for (name,) in tables
                if name not in {"rate_bucket", "session"}
            }


@pytest.fixture
async def stage(settings, db, monkeypatch) -> AsyncIterator[Stage]:
    monkeypatch.setattr(publishing, "WAIT_SECONDS", 0.0)  # no worker runs here
    store = store_of(settings)
    async with db.raw() as connection:
        world = await build(connection, store)
    inner = create_app(settings)
    async with alive(inner):
        transport = httpx.ASGITransport(app=Shell(inner, settings), raise_app_exceptions=False)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
            yield Stage(client, world, db, tries(inner))


def wrong(who: Principal, one: Try, thing: Thing | None, status: int) -> str | None:
    """What is wrong with an answer, or nothing."""
    said = f"{who.name} {one.name} {thing.name if thing else ''}: {status}"
    if status >= 500:
        return said
    if one.needs is None or one.route.startswith(OWN):
        refused = (
            {401, 403} if one.method == "GET" else {401, 403, 422}
        )  # a token is refused, whatever it sends
        return said if one.needs is not None and status not in refused else None
    action, _ = one.needs
    if thing is None or action in NO_ROWS:
        return None if _listed(who, one, action, status) else said
    if may(who, action, thing):
        return said if status in REFUSED and not _below(one, thing, status) else None
    if not sees(who, thing):
        return said if status != 404 else None
    return said if status != (403 if who.signed_in else 401) else None


def _below(one: Try, thing: Thing, status: int) -> bool:
    """A row below the one the policy speaks of, which this world does not have: a job, a member."""
    return status == 404 and any(
        name in one.route for name in ("{job}", "{member}", "{name}", "{filename}", "{version}", "{hook}")
    )


def _listed(who: Principal, one: Try, action: str, status: int) -> bool:
    if action in {VIEW, READ}:
        return status == 200
    anywhere = Thing(NOTHING, owner="lulea", testbed="norra-hamn")
    if one.name in BY_BODY or action in {"pilot.register", "dataset.create", "device.register"}:
        return status in REFUSED | {200, 201, 409, 422}
    if may(who, action, anywhere):
        return status not in {401, 403}
    return status in REFUSED


async def deviations(stage: Stage, who: list[Principal], methods: set[str]) -> AsyncIterator[str]:
    """Everything the service does otherwise than the policy says, and every canary that got out."""
    for principal in who:
        hidden = hidden_from(principal, stage.world)
        for one in (
            each
            for each in stage.tries
            if each.method in methods and each.route != "/results/{result}/events"
        ):
            for thing in one.things(stage.world):
                answer = await stage.ask(principal, one, thing)
                if told := wrong(principal, one, thing, answer.status_code):
                    yield told
                met = {mark for mark in hidden if mark in answer.text or mark in str(answer.headers)}
                if met - _asked_for(one, thing):
                    yield f"{principal.name} {one.name} met {stage.world.canaries[met.pop()][0].name}"


def hidden_from(who: Principal, world: World) -> set[str]:
    """The canaries a person must never meet. Whoever owns a file has its receipt, which names what it was for."""
    known: set[int] = set()
    for thing in (*world.things["Result"], *world.things["Dataset"]):
        above = thing.parent if sees(who, thing) else None
        while above is not None:
            known.add(id(above))
            above = above.parent
    return {
        mark
        for mark, (thing, right) in world.canaries.items()
        if id(thing) not in known and not sees(who, thing, right)
    }


def _asked_for(one: Try, thing: Thing | None) -> set[str]:
    """Canaries in the address itself are no news to whoever sent it."""
    return {value.removesuffix(".csv") for value in thing.path.values()} if thing else set()


async def test_reading_follows_the_policy_and_no_canary_gets_out(stage):
    found = [each async for each in deviations(stage, PRINCIPALS, {"GET", "HEAD"})]

    assert not found, found[:20]


async def test_pages_for_people_keep_the_same_secrets(stage):
    found = []
    for principal in FEW:
        hidden = hidden_from(principal, stage.world)
        for one in (each for each in stage.tries if each.method == "GET" and "events" not in each.route):
            for thing in one.things(stage.world):
                answer = await stage.ask(principal, one, thing, "text/html")
                met = {mark for mark in hidden if mark in answer.text} - _asked_for(one, thing)
                if met or answer.status_code >= 500:
                    found.append(f"{principal.name} {one.name} {answer.status_code} {met}")

    assert not found, found[:20]


@pytest.mark.parametrize(
    "who", [each for each in PRINCIPALS if each.name in {"nobody", "David"}], ids=lambda each: each.name
)
async def test_a_refused_write_changes_nothing(stage, who):
    before = await stage.rows()

    found = [each async for each in deviations(stage, [who], {"POST", "PUT", "PATCH", "DELETE"})]

    assert not found, found[:20]
    assert await stage.rows() == before


@pytest.mark.parametrize(
    "who",
    [each for each in PRINCIPALS if each.name not in {"nobody", "David"}],
    ids=lambda each: each.name,
)
async def test_writing_follows_the_policy(stage, who):
    found = [each async for each in deviations(stage, [who], {"PUT", "PATCH"})]
    found += [each async for each in deviations(stage, [who], {"POST"})]

    assert not found, found[:20]


async def test_absent_and_hidden_answer_alike(stage):
    david, hidden = next(each for each in PRINCIPALS if each.name == "David"), stage.world.things["Pilot"][0]

    answers = [
        await stage.client.get(f"/pilots/{code}", headers=david.headers)
        for code in (hidden.path["code"], "LUL-1999-999")
    ]

    bodies = [{k: v for k, v in each.json().items() if k != "instance"} for each in answers]
    heads = [{k: v for k, v in each.headers.items() if k != "x-request-id"} for each in answers]
    assert bodies[0] == bodies[1]
    assert heads[0] == heads[1]


# Here ``allowed`` guards names in forms, buttons and partners or testbeds, all of which are public in this world;
# a world with hidden partners and testbeds will let these be taken away and noticed too.
UNTRIED = {
    "testbed.accounts.members",
    "testbed.admin.people",
    "testbed.datasets.accepted",
    "testbed.devices.deployments",
    "testbed.devices.places",
    "testbed.partners.service",
    "testbed.pilots.parts",
    "testbed.pilots.registration",
    "testbed.pilots.service",
    "testbed.testbeds.service",
    "testbed.trials.answers",  # whoever may answer for a partner's file sees all files of that partner
    "testbed.trials.receiving",
    "testbed.trials.reminders",  # asked in a worker: tests/trials/test_reminders.py
    "testbed.trials.telling",  # asked in a worker: tests/notices/test_mail.py
}


def modules() -> Iterator[str]:
    """The modules that ask ``allowed`` themselves when something is read."""
    return (
        name
        for name, module in sorted(sys.modules.items())
        if name.startswith("testbed.") and hasattr(module, "allowed") and name not in UNTRIED
    )


@pytest.mark.parametrize("module", list(modules()))
async def test_taking_allowed_away_is_noticed(stage, module, monkeypatch):
    def everybody(*_: Any) -> Any:
        return true()

    monkeypatch.setattr(sys.modules[module], "allowed", everybody)
    listing._seen_by.cache_clear()

    noticed = None
    async for each in deviations(stage, FEW, {"GET", "HEAD"}):
        noticed = each
        break
    listing._seen_by.cache_clear()
    assert noticed, f"{module} may forget to ask who may see what, and nobody notices"


async def test_the_world_has_something_for_every_route(stage):
    bare = [each.name for each in stage.tries if "{" in each.route and each.things(stage.world) == [None]]

    assert all(name.split("/")[1] in {"me", "admin", "welcome"} for name in bare), bare
