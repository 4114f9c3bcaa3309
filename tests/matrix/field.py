"""What measures, and where it sits."""

from datetime import UTC, datetime

import asyncpg

from tests.matrix.builder import ARCHIVED, HISTORY, Builder
from tests.matrix.oracle import Pilot, Thing

CAME, WENT = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 15, tzinfo=UTC)
NOWHERE = Pilot("", {})


async def device(
    make: Builder, level: str, owner: str, testbed: str, pilot: Thing | None = None, *, archived: bool = False
) -> Thing:
    """A device of a model of its own, which only those know who see the device."""
    place = len(make.world.things.get("Device", []))
    code = f"D-{place:05}"
    thing = Thing(
        "Device", level, owner=owner, pilot=pilot.pilot if pilot else NOWHERE, testbed=testbed,
        above=(pilot,) if pilot else (), path={"code": code}, name=f"{level} device {code}",
    )  # fmt: skip
    make.world.canary(make.world.add(thing), mark=code)
    model = await make.put(
        "device_model", name=make.world.canary(thing), maker="Acme", kind="lorawan", description=make.world.canary(thing)
    )  # fmt: skip
    number = await make.put(
        "device", code=code, device_model_id=model, testbed_id=await make.id_of("testbed", testbed),
        owner_id=await make.id_of("partner", owner), pilot_id=int(pilot.path["id"]) if pilot else None,
        name=f"Enhet {make.world.canary(thing)}", note=make.world.canary(thing), state="active", visibility=level,
        archived_at=ARCHIVED if archived else None,
    )  # fmt: skip
    thing.path.update(id=str(number), model=str(model), archived="yes" * archived)
    await make.happened(thing, number)
    return thing


async def place(make: Builder, testbed: Thing, *sat: Thing) -> Thing:
    """A place of a testbed, where ``sat`` sit or have sat; whoever sees one of them knows the place."""
    number = len(make.world.things.get("Place", []))
    code = f"P-{number:05}"
    thing = Thing(
        "Place", testbed=testbed.testbed, above=(testbed,), sat=sat, path={"code": code}, name=f"place {code}"
    )
    mark = make.world.canary(make.world.add(thing))
    for each in (mark, make.world.canary(thing, mark=code)):
        for device in sat:
            make.world.canary(device, mark=each)
    row = await make.put(
        "place", code=code, testbed_id=int(testbed.path["id"]), name={"sv": f"Stolpe {mark}"}
    )
    thing.path["id"] = str(row)
    return thing


async def deployed(
    make: Builder, device: Thing, place: Thing, pilot: Thing | None = None, *, ended: bool = False
) -> None:
    """A device sits at a place; who put it up, and the note, are for those who may change the device."""
    await make.put(
        "deployment", device_id=int(device.path["id"]), place_id=int(place.path["id"]),
        pilot_id=int(pilot.path["id"]) if pilot else None, note=make.world.canary(device, *HISTORY["Device"]),
        installed_by_id=await make.person(*[(device, right) for right in HISTORY["Device"]]),
        during=asyncpg.Range(CAME, WENT) if ended else asyncpg.Range(WENT, None),
    )  # fmt: skip
    if not ended:
        device.path["place"] = place.path["id"]
