"""The files of a version, and who gets which of them."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, false, or_, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import NOBODY, Actor
from testbed.access.rights import ABSENT, READ, VIEW, allowed, fetch
from testbed.canonical import canonical
from testbed.datasets.models import Dataset, Version, VersionSource
from testbed.errors import NotFound
from testbed.trials.models import Result

MEDIA = {
    "data.parquet": "application/vnd.apache.parquet",
    "data.csv": "text/csv; charset=utf-8; header=present",
    "manifest.json": "application/json",
}
OPAQUE = "application/octet-stream"
EXACT = re.compile(r"[0-9]{1,6}\.[0-9]{1,6}\.[0-9]{1,6}", re.ASCII)
SHORT = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Download:
    """A file of a version that the actor may fetch; ``public`` when everybody may."""

    sha256: str
    size: int
    filename: str
    media_type: str
    public: bool
    last_modified: datetime
    headers: dict[str, str]


async def exact_number(session: AsyncSession, actor: Actor, slug: str, given: str) -> str:
    """The full number that ``given`` names: itself, the newest of ``1`` or ``1.0``, or of all for ``latest``.

    Raises:
        NotFound: no such version, or the actor may not see that there is one.
    """
    if EXACT.fullmatch(given):
        return given
    query: Any = (
        select(col(Version.number))
        .join(Dataset, col(Dataset.id) == Version.dataset_id)
        .where(col(Dataset.slug) == slug, allowed(actor, VIEW, Version))
    )
    if given != "latest":
        if not SHORT.fullmatch(given):
            raise NotFound(ABSENT)
        query = query.where(col(Version.number).like(f"{given}.%"))
    found = (await session.exec(query.order_by(col(Version.id).desc()).limit(1))).first()
    if found is None:
        raise NotFound(ABSENT)
    return str(found[0])


async def download(
    session: AsyncSession, actor: Actor, slug: str, number: str, name: str, *, original: bool = False
) -> Download:
    """A file of a version: ``data.csv``, ``data.parquet``, ``manifest.json``, or an original by its name.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``; also when the version has no such file.
    """
    of_dataset = select(Dataset.id).where(col(Dataset.slug) == slug).scalar_subquery()  # type: ignore[call-overload]
    version = await fetch(
        session, actor, READ, Version, col(Version.dataset_id) == of_dataset, col(Version.number) == number
    )
    sha256, size, media_type, more = await _kept(session, actor, version, name, original=original)
    open_query: Any = select(allowed(NOBODY, READ, Version)).where(col(Version.id) == version.id)
    public = bool((await session.exec(open_query)).one()[0])
    if more:
        public = False  # not everybody's, however open the version is: no cache on the way may keep it
    base = f"/datasets/{slug}/versions/{number}"
    links = f'<{base}>; rel="cite-as", <{base}/manifest.json>; rel="describedby", </datasets/{slug}>; rel="collection"'
    return Download(
        sha256, size, name if original else f"{slug}-{number}.{name.removeprefix('data.')}", media_type, public,
        version.published_at, {"Link": links},
    )  # fmt: skip


async def _kept(
    session: AsyncSession, actor: Actor, version: Version, name: str, *, original: bool
) -> tuple[str, int, str, bool]:
    """Digest, size, media type, and whether more is in it than in the version."""
    if original:
        query: Any = (
            select(VersionSource, col(Result.looked_through))
            .join(Result, col(Result.id) == VersionSource.result_id)
            .where(
                col(VersionSource.version_id) == version.id,
                col(VersionSource.filename) == name,
                whole(actor, version),
            )
        )
        found = (await session.exec(query)).one_or_none()
        if found is None:
            raise NotFound(ABSENT)
        more = not found[1] or bool(version.privacy.get("withheld"))
        return found[0].sha256, found[0].size, OPAQUE, more
    kept = {
        "data.parquet": (version.parquet_sha256, version.parquet_size),
        "data.csv": (version.csv_sha256, version.csv_size),
        "manifest.json": (version.manifest_sha256, len(canonical(version.manifest))),
    }
    if name not in kept:
        raise NotFound(ABSENT)
    return *kept[name], MEDIA[name], False


def whole(actor: Actor, version: Version) -> ColumnElement[bool]:
    """Who gets a file as it was handed in: everyone who may read the version, unless more is in it than in the version."""
    alone = false() if version.privacy.get("withheld") else col(Result.looked_through)
    return or_(alone, allowed(actor, READ, Result))
