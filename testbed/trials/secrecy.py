"""Which columns of a file are confidential, as the table schemas of its trial say."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import WIDE, Access, Actor
from testbed.errors import Conflict
from testbed.revisions import revise
from testbed.tabular.personal import STOPPING
from testbed.texts import message
from testbed.trials.chosen import current
from testbed.trials.descriptor import Secrecy, folded
from testbed.trials.models import Result, TableSchema, Trial
from testbed.trials.views import RUNNING

KEPT_CLOSED = message(
    "Some columns of this file are confidential or look like personal data: {columns}. It stays as closed as it was. Make a "
    "dataset of it: there columns can be left out, or looked through and published."
)

MORE = message(
    "Not everything in this file was looked through: in a workbook or a packed file, or where rows were not taken, there can "
    "be more than the table. It stays as closed as it was. Make a dataset of the table, or upload the table as CSV."
)


async def insist_harmless(session: AsyncSession, result: Result) -> None:
    """Before many may fetch the file as it was handed in, with all of its columns.

    Raises:
        Conflict: a column is confidential, or seems to hold personal data, or not all of it was looked through.
    """
    if why := await hindrance(session, result):
        raise why


async def close(session: AsyncSession, actor: Actor, result: Result) -> None:
    """Take back what was wished for a file that is not fit to be open to many, now that this is known."""
    if result.access in WIDE and await hindrance(session, result):
        trial = await session.get_one(Trial, result.trial_id)
        closed = {"access": Access.consortium}
        await revise(
            session, actor, result, closed, result.row_version, action="result.edit", pilot_id=trial.pilot_id
        )


async def hindrance(session: AsyncSession, result: Result) -> Conflict | None:
    """Why a file stays with those who work with it, if it has to; what is being read is judged when it was read."""
    if result.state in RUNNING:
        return None
    if not result.looked_through:
        return Conflict(MORE)
    found = ((result.report or {}).get("personal") or {}).get("found", [])
    seeming = [name for each in found if each["kind"] in STOPPING for name in each["columns"]]
    if names := dict.fromkeys([*await confidential(session, [result]), *seeming]):
        return Conflict(KEPT_CLOSED, columns=", ".join(names))
    return None


async def confidential(session: AsyncSession, results: Sequence[Result]) -> dict[str, Secrecy]:
    """Why a column, by its name in the table, is to stay with those who may read the result itself.

    Marked by the schema the file was held to, or by the one that holds now: a mark that came later counts, and one
    that was taken away counts until the file is checked again.
    """
    found: dict[str, Secrecy] = {}
    held = {result.schema_id for result in results if result.schema_id}
    query = select(TableSchema).where(col(TableSchema.id).in_(held))
    bodies = {each.id: each.body for each in (await session.exec(query)).all()} if held else {}
    now = {trial: await current(session, trial) for trial in {result.trial_id for result in results}}
    for result in results:
        latest = now[result.trial_id]
        for body in (latest.body if latest else {}, bodies.get(result.schema_id or 0, {})):
            marks = dict(_marks(body))
            for column in (result.report or {}).get("columns", []) if marks else ():
                heard = (folded(column["name"]), folded(column.get("title") or ""))
                if why := marks.get(heard[0]) or marks.get(heard[1]):
                    found.setdefault(column["name"], why)
    return found


def _marks(body: Mapping[str, Any]) -> Iterator[tuple[str, Secrecy]]:
    """Every name a marked column answers to: a file may have been read before there was a schema."""
    for column in body.get("fields", ()):
        if why := column.get("testbed:secrecy"):
            for name in (
                column["name"],
                *column.get("testbed:aliases", ()),
                *column.get("testbed:titles", {}).values(),
            ):
                yield folded(name), Secrecy(why)
