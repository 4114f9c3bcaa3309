"""A world with something of everything in it, each with a canary: a string only those who may see it ever meet.

Every level is there, and everything has hidden neighbours: a public testbed of a hidden partner, a public pilot in a
hidden testbed, a hidden lead, a hidden parent, files of a partner that left, places where only hidden devices sat.
"""

from datetime import date
from typing import Any

import asyncpg

from testbed.files import Store
from testbed.people.secrets import digest
from tests.cast import ALVA, PEOPLE, signed_in, token_of
from tests.matrix.builder import ARCHIVED, Builder
from tests.matrix.builder import World as World
from tests.matrix.evidence import dataset, decision, delivery, outcome, result, trial, upload
from tests.matrix.field import deployed, device, place
from tests.matrix.oracle import Principal, Thing

ORIGIN = "http://testserver"
MEMBERS = {"dold": ("Fanny", "manager"), "parter": ("Bo", "member")}
SECRET = "s" * 43
UPLOADS = "Upload"
PASSWORD = "lång nog som lösenord"


def cookie(name: str) -> str:
    return f"{name.lower()}{'x' * 43}"[:43]


def browser(name: str) -> dict[str, str]:
    return {"cookie": f"testbed={cookie(name)}", "origin": ORIGIN, "accept-language": "en"}


PRINCIPALS = [
    Principal("nobody", {"origin": ORIGIN, "accept-language": "en"}),
    Principal("Alva", browser("Alva"), "Alva", partners={"lulea": "member"}, coordinates=frozenset({"norra-hamn", "arkiv"})),
    Principal("Bo", browser("Bo"), "Bo", partners={"lunet": "manager", "parter": "member"}),
    Principal("Cecilia", browser("Cecilia"), "Cecilia", partners={"ltu": "member"}),
    Principal("David", browser("David"), "David"),
    Principal("Ebba", browser("Ebba"), "Ebba", admin=True),
    Principal("Fanny", browser("Fanny"), "Fanny", partners={"dold": "manager"}),
    Principal(
        "Alva's token", ALVA, "Alva", partners={"lulea": "member"}, coordinates=frozenset({"norra-hamn", "arkiv"}),
        scopes=frozenset({"read", "export", "upload", "observe", "manage", "publish"}),
    ),
    Principal("Cecilia's token for uploads", signed_in(UPLOADS), "Cecilia", partners={"ltu": "member"}, scopes=frozenset({"upload"})),
]  # fmt: skip


async def build(connection: asyncpg.Connection, store: Store) -> World:
    """Write the world into a database that holds the cast."""
    make = Builder(connection, store)
    await partners(make)
    beds = await testbeds(make)
    await come_in(make)
    pilots = await register(make)
    await measure(make, beds, pilots)
    for each in pilots[:-1]:
        await evidence(make, each)
    await people(make, beds)
    expected(make)
    return make.world


async def partners(make: Builder) -> None:
    for slug in ("lulea", "lunet", "ltu"):
        thing = make.world.add(Thing("Partner", "public", owner=slug, path={"slug": slug}, name=slug))
        number = await make.id_of("partner", slug)
        thing.path.update(id=str(number), called={"lulea": "Luleå kommun", "lunet": "Lunet"}.get(slug, "LTU"))
        await make.people(thing, number)
    await make.partner("dold", "restricted", kind="department")
    await make.partner("intern", "internal", kind="department")
    await shared(make, make.world.one("Partner", "lunet"), make.world.one("Partner", "dold"))
    await make.partner("parter", "partners")
    await make.partner("dotter", "public", parent="intern")
    await make.partner("nytt", "public")
    await make.partner("gammalt", "public", archived_at=ARCHIVED)


async def shared(make: Builder, partner: Thing, other: Thing) -> None:
    """The invited member of one partner belongs to another one too: a link would open the doors of both."""
    row = await make.sql.fetchrow(
        "SELECT person.id, person.name FROM membership m JOIN person ON person.id = m.person_id WHERE m.id = $1",
        int(partner.path["member"]),
    )
    await make.put("membership", person_id=row["id"], partner_id=int(other.path["id"]), role="member")
    make.world.canary(other, "membership.manage", mark=row["name"].removeprefix("Person "))
    partner.path["shared"] = other.name


async def testbeds(make: Builder) -> dict[str, Thing]:
    for slug, owner in (("norra-hamn", "lulea"), ("skeppsbron", "intern")):
        thing = make.world.add(
            Thing("Testbed", "public", owner=owner, testbed=slug, path={"slug": slug}, name=slug)
        )
        number = await make.id_of("testbed", slug)
        await make.sql.execute(
            "UPDATE testbed SET owner_partner_id = $1 WHERE id = $2",
            await make.id_of("partner", owner),
            number,
        )
        await make.coordinated(thing, number)
    await make.testbed("intern", "internal", "intern")
    await make.testbed("dold", "restricted", "dold")
    await make.testbed("parter", "partners", "parter")
    await make.testbed("arkiv", "public", "lulea", archived_at=ARCHIVED)
    return {each.name: each for each in make.world.things["Testbed"]}


async def come_in(make: Builder) -> None:
    """Sessions for everybody, and a person of a hidden partner."""
    await make.put("person", name="Fanny", email="fanny@demo.example", state="active", admin=False)
    for slug, (name, role) in MEMBERS.items():
        person = await make.sql.fetchval("SELECT id FROM person WHERE name = $1", name)
        await make.put(
            "membership", person_id=person, partner_id=await make.id_of("partner", slug), role=role,
            from_on=date(2026, 1, 1),
        )  # fmt: skip
    alva = await make.sql.fetchval("SELECT id FROM person WHERE name = 'Alva'")
    await make.put("testbed_coordinator", person_id=alva, testbed_id=await make.id_of("testbed", "arkiv"))
    for name in [*PEOPLE, "Fanny"]:
        number = await make.sql.fetchval(
            "INSERT INTO session (person_id, sha256, seen_at, expires_at, user_agent) SELECT id, $2, now() + interval '1 h',"
            " now() + interval '1 d', 'Firefox/1' FROM person WHERE name = $1 RETURNING id",
            name, digest(cookie(name)),
        )  # fmt: skip
        make.world.add(
            Thing("Session", person=name, path={"number_": str(number)}, name=f"session of {name}")
        )
    _, _, public, rest = token_of(UPLOADS).split("_", 3)
    await make.sql.execute(
        "INSERT INTO token (person_id, name, public, sha256, scopes, expires_at)"
        " SELECT id, 'uploads', $1, $2, '{upload}', now() + interval '1 year' FROM person WHERE name = 'Cecilia'",
        public, digest(rest[:43]),
    )  # fmt: skip
    await make.sql.execute(
        "UPDATE token SET used_at = now() + interval '1 h'"
    )  # so that using one writes nothing
    for row in await make.sql.fetch(
        "SELECT token.id, person.name FROM token JOIN person ON person.id = person_id"
    ):
        make.world.add(
            Thing(
                "Token", person=row["name"], path={"number_": str(row["id"])}, name=f"token of {row['name']}"
            )
        )


async def register(make: Builder) -> list[Thing]:
    """Pilots of every level, in testbeds seen and hidden; the last is archived."""
    parts = {"lunet": ["supplier"], "ltu": ["researcher"], "dold": ["evaluator", "need_owner"]}
    pilots = [
        await make.pilot(
            "LUL-2026-801", "partners", "norra-hamn", parts | {"intern": ["lead"]}, lead="intern"
        ),
        await make.pilot(
            "LUL-2026-802", "public", "norra-hamn", parts | {"lulea": ["host", "supplier"], "dotter": ["observer"]}
        ),
        await make.pilot("LUL-2026-803", "internal", "norra-hamn", {"lunet": ["supplier"], "ltu": ["researcher"]}),
        await make.pilot("LUL-2026-804", "public", "skeppsbron", {"lulea": ["lead"], "ltu": ["need_owner"]}, lead="lulea"),
        await make.pilot(
            "LUL-2026-805", "restricted", "dold", {"lunet": ["supplier"], "dold": ["lead"]}, left=["lunet"], lead="dold"
        ),
        await make.pilot("LUL-2026-806", "public", "intern", {"ltu": ["researcher", "host"], "intern": ["observer"]}),
        await make.pilot("LUL-2026-807", "public", "norra-hamn", {"lunet": ["supplier"]}, archived_at=ARCHIVED),
    ]  # fmt: skip
    await make.need(pilots[1], pilots[2])
    for each in pilots:
        if each is not pilots[2]:
            await make.need(each)
    for each in pilots:
        await make.case(each, "intern" if each is pilots[1] else "lulea")
    return pilots


async def measure(make: Builder, beds: dict[str, Thing], pilots: list[Thing]) -> None:
    """Devices that are seen and hidden, at places of their own and at one they share."""
    first, second, third, _, fifth, sixth, _ = pilots
    one = await device(make, "partners", "lunet", "norra-hamn", first)
    two = await device(make, "public", "lunet", "norra-hamn", second)
    three = await device(make, "public", "intern", "norra-hamn", second)
    four = await device(make, "restricted", "ltu", "norra-hamn", second)
    five = await device(make, "public", "lunet", "norra-hamn", third)
    await device(make, "public", "ltu", "norra-hamn", third)
    six = await device(make, "partners", "lunet", "dold", fifth)
    seven = await device(make, "public", "ltu", "intern", sixth)
    eight = await device(make, "public", "dold", "dold")
    nine = await device(make, "internal", "parter", "parter")
    await device(make, "public", "lunet", "norra-hamn", archived=True)
    ten = await device(make, "partners", "lunet", "norra-hamn", first)
    shared = await place(make, beds["norra-hamn"], two, four, five)
    await deployed(make, two, shared, third)
    for each in (four, five):
        await deployed(make, each, shared, second)
    for each, bed in (
        (one, "norra-hamn"),
        (six, "dold"),
        (seven, "intern"),
        (eight, "dold"),
        (nine, "parter"),
    ):
        await deployed(make, each, await place(make, beds[bed], each))
    await deployed(make, three, await place(make, beds["norra-hamn"], three), second)
    await deployed(make, one, await place(make, beds["norra-hamn"], one), first, ended=True)
    await place(make, beds["intern"])
    ten.path["place"] = (await place(make, beds["norra-hamn"])).path["id"]


async def evidence(make: Builder, pilot: Thing) -> None:
    """Results and datasets of every level for the public pilot, fewer for the others; each rests on hidden results too."""
    whole, owner = pilot.name.endswith("802"), "lulea" if pilot.name.endswith("804") else "lunet"
    owner = "ltu" if pilot.name.endswith("806") else owner
    run = await trial(make, pilot)
    await delivery(make, run, owner, "D1", lost=True)
    await delivery(make, run, "lunet" if owner == "lulea" else "ltu", "D2")
    await delivery(make, run, "dold" if whole else owner, "D3")
    taken: dict[str, Any] = {"acceptance": "accepted_partly", "answers": {"decimal": ","}}
    own = await result(make, run, "private", owner, **taken)
    other = await result(make, run, "private", "dold", **taken)
    levels = ("consortium", "public", "registered", "restricted") if whole else ("public",)
    levels = ("consortium", *levels) if owner == "ltu" else levels
    for level in levels:
        await result(
            make,
            run,
            level,
            owner,
            asked_at=ARCHIVED if whole and level == "consortium" else None,
            replaces_id=int(own.path["id"]),
            delivery_id=int(run.path["planned"]),
        )
    held = [other, own]  # the one that its owner may not see comes first, and stays there
    left = pilot.name.endswith("803")  # whose people see nothing of the pilot, but what they own
    await upload(make, run, *(("Bo", "lunet") if owner == "lunet" and not left else ("Cecilia", "ltu")))
    if left:
        await dataset(make, pilot, "private", "ltu", held)
    first = await dataset(make, pilot, "private", owner, held)
    for level in ("public", "registered", "consortium", "restricted") if whole else ("public",):
        await dataset(make, pilot, level, owner, held)
    if whole:
        for level, archived in (("internal", False), ("restricted", False), ("public", True)):
            await delivery(make, await trial(make, pilot, level, archived=archived), "lunet", "D1")
        await result(make, run, "public", "intern")
        await result(make, run, "public", owner, archived=True)
        await dataset(make, pilot, "public", "intern", [own])
        await dataset(make, pilot, "restricted", "dold", [own], archived=True)
        await dataset(make, pilot, "public", owner, [own], archived=True, published=False)
    await dataset(make, pilot, "public", owner, held, published=False) if not whole else None
    rests = next(each for each in make.world.things["Version"] if each.above == (first,))
    await outcome(make, pilot, rests)
    if whole:
        await outcome(make, pilot, rests, archived=True)
    await decision(make, pilot)


def expected(make: Builder) -> None:
    """What is expected of each partner: for its members, and for those who coordinate where something is expected."""
    for partner in make.world.things["Partner"]:
        waiting = [each for each in make.world.things["PlannedDelivery"] if each.owner == partner.owner]
        make.world.add(
            Thing(
                "Expected",
                owner=partner.owner,
                above=(partner, *waiting),
                path=partner.path,
                name=f"expected of {partner.name}",
            )
        )


async def people(make: Builder, beds: dict[str, Thing]) -> None:
    """Those whom administrators look after, and one who was sent a link."""
    query = "SELECT min(person_id) FROM testbed_coordinator WHERE testbed_id = $1 AND person_id <> $2"
    alva = await make.sql.fetchval("SELECT id FROM person WHERE name = 'Alva'")
    for name in ("norra-hamn", "dold"):
        number = await make.sql.fetchval(query, int(beds[name].path["id"]), alva)
        make.world.add(
            Thing(
                "Person",
                path={"person": str(number), "bed": beds[name].path["id"]},
                name=f"coordinator of {name}",
            )
        )
    ways = {
        "suspended": [],
        "active": [],
        "invited": [(make.world.one("Partner", "dold"), "membership.manage")],
    }
    for state, known in ways.items():
        number = await make.person(*known, state=state, admin=state == "active")
        make.world.add(Thing("Person", path={"person": str(number)}, name=f"somebody {state}"))
    await make.put(
        "membership", person_id=number, partner_id=await make.id_of("partner", "dold"), role="member"
    )
    await make.put(
        "one_time_link", purpose="invite", sha256=digest(SECRET), person_id=number,
        expires_at=ARCHIVED.replace(year=2100),
    )  # fmt: skip
    name = await make.sql.fetchval("SELECT name FROM person WHERE id = $1", number)
    make.world.add(Thing("Link", path={"token": SECRET, "opens": name}, name="a link"))
