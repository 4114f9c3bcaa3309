"""What a trial's treatment was given to: its units (a bin, a sled, a site), and the arms they are allocated to.

A unit is what was allocated, never a reading. Both are known by what files call them, and are kept as one list.
"""

import re
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, StringConstraints, model_validator
from sqlalchemy import delete
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.access.relations import register
from testbed.access.rights import VIEW, fetch, may
from testbed.columns import identity, link, unique, word
from testbed.errors import ATTENTION, Invalid
from testbed.lists import Ref
from testbed.revisions import revise
from testbed.texts import Line, message, said
from testbed.trials.models import Trial

EDIT = "trial.edit"
MOST_ARMS, MOST_UNITS = 20, 2_000
TWICE = message("“{label}” is in the list twice. A unit has one name and is in one group.")
SAME_ARM = message("Two groups have the same name.")
TOO_MANY = message(
    "There are more than {most} units. What is allocated is a place or a thing, never a reading."
)


class ArmKind(StrEnum):
    treatment = "treatment"
    control = "control"


class Arm(SQLModel, table=True):
    __table_args__ = (unique("trial_id", "name", says=SAME_ARM),)

    id: int = identity()
    trial_id: int = link("trial.id")
    name: str = Field(max_length=120)
    kind: ArmKind = word(ArmKind, "kind")


class Unit(SQLModel, table=True):
    """``label`` is the name that files use. A unit that is a person has a random key there, and nothing else."""

    __table_args__ = (
        unique("trial_id", "label", says=message("The trial has a unit of this name already.")),
    )

    id: int = identity()
    trial_id: int = link("trial.id")
    arm_id: int | None = link("arm.id", nullable=True)
    label: str = Field(max_length=80)


register(Arm, parent=Trial, on=lambda row, trial: row.trial_id == trial.id)
register(Unit, parent=Trial, on=lambda row, trial: row.trial_id == trial.id)


def _separated(given: Any) -> Any:
    """A list, or text as people paste it: one on each line, or between commas, semicolons or tabs; nothing is none."""
    given = "" if given is None else given
    return (
        [each for each in re.split(r"[\n,;\t]", given) if each.strip()] if isinstance(given, str) else given
    )


Label = Annotated[Line, StringConstraints(min_length=1, max_length=80, pattern=r"^[^,;\t\n]+$")]
Labels = Annotated[list[Label], BeforeValidator(_separated)]
UNITS: Any = Field(
    default=[], schema_extra={"examples": [["S01", "S02"]]}, description="What files call them."
)


class ArmDraft(SQLModel):
    """A group of units that were treated alike."""

    model_config = {"extra": "forbid"}

    name: Line = Field(min_length=1, max_length=120, schema_extra={"examples": ["Med salt"]})
    kind: ArmKind = ArmKind.treatment
    units: Labels = UNITS


class Allocation(SQLModel):
    """Every arm with its units, and the ``units`` that are in none."""

    model_config = {"extra": "forbid"}

    arms: list[ArmDraft] = Field(default=[], max_length=MOST_ARMS)
    units: Labels = UNITS

    @model_validator(mode="before")
    @classmethod
    def _without_empty_rows(cls, given: Any) -> Any:
        """A row of the form in which nothing was written but its kind is none."""
        if isinstance(given, dict) and isinstance(given.get("arms"), list):
            rows = [
                row
                for row in given["arms"]
                if not isinstance(row, dict) or row.get("name") or row.get("units")
            ]
            return given | {"arms": rows}
        return given

    def placed(self) -> Iterator[tuple[str, str]]:
        """Every unit, with the field that it stands in."""
        yield from (
            (f"arms.{place}.units", label) for place, arm in enumerate(self.arms) for label in arm.units
        )
        yield from (("units", label) for label in self.units)

    def labels(self) -> list[str]:
        return [label for _, label in self.placed()]


class AllocationPatch(Allocation):
    """The whole list as it is to be. ``row_version`` is that of the trial as it was seen."""

    row_version: int | None = None


class AllocationView(Allocation):
    trial: Ref
    row_version: int
    may: list[str] = []


async def of_trial(session: AsyncSession, trial_id: int) -> Allocation:
    """All of a trial's arms and units, in the order they were written in; the caller has fetched the trial."""
    arms = (await session.exec(select(Arm).where(col(Arm.trial_id) == trial_id).order_by(col(Arm.id)))).all()
    units = (
        await session.exec(select(Unit).where(col(Unit.trial_id) == trial_id).order_by(col(Unit.id)))
    ).all()
    found: dict[int | None, list[str]] = {None: [], **{arm.id: [] for arm in arms}}
    for unit in units:
        found[unit.arm_id].append(unit.label)
    drafts = [ArmDraft.model_construct(name=arm.name, kind=arm.kind, units=found[arm.id]) for arm in arms]
    return Allocation.model_construct(arms=drafts, units=found[None])


async def view(session: AsyncSession, actor: Actor, trial_id: int) -> AllocationView:
    """The arms and units of a trial.

    Raises:
        NotFound: the trial is absent or hidden.
    """
    return await _shown(session, actor, await fetch(session, actor, VIEW, Trial, col(Trial.id) == trial_id))


async def filled(session: AsyncSession, actor: Actor, trial_id: int) -> AllocationView:
    """What the form starts from. Raises: see ``access.rights.fetch``."""
    return await _shown(session, actor, await fetch(session, actor, EDIT, Trial, col(Trial.id) == trial_id))


async def edit(
    session: AsyncSession, actor: Actor, trial_id: int, patch: AllocationPatch, seen_version: int
) -> AllocationView:
    """Make ``patch`` the arms and units of the trial; files that were checked before are not checked again.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``. Stale: see ``revisions.revise``.
        Invalid: a unit is named twice, two arms have one name, or there are more than ``MOST_UNITS``.
    """
    trial = await fetch(session, actor, EDIT, Trial, col(Trial.id) == trial_id, lock=True)
    _insist(patch)
    old = await of_trial(session, trial_id)
    changed = await revise(
        session, actor, trial, _told(patch), seen_version,
        action="trial.allocate", pilot_id=trial.pilot_id, before=_told(old),
    )  # fmt: skip
    if changed:
        await _write(session, trial_id, patch)
    return await _shown(session, actor, trial)


def _insist(patch: Allocation) -> None:
    if len(patch.labels()) > MOST_UNITS:
        raise Invalid(ATTENTION, fields={"units": TOO_MANY}, most=MOST_UNITS)
    met: set[str] = set()
    for field, label in patch.placed():
        if label in met:
            raise Invalid(ATTENTION, fields={field: TWICE}, label=label)
        met.add(label)
    names = Counter(arm.name for arm in patch.arms)
    for place, arm in enumerate(patch.arms):
        if names[arm.name] > 1:
            raise Invalid(ATTENTION, fields={f"arms.{place}.name": SAME_ARM})


def _told(whole: Allocation) -> dict[str, Any]:
    return {
        "arms": [{"name": arm.name, "kind": arm.kind.value, "units": arm.units} for arm in whole.arms],
        "units": whole.units,
    }


async def _write(session: AsyncSession, trial_id: int, whole: Allocation) -> None:
    for model in (Unit, Arm):
        await session.exec(delete(model).where(col(model.trial_id) == trial_id))
    for draft in whole.arms:
        arm = Arm(trial_id=trial_id, name=draft.name, kind=draft.kind)
        session.add(arm)
        await session.flush()
        session.add_all([Unit(trial_id=trial_id, arm_id=arm.id, label=label) for label in draft.units])
    session.add_all([Unit(trial_id=trial_id, label=label) for label in whole.units])
    await session.flush()


async def _shown(session: AsyncSession, actor: Actor, trial: Trial) -> AllocationView:
    found = await of_trial(session, trial.id)
    return AllocationView(
        arms=found.arms,
        units=found.units,
        trial=Ref(id=trial.id, title=said(trial.title), url=f"/trials/{trial.id}"),
        row_version=trial.row_version,
        may=await may(session, actor, trial, [EDIT]),
    )
