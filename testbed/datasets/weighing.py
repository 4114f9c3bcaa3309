"""What publishing a dataset would do, and what stands in its way: asked before, and again by the job."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import WIDE, Access, Actor, Visibility
from testbed.access.rights import READ, VIEW, fetch, may
from testbed.activity import record
from testbed.datasets import privacy
from testbed.datasets.accepted import permitted, unsettled, with_corrections
from testbed.datasets.models import Dataset, DatasetState, Licence, Version, VersionSource
from testbed.datasets.privacy import PersonalHit, Withheld
from testbed.datasets.service import PUBLISH, SET, USABLE, held_results
from testbed.datasets.views import PlanView, SourceView
from testbed.errors import Conflict
from testbed.lists import Ref
from testbed.partners.service import called
from testbed.pilots.models import Pilot
from testbed.revisions import revise
from testbed.texts import message, said
from testbed.trials.models import Result
from testbed.trials.secrecy import confidential

WIDTH = [Access.public, Access.registered, Access.consortium, Access.restricted, Access.private]
EMPTY = message("The dataset holds no result yet. Choose at least one.")
UNSEEN = message(
    "The dataset holds a result that you may not see. A coordinator of the testbed can publish it."
)
UNREAD = message("A result of this dataset has no table any more. Take it away and try again.")
NO_LICENCE = message("Choose a licence first: without one nobody may use open data.")
NO_CHANGE = message("Nothing changed since the last version. Changed words need no new version.")
CLOSED = message(
    "The pilot’s own page is not public, so its data cannot be either. Ask a coordinator of the testbed to publish it."
)
HIDDEN = message("The pilot is hidden from its partners. Let its partners see it before they get its data.")
OTHERS = message(
    "A result belongs to another partner, who shares it with fewer than this. Ask a coordinator of the testbed to publish it."
)
NOT_ACCEPTED = message(
    "A result of this dataset is not accepted, or not any more. Where a trial has a table schema, only accepted files "
    "may be published."
)
ARCHIVED = message("The dataset is archived. Take it back first.")


@dataclass(frozen=True, slots=True)
class Weighed:
    """``results``: each held one with its corrections, in the order of their rows. ``widened``: codes of other
    partners' results that more people get to see than before. ``waiting``: those that must be accepted first.
    ``withheld``: the columns that stay behind; ``confidential``: those that are marked, but leave with a private version.
    """

    results: list[Result]
    pilot: Pilot
    last: Version | None
    opens_pilot: bool = False
    widened: list[str] = field(default_factory=list)
    hindrances: list[str] = field(default_factory=list)
    waiting: list[Result] = field(default_factory=list)
    personal: list[PersonalHit] = field(default_factory=list)
    withheld: list[Withheld] = field(default_factory=list)
    confidential: list[str] = field(default_factory=list)

    @property
    def without(self) -> list[str]:
        """The names of the columns that stay behind."""
        return [each.column for each in self.withheld]

    @property
    def open_hits(self) -> list[PersonalHit]:
        """What seems to be personal data and is not left out."""
        return privacy.stopping(self.personal, self.without)


async def weigh(
    session: AsyncSession, actor: Actor, dataset: Dataset, withheld: Collection[str] = ()
) -> Weighed:
    """Weigh a dataset that the actor may publish, without the columns ``withheld``.

    Raises:
        Invalid: there is no such column, or none would be left.
    """
    held = await held_results(session, dataset.id)
    waiting = await unsettled(session, held)
    results = await with_corrections(session, held)
    seen = await permitted(session, actor, READ, results)
    pilot = await session.get_one(Pilot, dataset.pilot_id)
    last = await newest(session, dataset.id)
    coordinates = SET in await may(session, actor, dataset, [SET])
    widened = [
        result.code
        for result in results
        if result.owner_id != dataset.owner_id and WIDTH.index(dataset.access) < WIDTH.index(result.access)
    ]
    marked = await confidential(session, results)
    own = dataset.access == Access.private and {each.owner_id for each in results} <= {dataset.owner_id}
    present = [column["name"] for column in reported_columns(results)]
    left_out = privacy.behind({} if own else marked, withheld, present)
    hindrances = await _hindrances(session, dataset, results, last, [each.column for each in left_out])
    if waiting:
        hindrances.append(NOT_ACCEPTED)
    if len(seen) < len(results):
        hindrances.append(UNSEEN)
    if widened and not coordinates:
        hindrances.append(OTHERS)
    told = closed(dataset.access, pilot, coordinates=coordinates)
    return Weighed(
        results, pilot, last, opens(dataset.access, pilot), widened, hindrances + told,
        [each for each in waiting if each in seen], privacy.hits(results), left_out, sorted(marked) if own else [],
    )  # fmt: skip


async def _hindrances(
    session: AsyncSession,
    dataset: Dataset,
    results: Sequence[Result],
    last: Version | None,
    without: list[str],
) -> list[str]:
    found = []
    if dataset.archived_at is not None:
        found.append(ARCHIVED)
    if not results:
        found.append(EMPTY)
    if any(result.state not in USABLE or result.parquet_sha256 is None for result in results):
        found.append(UNREAD)
    if dataset.licence == Licence.none and dataset.access in WIDE:
        found.append(NO_LICENCE)
    if last is not None and results and without == privacy.left_out(last.privacy):
        same = await _held(session, last) == [result.id for result in results]
        found += [NO_CHANGE] if same else []
    return found


def opens(access: Access, pilot: Pilot) -> bool:
    """Whether data at this level need the pilot's own page to be public, which it is not."""
    return access in WIDE and pilot.visibility != Visibility.public


def closed(access: Access, pilot: Pilot, *, coordinates: bool) -> list[str]:
    """Why a level is wider than the pilot allows: a dataset can only narrow what its pilot shows."""
    if opens(access, pilot) and not coordinates:
        return [CLOSED]
    if access == Access.consortium and pilot.visibility not in {Visibility.public, Visibility.partners}:
        return [HIDDEN]
    return []


async def open_pilot(session: AsyncSession, actor: Actor, pilot_id: int) -> bool:
    """Make the pilot's page public, in the transaction that needs it to be."""
    query: Any = select(Pilot).where(col(Pilot.id) == pilot_id).with_for_update()
    pilot = (await session.exec(query)).one()[0]
    if pilot.visibility == Visibility.public:
        return False
    written = {"visibility": Visibility.public}
    await revise(session, actor, pilot, written, pilot.row_version, action="pilot.open", pilot_id=pilot_id)
    return True


async def newest(session: AsyncSession, dataset_id: int) -> Version | None:
    """The last version that was published."""
    query: Any = (
        select(Version).where(col(Version.dataset_id) == dataset_id).order_by(col(Version.id).desc()).limit(1)
    )
    row = (await session.exec(query)).first()
    return row[0] if row else None


async def _held(session: AsyncSession, version: Version) -> list[int]:
    query: Any = select(col(VersionSource.result_id)).where(col(VersionSource.version_id) == version.id)
    rows = await session.exec(query.order_by(col(VersionSource.row_from), col(VersionSource.id)))
    return [row[0] for row in rows.all()]


def next_number(
    last: str | None, before: Sequence[dict[str, Any]], after: Sequence[dict[str, Any]], *, grown: bool
) -> str:
    """Major: a column is gone or has another type. Minor: more columns, or ``grown``. Patch: values changed."""
    if last is None:
        return "1.0.0"
    was = {column["name"]: column["type"] for column in before}
    now = {column["name"]: column["type"] for column in after}
    major, minor, patch = map(int, last.split("."))
    if any(now.get(name) != kind for name, kind in was.items()):
        return f"{major + 1}.0.0"
    if grown or now.keys() - was.keys():
        return f"{major}.{minor + 1}.0"
    return f"{major}.{minor}.{patch + 1}"


def reported_columns(results: Sequence[Result]) -> list[dict[str, str]]:
    """The columns of several results, as their reports tell: a column of one name once."""
    found: dict[str, dict[str, str]] = {}
    for result in results:
        for column in (result.report or {}).get("columns", []):
            found.setdefault(column["name"], {"name": column["name"], "type": column["type"]})
    return list(found.values())


async def plan(session: AsyncSession, actor: Actor, slug: str) -> PlanView:
    """Exactly what publishing would do now.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``.
    """
    dataset = await fetch(session, actor, PUBLISH, Dataset, col(Dataset.slug) == slug)
    weighed = await weigh(session, actor, dataset)
    shown = await permitted(session, actor, VIEW, weighed.results)
    columns, rows, last = reported_columns(shown), sum(result.rows or 0 for result in shown), weighed.last
    before = last.profile.get("columns", []) if last else []
    told = _private(dataset, weighed, shown)
    leaving = [each for each in columns if each["name"] not in {*weighed.without, *told["suggested"]}]
    return PlanView(
        dataset=Ref(id=dataset.id, title=said(dataset.title), url=f"/datasets/{dataset.slug}"),
        title=dataset.title,
        description=dataset.description,
        number=next_number(
            last.number if last else None, before, leaving, grown=bool(last and last.rows != rows)
        ),
        rows=rows,
        columns=columns,
        sources=[source_of(result) for result in shown],
        licence=dataset.licence,
        access=dataset.access,
        pilot=await _pilot_ref(session, actor, weighed.pilot),
        owner=await called(session, actor, dataset.owner_id),
        opens_pilot=weighed.opens_pilot and not weighed.hindrances,
        widened=[each.code for each in shown if each.code in weighed.widened],
        self_approved=dataset.created_by_id == actor.person_id,
        generated=any(result.generated for result in weighed.results),
        hindrances=weighed.hindrances,
        waiting=[source_of(result) for result in weighed.waiting],
        **told,
    )


async def _pilot_ref(session: AsyncSession, actor: Actor, pilot: Pilot) -> Ref | None:
    """The pilot by name; none where the actor may not see it, as when a partner was left with its data only."""
    if VIEW not in await may(session, actor, pilot, [VIEW]):
        return None
    return Ref(id=pilot.id, title=said(pilot.title), url=f"/pilots/{pilot.code}")


def _private(dataset: Dataset, weighed: Weighed, shown: Sequence[Result]) -> dict[str, Any]:
    """What the plan says of persons and secrets; nothing of a column that the reader may not see."""
    names = {each["name"] for each in reported_columns(shown)}
    return {
        "personal": privacy.hits(shown),
        "must_review": dataset.access in WIDE and bool(weighed.open_hits),
        "unlooked": len(privacy.unlooked(shown)),
        "withheld": [each for each in weighed.withheld if each.column in names],
        "suggested": [name for name in _suggested(weighed) if name in names],
    }


def _suggested(weighed: Weighed) -> list[str]:
    """What the page proposes to leave out: what was left out before, and what seems to be personal data."""
    before = privacy.left_out(weighed.last.privacy) if weighed.last else []
    seeming = [name for hit in weighed.open_hits for name in hit.columns]
    return [name for name in dict.fromkeys([*before, *seeming]) if name not in weighed.without]


def source_of(result: Result) -> SourceView:
    """A result that the reader may see, as a line of a list."""
    return SourceView(
        id=result.id, code=result.code, filename=result.filename, rows=result.rows, size=result.size,
        sha256=result.sha256, url=f"/results/{result.code}",
    )  # fmt: skip


async def set_access(
    session: AsyncSession, actor: Actor, slug: str, access: Access, *, reviewed: bool = False
) -> bool:
    """Say who may fetch a dataset from now on; return whether that made the pilot's page public.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``.
        Conflict: wider than the pilot or the licence allows, or than what its versions hold; or no change at all.
        Invalid: a version holds what seems to be personal data, and nobody ``reviewed`` it.
    """
    dataset = await fetch(session, actor, SET, Dataset, col(Dataset.slug) == slug, lock=True)
    pilot = await session.get_one(Pilot, dataset.pilot_id)
    for reason in closed(access, pilot, coordinates=True):
        raise Conflict(reason)
    if dataset.licence == Licence.none and access in WIDE:
        raise Conflict(NO_LICENCE)
    if access == dataset.access:
        raise Conflict(message("This was done already."))
    published = dataset.state == DatasetState.published
    if published and WIDTH.index(access) < WIDTH.index(dataset.access):
        await _review(session, actor, dataset, access, reviewed=reviewed)
    opened = published and opens(access, pilot) and await open_pilot(session, actor, pilot.id)
    await revise(
        session,
        actor,
        dataset,
        {"access": access},
        dataset.row_version,
        action=SET,
        pilot_id=dataset.pilot_id,
    )
    return opened


async def _review(
    session: AsyncSession, actor: Actor, dataset: Dataset, access: Access, *, reviewed: bool
) -> None:
    """What was published may not suit those who are to get it now; who let it through is written down."""
    query: Any = select(col(Version.privacy)).where(col(Version.dataset_id) == dataset.id)
    versions = [row[0] for row in (await session.exec(query)).all()]
    left = privacy.insist_published(versions, access, reviewed=reviewed)
    if reviewed:
        details = {"access": str(access), "reviewed": sorted({name for hit in left for name in hit.columns})}
        await record(
            session, actor, "dataset.review", "dataset", dataset.id, pilot_id=dataset.pilot_id, **details
        )


async def access_choices(session: AsyncSession, actor: Actor, slug: str) -> tuple[Dataset, list[Access]]:
    """A dataset whose access the actor may set, and the levels that would make its pilot's page public."""
    dataset = await fetch(session, actor, SET, Dataset, col(Dataset.slug) == slug)
    pilot = await session.get_one(Pilot, dataset.pilot_id)
    published = dataset.state == DatasetState.published
    return dataset, [access for access in Access if published and opens(access, pilot)]
