"""The four made-up sensors of the fictional pilot, and where in the city centre they sit: roughly."""

from datetime import UTC, datetime, timedelta

from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor, Visibility
from testbed.demo.measurements import BINS, FIRST_MONDAY
from testbed.demo.once import there
from testbed.devices import deployments, service
from testbed.devices.drafts import DeploymentDraft, DeviceDraft, ModelDraft, NewPlace
from testbed.devices.models import Device, ModelKind
from testbed.pilots.models import Pilot

POSITIONS = {
    "K1": (22.1492, 65.5829),
    "K3": (22.1507, 65.5824),
    "K5": (22.1441, 65.5841),
    "K7": (22.1556, 65.5846),
}
"""Longitude and latitude, by bin."""

INTRODUCED = datetime.combine(FIRST_MONDAY, datetime.min.time(), UTC) + timedelta(weeks=4, hours=7)
MODEL = ModelDraft(
    name="Fyllnadsgivare Demo",
    maker="Kärlgivarna Demo (påhittat)",
    kind=ModelKind.lorawan,
    description="En påhittad ultraljudsgivare under locket. / A made-up ultrasonic sensor under the lid.",
)


async def put_up(session: AsyncSession, actor: Actor, pilot: Pilot) -> None:
    """Register the sensors that are missing, and put one up each week of the introduction."""
    for week, bin_ in enumerate(each for each in BINS if each.sensor):
        name = f"Kärlgivare {bin_.name}"
        if await there(session, Device, col(Device.pilot_id) == pilot.id, col(Device.name) == name):
            continue
        draft = DeviceDraft(
            name=name,
            pilot=pilot.code,
            model=MODEL,
            serial=f"DEMO-{bin_.name}",
            purpose={
                "sv": "Mäter hur fullt sorteringskärlet är, så att det töms när det behövs. Påhittad enhet.",
                "en": "Measures how full the sorting bin is, so that it is emptied when needed. A made-up device.",
            },
            visibility=Visibility.public,
        )
        device = await service.register(session, actor, draft)
        place = NewPlace(
            name={
                "sv": f"{bin_.place}, kärl {bin_.name} (ungefärligt läge)",
                "en": f"{bin_.place}, bin {bin_.name} (approximate position)",
            },
            position={"type": "Point", "coordinates": list(POSITIONS[bin_.name])},
        )
        put = DeploymentDraft(place=place, from_at=INTRODUCED + timedelta(weeks=week), height_m=1.2)
        await deployments.install(session, actor, device.code, put)
