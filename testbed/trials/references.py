"""What the columns of a file are compared with: devices that sat in the pilot, units and arms of the trial, its days."""

from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.devices.models import Deployment, Device
from testbed.trials import allocation
from testbed.trials.models import Trial


async def references(session: AsyncSession, trial: Trial) -> dict[str, Any]:
    """``devices``: one entry for each time a device was deployed in the pilot; ``period``: first and last day, if any.

    ``units`` and ``arms``: their names; None where nobody has said them, and nothing can be compared.
    """
    query = (
        select(Device, Deployment)
        .join(Deployment, col(Deployment.device_id) == col(Device.id))
        .where(col(Deployment.pilot_id) == trial.pilot_id)
        .order_by(col(Deployment.id))
    )
    period = [day.isoformat() if day else None for day in (trial.start_on, trial.end_on)]
    groups = await allocation.of_trial(session, trial.id)
    return {
        "units": groups.labels() or None,
        "arms": [arm.name for arm in groups.arms] or None,
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
