"""Patterns that mean the same to Python, to RE2, and to the matcher of our own."""

import re
import time

import duckdb
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from testbed.trials import patterns

PIECES = st.sampled_from(
    ["a", "b", "0", "-", "_", " ", ".", "å", "^", "$", "|", "(", ")", "(?:", "[", "]", "[^", r"\d", r"\w", r"\s", r"\D", r"\W",
     r"\.", r"\-", "*", "+", "?", "{2}", "{1,3}", "{0}", "{,2}", "{2,}", "a-z", "0-9", "&&", "--", "[a-z]", "[^,]", "[0-9]{2}",
     r"\b", "(?i)", "(?=a)", r"\1", "[:alpha:]", "{1001}", r"\n", "#"]
)  # fmt: skip
PATTERNS = st.lists(PIECES, min_size=1, max_size=7).map("".join)
TEXTS = st.text(alphabet="ab0-_ .å\n", max_size=6)


def usable(pattern: str) -> bool:
    try:
        patterns.read(pattern)
    except patterns.NoPattern:
        return False
    return True


@given(PATTERNS, TEXTS)
@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_three_readers_agree_on_every_pattern_that_is_taken(pattern, text):
    assume(usable(pattern))

    found = patterns.matches(pattern, text)

    (in_re2,) = duckdb.execute("SELECT regexp_full_match(?, ?)", [text, pattern]).fetchone() or (None,)
    assert found is in_re2
    if "$" not in pattern:  # before a line break at the end, Python's "$" matches too
        assert found is (re.fullmatch(pattern, text, re.ASCII) is not None)


@pytest.mark.parametrize(
    "pattern",
    ["(?=a)", r"(a)\1", "(?i)a", "a++", "a*?", "a**", "[[:alpha:]]", "[a-\\d]", "[z-a]", "(", "a)", "[", "{2}", "a{3,2}", "^*",
     "((a{100}){20})", "a{1001}", r"\x41", r"\pL", "a" * 201, "", "[]", "a\n"],
)  # fmt: skip
def test_what_they_read_differently_or_not_at_all_is_refused(pattern):
    assert not usable(pattern)


@pytest.mark.parametrize("pattern", ["(a+)+", "(a|aa)+", "(a*)*b", "(a|a?){1000}", "((((a*)*)*)*)*b"])
def test_no_pattern_makes_the_matcher_hang(pattern):
    began = time.perf_counter()

    assert not patterns.matches(pattern, "a" * 199 + "!")
    assert time.perf_counter() - began < 2
