"""A world with something of everything in it, each with a canary: a string only those who may see it ever meet."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from testbed.canonical import digest
from testbed.files import Store
from testbed.trials.soundness import sound
from tests.cast import ALVA, BO, CECILIA, DAVID, EBBA, PART
from tests.matrix.beside import devices, outcomes
from tests.matrix.oracle import Pilot, Principal, Thing
from tests.trials.checked import findings_file

MARKS = {"private": "PV", "consortium": "CN", "public": "PB"}  # letters that codes may hold

PRINCIPALS = [
    Principal("nobody", {"accept-language": "en"}, signed_in=False),
    Principal("Alva", ALVA, partners={"lulea": "member"}, coordinates=frozenset({"norra-hamn"}), scopes=frozenset({"read", "export", "upload", "observe", "manage", "publish"})),
    Principal("Bo", BO, partners={"lunet": "manager"}, scopes=frozenset({"read", "export", "upload", "observe", "manage", "publish"})),
    Principal("Cecilia", CECILIA, partners={"ltu": "member"}, scopes=frozenset({"read", "export", "upload", "observe", "manage", "publish"})),
    Principal("David", DAVID, scopes=frozenset({"read", "export", "upload", "observe", "manage", "publish"})),
    Principal("Ebba", EBBA, admin=True, scopes=frozenset({"read", "export", "upload", "observe", "manage", "publish"})),
]  # fmt: skip


@dataclass
class World:
    """``things`` by model; ``canaries`` maps a string to the row it lies in and the right it takes to meet it."""

    things: dict[str, list[Thing]] = field(default_factory=dict)
    canaries: dict[str, tuple[Thing, str]] = field(default_factory=dict)

    def add(self, thing: Thing) -> Thing:
        self.things.setdefault(thing.model, []).append(thing)
        return thing

    def canary(self, thing: Thing, right: str = "view") -> str:
        mark = f"kanariefågel{len(self.canaries):04}x"
        self.canaries[mark] = (thing, right)
        return mark


class Builder:
    """Writes rows and keeps the facts about them side by side."""

    def __init__(self, connection: asyncpg.Connection, store: Store) -> None:
        self.sql, self.store, self.world = connection, store, World()

    async def number(self, query: str, *values: Any) -> int:
        made: int = await self.sql.fetchval(query, *values)
        return made

    async def kept(self, content: str) -> str:
        async def once() -> AsyncIterator[bytes]:
            yield content.encode()

        return (await self.store.keep(once(), most_bytes=10_000)).sha256

    async def pilot(self, code: str, level: str, testbed: str, roles: dict[str, list[str]]) -> Thing:
        facts = Pilot(testbed, {slug: set(each) for slug, each in roles.items()})
        thing = self.world.add(
            Thing("Pilot", level, pilot=facts, testbed=testbed, path={"code": code}, name=code)
        )
        mark = self.world.canary(thing)
        number = await self.number(
            "INSERT INTO pilot (testbed_id, code, title, stage, state, visibility, planned_start_on, planned_end_on, quick)"
            " SELECT id, $1, jsonb_build_object('sv', $2::text), 'running', 'active', $3, '2026-01-01', '2026-12-31',"
            " '{\"personal\": false, \"camera\": false, \"research\": false, \"ai\": false}'"
            " FROM testbed WHERE slug = $4 RETURNING id",
            code, f"Pilot {mark}", level, testbed,
        )  # fmt: skip
        for slug, each in roles.items():
            await self.sql.execute(PART, number, slug, each)
        thing.path["id"] = str(number)
        thing.path["part"] = str(
            await self.number("SELECT min(id) FROM pilot_partner WHERE pilot_id = $1", number)
        )
        await self.need(thing, testbed, number)
        await self.case(thing, number)
        return thing

    async def case(self, pilot: Thing, number: int) -> None:
        """A case number, as visible as its pilot: also on the receipts of those who own a file in it."""
        thing = Thing("Case", None, pilot=pilot.pilot, parent=pilot, name=f"case of {pilot.name}")
        pilot.path["case"] = str(
            await self.number(
                "INSERT INTO pilot_case (pilot_id, authority_id, number, kind) SELECT $1, id, $2, 'municipal' FROM partner"
                " WHERE slug = 'lulea' RETURNING id",
                number, f"KS {self.world.canary(thing)}",
            )
        )  # fmt: skip

    async def need(self, pilot: Thing, testbed: str, number: int) -> None:
        thing = Thing(
            "Need", None, pilot=pilot.pilot, testbed=testbed, parent=pilot, name=f"need of {pilot.name}"
        )
        need = await self.number(
            "INSERT INTO need (testbed_id, statement, user_groups) SELECT id, $2, '{residents}' FROM testbed WHERE slug = $1 RETURNING id",
            testbed, f"Behov {self.world.canary(self.world.add(thing))}",
        )  # fmt: skip
        await self.sql.execute("INSERT INTO pilot_need (pilot_id, need_id) VALUES ($1, $2)", number, need)
        thing.path["need"] = str(need)

    async def trial(self, pilot: Thing, level: str) -> Thing:
        thing = Thing("Trial", level, pilot=pilot.pilot, parent=pilot, name=f"trial of {pilot.name}")
        mark = self.world.canary(self.world.add(thing))
        number = await self.number(
            "INSERT INTO trial (pilot_id, title, visibility) VALUES ($1, jsonb_build_object('sv', $2::text), $3) RETURNING id",
            int(pilot.path["id"]), f"Försök {mark}", level,
        )  # fmt: skip
        thing.path.update({"trial": str(number), "filename": "m.csv"})
        await self.schema(thing, number)
        return thing

    async def schema(self, trial: Thing, number: int) -> None:
        """A table schema of the trial, as visible as the trial is; its texts are canaries."""
        title, note = self.world.canary(trial), self.world.canary(trial)
        body, faults = sound({"fields": [{"name": "kolumn", "type": "string", "title": title}]})
        assert not faults
        await self.sql.execute(
            "INSERT INTO table_schema (trial_id, number, body, sha256, note) VALUES ($1, 1, $2, $3, $4)",
            number, json.dumps(body), digest(body), note,
        )  # fmt: skip

    async def delivery(self, trial: Thing, owner: str) -> None:
        """As visible as its trial; why it is lost is for those who take part, as a consortium's file is."""
        told = Thing(
            "Standing", "consortium", owner=owner, pilot=trial.pilot, parent=trial, name=f"D1 of {trial.name}"
        )
        await self.sql.execute(
            "INSERT INTO planned_delivery (trial_id, code, title, description, from_partner_id, due_on, lost_reason)"
            " SELECT $1, 'D1', jsonb_build_object('sv', $2::text), jsonb_build_object('sv', $3::text), id, '2026-06-01', $4"
            " FROM partner WHERE slug = $5",
            int(trial.path["trial"]), f"Leverans {self.world.canary(trial)}", f"Om {self.world.canary(trial)}",
            f"Skäl {self.world.canary(told)}", owner,
        )  # fmt: skip
        trial.path["delivery"] = "D1"

    async def webhook(self, slug: str) -> str:
        """An address that only the partner's managers ever meet."""
        mark = self.world.canary(Thing("Hook", "private", owner=slug, name=f"webhook of {slug}"))
        return str(
            await self.number(
                "INSERT INTO webhook (partner_id, url, secret, events) SELECT id, $1, $2, '{result.received}' FROM partner"
                " WHERE slug = $3 RETURNING id",
                f"https://{mark}.example.se/", bytes(32), slug,
            )
        )  # fmt: skip

    async def result(self, trial: Thing, level: str, owner: str, code: str) -> Thing:
        thing = Thing(
            "Result", level, owner=owner, pilot=trial.pilot, parent=trial, path={"result": code}, name=code
        )
        assert trial.parent is not None
        mark = self.world.canary(self.world.add(thing))
        inside = self.world.canary(thing, "read")
        digest = await self.kept(f"kolumn\n{inside}\n{code}\n")
        refused = await self.kept(f"__line;__rules;kolumn\r\n2;type kolumn;{inside}\r\n")
        findings = findings_file(self.store.staging / f"{code}.parquet", [(2, "kolumn", 1, inside, "type")])
        thing.path["id"] = str(
            await self.number(
                "INSERT INTO result (code, trial_id, owner_id, filename, sha256, size, access, state, rows, report,"
                " parquet_sha256, rejected_sha256, note, findings_sha256, case_id) SELECT $1, $2, id, $3, $4, $6, $5, 'partly', 1,"
                " jsonb_build_object('header', 'h'), $4, $9, $7, $10, $11"
                " FROM partner WHERE slug = $8 RETURNING id",
                code, int(trial.path["trial"]), f"{mark}.csv", digest, level,
                await self.store.size(digest), f"anteckning {mark}", owner, refused,
                (await self.store.keep_file(findings)).sha256, int(trial.parent.path["case"]),
            )
        )  # fmt: skip
        return thing

    async def upload(self, trial: Thing, person: str) -> None:
        """An upload under way; the trial may be hidden from whoever began it, as when they left the pilot."""
        thing = Thing("Upload", person=person, name=f"upload of {person} to {trial.name}")
        told = b64encode(f"{self.world.canary(self.world.add(thing))}.csv".encode()).decode()
        thing.path["upload"] = str(
            await self.number(
                "INSERT INTO upload (person_id, trial_id, owner_id, length_bytes, metadata_sent, state, expires_at)"
                " SELECT person.id, $1, partner.id, 5, $2, 'arriving', now() + interval '7 days' FROM person, partner"
                " WHERE person.name = $3 AND slug = 'lunet' RETURNING identifier",
                int(trial.path["trial"]), f"trial MQ==,filename {told}", person,
            )
        )  # fmt: skip

    async def replaces(self, new: Thing, old: Thing) -> None:
        """A file that everybody sees, in place of one that few do."""
        await self.sql.execute(
            "UPDATE result SET replaces_id = $2 WHERE id = $1", int(new.path["id"]), int(old.path["id"])
        )

    async def dataset(self, pilot: Thing, level: str, owner: str, result: Thing, *, published: bool) -> Thing:
        slug = f"{level}-{'ute' if published else 'utkast'}-{pilot.path['id']}"
        thing = Thing(
            "Dataset",
            level,
            owner=owner,
            pilot=pilot.pilot,
            parent=pilot,
            published=published,
            path={"slug": slug, "job": "1"},
            name=slug,
        )
        mark = self.world.canary(self.world.add(thing))
        number = await self.number(
            "INSERT INTO dataset (slug, pilot_id, owner_id, title, description, licence, access, state)"
            " SELECT $1, $2, id, jsonb_build_object('sv', $3::text), '{\"sv\": \"Om\"}', 'CC-BY-4.0', $4, $5"
            " FROM partner WHERE slug = $6 RETURNING id",
            slug, int(pilot.path["id"]), f"Data {mark}", level, "published" if published else "draft", owner,
        )  # fmt: skip
        await self.sql.execute(
            "INSERT INTO dataset_result (dataset_id, result_id, position) VALUES ($1, $2, 0)",
            number, int(result.path["id"]),
        )  # fmt: skip
        if published:
            await self.version(thing, number, result)
        return thing

    async def version(self, dataset: Thing, number: int, result: Thing) -> None:
        thing = Thing(
            "Version",
            None,
            owner=dataset.owner,
            pilot=dataset.pilot,
            parent=dataset,
            name=f"version of {dataset.name}",
        )
        self.world.add(thing)
        content = self.world.canary(dataset, "read")
        digest = await self.kept(f"kolumn\n{content}\n")
        size = await self.store.size(digest)
        profile = f'{{"columns": [{{"name": "{content}", "type": "string", "statistics": {{}}}}], "preview": {{"columns": ["{content}"], "rows": [["{content}"]]}}}}'
        made = await self.number(
            "INSERT INTO version (dataset_id, number, rows, profile, manifest, manifest_sha256, parquet_sha256,"
            " parquet_size, csv_sha256, csv_size) VALUES ($1, '1.0.0', 1, $2, jsonb_build_object('m', $3::text), $4, $4, $5, $4, $5) RETURNING id",
            number, profile, content, digest, size,
        )  # fmt: skip
        name = f"{self.world.canary(dataset, 'read')}.csv"
        await self.sql.execute(
            "INSERT INTO version_source (version_id, result_id, filename, sha256, size, row_from, row_to) VALUES ($1, $2, $3, $4, $5, 0, 1)",
            made, int(result.path["id"]), name, digest, size,
        )  # fmt: skip
        thing.path.update(
            {**dataset.path, "version": "1.0.0", "name": "data.csv", "filename": name, "id": str(made)}
        )


async def build(connection: asyncpg.Connection, store: Store) -> World:
    """Write the world into a database that holds the cast."""
    make = Builder(connection, store)
    for slug, testbed in (
        ("lulea", None),
        ("lunet", None),
        ("ltu", None),
        (None, "norra-hamn"),
        (None, "skeppsbron"),
    ):
        if slug:
            path = {
                "slug": slug,
                "member": "1",
                "hook": await make.webhook(slug) if slug == "lunet" else "999",
            }
            make.world.add(Thing("Partner", "public", owner=slug, path=path, name=slug))
            waiting = "norra-hamn" if slug == "lunet" else None  # where somebody coordinates and waits for it
            make.world.add(
                Thing("Expected", "private", owner=slug, testbed=waiting, path={"slug": slug}, name=slug)
            )
        else:
            make.world.add(
                Thing(
                    "Testbed",
                    "public",
                    owner="lulea",
                    testbed=testbed,
                    path={"slug": testbed or ""},
                    name=testbed or "",
                )
            )
    parts = {"lunet": ["supplier"], "ltu": ["researcher"]}
    pilots = [
        await make.pilot("LUL-2026-801", "partners", "norra-hamn", parts),
        await make.pilot("LUL-2026-802", "public", "norra-hamn", parts),
        await make.pilot("LUL-2026-803", "internal", "norra-hamn", parts),
        await make.pilot("LUL-2026-804", "public", "skeppsbron", {"lulea": ["lead"]}),
    ]
    for n, pilot in enumerate(pilots):
        owner = "lunet" if n < 3 else "lulea"
        trial = await make.trial(pilot, "public")
        if n < 3:
            await make.upload(trial, "Cecilia" if n == 2 else "Bo")
        await make.delivery(trial, owner)
        results = [
            await make.result(trial, level, owner, f"R-{MARKS[level]}{n}AAA")
            for level in ("private", "consortium", "public")
        ]
        await make.replaces(results[2], results[0])
        for level in (
            ("public", "registered", "consortium", "restricted", "private") if n < 2 else ("public",)
        ):
            for published in (True, False) if n == 0 or level == "public" else (True,):
                await make.dataset(pilot, level, owner, results[0], published=published)
        await devices(make, pilot, owner)
        await outcomes(make, pilot)
    return make.world
