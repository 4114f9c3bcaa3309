"""A list of 50 pilots out of 10 000, against a bare handler that sends the same one query."""

import asyncio
from pathlib import Path

import asyncpg

from testbed.embedded import running
from tests.benchmarks.load import Load, load
from tests.benchmarks.service import data_folder, started
from tests.benchmarks.table import Measured, median

ROUNDS = 5
PILOTS = """
    WITH city AS (INSERT INTO partner (slug, name, kind, visibility) VALUES ('lulea', 'Luleå kommun', 'city', 'public') RETURNING id),
    place AS (INSERT INTO testbed (slug, name, environment, owner_partner_id, visibility)
              SELECT 'centrum', '{"sv": "Luleå centrum", "en": "Central Luleå"}', 'real', id, 'public' FROM city RETURNING id)
    INSERT INTO pilot (testbed_id, code, title, lead_partner_id, planned_start_on, planned_end_on, stage, state, visibility, updated_at)
    SELECT place.id, 'LUL-2026-' || to_char(n, 'FM00000'), jsonb_build_object('sv', 'Pilot nummer ' || n, 'en', 'Pilot number ' || n),
           city.id, date '2026-01-01' + n % 300, date '2026-12-31', 'running', 'active', 'public', now() - n * interval '1 min'
    FROM city, place, generate_series(1, 10000) n
"""


async def _fill(data: Path) -> None:
    with running(data) as cluster:
        connection = await asyncpg.connect(**cluster.owner.kwargs())
        await connection.execute(PILOTS)
        await connection.execute("ANALYZE pilot, testbed, partner")
        await connection.close()


def measure() -> list[Measured]:
    """JSON and HTML, interleaved with the bare handler; also the time of a warm start."""
    with data_folder() as data:
        with started(["-m", "testbed", "serve", "--port", "0", "--no-worker"], data):
            asyncio.run(_fill(data))
        serve = ["-m", "testbed", "serve", "--port", "0", "--no-worker"]
        with (
            started(serve, data) as ours,
            started(["-m", "tests.benchmarks.bare", str(data), str(data)], data) as bare,
        ):
            load(ours.port, "/pilots", accept="application/json", seconds=1)
            load(ours.port, "/pilots", accept="text/html", seconds=1)
            rounds = [
                (
                    load(bare.port, "/pilots", accept="application/json"),
                    load(ours.port, "/pilots", accept="application/json"),
                    load(ours.port, "/pilots", accept="text/html"),
                )
                for _ in range(ROUNDS)
            ]
            warm = ours.started_s
    assert not any(each.errors for round_ in rounds for each in round_)
    json_rows, html_rows = [(b, j) for b, j, _ in rounds], [(b, h) for b, _, h in rounds]
    return [
        _row("50 of 10 000 pilots as JSON, 16 clients", json_rows, 0.25),
        _row("50 of 10 000 pilots as HTML, 16 clients", html_rows, 0.10),
        Measured("warm start until it listens", f"{warm:.2f} s", "5 s", warm / 5, 1.0, at_most=True),
    ]


def _row(goal: str, pairs: list[tuple[Load, Load]], wanted: float) -> Measured:
    bare, ours = median([b.rate for b, _ in pairs]), median([o.rate for _, o in pairs])
    p99 = median([o.p99_ms for _, o in pairs])
    ratio = median([o.rate / b.rate for b, o in pairs])
    return Measured(goal, f"{ours:.0f}/s", f"{bare:.0f}/s", ratio, wanted, note=f"p99 {p99:.0f} ms")
