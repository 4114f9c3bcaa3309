"""What is decided of a result: accepted, accepted in part, refused, withdrawn, or replaced by another.

The file itself never changes. Every decision is an activity in the transaction that makes it.
"""

from dataclasses import dataclass
from typing import Any

from sqlmodel import Field, SQLModel, func
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.access.rights import fetch, may
from testbed.activity import record
from testbed.errors import Conflict, Forbidden, Stale
from testbed.notices.models import Happening
from testbed.revisions import STALE
from testbed.texts import Passage, message
from testbed.trials import families
from testbed.trials.chosen import current
from testbed.trials.families import TAKEN
from testbed.trials.models import Acceptance, Partial, Result, ResultState, Trial
from testbed.trials.results import Key, named
from testbed.trials.telling import tell
from testbed.trials.views import RUNNING

ACCEPT, DECIDE, WITHDRAW = "result.accept", "result.decide", "result.withdraw"

READING = message("The file is still being read. Wait until it is done.")
NO_TABLE = message(
    "No table could be made of this file, so there is nothing to accept. Upload a corrected file."
)
NO_SCHEMA = message(
    "The trial has no table schema, so nothing needs to be accepted: a file may be used as soon as it is read."
)
UNCHECKED = message("The file was read before the trial had a table schema. Have it checked again first.")
NO_GOOD_ROW = message(
    "Not one row is without errors, so there is nothing to accept. Upload a corrected file."
)
DONE = message("This was done already.")
CLOSED = {
    Acceptance.refused: message("The file was refused. Have it checked again with other answers, or upload a corrected one."),
    Acceptance.replaced: message("Another file has replaced this one, so it cannot be decided any more."),
    Acceptance.withdrawn: message("The file was withdrawn, so it cannot be decided any more."),
}  # fmt: skip
WHOLE_ONLY = message("This trial takes whole files only. Correct the rows with errors and upload them first.")
ASK = message("In this trial a coordinator decides whether the good rows are taken. Ask them to.")
ORIGINAL_GONE = message("The file that this one corrects was replaced, refused or withdrawn.")
MOVED = message("The file that this one corrects has changed since. Have this one checked again first.")
RIVAL = message("Another accepted file replaces the same one. Say that this file replaces that other one.")
ARCHIVED = message("The result is archived. Take it back first.")
CORRECTED = message("A correction of this file is accepted. Withdraw that one first.")


class Decision(SQLModel):
    """A decision that needs no reason. ``row_version`` says which state of the result was looked at."""

    model_config = {"extra": "forbid"}

    row_version: int | None = None


class Refusal(SQLModel):
    """A decision that needs one."""

    model_config = {"extra": "forbid"}

    row_version: int | None = None
    reason: Passage = Field(min_length=3, max_length=1000)


@dataclass(frozen=True, slots=True)
class Matter:
    """A result and what its decision depends on. ``root`` is the file itself, or the one it corrects."""

    result: Result
    trial: Trial
    root: Result
    corrections: list[Result]
    has_schema: bool
    rival: bool = False
    """Another accepted file replaces what this one replaces."""

    @property
    def aside(self) -> int:
        """Rows with errors that stay aside if it is accepted now."""
        if self.result is self.root:
            return families.left_aside(self.root, self.corrections)
        return families.rejected(self.result)

    @property
    def outcome(self) -> Acceptance:
        return Acceptance.accepted_partly if self.aside else Acceptance.accepted


async def matter_of(session: AsyncSession, result: Result, *, lock: bool = False) -> Matter:
    """The surroundings of a result; with ``lock`` it and all that it corrects or that corrects it stand still."""
    if lock:
        root, corrections = await families.held(session, result)
    else:
        root = await families.root_of(session, result)
        corrections = await families.corrections_of(session, [root])
    trial = await session.get_one(Trial, result.trial_id)
    schema = await current(session, trial.id)
    checked = schema is not None or result.schema_id is not None
    return Matter(result, trial, root, corrections, checked, await families.has_rival(session, result))


def hindrances(matter: Matter) -> list[str]:
    """Why a result cannot be accepted now, whoever asks; the first one is the one to mend."""
    result, trial = matter.result, matter.trial
    whole_only = trial.partial == Partial.never and matter.aside
    told = {
        READING: result.state in RUNNING,
        DONE: result.acceptance in TAKEN,
        CLOSED.get(result.acceptance, ""): result.acceptance in CLOSED,
        ARCHIVED: result.archived_at is not None,
        NO_TABLE: result.state == ResultState.unreadable,
        NO_SCHEMA: not matter.has_schema,
        UNCHECKED: result.schema_id is None,
        NO_GOOD_ROW: not result.rows,
        WHOLE_ONLY: bool(whole_only),
    }
    return [reason for reason, holds in told.items() if holds][:1] or _of_original(matter)


def _of_original(matter: Matter) -> list[str]:
    result, root = matter.result, matter.root
    if result is root:
        return [RIVAL] if matter.rival else []
    if root.acceptance in CLOSED:
        return [ORIGINAL_GONE]
    basis = families.basis_of(root, matter.corrections, but=result.id)
    return [] if families.correction(result).get("basis") == basis else [MOVED]


async def accept(session: AsyncSession, actor: Actor, key: Key, decision: Decision) -> Result:
    """Take the rows without errors; those with errors are kept aside. What it replaces is replaced.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``; or a coordinator has to decide.
        Conflict: it cannot be accepted now. Stale: it changed since it was looked at.
    """
    matter = await _held(session, actor, ACCEPT, key, decision.row_version)
    for reason in hindrances(matter):
        raise Conflict(reason)
    if matter.aside and matter.trial.partial == Partial.coordinator:
        await _insist(session, actor, matter.result)
    await take(session, actor, matter)
    return matter.result


async def take(session: AsyncSession, actor: Actor, matter: Matter, **details: Any) -> None:
    """Accept a result that nothing hinders; the rows of ``matter`` are locked."""
    result, outcome = matter.result, matter.outcome
    await _write(
        session, actor, result, outcome, ACCEPT, matter.trial,
        rows=result.rows, aside=matter.aside, schema=result.schema_id, **details,
    )  # fmt: skip
    await tell(session, Happening.result_accepted, result)
    if result.replaces_id is not None and not result.corrects:
        await _replace(session, actor, matter)
    await _settle(session, actor, matter)


async def _replace(session: AsyncSession, actor: Actor, matter: Matter) -> None:
    """The file that this one stands in for, and the corrections of it, are used no more."""
    old = await session.get_one(Result, matter.result.replaces_id)
    below = await families.corrections_of(session, [old], lock=True)
    for each in [old, *below]:
        if each.acceptance not in {Acceptance.replaced, Acceptance.withdrawn}:
            await _write(
                session, actor, each, Acceptance.replaced, "result.replace", matter.trial, by=matter.result.code
            )  # fmt: skip


async def refuse(session: AsyncSession, actor: Actor, key: Key, refusal: Refusal) -> Result:
    """Say that a file is not taken, and why; the sender may correct it.

    Raises:
        As ``accept``.
    """
    matter = await _held(session, actor, DECIDE, key, refusal.row_version)
    result = matter.result
    for reason in refusal_hindrances(matter):
        raise Conflict(reason)
    await _write(
        session, actor, result, Acceptance.refused, "result.refuse", matter.trial, reason=refusal.reason
    )
    return result


def refusal_hindrances(matter: Matter) -> list[str]:
    """Why a result cannot be refused now."""
    if matter.result.state in RUNNING:
        return [READING]
    if matter.result.acceptance in TAKEN:
        return [message("The file is accepted. Withdraw it instead.")]
    if matter.result.acceptance == Acceptance.refused:
        return [DONE]
    return [CLOSED[matter.result.acceptance]] if matter.result.acceptance in CLOSED else []


async def withdraw(session: AsyncSession, actor: Actor, key: Key, refusal: Refusal) -> Result:
    """Say that a file must not be used any more, and why. Versions that hold it stay as they are.

    Raises:
        As ``accept``.
    """
    matter = await _held(session, actor, WITHDRAW, key, refusal.row_version)
    for reason in withdrawal_hindrances(matter):
        raise Conflict(reason)
    await _write(
        session, actor, matter.result, Acceptance.withdrawn, "result.withdraw", matter.trial, reason=refusal.reason,
    )  # fmt: skip
    await _bring_back(session, actor, matter)
    await _settle(session, actor, matter)
    return matter.result


async def _bring_back(session: AsyncSession, actor: Actor, matter: Matter) -> None:
    """What a withdrawn file had replaced may be accepted again, unless another one replaces it by now."""
    result = matter.result
    if result.replaces_id is None or result.corrects or matter.rival:
        return
    old = await session.get_one(Result, result.replaces_id)
    for each in [old, *await families.corrections_of(session, [old], lock=True)]:
        if each.acceptance == Acceptance.replaced:
            await _write(session, actor, each, Acceptance.open, "result.reopen", matter.trial, by=result.code)


def withdrawal_hindrances(matter: Matter) -> list[str]:
    """Why a result cannot be withdrawn now."""
    result = matter.result
    if result.state in RUNNING:
        return [READING]
    if result.acceptance == Acceptance.withdrawn:
        return [DONE]
    if result.acceptance == Acceptance.replaced:
        return [CLOSED[Acceptance.replaced]]
    return []


async def ask(session: AsyncSession, actor: Actor, key: Key, decision: Decision) -> Result:
    """Ask the coordinator of the testbed to take the good rows of a file.

    Raises:
        As ``accept``; Conflict: a coordinator need not be asked.
    """
    matter = await _held(session, actor, ACCEPT, key, decision.row_version)
    for reason in hindrances(matter):
        raise Conflict(reason)
    if not matter.aside or matter.trial.partial != Partial.coordinator:
        raise Conflict(message("You may decide this yourself."))
    if matter.result.asked_at is not None:
        raise Conflict(DONE)
    _asked(matter.result)
    await _record(
        session, actor, "result.ask", matter.result, matter.trial, rows=matter.result.rows, aside=matter.aside
    )
    return matter.result


async def reopen(session: AsyncSession, actor: Actor, matter: Matter) -> Acceptance:
    """Undo what was decided, because the file is checked anew; return what it was.

    Raises:
        Conflict: it was replaced or withdrawn, or an accepted correction rests on it.
    """
    result, before = matter.result, matter.result.acceptance
    if before in {Acceptance.replaced, Acceptance.withdrawn}:
        raise Conflict(CLOSED[before])
    below = await families.corrections_of(session, [result])
    if any(each.acceptance in TAKEN for each in below):
        raise Conflict(CORRECTED)
    _set(result, Acceptance.open, None, None)
    session.add(result)
    await session.flush()
    await _settle(session, actor, matter)
    return before


async def _held(session: AsyncSession, actor: Actor, action: str, key: Key, seen: int | None) -> Matter:
    result = await fetch(session, actor, action, Result, named(key))
    matter = await matter_of(session, result, lock=True)
    if seen is not None and seen != result.row_version:
        raise Stale(STALE, current={"row_version": result.row_version})
    return matter


async def _insist(session: AsyncSession, actor: Actor, result: Result) -> None:
    if DECIDE not in await may(session, actor, result, [DECIDE]):
        raise Forbidden(ASK)


async def _settle(session: AsyncSession, actor: Actor, matter: Matter) -> None:
    """A file whose refused rows have all been corrected is accepted as a whole; and the other way round."""
    root = matter.root
    if matter.result is root or root.acceptance not in TAKEN:
        return
    corrections = await families.corrections_of(session, [root])
    wanted = Acceptance.accepted_partly if families.left_aside(root, corrections) else Acceptance.accepted
    if wanted == Acceptance.accepted_partly and matter.trial.partial == Partial.never:
        wanted = Acceptance.open
    if wanted != root.acceptance:
        await _write(session, actor, root, wanted, "result.settle", matter.trial, by=matter.result.code)


async def _write(
    session: AsyncSession, actor: Actor, result: Result, now: Acceptance, action: str, trial: Trial,
    *, reason: str | None = None, **details: Any,
) -> None:  # fmt: skip
    before = result.acceptance
    _set(result, now, actor.person_id, reason)
    session.add(result)
    told = {"before": before.value, "after": now.value, **({"reason": reason} if reason else {}), **details}
    await _record(session, actor, action, result, trial, **told)


def _asked(result: Any) -> None:
    result.asked_at = func.now()
    result.row_version += 1


def _set(result: Any, now: Acceptance, person_id: int | None, reason: str | None) -> None:
    taken = now in TAKEN
    result.acceptance, result.acceptance_reason = now, reason
    result.accepted_at = func.now() if taken else None
    result.accepted_by_id = person_id if taken else None
    result.asked_at = None
    result.row_version += 1


async def _record(
    session: AsyncSession, actor: Actor, action: str, result: Result, trial: Trial, **details: Any
) -> None:
    await session.flush()
    await session.refresh(result)
    await record(
        session, actor, action, "result", result.id, pilot_id=trial.pilot_id, code=result.code, **details
    )
