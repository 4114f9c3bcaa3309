"""A result, what it corrects, and the corrections whose rows join its own: who belongs together, and who is left aside."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import bindparam, literal, select
from sqlalchemy.orm import aliased
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.trials.models import Acceptance, Result

TAKEN = (Acceptance.accepted, Acceptance.accepted_partly)
DEEPEST = 50


def rejected(result: Result) -> int:
    """How many rows of the file have errors."""
    return int((result.report or {}).get("rejected", 0))


def correction(result: Result) -> dict[str, Any]:
    """What the check of a correction found: ``lines`` that stand for refused ones, ``new`` rows, ``basis``."""
    found: dict[str, Any] = (result.report or {}).get("correction") or {}
    return found


async def root_of(session: AsyncSession, result: Result) -> Result:
    """The file that a correction, or a correction of a correction, corrects; any other result is its own."""
    root = result
    for _ in range(DEEPEST):
        if not root.corrects or root.replaces_id is None:
            break
        root = await session.get_one(Result, root.replaces_id)
    return root


async def corrections_of(
    session: AsyncSession, results: Iterable[Result], *, lock: bool = False
) -> list[Result]:
    """All corrections below these results, whatever was decided of them, oldest first."""
    found = await session.exec(_below(lock), params={"above": [each.id for each in results]})
    return [row[0] for row in found.all()]


@cache
def _below(lock: bool) -> Any:
    """The question, built once: to build it and to tell it from others costs more than to answer it."""
    above: Any = select(col(Result.id).label("id"), literal(0).label("depth"))
    tree = above.where(col(Result.id).in_(bindparam("above", expanding=True))).cte(recursive=True)
    below = aliased(Result)
    tree = tree.union_all(
        select(below.id, tree.c.depth + 1)  # type: ignore[call-overload]
        .join(tree, below.replaces_id == tree.c.id)
        .where(below.corrects, tree.c.depth < DEEPEST)
    )
    ours = col(Result.id).in_(select(tree.c.id).where(tree.c.depth > 0))
    query: Any = select(Result).where(ours).order_by(col(Result.id))
    return _locked(query) if lock else query


async def held(session: AsyncSession, result: Result) -> tuple[Result, list[Result]]:
    """The root of a result and all corrections of it, locked from the oldest on, so that no two wait for each other."""
    root = await root_of(session, result)
    above = [each for each in (root.id, root.replaces_id) if each is not None]
    query: Any = select(Result).where(col(Result.id).in_(above)).order_by(col(Result.id))
    await session.exec(_locked(query))
    return root, await corrections_of(session, [root], lock=True)


async def has_rival(session: AsyncSession, result: Result) -> bool:
    """Whether another accepted file replaces, as a whole, what this one would."""
    if result.replaces_id is None or result.corrects:
        return False
    query: Any = select(col(Result.id)).where(
        col(Result.replaces_id) == result.replaces_id,
        col(Result.id) != result.id,
        ~col(Result.corrects),
        col(Result.acceptance).in_(TAKEN),
    )
    return (await session.exec(query.limit(1))).first() is not None


def _locked(query: Any) -> Any:
    """The same rows, held for a change, and as they are by then."""
    return query.with_for_update().execution_options(populate_existing=True)


def joined(results: Sequence[Result], corrections: Sequence[Result]) -> list[Result]:
    """Every result followed by the accepted corrections whose rows join it; one under an undone one does not."""
    below: dict[int, list[Result]] = {}
    for each in corrections:
        if each.acceptance in TAKEN and each.replaces_id is not None:
            below.setdefault(each.replaces_id, []).append(each)
    found: list[Result] = []

    def add(result: Result) -> None:
        found.append(result)
        for each in below.get(result.id, ()):
            add(each)

    for result in results:
        add(result)
    return found


def left_aside(root: Result, corrections: Sequence[Result]) -> int:
    """How many refused rows of a file no accepted correction stands for."""
    standing = sum(int(correction(each).get("lines", 0)) for each in joined([root], corrections)[1:])
    return max(0, rejected(root) - standing)


def basis_of(root: Result, corrections: Sequence[Result], *, but: int | None = None) -> list[str]:
    """What a correction is checked against: the table of the file and the accepted corrections of it, but itself."""
    others = [each for each in joined([root], corrections)[1:] if each.id != but]
    return [f"{each.code} {each.parquet_sha256}" for each in [root, *others]]
