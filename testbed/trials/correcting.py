"""What a correction rests on: the refused rows of the file it corrects, and what is taken of that file already."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.files import Store
from testbed.tabular import basis, kept
from testbed.tabular.basis import Basis
from testbed.trials import families
from testbed.trials.models import Result, TableSchema


@dataclass(frozen=True, slots=True)
class Ground:
    """``code`` names the corrected file, whose schema holds for its corrections too. The rest are digests of kept files;
    ``told`` is what the correction is checked against, as ``families.basis_of`` spells it."""

    code: str
    schema_id: int
    schema: dict[str, Any]
    refused: str | None
    above: str | None
    standing: list[str]
    tables: list[str]
    told: list[str]


async def ground(session: AsyncSession, result: Result) -> Ground | None:
    """What the rows of a result are held against if it turns out to be a correction; None if it cannot be one."""
    if result.replaces_id is None:
        return None
    parent = await session.get_one(Result, result.replaces_id)
    schema = await session.get(TableSchema, parent.schema_id) if parent.schema_id else None
    if schema is None:
        return None
    root = await families.root_of(session, parent)
    corrections = await families.corrections_of(session, [root])
    joined = [each for each in families.joined([root], corrections) if each.id != result.id]
    return Ground(
        parent.code, schema.id, schema.body, parent.rejected_sha256, parent.lines_sha256,
        [each.lines_sha256 for each in joined if each.lines_sha256],
        [each.parquet_sha256 for each in joined if each.parquet_sha256],
        families.basis_of(root, corrections, but=result.id),
    )  # fmt: skip


async def laid(store: Store, work: Path, on: Ground) -> Basis:
    """Bring everything into ``work`` and lay it out for the reading; DuckDB works in a thread."""
    return await asyncio.to_thread(
        basis.lay,
        work,
        on.code,
        refused=await _one(store, work, on.refused),
        above=await _one(store, work, on.above),
        standing=await _all(store, work, on.standing),
        tables=await _all(store, work, on.tables),
        key=_key(on.schema),
    )


def _key(schema: dict[str, Any]) -> list[str]:
    key = schema.get("primaryKey", [])
    return [key] if isinstance(key, str) else list(key)


async def _one(store: Store, work: Path, sha256: str | None) -> Path | None:
    found = await _all(store, work, [sha256] if sha256 else [])
    return found[0] if found else None


async def _all(store: Store, work: Path, digests: Sequence[str]) -> list[Path]:
    folder = work / "ground"
    folder.mkdir(exist_ok=True)
    return [
        place if (place := folder / sha256).exists() else await store.local(sha256, folder)
        for sha256 in digests
    ]


async def told(lines: Path, on: Ground) -> dict[str, Any]:
    """What a correction amounts to: rows that stand for refused ones, new rows, and what that was judged by."""
    standing, new = await asyncio.to_thread(kept.corrected_counts, lines)
    return {"of": on.code, "lines": standing, "new": new, "basis": on.told}
