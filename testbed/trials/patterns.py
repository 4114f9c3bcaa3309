"""Regular expressions that RE2 and Python read alike, and a matcher for them that cannot be made to hang.

Allowed: letters as they are, ``.``, ``^``, ``$``, ``|``, groups ``(…)`` and ``(?:…)``, classes ``[a-z_]`` and ``[^,]``,
``\\d \\w \\s`` and their opposites (ASCII), ``\\.`` for a sign, ``* + ?`` and ``{2}``, ``{2,}``, ``{2,5}``. Not allowed: look
around, back references, flags, possessive or lazy repeats. A table is checked with RE2, which has none of them.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

LONGEST = 200
MOST_REPEATS = 1000
"""Of nested repeats together, as in RE2."""

SIGNS = frozenset(r"""!"#$%&'()*+,-./:;<=>?@[\]^_`{|}~""")
CLASSES = {
    "d": [("0", "9")],
    "w": [("0", "9"), ("A", "Z"), ("_", "_"), ("a", "z")],
    "s": [("\t", "\n"), ("\f", "\r"), (" ", " ")],
}
BLANKS = {"t": "\t", "n": "\n", "r": "\r"}
COUNTED = re.compile(r"\{([0-9]{1,4})(?:(,)([0-9]{1,4})?)?\}")


class NoPattern(ValueError):
    """The text is none of the expressions allowed here."""


@dataclass(frozen=True, slots=True)
class Chars:
    """One character out of ranges, or any but those."""

    ranges: list[tuple[str, str]]
    negated: bool = False

    def ends(self, text: str, starts: Iterable[int]) -> set[int]:
        return {at + 1 for at in starts if at < len(text) and self._holds(text[at])}

    def _holds(self, char: str) -> bool:
        return any(low <= char <= high for low, high in self.ranges) != self.negated


@dataclass(frozen=True, slots=True)
class Edge:
    """The beginning or the end of the whole text."""

    last: bool

    def ends(self, text: str, starts: Iterable[int]) -> set[int]:
        return {at for at in starts if at == (len(text) if self.last else 0)}


@dataclass(frozen=True, slots=True)
class Sequence:
    parts: "list[Node]" = field(default_factory=list)

    def ends(self, text: str, starts: Iterable[int]) -> set[int]:
        found = set(starts)
        for part in self.parts:
            found = part.ends(text, found)
        return found


@dataclass(frozen=True, slots=True)
class Choice:
    parts: "list[Node]"

    def ends(self, text: str, starts: Iterable[int]) -> set[int]:
        begun = set(starts)
        return {end for part in self.parts for end in part.ends(text, begun)}


@dataclass(frozen=True, slots=True)
class Repeat:
    part: "Node"
    least: int
    most: int | None

    def ends(self, text: str, starts: Iterable[int]) -> set[int]:
        """Every set of ends is followed once: no text takes more than its length squared."""
        front = set(starts)
        for _ in range(self.least):
            before, front = front, self.part.ends(text, front)
            if front == before:
                break
        found, turn = set(front), self.least
        while front and (self.most is None or turn < self.most):
            front = self.part.ends(text, front) - found
            found |= front
            turn += 1
        return found


Node = Chars | Edge | Sequence | Choice | Repeat


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def take(self) -> str:
        char = self.peek()
        if not char:
            raise NoPattern
        self.at += 1
        return char

    def choice(self, weight: int) -> Node:
        parts: list[Node] = [self.sequence(weight)]
        while self.peek() == "|":
            self.take()
            parts.append(self.sequence(weight))
        return parts[0] if len(parts) == 1 else Choice(parts)

    def sequence(self, weight: int) -> Node:
        parts: list[Node] = []
        while self.peek() and self.peek() not in "|)":
            parts.append(self.repeated(weight))
        return Sequence(parts)

    def repeated(self, weight: int) -> Node:
        """A part and how often; the part is read twice when it is counted, to weigh what lies in it."""
        begin = self.at
        part = self.part(weight)
        found = self.count()
        if found is None:
            return part
        if isinstance(part, Edge):
            raise NoPattern
        least, most = found
        heavier = weight * max(least, most or 1, 1)
        if heavier > MOST_REPEATS or (most is not None and least > most):
            raise NoPattern
        if heavier > weight:
            after, self.at = self.at, begin
            self.part(heavier)
            self.at = after
        return Repeat(part, least, most)

    def count(self) -> tuple[int, int | None] | None:
        simple = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(self.peek())
        if simple:
            self.take()
        elif self.peek() == "{":
            found = COUNTED.match(self.text, self.at)
            if found is None:
                raise NoPattern
            self.at = found.end()
            least = int(found[1])
            simple = (least, int(found[3]) if found[3] else None if found[2] else least)
        if simple and self.peek() and self.peek() in "*+?{":
            raise NoPattern
        return simple

    def part(self, weight: int) -> Node:
        char = self.take()
        if char == "(":
            return self.group(weight)
        if char == "[":
            return self.set()
        if char == "\\":
            return self.escaped()
        if char in "^$":
            return Edge(char == "$")
        if char == ".":
            return Chars([("\n", "\n")], negated=True)
        if char in "*+?{}]" or char < " ":
            raise NoPattern
        return Chars([(char, char)])

    def group(self, weight: int) -> Node:
        if self.peek() == "?":
            self.take()
            if self.take() != ":":
                raise NoPattern
        part = self.choice(weight)
        if self.take() != ")":
            raise NoPattern
        return part

    def escaped(self) -> Chars:
        char = self.take()
        if char.lower() in CLASSES:
            return Chars(CLASSES[char.lower()], negated=char.isupper())
        if char in BLANKS:
            return Chars([(BLANKS[char], BLANKS[char])])
        if char not in SIGNS:
            raise NoPattern
        return Chars([(char, char)])

    def set(self) -> Chars:
        negated = self.peek() == "^"
        if negated:
            self.take()
        ranges: list[tuple[str, str]] = []
        while self.peek() != "]" or not ranges:
            ranges += self.member(first=not ranges)
        self.take()
        return Chars(ranges, negated)

    def member(self, *, first: bool) -> list[tuple[str, str]]:
        """One character, a range, or a class; what the two readers take differently is refused."""
        low = self.single()
        if isinstance(low, list):
            if self.peek() == "-" and self.text[self.at + 1 : self.at + 2] != "]":
                raise NoPattern
            return low
        if self.peek() != "-" or self.text[self.at + 1 : self.at + 2] == "]":
            if low == "-" and not first and self.peek() != "]":
                raise NoPattern
            return [(low, low)]
        self.take()
        high = self.single()
        if isinstance(high, list) or high < low or low == "-":
            raise NoPattern
        return [(low, high)]

    def single(self) -> str | list[tuple[str, str]]:
        char = self.take()
        if char == "\\":
            found = self.escaped()
            if found.negated:
                raise NoPattern
            return (
                found.ranges
                if len(found.ranges) > 1 or found.ranges[0][0] != found.ranges[0][1]
                else found.ranges[0][0]
            )
        if char in "[]&~|^" or char < " ":
            raise NoPattern
        return char


def read(pattern: str) -> Node:
    """The expression, ready to match.

    Raises:
        NoPattern: too long, or not one that RE2 and Python read alike.
    """
    if not pattern or len(pattern) > LONGEST:
        raise NoPattern(pattern)
    reader = _Reader(pattern)
    found = reader.choice(1)
    if reader.at < len(pattern):
        raise NoPattern(pattern)
    return found


def matches(pattern: str, text: str) -> bool:
    """Whether the whole of ``text`` is as ``pattern`` says. Raises: NoPattern."""
    return len(text) in read(pattern).ends(text, {0})
