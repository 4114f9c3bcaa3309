"""Table schemas of trials: which one holds, what a change would mean, and saving it as a new version."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from testbed.access.models import Actor
from testbed.access.rights import READ, VIEW, allowed, fetch, may
from testbed.activity import record
from testbed.canonical import canonical, digest
from testbed.errors import Conflict, NotFound, Stale, VersionNeeded
from testbed.lists import Ref
from testbed.people.models import Person
from testbed.texts import message, said
from testbed.trials import results, service
from testbed.trials.blank_files import sample
from testbed.trials.chosen import current as current
from testbed.trials.column_rows import MOST_ROWS, Sheet, filled
from testbed.trials.descriptor import ExtraColumns
from testbed.trials.differences import between
from testbed.trials.models import Result, TableSchema, Trial
from testbed.trials.proposals import proposal
from testbed.trials.schema_views import (
    Fault,
    SchemaForm,
    SchemaImport,
    SchemaPlan,
    SchemaSource,
    SchemaStart,
    SchemaVersion,
    SchemaView,
    Templates,
    columns_of,
)

EDIT = service.EDIT
NONE_YET = message("This trial has no table schema yet.")
NO_COLUMNS = message("No table was read in this file, so no schema can be proposed from it.")
MEANWHILE = message(
    "Somebody saved another version meanwhile. Nothing of yours is lost: compare, and save again."
)
WHICH = message("Say which version you change: seen in the body, or the If-Match header.")

Body = dict[str, Any]


async def version(session: AsyncSession, actor: Actor, trial_id: int, number: int | None) -> TableSchema:
    """One version, None being the one that holds now, for somebody who may see the trial.

    Raises:
        NotFound: the trial is absent or hidden, or has no such version.
    """
    await fetch(session, actor, VIEW, Trial, col(Trial.id) == trial_id)
    return await _held_or_numbered(session, trial_id, number)


async def _held_or_numbered(session: AsyncSession, trial_id: int, number: int | None) -> TableSchema:
    found = await (current(session, trial_id) if number is None else _numbered(session, trial_id, number))
    if found is None:
        raise NotFound(NONE_YET)
    return found


async def handed_out(session: AsyncSession, actor: Actor, trial_id: int) -> tuple[TableSchema, str, str]:
    """The schema that holds, what files made of it are called, and the trial they are for. Raises: as ``version``."""
    found = await version(session, actor, trial_id, None)
    trial = await session.get_one(Trial, trial_id)
    pilot = await service.pilot_of(session, trial)
    return found, f"{pilot.code}-T{trial_id}-v{found.number}", f"{pilot.code} {said(trial.title)}"


async def _numbered(session: AsyncSession, trial_id: int, number: int) -> TableSchema | None:
    query = select(TableSchema).where(
        col(TableSchema.trial_id) == trial_id, col(TableSchema.number) == min(number, 2**31 - 1)
    )
    return (await session.exec(query)).first()


async def view(session: AsyncSession, actor: Actor, trial_id: int, number: int | None = None) -> SchemaView:
    """A version with what it changed and the history it stands in; without a number the one that holds, or none.

    Raises:
        NotFound: the trial is absent or hidden, or has no such version.
    """
    trial = await fetch(session, actor, VIEW, Trial, col(Trial.id) == trial_id)
    found = None
    if number is not None or await current(session, trial_id) is not None:
        found = await _held_or_numbered(session, trial_id, number)
    granted = await may(session, actor, trial, [EDIT, service.UPLOAD])
    versions = await _history(session, trial_id)
    held = {} if found is None else await _held(session, found, inside=EDIT in granted)
    return SchemaView(
        **await _above(session, trial),
        **held,
        latest=versions[0].number if versions else None,
        versions=versions,
        may=granted,
    )


async def _held(session: AsyncSession, found: TableSchema, *, inside: bool) -> dict[str, Any]:
    """What a version says; ``inside``: the reader may edit the trial, so may know who saved it."""
    before = await _numbered(session, found.trial_id, found.number - 1)
    person = await session.get(Person, found.created_by_id) if inside and found.created_by_id else None
    return {
        "number": found.number,
        "columns": columns_of(found.body),
        "primary_key": found.body.get("primaryKey", []),
        "missing_values": found.body["missingValues"],
        "extra_columns": ExtraColumns(found.body["testbed:extra_columns"]),
        "note": found.note,
        "sha256": found.sha256,
        "frozen_at": found.frozen_at,
        "who": person.name if person else None,
        "sample": sample(found.body),
        "changes": between(before.body, found.body) if before else [],
        "templates": templates(found.trial_id),
    }


def templates(trial_id: int) -> Templates:
    below = f"/trials/{trial_id}"
    return Templates(
        xlsx=f"{below}/template.xlsx",
        csv=f"{below}/template.csv",
        example=f"{below}/example.csv",
        descriptor=f"{below}/schema.json",
    )


async def _history(session: AsyncSession, trial_id: int) -> list[SchemaVersion]:
    """All versions, newest first: a trial has few, and each is a page."""
    wide = func.jsonb_array_length(TableSchema.body["fields"]).label("columns")
    query: Any = select(TableSchema.number, TableSchema.frozen_at, TableSchema.note, wide).where(
        col(TableSchema.trial_id) == trial_id
    )
    rows = await session.exec(query.order_by(col(TableSchema.number).desc()).limit(200))
    return [
        SchemaVersion(
            number=row.number, frozen_at=row.frozen_at, note=row.note, columns=row.columns,
            url=f"/trials/{trial_id}/schema/{row.number}",
        )
        for row in rows
    ]  # fmt: skip


async def _above(session: AsyncSession, trial: Trial) -> dict[str, Any]:
    pilot = await service.pilot_of(session, trial)
    return {
        "trial": Ref(id=trial.id, title=said(trial.title), url=f"/trials/{trial.id}"),
        "pilot": service.ref(pilot),
    }


async def start(session: AsyncSession, actor: Actor, trial_id: int) -> SchemaStart:
    """Ways to begin: the actor's choice among the results of the trial they may read, newest first."""
    trial = await fetch(session, actor, EDIT, Trial, col(Trial.id) == trial_id)
    now = await current(session, trial_id)
    wide = func.coalesce(func.jsonb_array_length(Result.report["columns"]), 0).label("columns")  # type: ignore[index]
    query: Any = select(Result.code, Result.filename, Result.received_at, wide).where(
        col(Result.trial_id) == trial_id,
        col(Result.archived_at).is_(None),
        col(Result.parquet_sha256).is_not(None),
        allowed(actor, READ, Result),
    )
    rows = (await session.exec(query.order_by(col(Result.id).desc()).limit(50))).all()
    sources = [SchemaSource.model_validate(row, from_attributes=True) for row in rows]
    return SchemaStart(**await _above(session, trial), number=now.number if now else None, sources=sources)


async def form(
    session: AsyncSession,
    actor: Actor,
    trial_id: int,
    origin: results.Key | None = None,
    *,
    limits: bool = False,
) -> SchemaForm:
    """What the form starts from: the result ``origin``, else the schema that holds, else one empty row.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``; also of the result.
        Conflict: no table was read in the result.
    """
    if origin is None:
        now = await current(session, trial_id)
        sheet = filled(now.body) if now else Sheet([{"type": "string"}])
        return await redrawn(session, actor, trial_id, sheet, body=now.body if now else None)
    result = await fetch(session, actor, READ, Result, results.named(origin))
    body, seen = proposal(result.report or {}, limits=limits)
    if not body["fields"]:
        raise Conflict(NO_COLUMNS)
    sheet = filled(body, seen)
    return await redrawn(session, actor, trial_id, sheet, body=body, origin=result.code)


async def redrawn(
    session: AsyncSession, actor: Actor, trial_id: int, sheet: Sheet, *, body: Body | None = None, **more: Any
) -> SchemaForm:
    """The form around rows as they are; too wide a schema is shown as JSON (``body``) instead."""
    trial = await fetch(session, actor, EDIT, Trial, col(Trial.id) == trial_id)
    now = await current(session, trial_id)
    wide = body is not None and len(body["fields"]) > MOST_ROWS
    rest = {"text": json.dumps(body, ensure_ascii=False, indent=2)} if wide else {
        "rows": sheet.rows, "missing": sheet.missing, "extra_columns": sheet.extra_columns, "rest": sheet.rest,
    }  # fmt: skip
    return SchemaForm.model_validate(
        {**await _above(session, trial), "number": now.number if now else None, **rest, **more}
    )


async def blank_import(
    session: AsyncSession,
    actor: Actor,
    trial_id: int,
    text: str = "",
    errors: Mapping[str, str] | None = None,
) -> SchemaImport:
    """The page that takes a schema as JSON; ``errors`` by place (``fields.3.type``) are told with the column's name."""
    trial = await fetch(session, actor, EDIT, Trial, col(Trial.id) == trial_id)
    now = await current(session, trial_id)
    faults = [
        Fault(where=where, column=_column_at(text, where), says=says)
        for where, says in (errors or {}).items()
    ]
    number = now.number if now else None
    return SchemaImport(**await _above(session, trial), number=number, text=text, faults=faults)


def _column_at(text: str, where: str) -> str | None:
    """The name of the column that ``fields.3.type`` is about, as far as the text can be read."""
    first, _, rest = where.partition(".")
    try:
        named = json.loads(text)["fields"][int(rest.partition(".")[0])]["name"] if first == "fields" else None
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return named[:200] if isinstance(named, str) else None


async def plan(
    session: AsyncSession,
    actor: Actor,
    trial_id: int,
    body: Body,
    *,
    note: str | None = None,
    origin: str | None = None,
) -> SchemaPlan:
    """What saving ``body`` (found sound) would do to the schema that holds now; saves nothing."""
    trial = await fetch(session, actor, EDIT, Trial, col(Trial.id) == trial_id)
    now = await current(session, trial_id)
    return SchemaPlan(
        **await _above(session, trial),
        number=now.number if now else None,
        next=now.number + 1 if now else 1,
        same=now is not None and now.sha256 == digest(body),
        changes=between(now.body if now else None, body),
        columns=columns_of(body),
        descriptor=body,
        text=canonical(body).decode(),
        note=note,
        origin=origin,
    )


async def freeze(
    session: AsyncSession,
    actor: Actor,
    trial_id: int,
    body: Body,
    seen: int | None,
    *,
    note: str | None = None,
    origin: str | None = None,
) -> tuple[TableSchema, bool]:
    """Save ``body`` (found sound) as the next version; the version there is, if nothing differs. ``seen``: 0 is none.

    Raises:
        NotFound, Forbidden, SignInNeeded: see ``access.rights.fetch``.
        VersionNeeded, Stale: which version was changed was not said, or is not the one that holds any more.
    """
    trial = await fetch(session, actor, EDIT, Trial, col(Trial.id) == trial_id, lock=True)
    now, sha256 = await current(session, trial_id), digest(body)
    if now is not None and now.sha256 == sha256:
        return now, False
    if now is not None and seen is None:
        raise VersionNeeded(WHICH)
    if (now.number if now else 0) != (seen or 0):
        raise Stale(MEANWHILE, current={"number": now.number, "sha256": now.sha256} if now else {"number": 0})
    made = TableSchema(
        trial_id=trial_id,
        number=now.number + 1 if now else 1,
        body=body,
        sha256=sha256,
        note=note,
        created_by_id=actor.person_id,
    )
    session.add(made)
    await session.flush()
    await session.refresh(made)
    details = {"number": made.number, "sha256": sha256, "columns": len(body["fields"])}
    if origin:
        details["origin"] = origin
    await record(session, actor, "schema.freeze", "trial", trial.id, pilot_id=trial.pilot_id, **details)
    return made, True
