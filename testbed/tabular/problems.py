"""What was found wrong with a file, in words for the person who sent it, in Swedish and English."""

from collections.abc import Iterable
from typing import Any

from testbed.tabular.hints import RULES, hint

EXAMPLES = 100
GROUPS = 200
VALUE = 200


class Unreadable(Exception):
    """The file as a whole cannot be taken; ``rule`` says why."""

    def __init__(self, rule: str, *, line: int | None = None, value: str | None = None) -> None:
        super().__init__(rule)
        self.rule = rule
        self.line = line
        self.value = value


class Problems:
    """Counts exactly per rule and column; keeps the first 100 lines of each."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str | None], dict[str, Any]] = {}
        self._counted: dict[tuple[str, str | None], int] = {}

    def add(
        self,
        rule: str,
        *,
        line: int | None = None,
        column: str | None = None,
        value: str | None = None,
        count: int = 1,
        expected: str | None = None,
        type_: str | None = None,
    ) -> None:
        """``count=0`` gives a further example of what is counted already; ``type_`` makes the hint more exact."""
        self._counted[rule, column] = self._counted.get((rule, column), 0) + count
        group = self._found.get((rule, column))
        if group is None:
            if len(self._found) >= GROUPS:
                return
            group = {
                "rule": rule, "severity": RULES[rule][0], "line": line, "column": column, "value": _short(value),
                "expected": expected, "count": 0, "hint": hint(rule, type_), "examples": [],
            }  # fmt: skip
            self._found[rule, column] = group
        group["count"] += count
        if line is not None and len(group["examples"]) < EXAMPLES:
            group["examples"].append({"line": line, "value": _short(value)})

    def add_all(
        self,
        rule: str,
        column: str | None,
        count: int,
        examples: Iterable[tuple[int, str | None]],
        *,
        expected: str | None = None,
        type_: str | None = None,
    ) -> None:
        """``count`` cells of one column, the first of which are given as (line, value)."""
        for line, value in examples:
            self.add(rule, line=line, column=column, value=value, count=count, expected=expected, type_=type_)
            count = 0

    @property
    def lossy(self) -> bool:
        """Whether anything in the file was not taken."""
        return any(RULES[rule][0] == "error" for rule, _ in self._counted)

    def has(self, rule: str) -> bool:
        return any(each == rule for each, _ in self._counted)

    def listed(self) -> list[dict[str, Any]]:
        """Errors first, then as they were met."""
        return sorted(self._found.values(), key=lambda group: str(group["severity"]))

    def counts(self) -> list[dict[str, Any]]:
        """How often each rule was broken in each column, exactly; of every group, also those no longer listed."""
        found = [
            {"rule": rule, "column": column, "severity": RULES[rule][0], "n": n}
            for (rule, column), n in self._counted.items()
        ]
        return sorted(found, key=lambda each: str(each["severity"]))


def _short(value: str | None) -> str | None:
    if value is None or len(value) <= VALUE:
        return value
    return value[: VALUE - 1] + "…"
