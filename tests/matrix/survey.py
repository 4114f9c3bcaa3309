"""Every question is asked once; what was wrong, and which guards it met, is kept for all tests to look at."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import zip_longest

from tests.matrix import questions, work
from tests.matrix.asking import HTML, Question, plain
from tests.matrix.guards import MET, Guard, Place, broken
from tests.matrix.judge import verdict
from tests.matrix.naming import naming
from tests.matrix.oracle import Principal
from tests.matrix.stage import Stage
from tests.matrix.world import PRINCIPALS

PARTS: dict[str, Callable[[Stage, Principal], Iterator[Question]]] = {
    "reading": questions.reading,
    "pages": questions.pages,
    "writing": questions.writing,
    "naming": naming,
}
LETS_IN = {"granted", "open"}
SHOWN = {
    "allowed",
    "known",
    "holds",
    "known_models",
    "known_places",
    "may",
}  # guard what is shown, not who comes in
MOST = 45  # requests until a guard counts as unnoticed


@dataclass(frozen=True)
class Asked:
    who: Principal
    question: Question
    let_in: bool


@dataclass(repr=False)  # it would be drawn whenever a task is, which takes seconds
class Survey:
    """``wrong`` by part and person; ``done`` are the routes that somebody got through; ``met`` tells who met a guard."""

    stage: Stage
    wrong: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    done: set[str] = field(default_factory=set)
    worked: set[Place] = field(default_factory=set)
    met: dict[Place, list[Asked]] = field(default_factory=lambda: defaultdict(list))

    async def look(self) -> None:
        for who in PRINCIPALS:
            for part, asked in PARTS.items():
                for question in asked(self.stage, who):
                    await self._look(part, who, question)
        await self._rest()
        token = MET.set(self.worked)
        self.wrong["work", "workers"] = await work.wrong(self.stage, self.stage.settings)
        MET.reset(token)

    async def _rest(self) -> None:
        """Ask for what nobody got through with yet on every other row, until it is done."""
        for one in self.stage.tries:
            for who in PRINCIPALS:
                for kind in LETS_IN:
                    for thing in self.stage.verdicts(who, one).get(kind, []):
                        if one.name not in self.done:
                            await self._look("writing", who, plain(one, thing))

    async def _look(self, part: str, who: Principal, question: Question) -> None:
        places: set[Place] = set()
        token = MET.set(places)
        answer = await self.stage.ask(who, question)
        MET.reset(token)
        self.wrong[part, who.name] += await self.stage.deviations(who, question, answer)
        let_in = verdict(self.stage.world, who, question) in LETS_IN
        if let_in and answer.status < 400:
            self.done.add(question.one.name)
        for place in places:
            self.met[place].append(Asked(who, question, let_in))

    async def noticed(self, guard: Guard) -> bool:
        """Whether anybody is answered otherwise than the policy says once a guard is broken.

        What may be done with a row is asked for first: whoever may view it may do it. Where that makes no difference,
        the guard is gone altogether.
        """
        if await self._noticed(guard, gone=False):
            return True
        return guard.name in {"fetch", "referred"} and await self._noticed(guard, gone=True)

    async def _noticed(self, guard: Guard, *, gone: bool) -> bool:
        likely = self._likely(guard)
        with broken(guard, gone=gone):
            if await self._anybody_notices(likely[:10]):
                return True
            if guard.place in self.worked and await work.wrong(self.stage, self.stage.settings):
                return True
            return await self._anybody_notices(likely[10:])

    async def _anybody_notices(self, likely: list[Asked]) -> bool:
        for asked in likely:
            answer = await self.stage.ask(asked.who, asked.question)
            if await self.stage.deviations(asked.who, asked.question, answer):
                return True
        return False

    def _likely(self, guard: Guard) -> list[Asked]:
        """Who met a guard, the likeliest to notice first: turns about those who get in and those who do not."""
        inside = self._ranked([each for each in self.met[guard.place] if each.let_in])
        outside = self._ranked([each for each in self.met[guard.place] if not each.let_in])
        shows = guard.name in SHOWN and guard.module != "testbed.access.rights"
        first, then = (inside, outside) if shows else (outside, inside)
        turns = zip_longest(first, then)
        return [each for turn in turns for each in turn if each is not None][:MOST]

    def _ranked(self, asked: list[Asked]) -> list[Asked]:
        """One request of each kind before the second of any; those that name something else come first."""
        turns: dict[tuple[str, str, bool], int] = defaultdict(int)
        ranked: list[tuple[int, int, Asked]] = []
        for each in sorted(asked, key=self._worth):
            kind = (each.question.one.name, each.question.face, self._names(each.question))
            ranked.append((turns[kind], self._worth(each), each))
            turns[kind] += 1
        return [each for _, _, each in sorted(ranked, key=lambda each: each[:2])]

    def _worth(self, asked: Asked) -> int:
        named, page = self._names(asked.question), asked.question.face == HTML
        return 2_000 * page - 5_000 * named - len(self.stage.hidden(asked.who))

    def _names(self, question: Question) -> bool:
        return question.aim is not None or bool(question.keeps or question.also)
