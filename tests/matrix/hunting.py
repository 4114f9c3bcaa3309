"""Which requests meet a guard, and in which order to ask them until somebody notices that it is broken."""

from collections.abc import Iterator
from itertools import zip_longest

from tests.matrix.asking import HTML, Question
from tests.matrix.guards import MET, Guard, Place, broken
from tests.matrix.judge import verdict
from tests.matrix.naming import everything
from tests.matrix.oracle import Principal
from tests.matrix.stage import Stage
from tests.matrix.world import PRINCIPALS

Group = tuple[str, str, str, str]
ASKED_FIRST = ["Alva", "Fanny", "Ebba"]  # they get furthest
SPENT = (
    "allowed",
    "known",
    "holds",
    "known_models",
    "known_places",
    "may",
)  # guard what is shown, not who comes in


def group_of(question: Question) -> Group:
    """Requests of a kind: they run through the same code, but for the rows they find."""
    narrowed = question.query.partition("=")[0] if question.aim else bool(question.query)
    return (question.one.name, question.face, str(narrowed), question.aim.model if question.aim else "")


def _gets_far(who: Principal) -> int:
    return ASKED_FIRST.index(who.name) if who.name in ASKED_FIRST else len(ASKED_FIRST)


class Hunt:
    """Every question to everybody, and which kinds of them meet which guard."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.asked = {who.name: list(everything(stage, who)) for who in sorted(PRINCIPALS, key=_gets_far)}
        self.people = {who.name: who for who in PRINCIPALS}
        self.met: dict[Place, set[Group]] = {}

    async def look(self) -> None:
        """Ask one question of each kind, of somebody who gets through, and note which guards it meets."""
        done: set[Group] = set()
        for let_in in (True, False):
            for name, asked in self.asked.items():
                for question in asked:
                    group = group_of(question)
                    if group not in done and let_in == self._lets_in(self.people[name], question):
                        done.add(group)
                        await self._note(self.people[name], question)

    def _lets_in(self, who: Principal, question: Question) -> bool:
        return verdict(self.stage.world, who, question) in {"granted", "open"}

    async def _note(self, who: Principal, question: Question) -> None:
        places: set[Place] = set()
        token = MET.set(places)
        await self.stage.ask(who, question)
        MET.reset(token)
        for place in places:
            self.met.setdefault(place, set()).add(group_of(question))

    def candidates(self, guard: Guard) -> Iterator[tuple[Principal, Question]]:
        """The best of each kind of request first, then the second best of each."""
        wanted = self.met.get((guard.module, guard.line, guard.column), set())
        kinds: dict[Group, list[tuple[int, Principal, Question]]] = {}
        for name, asked in self.asked.items():
            for question in asked:
                if (group := group_of(question)) in wanted:
                    worth = self._worth(guard, self.people[name], question)
                    kinds.setdefault(group, []).append((worth, self.people[name], question))
        ranked = [sorted(each, key=lambda each: -each[0]) for each in kinds.values()]
        ranked.sort(key=lambda each: (each[0][2].face == HTML, -each[0][0]))
        for row in zip_longest(*ranked):
            yield from ((each[1], each[2]) for each in row if each is not None)

    def _worth(self, guard: Guard, who: Principal, question: Question) -> int:
        """How likely a request is to show that a guard is broken."""
        worth = len(self.stage.hidden(who))
        if self._lets_in(who, question) == (guard.name in SPENT):
            worth += 10_000
        return worth + 5_000 * (question.aim is not None)

    async def noticed(self, guard: Guard) -> tuple[str | None, int]:
        """What tells that a guard is broken, if anything does, and how many requests it took."""
        tried = 0
        with broken(guard):
            for who, question in self.candidates(guard):
                tried += 1
                async for told in self.stage.deviations(who, [question]):
                    return told, tried
        return None, tried
