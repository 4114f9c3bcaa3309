"""What a dataset tells of persons, and which columns stay behind: weighed before anything of it leaves."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlmodel import SQLModel

from testbed.access.models import WIDE, Access, Actor
from testbed.errors import Conflict, Invalid
from testbed.files import Store
from testbed.jobs import Task, scratch
from testbed.tabular import run
from testbed.tabular.personal import RULES, STOPPING, PersonalKind
from testbed.texts import message
from testbed.trials.models import Result, Trial
from testbed.trials.references import references
from testbed.trials.secrecy import close

UNREVIEWED = message(
    "Some columns look like personal data: {columns}. Leave them out (withheld), or look through them and say that they "
    "may be published (personal_data: reviewed)."
)
UNSEEN = message(
    "Personal data were looked for while the version was made, and some columns look like it: {columns}. Nothing was "
    "published; look at the page that publishes once more."
)

UNREAD = message(
    "A file of this dataset could not be looked through for personal data. Have it checked again, and try once more."
)
NEVER_LOOKED = message(
    "A version was made before anybody looked for personal data. Look through it and say that it may be published "
    "(personal_data: reviewed)."
)
SECRET = message(
    "A version holds columns that are marked as confidential: {columns}. It stays with its owner; publish the results "
    "as another dataset instead."
)
NO_COLUMN = message("The dataset has no such column.")
NOTHING_LEFT = message("No column would be left. Keep at least one.")


class Withheld(SQLModel):
    """A column that stays behind. ``why``: as its table schema says, or ``publisher``."""

    column: str
    why: str


class PersonalHit(SQLModel):
    """Columns that may say something of a person. ``stops``: open publishing waits until somebody has looked."""

    columns: list[str]
    kind: PersonalKind
    count: int
    known: int = 0
    stops: bool = False


def hits(results: Iterable[Result]) -> list[PersonalHit]:
    """What was found in results, those that stop first; the same of several files counts together."""
    found: dict[tuple[Any, ...], PersonalHit] = {}
    for result in results:
        for each in _looked(result).get("found", []):
            key = (*each["columns"], each["kind"])
            new = PersonalHit(columns=each["columns"], kind=PersonalKind(each["kind"]), count=0)
            hit = found.setdefault(key, new)
            hit.count, hit.known = hit.count + each["count"], hit.known + each.get("known", 0)
            hit.stops = hit.kind in STOPPING
    return sorted(found.values(), key=lambda hit: not hit.stops)


def behind(marked: Mapping[str, str], chosen: Collection[str], present: Collection[str]) -> list[Withheld]:
    """What stays behind: the columns that are ``marked``, and those that were chosen, in the order of the table.

    Raises:
        Invalid: a chosen column is none of the ``present`` ones, or none would be left.
    """
    if not set(chosen) <= set(present):
        raise Invalid(NO_COLUMN, fields={"withheld": NO_COLUMN})
    found = dict.fromkeys(chosen, "publisher") | dict(marked)
    if present and found.keys() >= set(present):
        raise Invalid(NOTHING_LEFT, fields={"withheld": NOTHING_LEFT})
    return [Withheld(column=name, why=str(found[name])) for name in present if name in found]


def left_out(kept: Mapping[str, Any]) -> list[str]:
    """The columns that stayed behind when a version with this ``privacy`` was made."""
    return [each["column"] for each in kept.get("withheld", [])]


def unlooked(results: Iterable[Result]) -> list[Result]:
    """Those with a table that nobody, or nobody by the rules of today, looked through."""
    return [each for each in results if each.parquet_sha256 and _looked(each).get("rules", 0) < RULES]


def _looked(result: Result) -> Mapping[str, Any]:
    return (result.report or {}).get("personal") or {}


def stopping(found: Iterable[PersonalHit], without: Collection[str]) -> list[PersonalHit]:
    """Those that stop while some of their columns are published."""
    return [hit for hit in found if hit.stops and not set(hit.columns) <= set(without)]


def names(found: Iterable[PersonalHit]) -> str:
    return ", ".join(dict.fromkeys(name for hit in found for name in hit.columns))


def insist(left: Sequence[PersonalHit], access: Access, *, reviewed: bool) -> None:
    """Raises: Invalid: open to many, and nobody said that they looked."""
    if left and access in WIDE and not reviewed:
        raise Invalid(UNREVIEWED, fields={"personal_data": UNREVIEWED}, columns=names(left))


def insist_seen(left: Sequence[PersonalHit], access: Access, seen: Sequence[Mapping[str, Any]]) -> None:
    """Raises: Conflict: open to many, and something is there that whoever reviewed it could not have seen."""
    known = [(each["columns"], each["kind"]) for each in seen]
    if access in WIDE and (new := [hit for hit in left if (hit.columns, hit.kind) not in known]):
        raise Conflict(UNSEEN, columns=names(new))


def insist_published(
    versions: Iterable[Mapping[str, Any]], access: Access, *, reviewed: bool
) -> list[PersonalHit]:
    """What versions hold does not change when more people may fetch them; each is given by its ``privacy``.

    Returns what seems to be personal data and was not reviewed when it was published.

    Raises:
        Conflict: a confidential column is in one of them. Invalid: what seems to be personal data, not ``reviewed``.
    """
    left: list[PersonalHit] = []
    for each in versions:
        if kept := each.get("confidential"):
            raise Conflict(SECRET, columns=", ".join(kept))
        if not each and access in WIDE and not reviewed:
            raise Invalid(NEVER_LOOKED, fields={"personal_data": NEVER_LOOKED})
        if not each.get("reviewed"):
            found = [PersonalHit.model_validate(hit) for hit in each.get("found", [])]
            left += stopping(found, left_out(each))
    insist(left, access, reviewed=reviewed)
    return left


async def look(task: Task, results: Sequence[Result]) -> None:
    """Look through the tables that nobody looked through, and keep what was found with each result.

    Raises:
        Conflict: one of them cannot be looked through.
    """
    for result in unlooked(results):
        found = await _look(task, task.shop.store, result)
        if not found:
            raise Conflict(UNREAD)
        async with task.shop.db.begin() as session:
            kept = await session.get(Result, result.id, with_for_update=True)
            if kept is not None and kept.parquet_sha256 == result.parquet_sha256:
                kept.report = (kept.report or {}) | {"personal": found}
                kept.looked_through = kept.report.get("whole", kept.looked_through)
                session.add(kept)
                await close(session, Actor(kind="job"), kept)


async def _look(task: Task, store: Store, result: Result) -> dict[str, Any]:
    async with task.shop.db.begin() as session:
        told = await references(session, await session.get_one(Trial, result.trial_id))
    with scratch(task) as work:
        folder = work / "looked"
        folder.mkdir(mode=0o711)
        table = await store.local(str(result.parquet_sha256), folder)
        return await run.look(table, work, devices=told["devices"])
