"""What may occur only once in a version: the keys of the table schemas that its results were held to."""

from collections.abc import Sequence
from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.tabular.run import Combined
from testbed.trials.models import Result, TableSchema

COUNTED = {"sv": "Nycklar: {count} ({columns}).", "en": "Keys: {count} ({columns})."}


async def keys_of(session: AsyncSession, results: Sequence[Result]) -> list[dict[str, Any]]:
    """Every key with the places of the results that have it, as ``tabular.run.combine`` takes it.

    A single result was held to its key when it was read.
    """
    schemas = {each.schema_id for each in results if each.schema_id is not None}
    query = select(TableSchema).where(col(TableSchema.id).in_(schemas))
    bodies = {each.id: each.body for each in await session.exec(query)}
    found: dict[tuple[str, ...], list[int]] = {}
    for place, result in enumerate(results):
        key = bodies.get(result.schema_id or 0, {}).get("primaryKey") or ()
        found.setdefault((key,) if isinstance(key, str) else tuple(key), []).append(place)
    return [
        {"columns": list(key), "sources": places} for key, places in found.items() if key and len(places) > 1
    ]


def told(found: Combined, results: Sequence[Result]) -> dict[str, str] | None:
    """In both languages, which keys are in which results; None if that is not what is wrong."""
    if not found.twice:
        return None
    problem = found.problems[0]
    shown = "; ".join(
        f"{', '.join(each['key'])} – {' + '.join(_name(results[place]) for place in each['sources'])}"
        for each in found.twice
    )
    more = " …" if problem["count"] > len(found.twice) else ""
    return {
        language: f"{hint} {COUNTED[language].format(count=problem['count'], columns=problem['column'])} {shown}{more}"
        for language, hint in problem["hint"].items()
    }


def _name(result: Result) -> str:
    return f"{result.filename} ({result.code})"
