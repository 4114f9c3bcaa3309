"""What the columns of a file are compared with: the devices that sat in the pilot, and the days of the trial."""

from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.devices.models import Deployment, Device
from testbed.trials.models import Trial


async def references(session: AsyncSession, trial: Trial) -> dict[str, Any]:
    """``devices``: one entry for each time a device was deployed in the pilot; ``period``: first and last day, if any.

    There is no register of a trial's units and arms: what is held to those is said not to be compared.
    """
    query = (
        select(Device, Deployment)
        .join(Deployment, col(Deployment.device_id) == col(Device.id))
        .where(col(Deployment.pilot_id) == trial.pilot_id)
        .order_by(col(Deployment.id))
    )
    period = [day.isoformat() if day else None for day in (trial.start_on, trial.end_on)]
    return {
        "devices": [_deployed(device, deployment) for device, deployment in await session.exec(query)],
        "period": period if any(period) else None,
    }


def _deployed(device: Device, deployment: Deployment) -> dict[str, Any]:
    """A device under every name that a file may call it by, from when until when (excluded)."""
    during = deployment.during
    names = [name for name in (device.name, device.serial, device.dev_eui) if name]
    return {
        "code": device.code, "names": names, "from": during.lower.isoformat() if during.lower else None,
        "to": during.upper.isoformat() if during.upper else None,
    }  # fmt: skip
