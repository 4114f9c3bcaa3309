"""Every route × method × the cast: who gets in is what the policy says, and no canary is met by those who may not."""

import pytest

from tests.matrix import questions
from tests.matrix.judge import verdict
from tests.matrix.naming import everything, naming
from tests.matrix.world import PRINCIPALS

everybody = pytest.mark.parametrize("who", PRINCIPALS, ids=lambda each: each.name)
people = pytest.mark.parametrize(
    "who", [each for each in PRINCIPALS if each.scopes is None], ids=lambda each: each.name
)


@everybody
async def test_reading_follows_the_policy_and_no_canary_gets_out(stage, who):
    found = [told async for told in stage.deviations(who, questions.reading(stage, who))]

    assert not found, "\n".join(found)


@people
async def test_pages_for_people_keep_the_same_secrets(stage, who):
    found = [told async for told in stage.deviations(who, questions.pages(stage, who))]

    assert not found, "\n".join(found)


@everybody
async def test_writing_follows_the_policy_and_a_refused_write_changes_nothing(stage, who):
    found = [told async for told in stage.deviations(who, questions.writing(stage, who))]

    assert not found, "\n".join(found)


@everybody
async def test_what_is_named_and_hidden_is_as_if_absent(stage, who):
    found = [told async for told in stage.deviations(who, naming(stage, who))]

    assert not found, "\n".join(found)


async def test_every_route_and_method_succeeds_with_a_row_that_is_there(stage):
    left = {each.name for each in stage.tries}
    for who in sorted(PRINCIPALS, key=lambda each: each.name not in {"Alva", "Ebba"}):
        for question in everything(stage, who):
            if question.one.name in left and verdict(stage.world, who, question) in {"open", "granted"}:
                answer = await stage.ask(who, question)
                if answer.status < 400:
                    left.discard(question.one.name)

    assert not left
