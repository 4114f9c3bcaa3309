"""What a pilot leads to: trials, results, datasets with versions, outcomes, decisions, lessons."""

from base64 import b64encode
from datetime import date
from typing import Any

from testbed.canonical import canonical
from testbed.canonical import digest as canonical_digest
from testbed.trials.soundness import sound
from tests.matrix.builder import ARCHIVED, Builder
from tests.matrix.oracle import Thing
from tests.trials.checked import findings_file, refused_file

NEVER = ARCHIVED.replace(year=2100)
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


async def trial(make: Builder, pilot: Thing, level: str = "public", *, archived: bool = False) -> Thing:
    thing = make.below("Trial", pilot, level, name=f"{level} trial of {pilot.name}")
    title = make.world.canary(thing)
    number = await make.put(
        "trial", pilot_id=int(pilot.path["id"]), title={"sv": f"Försök {title}"}, visibility=level, partial="coordinator",
        archived_at=ARCHIVED if archived else None,
    )  # fmt: skip
    thing.path.update(
        trial=str(number), id=str(number), filename="m.csv", title=title, archived="yes" * archived
    )
    await make.happened(thing, number)
    for mark in (pilot.path["title"], pilot.name):
        make.world.canary(thing, "result.upload", mark=mark)
    await schema(make, thing)
    arm = await make.put("arm", trial_id=number, name=make.world.canary(thing), kind="treatment")
    await make.put("unit", trial_id=number, arm_id=arm, label=make.world.canary(thing))
    return thing


async def schema(make: Builder, trial: Thing) -> None:
    """A table schema; its texts go to whoever sees the trial, who saved it to those who may change it."""
    body, faults = sound(
        {"fields": [{"name": "kolumn", "type": "string", "title": make.world.canary(trial)}]}
    )
    assert not faults
    number = await make.put(
        "table_schema", trial_id=int(trial.path["id"]), number=1, body=body, sha256=canonical_digest(body),
        note=make.world.canary(trial), created_by_id=await make.person((trial, "trial.edit")),
    )  # fmt: skip
    trial.path.update(schema="1", schema_id=str(number))


async def delivery(make: Builder, trial: Thing, partner: str, code: str, *, lost: bool = False) -> Thing:
    """A planned delivery, as visible as its trial; how it stands is for those who take part."""
    thing = make.below("PlannedDelivery", trial, owner=partner, name=f"{code} of {trial.name}")
    title = trial.path["asked for"] = make.world.canary(thing)
    number = await make.put(
        "planned_delivery", trial_id=int(trial.path["id"]), code=code, due_on=date(2026, 6, 1),
        title={"sv": f"Leverans {title}"}, description={"sv": make.world.canary(thing)},
        from_partner_id=await make.id_of("partner", partner),
        lost_reason=make.world.canary(trial, "result.upload") if lost else None,
        archived_at=ARCHIVED if trial.path["archived"] else None,
    )  # fmt: skip
    thing.path.update(id=str(number), delivery=code, trial=trial.path["trial"])
    trial.path.update(delivery=code, sender=str(await make.id_of("partner", partner)), planned=str(number))
    await make.happened(thing, number)
    return thing


async def upload(make: Builder, trial: Thing, person: str, owner: str) -> Thing:
    """An upload under way; the trial may be hidden from whoever began it, as when they left the pilot."""
    thing = make.world.add(
        Thing("Upload", person=person, above=(trial,), name=f"upload of {person} to {trial.name}")
    )
    told = b64encode(f"{make.world.canary(thing)}.csv".encode()).decode()
    number = b64encode(trial.path["trial"].encode()).decode()
    made = await make.put(
        "upload", person_id=await make.sql.fetchval("SELECT id FROM person WHERE name = $1", person),
        trial_id=int(trial.path["trial"]), owner_id=await make.id_of("partner", owner), length_bytes=5,
        metadata_sent=f"trial {number},filename {told}", state="arriving", expires_at=NEVER,
    )  # fmt: skip
    await make.put(
        "activity", actor_kind="person", action="upload.begin", object_type="upload", object_id=made, request_id="", details={}
    )  # fmt: skip
    thing.path["upload"] = str(await make.sql.fetchval("SELECT identifier FROM upload WHERE id = $1", made))
    return thing


async def result(
    make: Builder, trial: Thing, level: str, owner: str, *, archived: bool = False, **more: Any
) -> Thing:
    """A result whose every file holds a canary; its owner's people know by its receipt what it was for."""
    place = len(make.world.things.get("Result", []))
    code = f"R-8{CROCKFORD[place]}QQQQ"
    thing = make.below(
        "Result", trial, level, owner=owner, name=f"{level} result {code}", path={"result": code}
    )
    make.world.canary(thing, mark=code)
    marks = [make.world.canary(thing, "read") for _ in range(3)]
    (raw, size), (table, _) = [await make.kept(f"kolumn\n{mark}\n") for mark in marks[:2]]
    rejected, _ = await make.kept(refused_file(["kolumn"], {2: [marks[2]]}).decode())
    found = findings_file(make.store.staging / f"{code}.parquet", [(2, "kolumn", 1, marks[2], "type")])
    for digest in (raw, table, rejected):
        make.world.canary(thing, "view" if digest == raw else "read", mark=digest)
    pilot = trial.above[0]
    known = [trial.path["title"], pilot.path["title"], pilot.name]
    for mark in [*known, *([trial.path["asked for"]] if "delivery_id" in more else [])]:
        make.world.canary(thing, "own", mark=mark)
    number = await make.put(
        "result", code=code, trial_id=int(trial.path["trial"]), owner_id=await make.id_of("partner", owner),
        person_id=await make.person((thing, "result.edit")), case_id=int(pilot.path["case"]),
        filename=f"{make.world.canary(thing)}.csv", sha256=raw, size=size, access=level, state="partly", looked_through=True,
        rows=make.number_of_rows(thing), report=report_of(make.world.canary(thing)),
        parquet_sha256=table, rejected_sha256=rejected, note=make.world.canary(thing),
        archived_at=ARCHIVED if archived else None, findings_sha256=(await make.store.keep_file(found)).sha256,
        schema_id=int(trial.path["schema_id"]), **more,
    )  # fmt: skip
    thing.path["open"] = "yes" * ("acceptance" not in more)
    thing.path.update(id=str(number), raw=raw, content=marks[0], size=str(size), archived="yes" * archived)
    await make.happened(thing, number)
    return thing


def report_of(mark: str) -> dict[str, Any]:
    """What the reading of a file of one cell says of it."""
    counted = {"n": 1, "missing": 0, "distinct": 1, "top": [{"value": mark, "count": 1}]}
    return {
        "header": "h",
        "rejected": 1,
        "problems": [],
        "kind": "csv",
        "assumed": {},
        "columns": [{"name": mark, "title": mark, "type": "string", "statistics": counted}],
        "preview": {"columns": [mark], "rows": [[mark]]},
    }


async def dataset(
    make: Builder, pilot: Thing, level: str, owner: str, held: list[Thing], *, published: bool = True,
    archived: bool = False,
) -> Thing:  # fmt: skip
    slug = f"{level}-{'ute' if published else 'utkast'}-{owner}-{pilot.path['id']}"
    thing = make.below(
        "Dataset", pilot, level, owner=owner, published=published, held=tuple(held), name=slug, path={"slug": slug}
    )  # fmt: skip
    number = await make.put(
        "dataset", slug=slug, pilot_id=int(pilot.path["id"]), owner_id=await make.id_of("partner", owner),
        title={"sv": f"Data {make.world.canary(thing)}"}, description={"sv": make.world.canary(thing)},
        licence="CC-BY-4.0", access=level, state="published" if published else "draft",
        contact_mailbox=f"{make.world.canary(thing)}@demo.example", archived_at=ARCHIVED if archived else None,
    )  # fmt: skip
    for position, each in enumerate(held):
        await make.put("dataset_result", dataset_id=number, result_id=int(each.path["id"]), position=position)
    job = await make.put(
        "job", kind="publish", args={"dataset_id": number}, state="done", result={"number": "1.0.0"}
    )
    thing.path.update(id=str(number), job=str(job), archived="yes" * archived)
    await make.happened(thing, number)
    if published:
        await version(make, thing, held)
    return thing


async def version(make: Builder, dataset: Thing, held: list[Thing]) -> Thing:
    """A version of the results a dataset holds; their names, digests and codes go to whoever reads it."""
    thing = make.below("Version", dataset, name=f"version of {dataset.name}", owner=dataset.owner)
    (table, size), (csv, csv_size) = [
        await make.kept(f"kolumn\n{make.world.canary(thing, 'read')}\n") for _ in range(2)
    ]
    manifest = {"made of": make.world.canary(thing, "read")}
    digest, _ = await make.kept(canonical(manifest).decode())
    for made in (table, csv, digest):
        make.world.canary(thing, "read", mark=made)
    seen = make.world.canary(thing, "read")
    number = await make.put(
        "version", dataset_id=int(dataset.path["id"]), number="1.0.0", rows=make.number_of_rows(thing, "read"),
        notes=make.world.canary(thing), profile=report_of(seen), manifest=manifest, manifest_sha256=digest,
        parquet_sha256=table, parquet_size=size, csv_sha256=csv, csv_size=csv_size,
    )  # fmt: skip
    for place, each in enumerate(held):
        name = f"{make.world.canary(thing, 'read')}.csv"
        for mark in (each.path["raw"], each.path["content"], each.path["result"]):
            make.world.canary(thing, "read", mark=mark)
        await make.put(
            "version_source", version_id=number, result_id=int(each.path["id"]), filename=name, sha256=each.path["raw"],
            size=int(each.path["size"]), row_from=place, row_to=place + 1,
        )  # fmt: skip
        thing.path.update(filename=name)
    thing.path.update(dataset.path, version="1.0.0", name="data.csv", id=str(number))
    return thing


async def outcome(make: Builder, pilot: Thing, version: Thing, *, archived: bool = False) -> Thing:
    """An outcome, as visible as its pilot, even where the version it rests on is not."""
    thing = make.below("Outcome", pilot, name=f"outcome of {pilot.name}")
    number = await make.put(
        "outcome", pilot_id=int(pilot.path["id"]), version_id=int(version.path["id"]), unit="kg", result=1.0,
        indicator={"sv": make.world.canary(thing)}, method={"sv": make.world.canary(thing)},
        archived_at=ARCHIVED if archived else None,
    )  # fmt: skip
    pilot.path["rests"] = version.path["id"]
    thing.path.update(outcome=str(number), id=str(number), rests=version.path["id"])
    await make.happened(thing, number)
    return thing


async def decision(make: Builder, pilot: Thing) -> Thing:
    """A decision and a lesson."""
    thing = make.below("Decision", pilot, name=f"decision of {pilot.name}")
    number = await make.put(
        "decision", pilot_id=int(pilot.path["id"]), outcome="adopt", decided_on=date(2026, 11, 1),
        decider=make.world.canary(thing), rationale={"sv": make.world.canary(thing)}, case_id=int(pilot.path["case"]),
    )  # fmt: skip
    mark = make.world.canary(pilot, "decision.record", "lesson.write")
    await make.put(
        "activity", actor_kind="person", action="decision.record", object_type="decision", object_id=number,
        request_id="", details={"note": mark},
    )  # fmt: skip
    lesson = make.below("Lesson", pilot, name=f"lesson of {pilot.name}")
    learnt = await make.put(
        "lesson", pilot_id=int(pilot.path["id"]), kind="winter", lesson={"sv": make.world.canary(lesson)}
    )
    thing.path.update(decision=str(number), id=str(number))
    lesson.path.update(lesson=str(learnt), id=str(learnt))
    return thing
