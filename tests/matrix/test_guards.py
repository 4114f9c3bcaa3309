"""Every place that asks for rights is broken by itself, and somebody notices."""

import pytest

import testbed.app  # noqa: F401 - all modules must be there to be watched
from tests.matrix.guards import Guard, guards, watched
from tests.matrix.hunting import Hunt

GUARDS = guards()
# Met by no request: the job asks again what the request that ordered it was asked already.
BY_A_JOB = {("testbed.datasets.publishing", "fetch")}


@pytest.fixture(scope="session")
async def hunt(stage) -> Hunt:
    """Which requests meet which guard, looked up once."""
    found = Hunt(stage)
    with pytest.MonkeyPatch.context() as patch, watched(patch):
        await found.look()
    return found


@pytest.mark.parametrize("module", sorted({each.module for each in GUARDS}))
async def test_taking_a_guard_away_is_noticed(hunt, module, monkeypatch):
    unnoticed = []
    with watched(monkeypatch):
        for guard in (each for each in GUARDS if each.module == module):
            told, _ = await hunt.noticed(guard)
            if told is None and not _only_by_a_job(hunt, guard):
                unnoticed.append(str(guard))

    assert not unnoticed, "\n".join(unnoticed)


def _only_by_a_job(hunt: Hunt, guard: Guard) -> bool:
    unmet = (guard.module, guard.line, guard.column) not in hunt.met
    return unmet and (guard.module, guard.name) in BY_A_JOB
