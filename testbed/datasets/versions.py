"""Versions as they leave: their pages, their files, and their place in the evidence chain."""

from typing import Any
from urllib.parse import quote

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import NOBODY, Actor
from testbed.access.rights import READ, VIEW, allowed, fetch
from testbed.activity import history
from testbed.canonical import canonical
from testbed.datasets import citation
from testbed.datasets.downloads import MEDIA, whole
from testbed.datasets.models import Dataset, Version, VersionSource
from testbed.datasets.privacy import Withheld
from testbed.datasets.service import EDIT, PUBLISH, actions, held_results
from testbed.datasets.views import DatasetView, File, Preview, Review, SourceView, VersionLine, VersionView
from testbed.datasets.weighing import source_of
from testbed.lists import Ref
from testbed.partners.service import called
from testbed.people.models import Person
from testbed.pilots.chain import Chain, Link, Node, chain_of, tells
from testbed.pilots.models import Pilot
from testbed.settings import Settings
from testbed.texts import said
from testbed.trials.models import Result


async def show(
    session: AsyncSession,
    actor: Actor,
    settings: Settings,
    slug: str,
    number: str,
    *,
    with_chain: bool = False,
) -> VersionView:
    """One version; its content only if the actor may read it.

    Raises:
        NotFound: absent or hidden.
    """
    of_dataset = select(Dataset.id).where(col(Dataset.slug) == slug).scalar_subquery()  # type: ignore[call-overload]
    version = await fetch(
        session, actor, VIEW, Version, col(Version.dataset_id) == of_dataset, col(Version.number) == number
    )
    return await shown(session, actor, settings, version, with_chain=with_chain)


async def shown(
    session: AsyncSession, actor: Actor, settings: Settings, version: Version, *, with_chain: bool = False
) -> VersionView:
    """The view of a version that the actor may see."""
    dataset = await session.get_one(Dataset, version.dataset_id)
    owner = await called(session, actor, dataset.owner_id)
    asked: Any = select(allowed(actor, READ, Version), allowed(NOBODY, READ, Version)).where(
        col(Version.id) == version.id
    )
    readable, is_open = (await session.exec(asked)).one()
    pilot, chain = await surroundings(session, actor, dataset.pilot_id, with_chain=with_chain)
    url = f"/datasets/{dataset.slug}/versions/{version.number}"
    view = VersionView(
        id=version.id, identifier=version.identifier, number=version.number, url=url,
        dataset=Ref(id=dataset.id, title=said(dataset.title), url=f"/datasets/{dataset.slug}"),
        title=dataset.title, description=dataset.description, pilot=pilot, owner=owner,
        licence=dataset.licence, access=dataset.access, open=is_open, generated=dataset.generated,
        published_at=version.published_at, notes=version.notes, readable=readable,
        self_approved=version.self_approved, chain=chain,
    )  # fmt: skip
    if readable:
        await _content(session, actor, settings, view, dataset, version)
    return view


async def _content(
    session: AsyncSession,
    actor: Actor,
    settings: Settings,
    view: VersionView,
    dataset: Dataset,
    version: Version,
) -> None:
    """Fill in what only readers get: figures, hashes, files, how to load and cite them."""
    absolute = settings.base_url + view.url
    cited = citation.Cited(
        view.owner.title if view.owner else settings.city, settings.city, dataset.title, version.number, dataset.slug,
        absolute, version.manifest_sha256, version.published_at,
    )  # fmt: skip
    view.rows, view.manifest_sha256 = version.rows, version.manifest_sha256
    view.columns = version.profile.get("columns", [])
    view.preview = Preview.model_validate(version.profile.get("preview") or {})
    view.files = _files(view.url, version)
    view.withheld = [Withheld.model_validate(each) for each in version.privacy.get("withheld", [])]
    view.review = await _review(session, actor, dataset, version)
    view.sources = await _sources_of(session, actor, view.url, version)
    view.citation, view.bibtex = citation.plain(cited), citation.bibtex(cited)
    view.code = citation.loaders(absolute, dataset.slug, version.number, open_to_all=view.open)


async def _review(session: AsyncSession, actor: Actor, dataset: Dataset, version: Version) -> Review | None:
    if not version.privacy.get("found") or PUBLISH not in await actions(session, actor, dataset):
        return None
    given = version.privacy.get("reviewed") or {}
    person = await session.get(Person, given["by"]) if given.get("by") else None
    return Review(found=version.privacy["found"], at=given.get("at"), who=person.name if person else None)


def _files(url: str, version: Version) -> list[File]:
    sizes = {
        "data.csv": (version.csv_size, version.csv_sha256),
        "data.parquet": (version.parquet_size, version.parquet_sha256),
        "manifest.json": (len(canonical(version.manifest)), version.manifest_sha256),
    }
    return [
        File(name=name, url=f"{url}/{name}", media_type=MEDIA[name], size=size, sha256=sha256)
        for name, (size, sha256) in sizes.items()
    ]


async def _sources_of(session: AsyncSession, actor: Actor, url: str, version: Version) -> list[SourceView]:
    """The originals; a result's own page is linked only for those who may see it."""
    query: Any = (
        select(  # type: ignore[call-overload]
            VersionSource,
            Result.code,
            allowed(actor, VIEW, Result).label("seen"),
            whole(actor, version).label("untouched"),
        )
        .join(Result, col(Result.id) == VersionSource.result_id)
        .where(col(VersionSource.version_id) == version.id)
        .order_by(col(VersionSource.row_from), col(VersionSource.id))
    )
    return [
        SourceView(
            code=code, filename=source.filename, rows=source.row_to - source.row_from,
            size=source.size if untouched else None, sha256=source.sha256 if untouched else None,
            url=f"/results/{code}" if seen else None,
            original=f"{url}/original/{quote(source.filename, safe='')}" if untouched else None,
        )
        for source, code, seen, untouched in (await session.exec(query)).all()
    ]  # fmt: skip


async def surroundings(
    session: AsyncSession, actor: Actor, pilot_id: int, *, with_chain: bool
) -> tuple[Ref | None, Chain | None]:
    """The pilot and its chain, where the actor may see the pilot."""
    query: Any = select(Pilot).where(col(Pilot.id) == pilot_id, allowed(actor, VIEW, Pilot))
    found = (await session.exec(query)).one_or_none()
    if found is None:
        return None, None
    pilot = found[0]
    chain = await chain_of(session, actor, pilot_id, pilot.code) if with_chain else None
    return Ref(id=pilot.id, title=f"{pilot.code} {said(pilot.title)}", url=f"/pilots/{pilot.code}"), chain


async def view(
    session: AsyncSession, actor: Actor, settings: Settings | None, slug: str, *, with_chain: bool = False
) -> DatasetView:
    """One dataset with its versions, as far as the actor may see them; without ``settings`` no newest one in full.

    Raises:
        NotFound: absent or hidden.
    """
    dataset = await fetch(session, actor, VIEW, Dataset, col(Dataset.slug) == slug)
    granted = await actions(session, actor, dataset)
    pilot, chain = await surroundings(session, actor, dataset.pilot_id, with_chain=with_chain)
    query: Any = (
        select(Version, allowed(actor, READ, Version))
        .where(col(Version.dataset_id) == dataset.id)
        .order_by(col(Version.id).desc())
    )
    rows = (await session.exec(query)).all()
    latest = await shown(session, actor, settings, rows[0][0]) if rows and settings else None
    held = await held_results(session, dataset.id, allowed(actor, VIEW, Result)) if EDIT in granted else []
    return DatasetView.model_validate(
        dataset,
        update={
            "pilot": pilot,
            "pilot_code": pilot.url.rpartition("/")[2] if pilot else None,
            "owner": await called(session, actor, dataset.owner_id),
            "readable": latest.readable if latest else bool(granted),
            "results": [source_of(result) for result in held],
            "versions": [_line(slug, version, readable) for version, readable in rows],
            "latest": latest,
            "chain": chain,
            "may": granted,
            "activity": await history(session, "dataset", dataset.id) if granted else [],
        },
    )


def _line(slug: str, version: Version, readable: bool) -> VersionLine:
    return VersionLine(
        number=version.number,
        url=f"/datasets/{slug}/versions/{version.number}",
        published_at=version.published_at,
        notes=version.notes,
        rows=version.rows if readable else None,
        manifest_sha256=version.manifest_sha256 if readable else None,
    )


async def nodes(session: AsyncSession, actor: Actor, pilot_id: int) -> list[Node]:
    """The versions of a pilot's datasets in the chain; each rests on the results it was made of.

    For a reader who may see none of these results it rests on the pilot, so that the chain has no gap.
    """
    query: Any = (
        select(Version, Dataset.slug, Dataset.title, Dataset.generated, allowed(actor, READ, Version))  # type: ignore[call-overload]
        .join(Dataset, col(Dataset.id) == Version.dataset_id)
        .where(col(Dataset.pilot_id) == pilot_id, allowed(actor, VIEW, Version))
        .order_by(col(Version.id))
    )
    rows = (await session.exec(query)).all()
    rests = await _made_of(session, [version.id for version, *_ in rows])
    pilot = [f"pilot:{pilot_id}"]
    return [
        Node(
            key=f"version:{version.id}", kind=Link.version, title=title, url=f"/datasets/{slug}/versions/{version.number}",
            note=version.number, sha256=version.manifest_sha256 if readable else None, at=version.published_at,
            rests_on=rests.get(version.id, pilot), generated=generated,
        )
        for version, slug, title, generated, readable in rows
    ]  # fmt: skip


async def _made_of(session: AsyncSession, versions: list[int]) -> dict[int, list[str]]:
    """The keys of the results each version is made of; the chain drops those that the reader may not see."""
    found: dict[int, list[str]] = {}
    if not versions:
        return found
    query: Any = (
        select(col(VersionSource.version_id), col(VersionSource.result_id))
        .where(col(VersionSource.version_id).in_(versions))
        .order_by(col(VersionSource.id))
    )
    for version_id, result_id in (await session.exec(query)).all():
        found.setdefault(version_id, []).append(f"result:{result_id}")
    return found


tells(Link.version, nodes)
