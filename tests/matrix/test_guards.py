"""Every place that asks for rights is broken by itself, and somebody notices."""

import pytest

import testbed.app  # noqa: F401 - all modules must be there to be watched
from tests.matrix.guards import guards

GUARDS = guards()


@pytest.mark.parametrize("module", sorted({each.module for each in GUARDS}))
async def test_taking_a_guard_away_is_noticed(survey, module):
    unnoticed = [str(guard) for guard in GUARDS if guard.module == module and not await survey.noticed(guard)]

    assert not unnoticed, "\n".join(unnoticed)
