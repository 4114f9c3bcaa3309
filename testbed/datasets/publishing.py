"""Publish a version: ask for it in one short transaction, make it in a job, wait for the job without a connection."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.access.rights import fetch
from testbed.activity import record
from testbed.canonical import canonical
from testbed.datasets import keys, privacy
from testbed.datasets.manifest import Made, sources_of, version_of
from testbed.datasets.models import Dataset, DatasetState, Version, VersionDraft
from testbed.datasets.privacy import PersonalHit, Withheld
from testbed.datasets.service import PUBLISH
from testbed.datasets.views import PublishingView
from testbed.datasets.weighing import Weighed, open_pilot, weigh
from testbed.db import Database
from testbed.errors import Conflict, DomainError, Invalid, NotFound, Unavailable
from testbed.files import Store
from testbed.jobs import Job, Kind, Task, later, scratch
from testbed.lists import Ref
from testbed.notices import webhooks
from testbed.notices.models import Happening
from testbed.people.models import Person, PersonState
from testbed.tabular import run
from testbed.texts import message, said
from testbed.trials.models import Result

KIND = "publish"
WAIT_SECONDS = 45.0
DAMAGED = message(
    "A kept file of this dataset is missing or damaged, so nothing was published. The operator was told."
)
UNLIKE = message("The results do not fit into one table: a column has different types in different files.")
GONE = message("Whoever asked for this may not publish it any more. Nothing was published.")
CHANGED = message(
    "Somebody changed the dataset while the version was made. Nothing was published; look again."
)
OTHERWISE = message(
    "A version of this dataset is being made already, with other columns left out. Wait for it, and look again."
)
BROKE = message("The version could not be made. Nothing was published; try again, or tell the operator.")


async def ask(db: Database, actor: Actor, slug: str, draft: VersionDraft) -> int:
    """Ask for a version and return the number of the job that makes it; a live one is not doubled.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``. Conflict: something stands in its way.
    """
    async with db.begin() as session:
        dataset = await fetch(session, actor, PUBLISH, Dataset, col(Dataset.slug) == slug, lock=True)
        key = f"publish:{dataset.id}"
        weighed = await weigh(session, actor, dataset, draft.withheld)
        _insist(weighed)
        reviewed = draft.personal_data is not None
        privacy.insist(weighed.open_hits, dataset.access, reviewed=reviewed)
        number = await later(
            session,
            KIND,
            person_id=actor.person_id,
            unique_key=key,
            dataset_id=dataset.id,
            scopes=None if actor.scopes is None else sorted(actor.scopes),
            notes=draft.notes,
            withheld=draft.withheld,
            reviewed=[hit.model_dump(mode="json") for hit in weighed.open_hits] if reviewed else [],
            previous=weighed.last.number if weighed.last else None,
        )
        return int(number) if number is not None else await _under_way(session, key, draft)


async def _under_way(session: AsyncSession, key: str, draft: VersionDraft) -> int:
    """The job that is alive. Raises: Conflict: it leaves out other columns than are left out now."""
    query: Any = select(Job).where(col(Job.unique_key) == key).order_by(col(Job.id).desc()).limit(1)
    job = (await session.exec(query)).one()[0]
    if job.args.get("withheld", []) != draft.withheld:
        raise Conflict(OTHERWISE)
    return int(job.id)


def _insist(weighed: Weighed) -> None:
    if weighed.hindrances:
        raise Conflict(weighed.hindrances[0])


async def waited(db: Database, number: int, seconds: float = WAIT_SECONDS) -> dict[str, Any] | None:
    """What a job came to (``state``, ``result``), or None if it takes longer; polls with short queries."""
    pause = 0.03
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        async with db.raw() as connection:
            row = await connection.fetchrow("SELECT state, result, error FROM job WHERE id = $1", number)
        if row is not None and row["state"] in {"done", "failed", "cancelled"}:
            told = row["result"]
            return {
                "state": row["state"],
                "result": json.loads(told) if isinstance(told, str) else told or {},
            }
        if asyncio.get_running_loop().time() + pause > deadline:
            return None
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 0.5)


def number_of(ended: Mapping[str, Any]) -> tuple[str, bool]:
    """The number of the version a job published, and whether that made the pilot's page public.

    Raises:
        Conflict, Invalid: it published none; with the reason.
    """
    result = ended["result"]
    if number := result.get("number"):
        return str(number), bool(result.get("pilot_published"))
    if (refused := result.get("refused")) is None:
        raise Conflict(BROKE)
    told, params = said(refused) if isinstance(refused, dict) else str(refused), result.get("told") or {}
    raise Invalid(told, **params) if result.get("status") == 422 else Conflict(told, **params)


async def progress(session: AsyncSession, actor: Actor, slug: str, number: int) -> PublishingView:
    """How far a publication has come.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``, or no such publication.
    """
    dataset = await fetch(session, actor, PUBLISH, Dataset, col(Dataset.slug) == slug)
    job = await session.get(Job, number)
    if job is None or job.kind != KIND or job.args.get("dataset_id") != dataset.id:
        raise NotFound(message("There is nothing here, or nothing you may see."))
    result = job.result or {}
    view = PublishingView(
        id=job.id, dataset=Ref(id=dataset.id, title=said(dataset.title), url=f"/datasets/{slug}"), title=dataset.title,
        state=str(job.state), step=job.step, done=job.done, total=job.total, version=result.get("number"),
    )  # fmt: skip
    if str(job.state) in {"failed", "cancelled"} or "refused" in result:
        refused = result.get("refused", BROKE)
        view.error = said(refused) if isinstance(refused, dict) else str(refused)
        view.told = result.get("told") or {}
        view.state = "failed"
    return view


async def work(task: Task) -> Mapping[str, Any]:
    """The job: hash every source again, join them, keep the files, and publish in one transaction."""
    try:
        async with task.shop.db.begin() as session:
            dataset, weighed = await _prepared(session, task, lock=False)
            once = await keys.keys_of(session, weighed.results)
        if (done := _done_before(task, weighed)) is not None:
            return done
        if privacy.unlooked(weighed.results):
            await privacy.look(task, weighed.results)
            async with task.shop.db.begin() as session:
                dataset, weighed = await _prepared(session, task, lock=False)
        _insist_all(task, dataset, weighed)
        made = await _make(task, weighed, once)
        return await _publish(task, dataset, weighed, made)
    except Unavailable:
        raise  # tried again
    except DomainError as error:
        refused = error.params.get("told", error.detail)
        told = {name: value for name, value in error.params.items() if name == "columns"}
        return {"refused": refused, "status": int(error.status), "told": told}


KINDS = {KIND: Kind(work)}


async def _prepared(session: AsyncSession, task: Task, *, lock: bool) -> tuple[Dataset, Weighed]:
    actor = await _actor(session, task)
    try:
        dataset = await fetch(
            session, actor, PUBLISH, Dataset, col(Dataset.id) == task.args["dataset_id"], lock=lock
        )
    except DomainError:
        raise Conflict(GONE) from None
    return dataset, await weigh(session, actor, dataset, task.args.get("withheld", ()))


def _insist_all(task: Task, dataset: Dataset, weighed: Weighed) -> None:
    _insist(weighed)
    privacy.insist_seen(weighed.open_hits, dataset.access, task.args.get("reviewed", ()))


async def _actor(session: AsyncSession, task: Task) -> Actor:
    """Whoever asked, with the rights they have now, within the scopes they asked with."""
    person = await session.get(Person, task.person_id) if task.person_id else None
    if person is None or person.state != PersonState.active:
        raise Conflict(GONE)
    scopes = task.args.get("scopes")
    return Actor(
        kind="job", person_id=person.id, name=person.name, email=person.email, admin=person.admin,
        scopes=None if scopes is None else frozenset(scopes),
    )  # fmt: skip


def _done_before(task: Task, weighed: Weighed) -> dict[str, Any] | None:
    """One job a dataset is alive at a time: a newer version than was seen is this very job's, made before."""
    last = weighed.last
    return {"number": last.number} if last is not None and last.number != task.args["previous"] else None


async def _make(task: Task, weighed: Weighed, once: Sequence[Mapping[str, Any]]) -> Made:
    store, results = task.shop.store, weighed.results
    await _check(task, store, results)
    with scratch(task) as work:
        paths = []
        for place, result in enumerate(results):
            folder = work / str(place)
            folder.mkdir(mode=0o711)
            paths.append(await store.local(str(result.parquet_sha256), folder))
        found = await run.combine(
            paths, work, types=_nested(results), keys=once, without=weighed.without, progress=task.beat
        )
        if found.state != "ready" or found.parquet is None or found.csv is None:
            hint = found.problems[0].get("hint") if found.problems else None
            raise Invalid(UNLIKE, told=keys.told(found, results) or hint or UNLIKE)
        if found.rows != sum(result.rows or 0 for result in results):
            raise Conflict(DAMAGED)
        await task.beat("keeping", 0, 2)
        parquet = await store.keep_file(found.parquet.path)
        await task.beat("keeping", 1, 2)
        csv = await store.keep_file(found.csv.path)
    return Made(parquet, csv, found)


async def _check(task: Task, store: Store, results: Sequence[Result]) -> None:
    """Most damage happens between upload and publication: every byte is hashed again."""
    for place, result in enumerate(results):
        await task.beat("checking", place, len(results))
        for sha256 in (result.sha256, str(result.parquet_sha256)):
            if not await store.verify(sha256):
                raise Conflict(DAMAGED)


def _nested(results: Sequence[Result]) -> dict[str, str]:
    """Text columns that hold JSON, as the readings said."""
    return {
        column["name"]: column["type"]
        for result in results
        for column in (result.report or {}).get("columns", [])
        if column["type"] in {"object", "list"}
    }


async def _publish(task: Task, before: Dataset, weighed: Weighed, made: Made) -> dict[str, Any]:
    """The manifest is frozen and kept first; then everything the version is, in one transaction."""
    version = version_of(before, weighed, made, person_id=task.person_id, args=task.args)
    body = canonical(version.manifest)
    await task.shop.store.keep(_once(body), most_bytes=len(body), expect_sha256=version.manifest_sha256)
    async with task.shop.db.begin() as session:
        dataset, now = await _prepared(session, task, lock=True)
        if (done := _done_before(task, now)) is not None:
            return done
        _insist_all(task, dataset, now)
        if dataset.row_version != before.row_version or _basis(now) != _basis(weighed):
            raise Conflict(CHANGED)
        actor = await _actor(session, task)
        opened = now.opens_pilot and await open_pilot(session, actor, dataset.pilot_id)
        await _write(session, dataset, version, now.results)
        details = {
            "number": version.number, "access": str(dataset.access), "self_approved": version.self_approved,
            "manifest_sha256": version.manifest_sha256, "widened": now.widened, "pilot_published": opened,
            "withheld": now.without, "reviewed": _reviewed(version),
        }  # fmt: skip
        await record(session, actor, PUBLISH, "dataset", dataset.id, pilot_id=dataset.pilot_id, **details)
        await _tell(session, dataset, version)
    return {"number": version.number, "pilot_published": opened}


async def _tell(session: AsyncSession, dataset: Dataset, version: Version) -> None:
    """Let the systems of the dataset's owner know, by ids and links; made-up measurements are told to nobody."""
    if dataset.generated:
        return
    links = {
        "dataset": f"/datasets/{dataset.slug}",
        "version": f"/datasets/{dataset.slug}/versions/{version.number}",
    }
    told = {"dataset": dataset.slug, "version": version.number, "links": links}
    once = f"{Happening.version_published}:{dataset.id}:{version.number}"
    await webhooks.announce(session, dataset.owner_id, Happening.version_published, told, once=once)


def _basis(weighed: Weighed) -> tuple[list[int], list[Withheld], list[str]]:
    return [result.id for result in weighed.results], weighed.withheld, weighed.confidential


def _reviewed(version: Version) -> list[str]:
    """The columns that somebody looked at and let through."""
    if not version.privacy.get("reviewed"):
        return []
    found = [PersonalHit.model_validate(each) for each in version.privacy["found"]]
    return [name for hit in found if hit.stops for name in hit.columns]


async def _write(
    session: AsyncSession, dataset: Dataset, version: Version, results: Sequence[Result]
) -> None:
    session.add(version)
    await session.flush()
    for source in sources_of(results):
        source.version_id = version.id
        session.add(source)
    dataset.state = DatasetState.published
    dataset.generated = dataset.generated or any(result.generated for result in results)
    session.add(dataset)
    await session.flush()


async def _once(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body
