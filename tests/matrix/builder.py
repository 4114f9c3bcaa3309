"""Writes rows and keeps the facts about them side by side: what they are, who is tied to them, which canaries they hold."""

import json
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import asyncpg

from testbed.files import Store
from tests.matrix.oracle import Pilot, Principal, Thing, may

# Whatever may be a canary: a word, the digest of a content, a number of rows, the code in an address.
CANARIES = re.compile(
    r"kanarie\d{4}x|\b[0-9a-f]{64}\b|\b70\d{5}\b|\bR-[0-9A-Z]{6}\b|\b[DP]-[0-9A-Z]{5}\b|\bLUL-2026-8\d\d\b"
)
# What it takes to read a record's history.
HISTORY = {
    "Testbed": ["testbed.edit", "pilot.register", "device.register", "coordinator.assign"],
    "Partner": ["partner.edit", "membership.manage"],
    "Pilot": ["inside"],
    "Need": ["need.edit"],
    "Trial": ["trial.edit", "result.upload"],
    "Result": ["result.edit", "result.decide"],
    "PlannedDelivery": ["trial.edit"],
    "Dataset": ["dataset.edit", "access.set", "version.publish"],
    "Device": ["device.edit", "deployment.edit"],
    "Outcome": ["outcome.edit"],
}
TABLES = re.compile(r"(?<!^)(?=[A-Z])")
# A token for uploads alone may not read, but is answered with what it is used on.
TOKENS = {"Result": "result.edit", "Trial": "result.upload", "Upload": "result.continue"}
ARCHIVED = datetime(2026, 2, 1, tzinfo=UTC)


def spelt(model: str) -> str:
    """The table of a model."""
    return TABLES.sub("_", model).lower()


@dataclass
class World:
    """``things`` by model; ``canaries`` maps a string to the rows and rights of which one lets somebody meet it."""

    things: dict[str, list[Thing]] = field(default_factory=dict)
    canaries: dict[str, list[tuple[Thing, str]]] = field(default_factory=dict)

    def add(self, thing: Thing) -> Thing:
        self.things.setdefault(thing.model, []).append(thing)
        return thing

    def canary(self, thing: Thing, *rights: str, mark: str = "") -> str:
        """A string that only those meet who have one of ``rights`` (``view`` unless named) on the row."""
        mark = mark or f"kanarie{len(self.canaries):04}x"
        self.canaries.setdefault(mark, []).extend((thing, right) for right in rights or ("view",))
        return mark

    def hidden_from(self, who: Principal) -> set[str]:
        return {
            mark
            for mark, ways in self.canaries.items()
            if not any(
                may(who, right, thing) or may(who, TOKENS.get(thing.model, right), thing)
                for thing, right in ways
            )
        }

    def one(self, model: str, name: str) -> Thing:
        return next(each for each in self.things[model] if each.name == name)


class Builder:
    """One method a model; each returns the thing it made."""

    def __init__(self, connection: asyncpg.Connection, store: Store) -> None:
        self.sql, self.store, self.world = connection, store, World()
        self.rows = 7_000_000

    async def put(self, table: str, **row: Any) -> int:
        """Write one row and return its id."""
        values = [json.dumps(value) if isinstance(value, dict) else value for value in row.values()]
        marks = ", ".join(f"${place + 1}" for place in range(len(values)))
        names = ", ".join(row)
        made: int = await self.sql.fetchval(
            f"INSERT INTO {table} ({names}) VALUES ({marks}) RETURNING id", *values
        )
        return made

    async def id_of(self, table: str, slug: str) -> int:
        found: int = await self.sql.fetchval(f"SELECT id FROM {table} WHERE slug = $1", slug)
        return found

    async def kept(self, content: str) -> tuple[str, int]:
        """A file in the store: its digest and its size."""

        async def once() -> AsyncIterator[bytes]:
            yield content.encode()

        blob = await self.store.keep(once(), most_bytes=10_000)
        return blob.sha256, blob.size

    def number_of_rows(self, thing: Thing, *rights: str) -> int:
        """A number so odd that it tells whose it is."""
        self.rows += 10
        self.world.canary(thing, *rights, mark=str(self.rows))
        return self.rows

    async def happened(self, thing: Thing, number: int, **details: Any) -> None:
        """A line of the record's history, for those who may read it."""
        mark = self.world.canary(thing, *HISTORY[thing.model])
        await self.put(
            "activity", actor_kind="person", action=f"{thing.model.lower()}.edit", object_type=spelt(thing.model),
            object_id=number, request_id="", details={"note": mark, **details},
        )  # fmt: skip

    async def person(self, *ways: tuple[Thing, str], state: str = "active", **more: Any) -> int:
        """Somebody whose name and address are canaries; whoever has one of the rights may know them."""
        mark = f"kanarie{len(self.world.canaries):04}x"
        self.world.canaries[mark] = [*ways, (Thing("nothing"), "person.manage")]
        return await self.put(
            "person", name=f"Person {mark}", email=f"{mark}@demo.example", state=state, **more
        )

    async def partner(self, slug: str, level: str, parent: str | None = None, **row: Any) -> Thing:
        thing = self.world.add(Thing("Partner", level, owner=slug, path={"slug": slug}, name=slug))
        mark = self.world.canary(thing, "view", "own")
        number = await self.put(
            "partner", slug=slug, name=f"Part {mark}", country="SE", visibility=level,
            contact_mailbox=f"{self.world.canary(thing)}@demo.example",
            parent_id=await self.id_of("partner", parent) if parent else None, **{"kind": "company"} | row,
        )  # fmt: skip
        thing.path.update(id=str(number), called=f"Part {mark}", archived="yes" * ("archived_at" in row))
        await self.people(thing, number)
        return thing

    async def people(self, partner: Thing, number: int) -> None:
        """Its history, and an invited member whom only those who manage it know."""
        await self.happened(partner, number)
        person = await self.person((partner, "membership.manage"), state="invited")
        member = await self.put(
            "membership", person_id=person, partner_id=number, role="member", from_on=date(2026, 1, 1)
        )
        address = await self.put(
            "webhook", partner_id=number, url=f"https://{self.world.canary(partner, 'webhook.manage')}.example.se/",
            secret=bytes(32), events=["result.received"], paused_at=ARCHIVED if partner.name == "dold" else None,
        )  # fmt: skip
        mark = self.world.canary(partner, "webhook.manage")
        await self.put(
            "webhook_delivery", webhook_id=address, event="result.received", once="1", data={}, state="failed", error=mark
        )  # fmt: skip
        partner.path.update(member=str(member), hook=str(address))

    async def testbed(self, slug: str, level: str, owner: str, **row: Any) -> Thing:
        thing = self.world.add(
            Thing("Testbed", level, owner=owner, testbed=slug, path={"slug": slug}, name=slug)
        )
        number = await self.put(
            "testbed", slug=slug, name={"sv": f"Bädd {self.world.canary(thing)}"}, environment="real",
            owner_partner_id=await self.id_of("partner", owner), visibility=level,
            contact_mailbox=f"{self.world.canary(thing)}@demo.example", **row,
        )  # fmt: skip
        thing.path["archived"] = "yes" * ("archived_at" in row)
        await self.coordinated(thing, number)
        return thing

    async def coordinated(self, testbed: Thing, number: int) -> None:
        """Its history, and a coordinator whose name only those meet who have something to do there."""
        testbed.path["id"] = str(number)
        await self.happened(testbed, number)
        person = await self.person(*[(testbed, right) for right in HISTORY["Testbed"]])
        await self.put("testbed_coordinator", person_id=person, testbed_id=number)

    async def pilot(
        self, code: str, level: str, testbed: str, roles: dict[str, list[str]], *, left: Sequence[str] = (),
        lead: str | None = None, **row: Any,
    ) -> Thing:  # fmt: skip
        facts = Pilot(
            testbed, {slug: set(each) for slug, each in roles.items() if slug not in left},
            frozenset(slug for slug, each in roles.items() if "supplier" in each),
        )  # fmt: skip
        thing = Thing("Pilot", level, pilot=facts, testbed=testbed, path={"code": code}, name=code)
        self.world.add(thing)
        self.world.canary(thing, mark=code)
        thing.path["title"] = self.world.canary(thing)
        number = await self.put(
            "pilot", code=code, testbed_id=await self.id_of("testbed", testbed),
            title={"sv": f"Pilot {thing.path['title']}"}, stage="running", state="active", visibility=level,
            lead_partner_id=await self.id_of("partner", lead) if lead else None,
            planned_start_on=date(2026, 1, 1), planned_end_on=date(2026, 12, 31),
            coordinator_id=await self.person((thing, "inside")),
            quick=dict.fromkeys(("personal", "camera", "research", "ai"), False), **row,
        )  # fmt: skip
        for slug, each in roles.items():
            part = await self.put(
                "pilot_partner", pilot_id=number, partner_id=await self.id_of("partner", slug), roles=each,
                joined_on=date(2026, 1, 1), left_on=date(2026, 2, 1) if slug in left else None,
            )  # fmt: skip
            thing.path.setdefault("part", str(part))
            thing.path[f"part of {slug}"] = str(part)
        thing.path.update(id=str(number), archived="yes" * ("archived_at" in row))
        await self.happened(thing, number)
        return thing

    async def need(self, *pilots: Thing) -> Thing:
        """A need that several pilots answer: whoever sees one of them sees it."""
        first, facts = pilots[0], pilots[0].pilot
        assert facts is not None
        roles = dict(facts.roles)
        for each in pilots[1:]:
            assert each.pilot is not None
            for slug, had in each.pilot.roles.items():
                roles[slug] = roles.get(slug, set()) | had
        thing = Thing(
            "Need", pilot=Pilot(facts.testbed, roles), testbed=first.testbed, above=pilots, name=f"need of {first.name}"
        )  # fmt: skip
        number = await self.put(
            "need", testbed_id=await self.id_of("testbed", str(first.testbed)), user_groups=["residents"],
            statement=f"Behov {self.world.canary(self.world.add(thing))}",
        )  # fmt: skip
        for each in pilots:
            await self.put("pilot_need", pilot_id=int(each.path["id"]), need_id=number)
        thing.path.update(need=str(number), id=str(number))
        await self.happened(thing, number)
        return thing

    def below(self, model: str, parent: Thing, level: str | None = None, **facts: Any) -> Thing:
        """A thing of the same pilot as the one above it."""
        name = facts.pop("name", f"{model} of {parent.name}")
        return self.world.add(
            Thing(
                model,
                level,
                pilot=parent.pilot,
                testbed=facts.pop("testbed", parent.testbed),
                above=(parent,),
                name=name,
                **facts,
            )
        )

    async def case(self, pilot: Thing, authority: str) -> Thing:
        thing = self.below("Case", pilot)
        number = await self.put(
            "pilot_case", pilot_id=int(pilot.path["id"]), authority_id=await self.id_of("partner", authority),
            number=self.world.canary(thing), kind="municipal",
        )  # fmt: skip
        pilot.path["case"] = thing.path["id"] = str(number)
        return thing
