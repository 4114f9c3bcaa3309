"""What one can do with datasets before they are published, and how they are found after."""

from typing import Any

from sqlalchemy import ColumnElement, String, and_, case, cast, func, or_, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Access, Actor, PilotPartner, Role
from testbed.access.relations import memberships
from testbed.access.rights import ABSENT, READ, VIEW, allowed, fetch, may
from testbed.activity import record
from testbed.datasets.accepted import settled
from testbed.datasets.models import (
    Dataset,
    DatasetDraft,
    DatasetPatch,
    DatasetResult,
    DatasetState,
    Licence,
    Source,
    Version,
)
from testbed.datasets.views import DatasetItem
from testbed.errors import ATTENTION, Conflict, Forbidden, Invalid, NotFound, SignInNeeded
from testbed.lists import Asked, Listed, in_language, in_swedish, matching, page_of
from testbed.partners.models import Partner
from testbed.partners.service import known
from testbed.pilots.models import Pilot
from testbed.revisions import archive, revise, slug_of
from testbed.testbeds.models import Testbed
from testbed.texts import language, message, said
from testbed.trials.models import Result, ResultState, Trial

EDIT, CREATE, SET, PUBLISH = "dataset.edit", "dataset.create", "access.set", "version.publish"
USABLE = (ResultState.ready, ResultState.partly)
OWNING = (Role.lead, Role.researcher, Role.evaluator)
NOT_USABLE = message(
    "A result of this list is not of the pilot, is not readable yet, or is not yours to see."
)
NOT_ACCEPTED = message(
    "A result of this list has not been accepted, so it cannot be part of a dataset. Accept it first."
)
TWICE = message("A result is in the list twice.")
PUBLISHED = message("It is published: the licence stays, and who may fetch it has a page of its own.")


async def register(session: AsyncSession, actor: Actor, draft: DatasetDraft) -> Dataset:
    """Describe a dataset; nothing is published yet.

    Raises:
        Invalid: an unknown pilot, or a result that cannot be used. SignInNeeded, Forbidden: not in this pilot.
    """
    try:
        pilot = await fetch(session, actor, CREATE, Pilot, col(Pilot.code) == draft.pilot)
    except NotFound:
        raise Invalid(ATTENTION, fields={"pilot": ABSENT}) from None
    results = await _results(session, actor, pilot.id, draft.results)
    dataset = Dataset(
        **draft.model_dump(exclude={"pilot", "results"}),
        slug=slug_of(said(draft.title, "en") or said(draft.title)),
        pilot_id=pilot.id,
        owner_id=await _owner(session, actor, pilot),
        generated=any(result.generated for result in results),
        created_by_id=actor.person_id,
    )
    session.add(dataset)
    await session.flush()
    await session.refresh(dataset)
    await _hold(session, dataset, results)
    await _tell(session, actor, "dataset.register", dataset, results=[result.id for result in results])
    return dataset


async def edit(
    session: AsyncSession, actor: Actor, slug: str, patch: DatasetPatch, seen_version: int
) -> Dataset:
    """Change what is said of a dataset, or which results its next version is made of.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``. Stale: see ``revisions.revise``.
        Invalid: as ``register``. Conflict: licence or access of a published dataset.
    """
    dataset = await fetch(session, actor, EDIT, Dataset, col(Dataset.slug) == slug, lock=True)
    written = patch.model_dump(exclude_unset=True, exclude={"row_version"})
    chosen: list[Source] | None = written.pop("results", None)
    locked = {
        name for name in ("licence", "access") if name in written and written[name] != getattr(dataset, name)
    }
    if dataset.state != DatasetState.draft and locked:
        raise Conflict(PUBLISHED, fields=dict.fromkeys(sorted(locked), PUBLISHED))
    await revise(session, actor, dataset, written, seen_version, action=EDIT, pilot_id=dataset.pilot_id)
    if chosen is not None:
        await _choose(session, actor, dataset, chosen)
    return dataset


async def _choose(session: AsyncSession, actor: Actor, dataset: Dataset, chosen: list[Source]) -> None:
    """Take another set of results, if it is another; those that the actor may not see stay where they are."""
    held = await held_results(session, dataset.id)
    visible = {result.id for result in await held_results(session, dataset.id, allowed(actor, VIEW, Result))}
    hidden = [result for result in held if result.id not in visible]
    results = hidden + await _results(session, actor, dataset.pilot_id, chosen)
    if [result.id for result in results] == [result.id for result in held]:
        return
    if dataset.state == DatasetState.draft:
        dataset.generated = any(result.generated for result in results)
    else:
        dataset.generated = dataset.generated or any(result.generated for result in results)
    await _hold(session, dataset, results)
    await _tell(session, actor, "dataset.choose", dataset, results=[result.id for result in results])


async def put_away(session: AsyncSession, actor: Actor, slug: str, *, back: bool = False) -> Dataset:
    """Archive a dataset: it leaves the lists, its versions stay where they are."""
    dataset = await fetch(session, actor, EDIT, Dataset, col(Dataset.slug) == slug, lock=True)
    action = "dataset.restore" if back else "dataset.archive"
    await archive(session, actor, dataset, action=action, pilot_id=dataset.pilot_id, back=back)
    return dataset


async def held_results(session: AsyncSession, dataset_id: int, *where: ColumnElement[bool]) -> list[Result]:
    """The results the next version is made of, in their order."""
    query: Any = (
        select(Result)
        .join(DatasetResult, col(DatasetResult.result_id) == Result.id)
        .where(col(DatasetResult.dataset_id) == dataset_id, *where)
        .order_by(col(DatasetResult.position))
    )
    return [row[0] for row in (await session.exec(query)).all()]


async def usable_results(session: AsyncSession, actor: Actor, pilot_id: int) -> list[Result]:
    """The results of a pilot that a dataset may be made of and the actor may see, newest first."""
    query: Any = (
        select(Result)
        .join(Trial, col(Trial.id) == Result.trial_id)
        .where(
            col(Trial.pilot_id) == pilot_id,
            col(Result.state).in_(USABLE),
            col(Result.archived_at).is_(None),
            settled(),
            allowed(actor, VIEW, Result),
        )
        .order_by(col(Result.id).desc())
        .limit(500)
    )
    return [row[0] for row in (await session.exec(query)).all()]


async def page(
    session: AsyncSession,
    actor: Actor,
    asked: Asked,
    *,
    pilot: str = "",
    licence: Licence | None = None,
    access: Access | None = None,
    state: DatasetState | None = None,
    archived: bool = False,
) -> Listed[DatasetItem]:
    """A page of the datasets whose description the actor may see, the newest first."""
    query = _listing(actor).where(allowed(actor, VIEW, Dataset), matching(Dataset, asked.q))
    query = query.where(
        col(Dataset.archived_at).is_not(None) if archived else col(Dataset.archived_at).is_(None)
    )
    for column, wanted in ((Dataset.licence, licence), (Dataset.access, access), (Dataset.state, state)):
        if wanted is not None:
            query = query.where(col(column) == wanted)
    if pilot:
        query = query.where(col(Pilot.code) == pilot)
    orders = {
        "-created": col(Dataset.created_at),
        "created": col(Dataset.created_at),
        "title": in_swedish(in_language(col(Dataset.title), language.get())),
        "owner": in_swedish(col(Partner.name)),
    }
    rows, after = await page_of(session, query, asked, key=col(Dataset.id), orders=orders)
    items = [DatasetItem.model_validate(row, from_attributes=True) for row in rows]
    return Listed(items=items, next=after, q=asked.q, sort=asked.sort)


def _listing(actor: Actor) -> Any:
    """One row a dataset with its newest version; its pilot only where the actor may see that too."""
    newest = (
        select(Version.id)  # type: ignore[call-overload]
        .where(col(Version.dataset_id) == Dataset.id)
        .order_by(col(Version.id).desc())
        .limit(1)
        .correlate(Dataset)
        .scalar_subquery()
    )
    seen = and_(col(Pilot.id) == Dataset.pilot_id, allowed(actor, VIEW, Pilot))
    return (
        select(
            Dataset.id, Dataset.slug, Dataset.title, Dataset.licence, Dataset.access, Dataset.state, Dataset.generated,  # type: ignore[call-overload]
            col(Pilot.code).label("pilot"), col(Pilot.title).label("pilot_title"), col(Partner.name).label("owner"),
            col(Version.number).label("version"), col(Version.published_at).label("published_at"),
            case((allowed(actor, READ, Dataset), Version.rows)).label("rows"),
        )
        .select_from(Dataset)
        .join(Pilot, seen, isouter=True)
        .join(Partner, and_(col(Partner.id) == Dataset.owner_id, known(actor)), isouter=True)
        .join(Version, col(Version.id) == newest, isouter=True)
    )  # fmt: skip


async def creator_may(session: AsyncSession, actor: Actor, code: str) -> Pilot:
    """The pilot in which the actor may make a dataset.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``.
    """
    return await fetch(session, actor, CREATE, Pilot, col(Pilot.code) == code)


async def pilots_to_choose(session: AsyncSession, actor: Actor) -> list[Pilot]:
    """The pilots in which the actor may make a dataset, newest first.

    Raises:
        Forbidden, SignInNeeded: there is none.
    """
    query: Any = select(Pilot).where(allowed(actor, CREATE, Pilot), col(Pilot.archived_at).is_(None))
    rows = (await session.exec(query.order_by(col(Pilot.id).desc()).limit(200))).all()
    if not rows and actor.person_id is None:
        raise SignInNeeded(message("Sign in to do this."))
    if not rows:
        raise Forbidden(message("You take no part in a pilot in which you may make a dataset."))
    return [row[0] for row in rows]


async def _owner(session: AsyncSession, actor: Actor, pilot: Pilot) -> int:
    """The actor's own partner in the pilot; a coordinator's dataset is the lead partner's, else the testbed's."""
    query: Any = (
        select(PilotPartner.partner_id)  # type: ignore[call-overload]
        .where(
            col(PilotPartner.pilot_id) == pilot.id,
            col(PilotPartner.partner_id).in_(memberships(actor)),
            col(PilotPartner.roles).overlap([str(role) for role in OWNING]),  # type: ignore[attr-defined]
            col(PilotPartner.left_on).is_(None),
        )
        .order_by(col(PilotPartner.id))
        .limit(1)
    )
    own = (await session.exec(query)).first()
    if own is not None:
        return int(own[0])
    if pilot.lead_partner_id is not None:
        return pilot.lead_partner_id
    query = select(func.coalesce(Testbed.owner_partner_id)).where(col(Testbed.id) == pilot.testbed_id)
    return int((await session.exec(query)).one()[0])


async def _results(session: AsyncSession, actor: Actor, pilot_id: int, named: list[Source]) -> list[Result]:
    """The results a body names by number or code, in its order.

    Raises:
        Invalid: one is absent, hidden, of another pilot, not read yet, not accepted, or named twice.
    """
    usable = await usable_results(session, actor, pilot_id)
    known = {str(key): result for result in usable for key in (result.id, result.code)}
    found = [known.get(str(each)) for each in named]
    if any(result is None for result in found):
        missing = [str(each) for each, result in zip(named, found, strict=True) if result is None]
        told = NOT_ACCEPTED if await _waiting(session, actor, pilot_id, missing) else NOT_USABLE
        raise Invalid(ATTENTION, fields={"results": told})
    results = [result for result in found if result is not None]
    if len({result.id for result in results}) < len(results):
        raise Invalid(ATTENTION, fields={"results": TWICE})
    return results


async def _waiting(session: AsyncSession, actor: Actor, pilot_id: int, named: list[str]) -> bool:
    """Whether all these results are the pilot's and the actor's to see, so that only their acceptance is missing."""
    query: Any = (
        select(col(Result.id), col(Result.code))
        .join(Trial, col(Trial.id) == Result.trial_id)
        .where(col(Trial.pilot_id) == pilot_id, col(Result.state).in_(USABLE), allowed(actor, VIEW, Result))
        .where(or_(col(Result.code).in_(named), cast(col(Result.id), String).in_(named)))
    )
    known = {str(key) for row in (await session.exec(query)).all() for key in row}
    return set(named) <= known


async def _hold(session: AsyncSession, dataset: Dataset, results: list[Result]) -> None:
    held: Any = select(DatasetResult).where(col(DatasetResult.dataset_id) == dataset.id)
    for kept in (await session.exec(held)).all():
        await session.delete(kept[0])
    await session.flush()
    for position, result in enumerate(results):
        session.add(DatasetResult(dataset_id=dataset.id, result_id=result.id, position=position))
    await session.flush()


async def _tell(session: AsyncSession, actor: Actor, action: str, dataset: Dataset, **details: Any) -> None:
    await record(session, actor, action, "dataset", dataset.id, pilot_id=dataset.pilot_id, **details)


async def actions(session: AsyncSession, actor: Actor, dataset: Dataset) -> list[str]:
    return await may(session, actor, dataset, [EDIT, SET, PUBLISH])
