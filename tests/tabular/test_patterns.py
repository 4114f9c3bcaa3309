"""Patterns of a schema: the whole value, in the syntax of RE2, the same when a schema is written and when a file is checked."""

import pytest

from testbed.tabular import patterns
from tests.tabular.conftest import Holding, schema_of


@pytest.mark.parametrize(
    ("pattern", "fits", "misses"),
    [
        ("S[0-9]{2}", ["S01"], ["S1", "S001", "xS01", "S01x", "s01", "S01\n"]),
        (r"\d{4}-\d{2}", ["2026-01"], ["٢٠٢٦-01", "2026-1"]),
        ("a|ab", ["a", "ab"], ["b", "aab"]),
        ("^(?:Kärl|Skål) [0-9]+$", ["Kärl 7", "Skål 12"], ["Kärl", "kärl 7"]),
        (".{3}", ["åäö", "a b"], ["a\nb", "åä"]),
        ("(?i)ja|nej", ["JA", "nej"], ["kanske"]),
        (r"\p{Lu}[[:alpha:]]*", ["Åa", "Ö"], ["åa"]),
    ],
)
def test_a_pattern_is_of_the_whole_value_here_and_in_a_file(
    holding: Holding, pattern: str, fits: list[str], misses: list[str]
) -> None:
    schema = schema_of("n:integer", {"name": "v", "type": "string", "constraints": {"pattern": pattern}})
    rows = "".join(f'{n};"{value}"\n' for n, value in enumerate([*fits, *misses]))

    held = holding("n;v\n" + rows, schema)

    assert [patterns.matches(pattern, each) for each in [*fits, *misses]] == [True] * len(fits) + [
        False
    ] * len(misses)
    assert held.found("row", "rule") == [
        (row, "pattern") for row in range(len(fits) + 1, len(fits) + len(misses) + 1)
    ]


@pytest.mark.parametrize(
    "pattern",
    ["(?=a)", "(?<!a)b", r"(a)\1", "a++", "a**", "[a-\\d]", "[z-a]", "(", "a)", "[", "[]", "{2}", "a{3,2}", "a{1001}",
     "((a{100}){20})", "a" * 201, ""],
)  # fmt: skip
def test_what_re2_does_not_take_is_no_pattern(pattern: str) -> None:
    with pytest.raises(patterns.NoPattern):
        patterns.matches(pattern, "a")


@pytest.mark.parametrize(
    "pattern", ["(a+)+", "(a|aa)+", "(a*)*b", "(a|a?){1000}", "((((a*)*)*)*)*b", "(a?){500}a{500}"]
)
def test_no_pattern_hangs(pattern: str) -> None:
    """With a reader that goes back, the first of these takes longer than there is time."""
    assert not patterns.matches(pattern, "a" * 199 + "!")
