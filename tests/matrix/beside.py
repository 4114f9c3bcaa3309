"""What stands beside a pilot's trials in the world: devices at places, outcomes, decisions, lessons."""

from typing import TYPE_CHECKING

from tests.matrix.oracle import Thing

if TYPE_CHECKING:
    from tests.matrix.world import Builder


async def devices(make: "Builder", pilot: Thing, owner: str) -> None:
    """A device of the pilot at a place; as visible as its level says, narrowed by the pilot."""
    code = f"D-{pilot.path['id']}AAAA"
    assert pilot.pilot is not None
    thing = Thing(
        "Device",
        "partners",
        owner=owner,
        pilot=pilot.pilot,
        testbed=pilot.pilot.testbed,
        parent=pilot,
        path={"code": code},
        name=code,
    )
    mark = make.world.canary(make.world.add(thing))
    model = await make.number(
        "INSERT INTO device_model (name, maker, kind, description) VALUES ($1, 'Acme', 'lorawan', '') RETURNING id",
        f"M{pilot.path['id']}",
    )
    device = await make.number(
        "INSERT INTO device (code, device_model_id, testbed_id, owner_id, pilot_id, name, state, visibility)"
        " SELECT $1, $2, testbed.id, partner.id, $3, $4, 'active', 'partners' FROM testbed, partner WHERE testbed.slug = $5 AND partner.slug = $6 RETURNING id",
        code, model, int(pilot.path["id"]), f"Enhet {mark}", pilot.pilot.testbed, owner,
    )  # fmt: skip
    place = await make.number(
        "INSERT INTO place (code, testbed_id, name) SELECT $1, id, '{\"sv\": \"Stolpe\"}' FROM testbed WHERE slug = $2 RETURNING id",
        f"P-{pilot.path['id']}AAAA", pilot.pilot.testbed,
    )  # fmt: skip
    spot = make.world.add(
        Thing(
            "Place",
            None,
            parent=thing,
            testbed=pilot.pilot.testbed,
            name=f"P-{pilot.path['id']}",
            path={"code": f"P-{pilot.path['id']}AAAA"},
        )
    )
    spot.path["id"] = str(place)
    deployment = await make.number(
        "INSERT INTO deployment (device_id, place_id, pilot_id, during) VALUES ($1, $2, $3, tstzrange('2026-01-01', NULL)) RETURNING id",
        device, place, int(pilot.path["id"]),
    )  # fmt: skip
    thing.path.update({"device": code, "deployment": str(deployment)})


async def outcomes(make: "Builder", pilot: Thing) -> None:
    """An outcome, a decision and a lesson: as visible as the pilot."""
    version = await make.number(
        "SELECT max(version.id) FROM version JOIN dataset ON dataset.id = dataset_id WHERE pilot_id = $1",
        int(pilot.path["id"]),
    )
    texts = {}
    for model in ("Outcome", "Decision", "Lesson"):
        thing = make.world.add(
            Thing(model, None, pilot=pilot.pilot, parent=pilot, name=f"{model} of {pilot.name}")
        )
        texts[model] = (thing, f"Text {make.world.canary(thing)}")
    queries = {
        "Outcome": "INSERT INTO outcome (pilot_id, version_id, indicator, unit, result, method) VALUES ($1, $3, jsonb_build_object('sv', $2::text), 'kg', 1, '{\"sv\": \"Vägning\"}') RETURNING id",
        "Decision": "INSERT INTO decision (pilot_id, outcome, decider, decided_on, rationale) VALUES ($1, 'adopt', 'Nämnden', '2026-11-01', jsonb_build_object('sv', $2::text)) RETURNING id",
        "Lesson": "INSERT INTO lesson (pilot_id, kind, lesson) VALUES ($1, 'winter', jsonb_build_object('sv', $2::text)) RETURNING id",
    }
    for model, query in queries.items():
        thing, text = texts[model]
        values = [int(pilot.path["id"]), text] + ([version] if model == "Outcome" else [])
        number = str(await make.number(query, *values))
        thing.path.update({"number": number, model.lower(): number})
