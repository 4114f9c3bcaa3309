"""The row of a version before it is written, and its manifest: what it is made of, in one spelling."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import testbed
from testbed.canonical import digest
from testbed.datasets.models import Dataset, Version, VersionSource
from testbed.datasets.weighing import NO_CHANGE, Weighed, next_number
from testbed.errors import Conflict
from testbed.files import Blob
from testbed.tabular import run
from testbed.tabular.engine import duckdb
from testbed.tabular.personal import RULES
from testbed.trials.models import Result


@dataclass(frozen=True, slots=True)
class Made:
    """The files of a version, kept, and what is in them."""

    parquet: Blob
    csv: Blob
    found: run.Combined


def version_of(
    dataset: Dataset, weighed: Weighed, made: Made, *, person_id: int | None, args: Mapping[str, Any]
) -> Version:
    """The row of a version, not yet written; ``args``: what its publisher said, ``notes`` and ``reviewed``.

    Raises:
        Conflict: it would hold what the last version holds.
    """
    last, found = weighed.last, made.found
    before = last.profile.get("columns", []) if last else []
    if last is not None and last.csv_sha256 == made.csv.sha256 and _shape(before) == _shape(found.columns):
        raise Conflict(NO_CHANGE)
    grown = last is not None and last.rows != found.rows
    version = Version(
        identifier=uuid4(),
        dataset_id=dataset.id,
        number=next_number(last.number if last else None, before, found.columns, grown=grown),
        notes=args.get("notes"),
        rows=found.rows,
        profile={"columns": found.columns, "preview": found.preview},
        parquet_sha256=made.parquet.sha256,
        parquet_size=made.parquet.size,
        csv_sha256=made.csv.sha256,
        csv_size=made.csv.size,
        self_approved=dataset.created_by_id == person_id,
        published_at=datetime.now(UTC).replace(microsecond=0),
        published_by_id=person_id,
        manifest_sha256="",
    )
    version.privacy = _privacy(weighed, version, bool(args.get("reviewed")))
    version.manifest = _manifest(dataset, version, last, weighed)
    version.manifest_sha256 = digest(version.manifest)
    return version


def _privacy(weighed: Weighed, version: Version, reviewed: bool) -> dict[str, Any]:
    """What was found of persons in the columns that leave; ``reviewed`` only where something stops."""
    found = [hit for hit in weighed.personal if not set(hit.columns) <= set(weighed.without)]
    review = {"by": version.published_by_id, "at": version.published_at.isoformat()}
    return {
        "rules": RULES,
        "found": [hit.model_dump(mode="json") for hit in found],
        "reviewed": review if reviewed and any(hit.stops for hit in found) else None,
        "withheld": [each.model_dump() for each in weighed.withheld],
        "confidential": weighed.confidential,
    }


def _shape(columns: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(column["name"], column["type"]) for column in columns]


def _manifest(dataset: Dataset, version: Version, last: Version | None, weighed: Weighed) -> dict[str, Any]:
    """What the version is, in one spelling; ``from`` and ``to`` are row numbers, both inclusive, from 0.

    The digest of a file that holds a withheld column would let others try what stands in it, so it is not told.
    """
    results = weighed.results
    sources = [
        {"from": source.row_from, "to": source.row_to - 1, "result": result.code, "filename": source.filename,
         **({} if weighed.withheld else {"sha256": source.sha256, "size": source.size})}
        for source, result in zip(sources_of(results), results, strict=True)
    ]  # fmt: skip
    fields = [{"name": name, "type": kind} for name, kind in _shape(version.profile["columns"])]
    return {
        "dataset": dataset.slug,
        "version": version.number,
        "identifier": str(version.identifier),
        "previous": last.number if last else None,
        "created": version.published_at.isoformat().replace("+00:00", "Z"),
        "software": f"testbed {testbed.__version__}; duckdb {duckdb.__version__}",
        "title": dataset.title,
        "licence": str(dataset.licence),
        "generated": dataset.generated or any(result.generated for result in results),
        "parts": [
            {
                "name": "data",
                "kind": "table",
                "rows": version.rows,
                "parquet": {"sha256": version.parquet_sha256, "size": version.parquet_size},
                "csv": {"sha256": version.csv_sha256, "size": version.csv_size},
                "schema": {"fields": fields},
                "sources": sources,
            }
        ],
        "telemetry": [],
        "transforms": [
            {"column": each.column, "rule": "removed", "why": each.why} for each in weighed.withheld
        ],
    }


def sources_of(results: Sequence[Result]) -> list[VersionSource]:
    """Which rows came from which file; a second file of one name gets ``-2`` before its ending."""
    found: list[VersionSource] = []
    taken: set[str] = set()
    start = 0
    for result in results:
        name, count = result.filename, 1
        while name in taken:
            count += 1
            stem, dot, ending = result.filename.rpartition(".")
            name = f"{stem}-{count}.{ending}" if dot and stem else f"{result.filename}-{count}"
        taken.add(name)
        end = start + (result.rows or 0)
        found.append(
            VersionSource(
                version_id=0, result_id=result.id, filename=name, sha256=result.sha256, size=result.size,
                row_from=start, row_to=end,
            )
        )  # fmt: skip
        start = end
    return found
