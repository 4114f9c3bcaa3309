"""What no request shows: letters that workers write, versions that they publish, and chains whole, before they are drawn."""

from collections.abc import AsyncIterator
from typing import Any

from sqlmodel import select

from testbed.access.models import Actor
from testbed.access.rights import READ
from testbed.datasets import downloads, publishing
from testbed.db import driver
from testbed.errors import NotFound
from testbed.files import store_of
from testbed.jobs import Task, Workshop
from testbed.notices.models import Happening
from testbed.people.models import Person
from testbed.pilots.chain import chain_of
from testbed.settings import Settings
from testbed.trials import reminders, telling
from tests.matrix.builder import CANARIES
from tests.matrix.oracle import sees
from tests.matrix.stage import Stage
from tests.matrix.world import PRINCIPALS

STRANGER = "David"  # who belongs nowhere: as those do who handed in results and have left
LETTERS = """
    SELECT mail.subject || ' ' || mail.body AS text, person.name FROM mail LEFT JOIN person ON person.id = mail.person_id
"""
WITHHELD = """
    SET LOCAL session_replication_role = replica;  -- a version never changes but here, and this is rolled back
    UPDATE version SET privacy = '{"withheld": [{"column": "kolumn", "why": "publisher"}]}';
    SET LOCAL session_replication_role = origin;
"""


class Alone(Task):
    """A job that nobody else could take."""

    async def beat(self, step: str | None = None, done: int = 0, total: int = 0) -> None:
        return None


async def wrong(stage: Stage, settings: Settings) -> list[str]:
    """Everything that workers tell or do otherwise than the policy says."""
    settings = settings.model_copy(update={"smtp_host": "127.0.0.1"})
    shop = Workshop(stage.db, store_of(settings), settings)
    found = [told async for told in _letters(stage, shop)] + [told async for told in _versions(stage, shop)]
    return found + [told async for told in _chains(stage)] + [told async for told in _originals(stage)]


def _task(shop: Workshop, kind: str, args: dict[str, Any], person_id: int | None = None) -> Task:
    return Alone(1, kind, args, 1, person_id, "worker", shop)


async def _letters(stage: Stage, shop: Workshop) -> AsyncIterator[str]:
    """Letters about every result to whoever sent it, and the reminders of a day."""
    people = {each.name: each for each in PRINCIPALS if each.scopes is None}
    async with stage.db.request():
        for result in stage.world.things["Result"]:
            about = {
                "happening": Happening.result_checked,
                "result": int(result.path["id"]),
                "once": result.name,
            }
            await telling.work(_task(shop, telling.KIND, about))
        await reminders.work(_task(shop, reminders.KIND, {"day": "2026-06-01"}))
        async with stage.db.raw() as connection:
            letters = await connection.fetch(LETTERS)
    for letter in letters:
        who = people.get(letter["name"] or "", people[STRANGER])
        if letter["name"] is not None and (met := set(CANARIES.findall(letter["text"])) & stage.hidden(who)):
            yield f"a letter to {letter['name']} tells {sorted(met)[:3]}"


async def _chains(stage: Stage) -> AsyncIterator[str]:
    """The chain of a hidden pilot, as the page of a result asks for it that somebody handed in there before."""
    owner = next(each for each in PRINCIPALS if each.name == "Bo")
    async with stage.db.request(), stage.db.begin() as session:
        person = (await session.exec(select(Person).where(Person.name == owner.name))).one()
        for pilot in (stage.world.one("Pilot", name) for name in ("LUL-2026-803", "LUL-2026-805")):
            chain = await chain_of(session, Actor(person_id=person.id), int(pilot.path["id"]), pilot.name)
            if met := set(CANARIES.findall(chain.model_dump_json())) & stage.hidden(owner):
                yield f"the chain of {pilot.name} tells {owner.name} {sorted(met)[:3]}"


async def _versions(stage: Stage, shop: Workshop) -> AsyncIterator[str]:
    """A version that was asked for by somebody who has no right to it any more."""
    people = {each.name: each for each in PRINCIPALS}
    dataset = next(each for each in stage.world.things["Dataset"] if sees(people[STRANGER], each))
    async with stage.db.request():
        async with stage.db.raw() as connection:
            person = await connection.fetchval("SELECT id FROM person WHERE name = $1", STRANGER)
        args = {"dataset_id": int(dataset.path["id"]), "previous": "1.0.0", "scopes": None}
        told = await publishing.work(_task(shop, publishing.KIND, args, person))
    if told.get("refused") != publishing.GONE:
        yield f"publishing {dataset.name} for {STRANGER} came to {told}"


async def _originals(stage: Stage) -> AsyncIterator[str]:
    """Files as they were handed in, of versions of which a column stayed behind: for readers of the results alone."""
    people = {each.name: each for each in PRINCIPALS}
    datasets = {each.path["slug"]: each for each in stage.world.things["Dataset"] if each.held}
    async with stage.db.request(), stage.db.begin() as session:
        await (await driver(session)).execute(WITHHELD)
        for name in ("Bo", "Cecilia", STRANGER):
            person = (await session.exec(select(Person).where(Person.name == name))).one()
            for version in stage.world.things["Version"]:
                slug, file = version.path["slug"], version.path.get("filename")
                if file is None or not sees(people[name], version, READ):
                    continue
                asked = (Actor(person_id=person.id), slug, version.path["version"], file)
                try:
                    await downloads.download(session, *asked, original=True)
                    got = True
                except NotFound:
                    got = False
                if got != sees(people[name], datasets[slug].held[-1], READ):
                    yield f"{name} {'got' if got else 'did not get'} a file that {slug} was made of"
