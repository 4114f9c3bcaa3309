"""Every route × method × the cast: who gets in is what the policy says, and no canary is met by those who may not.

Then every place that asks for rights is broken by itself, and somebody notices. All of it rests on one survey.
"""

import pytest

import testbed.app  # noqa: F401 - all modules must be there to be watched
from tests.matrix.guards import guards
from tests.matrix.survey import PARTS
from tests.matrix.world import PRINCIPALS

GUARDS = guards()


@pytest.mark.parametrize("who", [each.name for each in PRINCIPALS])
@pytest.mark.parametrize("part", PARTS)
def test_every_answer_is_what_the_policy_says_and_no_canary_gets_out(survey, part, who):
    found = survey.wrong[part, who]

    assert not found, "\n".join(found)


def test_workers_tell_nobody_what_they_may_not_see_and_publish_for_nobody_who_may_not(survey):
    found = survey.wrong["work", "workers"]

    assert not found, "\n".join(found)


def test_every_route_and_method_succeeds_with_a_row_that_is_there(survey):
    left = {each.name for each in survey.stage.tries} - survey.done

    assert not left


@pytest.mark.parametrize("module", sorted({each.module for each in GUARDS}))
async def test_taking_a_guard_away_is_noticed(survey, module):
    unnoticed = [str(guard) for guard in GUARDS if guard.module == module and not await survey.noticed(guard)]

    assert not unnoticed, "\n".join(unnoticed)
